"""Benchmarks from files: layouts, questions, metrics against brute force, hostile input."""

from __future__ import annotations

import json
import math
import os
import shutil
import string
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from draw_benchmarks import FOLDERS, ROWS, draw_all

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.datasets.merge import EVALUATION_SCHEMA, question_from_row
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError
from sparkle.external.dataset import read_items, write_benchmark
from sparkle.external.registry import all_benchmarks, get_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.inference.reference import answer_by_reference
from sparkle.scoring.score import score
from sparkle.scoring.tables import metrics

ALL = [(name, form) for name, each in all_benchmarks().items() for form in each.forms]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    draw_all(folder)
    return folder


@pytest.fixture
def copy(drawn: Path, tmp_path: Path) -> Path:
    """The benchmarks, to be spoiled."""
    shutil.copytree(drawn, tmp_path / "copy")
    return tmp_path / "copy"


def settings(folder: Path, name: str, **changes: Any) -> BenchmarkSettings:
    chosen = {"benchmark": name, "path": str(folder / FOLDERS[name]), "rows": ROWS[name], **changes}
    return BenchmarkSettings(name="set", seed=1, chosen=BenchmarkSetConfig(**chosen))


def scored(
    path: Path, folder: Path, answer: str | Callable[[dict[str, Any]], str]
) -> tuple[pd.DataFrame, dict[str, float]]:
    """Score table and metrics of a reference, or of a function from row to answer."""
    if isinstance(answer, str):
        answer_by_reference(answer, [path], folder / answer)
        predictions = folder / answer / path.name
    else:
        rows = read_rows(path, EVALUATION_SCHEMA)
        predictions = folder / "predictions.parquet"
        write_predictions(predictions, [Prediction(r["id"], answer(r), None) for r in rows])
    frame = score(predictions, path, folder / "scores.parquet")
    return frame, {name: value for name, value, *_ in metrics(frame)}


# Questions ----------------------------------------------------------------------------------------


def test_every_benchmark_has_a_fixture() -> None:
    assert set(ROWS) == set(FOLDERS) == set(all_benchmarks())


@pytest.mark.parametrize(("name", "form"), ALL)
def test_the_oracle_is_right_and_chance_is_not(
    drawn: Path, tmp_path: Path, name: str, form: str
) -> None:
    path = tmp_path / "set.parquet"
    manifest = write_benchmark(settings(drawn, name, form=form), path)
    assert manifest["items"] == ROWS[name] and manifest["questions"] >= manifest["items"]
    frame, found = scored(path, tmp_path, "oracle")
    rates = {k: v for k, v in found.items() if not k.startswith("mean_")}
    assert set(rates.values()) == {1.0}, rates
    assert frame["dataset_hash"].nunique() == 1 and frame["prompt_hash"].notna().all()
    chance, found = scored(path, tmp_path, "chance")
    assert found["parse_rate"] == 1.0 and found["accuracy"] < 1.0


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("name", ["whatsup_a", "whatsup_b", "coco_spatial_one", "gqa_spatial_two"])
def test_a_constant_answerer_scores_exactly_chance(
    drawn: Path, tmp_path: Path, name: str, circular: bool
) -> None:
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, name, circular=circular), path)
    count = 4 if name.startswith("whatsup") else 2
    for letter in string.ascii_uppercase[:count]:
        _, found = scored(path, tmp_path, lambda row, letter=letter: f"({letter})")
        assert found["accuracy"] == 1 / count
        assert found.get("set_accuracy", 0.0) == 0.0
        assert found.get("item_accuracy", 0.0) == 0.0


@pytest.mark.parametrize("name", ["whatsup_a", "coco_spatial_two"])
def test_always_yes_is_right_half_of_the_time(drawn: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, name, form="yes_no"), path)
    for verdict in ("yes", "No."):
        _, found = scored(path, tmp_path, lambda row, verdict=verdict: verdict)
        assert found["accuracy"] == 0.5 and found["item_accuracy"] == 0.0


@pytest.mark.parametrize(("words", "count"), [(4, 4), (6, 6)])
def test_relation_words(drawn: Path, tmp_path: Path, words: int, count: int) -> None:
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, "whatsup_a", form="words", words=words), path)
    rows = read_rows(path, EVALUATION_SCHEMA)
    assert all(len(row["options"]) == count for row in rows)
    assert Counter(row["target"] for row in rows) == dict.fromkeys(
        ("left", "right", "on", "under"), 4
    )
    assert "A beer bottle ___ a armchair" in "".join(row["prompt"] for row in rows)
    _, found = scored(path, tmp_path, lambda row: "It is on top of it.")
    assert (
        found["accuracy"] == 0.25 and found["relation_on"] == 1.0 and found["relation_left_of"] == 0
    )


def test_the_order_of_options_is_fixed_by_the_seed_alone(drawn: Path, tmp_path: Path) -> None:
    def prompts(seed: int, name: str, **changes: Any) -> list[str]:
        chosen = settings(drawn, "whatsup_a", **changes)
        write_benchmark(
            chosen.model_copy(update={"seed": seed, "name": name}), tmp_path / "p.parquet"
        )
        return [row["prompt"] for row in read_rows(tmp_path / "p.parquet", EVALUATION_SCHEMA)]

    first = prompts(1, "one")
    assert first == prompts(1, "other") != prompts(2, "one")
    plain = prompts(1, "one", shuffle_options=False)
    assert all("A. " in text for text in plain) and plain != first


def test_circular_asks_each_rotation(drawn: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, "whatsup_a", circular=True), path)
    rows = read_rows(path, EVALUATION_SCHEMA)
    assert len(rows) == 4 * ROWS["whatsup_a"]
    by_item = defaultdict(set)
    for row in rows:
        by_item[json.loads(row["subject"])["item"]].add(row["answer"])
    assert all(answers == {f"\\boxed{{{c}}}" for c in "ABCD"} for answers in by_item.values())


def test_a_limit_keeps_whole_sets(drawn: Path) -> None:
    items = read_items(settings(drawn, "whatsup_a", limit=9))
    assert len(items) == 8
    assert set(Counter(item.labels["set"] for item in items).values()) == {4}
    assert items == read_items(settings(drawn, "whatsup_a", limit=9))


def test_the_swapped_label_can_be_corrected(drawn: Path, tmp_path: Path) -> None:
    published = {i.key: i for i in read_items(settings(drawn, "whatsup_a"))}
    corrected = {i.key: i for i in read_items(settings(drawn, "whatsup_a", correct_labels=True))}
    changed = {key for key in published if published[key] != corrected[key]}
    assert changed == {"pillow_left_of_chair", "pillow_right_of_chair"}
    item = corrected["pillow_left_of_chair"]
    assert item.options[item.right] == "A pillow to the right of a chair"
    assert item.labels["relation"] == "right_of" and item.words[item.right] == "right"
    for choice, words in ((False, "are known to be swapped"), (True, "labels corrected")):
        chosen = settings(drawn, "whatsup_a", correct_labels=choice)
        manifest = write_benchmark(chosen, tmp_path / "set.parquet")
        assert words in manifest["notes"][0]


def test_mmbench_reads_hints_missing_options_and_referred_pictures(drawn: Path) -> None:
    items = {item.key: item for item in read_items(settings(drawn, "mmbench"))}
    assert [len(item.options) for item in items.values()] == [2, 4, 4, 2, 4, 4, 2, 4]
    assert items["6"].image == items["2"].image
    assert (
        items["1"].question.startswith("Look at the disc.\n") and "nan" not in items["0"].question
    )


def test_custom_reads_parquet_like_jsonl(drawn: Path) -> None:
    lines = read_items(settings(drawn, "custom"))
    table = read_items(settings(drawn, "custom", file="questions.parquet"))
    for one, other in zip(lines, table, strict=True):
        assert isinstance(one.image, Path) and one.image.read_bytes() == other.image
        assert (one.key, one.options, one.right, one.answers) == (
            other.key, other.options, other.right, other.answers)  # fmt: skip


def test_soft_accuracy_of_annotators(drawn: Path, tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, "textvqa"), path)
    _, found = scored(path, tmp_path, lambda row: "The answer is: unanswerable.")
    # One annotator of ten said so: leaving out each in turn gives nine times 1/3 and once 0.
    assert math.isclose(found["mean_vqa_accuracy"], 0.3) and found["accuracy"] == 1.0


# Metrics against brute force ----------------------------------------------------------------------


@pytest.mark.parametrize("circular", [False, True])
@pytest.mark.parametrize("name", ["whatsup_a", "whatsup_b"])
def test_whatsup_metrics_agree_with_brute_force(
    drawn: Path, tmp_path: Path, name: str, circular: bool
) -> None:
    """Every metric again from the published JSON and the answers, by its definition."""
    path = tmp_path / "set.parquet"
    write_benchmark(settings(drawn, name, circular=circular), path)

    def answer(row: dict[str, Any]) -> str:
        """Right for most rows: wrong where a hash of the row says so, unreadable for a few."""
        draw = sum(row["id"].encode()) % 7
        return row["answer"] if draw < 5 else "I cannot tell." if draw == 5 else "\\boxed{A}"

    _, found = scored(path, tmp_path, answer)
    files = {"whatsup_a": "controlled_images", "whatsup_b": "controlled_clevr"}
    published = json.loads((drawn / "whatsup" / f"{files[name]}_dataset.json").read_text())
    truth = {Path(row["image_path"]).stem: row["caption_options"][0] for row in published}
    verdicts: dict[str, list[bool]] = defaultdict(list)
    for row in read_rows(path, EVALUATION_SCHEMA):
        said, stem = answer(row), row["id"].split("/")[1]
        letter = said[-2] if said.startswith("\\boxed") else None
        lines = dict(line.split(". ", 1) for line in row["prompt"].split("\n")[1:-1])
        verdicts[stem].append(lines.get(letter) == truth[stem])
    right = {stem: all(each) for stem, each in verdicts.items()}
    opposite = {"left_of": "right_of", "on": "under", "in-front_of": "behind_of"}
    pairs, relations = [], defaultdict(list)
    sets: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for stem in right:
        thing, *middle, reference = stem.split("_")
        relation = "_".join(middle)
        relations[relation] += verdicts[stem]
        sets[thing, reference].append(right[stem])
        if relation in opposite:
            pairs.append(right[stem] and right[f"{thing}_{opposite[relation]}_{reference}"])
    rows = [each for stem in verdicts for each in verdicts[stem]]
    assert found["accuracy"] == pytest.approx(sum(rows) / len(rows))
    assert len(pairs) == len(right) / 2 and len(sets) == len(right) / 4
    assert found["pair_accuracy"] == pytest.approx(sum(pairs) / len(pairs))
    assert found["set_accuracy"] == pytest.approx(sum(map(all, sets.values())) / len(sets))
    for relation, each in relations.items():
        assert found[f"relation_{relation}"] == pytest.approx(sum(each) / len(each))
    if circular:
        assert found["item_accuracy"] == pytest.approx(sum(right.values()) / len(right))
    assert 0 < found["accuracy"] < 1 and 0 < found["parse_rate"] < 1


# Files that must be refused -----------------------------------------------------------------------


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    data = json.loads(path.read_text())
    path.write_text(json.dumps(change(data)))


def first(**changes: Any) -> Callable[[Any], Any]:
    return lambda rows: [{**rows[0], **changes}, *rows[1:]]


A = "whatsup/controlled_images_dataset.json"
COCO, GQA = "coco/coco_qa_one_obj.json", "gqa/vg_qa_two_obj.json"
SCIENCE = "scienceqa/problems.json"
HUGE = 10**400
SPOILED: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("whatsup_a", A, first(image_path="../../etc/passwd"), "leads out of the folder"),
    ("whatsup_a", A, first(image_path="data/../../x.png"), "leads out of the folder"),
    ("whatsup_a", A, first(image_path="/etc/passwd"), "leads out of the folder"),
    ("whatsup_a", A, first(image_path="C:\\x.png"), "leads out of the folder"),
    ("whatsup_a", A, first(image_path="data/x\0.png"), "no file name"),
    ("whatsup_a", A, first(image_path=float("nan")), "NaN"),
    ("whatsup_a", A, first(image_path=None), "no text"),
    ("whatsup_a", A, first(image_path="data/mug_near_table.jpeg"), "not object_relation"),
    ("whatsup_a", A, first(image_path="data/a/mug_on_sofa.jpeg"), "pictures and not"),
    ("whatsup_a", A, first(caption_options=["a", "b"]), "no list of four"),
    ("whatsup_a", A, first(caption_options=["x on y"] * 4), "captions are the same"),
    ("whatsup_a", A, first(caption_options=["a", "b", "c", HUGE]), "huge|no text|no readable JSON"),
    ("whatsup_a", A, lambda rows: rows[:-1], "has 15 rows and not 16"),
    ("whatsup_a", A, lambda rows: [*rows[:-1], rows[0]], "occurs twice"),
    ("whatsup_a", A, lambda rows: {"rows": rows}, "no list of rows"),
    ("whatsup_a", A, lambda rows: [1, *rows[1:]], "is not .image_path"),
    ("coco_spatial_one", COCO, lambda r: [r[0][:2], *r[1:]], "is not .image"),
    ("coco_spatial_one", COCO, lambda r: [[HUGE, *r[0][1:]], *r[1:]],
     "out of all bounds|no readable JSON"),
    ("coco_spatial_one", COCO, lambda r: [[-1, *r[0][1:]], *r[1:]], "bounds"),
    ("coco_spatial_one", COCO, lambda r: [["../7", *r[0][1:]], *r[1:]],
     "must be a number"),
    ("coco_spatial_one", COCO, lambda r: [[7, *r[0][1:]], *r[1:]],
     "1 of 5 images are missing.*000000000007.jpg.*\n.*images.cocodataset.org"),
    ("coco_spatial_one", COCO, lambda r: [r[1], *r[1:]], "repeats"),
    ("gqa_spatial_two", GQA, lambda r: [["../x", *r[0][1:]], *r[1:]], "leads out"),
    ("scienceqa", SCIENCE, lambda p: {**p, "1": {**p["1"], "answer": 9}}, "choices"),
    ("scienceqa", SCIENCE, lambda p: {**p, "1": {**p["1"], "image": "../../x"}},
     "leads out"),
    ("scienceqa", SCIENCE, lambda p: {}, "no object of problems"),
    ("textvqa", "textvqa/TextVQA_0.5.1_val.json", lambda d: {"data": [
        {**d["data"][0], "image_id": "../../x"}, *d["data"][1:]]}, "leads out"),
    ("textvqa", "textvqa/TextVQA_0.5.1_val.json", lambda d: {"data": [
        d["data"][1], *d["data"][1:]]}, "occurs more than once"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "file", "change", "words"), SPOILED)
def test_spoiled_files_are_refused(
    copy: Path, tmp_path: Path, name: str, file: str, change: Callable[[Any], Any], words: str
) -> None:
    edit(copy / file, change)
    with pytest.raises(SparkleError, match=words) as caught:
        write_benchmark(settings(copy, name), tmp_path / "set.parquet")
    assert caught.value.hint and len(str(caught.value)) < 1500
    assert not (tmp_path / "set.parquet").exists() and not (tmp_path / "set.json").exists()


LINES: list[tuple[dict[str, Any], str]] = [
    ({"image": "../x.png"}, "leads out"),
    ({"image": "/etc/passwd"}, "leads out"),
    ({"image": 7}, "no file name"),
    ({"image": "pictures/none.png"}, "images are missing"),
    ({"image": "questions.jsonl"}, "no readable picture"),
    ({"answer": float("nan")}, "NaN"),
    ({"answer": "nowhere"}, "neither an option nor"),
    ({"answer": 1e300}, "out of all bounds|bounds"),
    ({"answer": None}, "lacks answer"),
    ({"id": "edge-1"}, "more than once"),
    ({"id": True}, "neither text nor number"),
    ({"options": ["left"]}, "2 to 26"),
    ({"options": ["left", "left"]}, "options are the same"),
    ({"question": " "}, "no text"),
    ({"question": "x" * 30_000}, "characters long"),
]


@pytest.mark.parametrize(("changes", "words"), LINES)
def test_spoiled_lines_are_refused(copy: Path, changes: dict[str, Any], words: str) -> None:
    path = copy / "custom/questions.jsonl"
    head, *rest = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps({**json.loads(head), **changes}), *rest]))
    with pytest.raises(SparkleError, match=words):
        read_items(settings(copy, "custom"))


def test_a_nan_in_parquet_is_refused(copy: Path) -> None:
    path = copy / "custom/questions.parquet"
    rows = pq.read_table(path).to_pylist()
    values = [{**row, "answer": float("nan"), "options": None} for row in rows]
    pq.write_table(pa.Table.from_pylist(values), path)
    with pytest.raises(SparkleError, match="the answer is nan"):
        read_items(settings(copy, "custom", file="questions.parquet"))


@pytest.mark.parametrize(("old", "new", "words"), [
    ("\tA\tB\t", "\tx\ty\t", "lacks the columns A, B"),
    ("\tpart1\t", "\tpart1\t!!", "no base64"),
    ("1\tWhich", "0\tWhich", "the index '0' occurs twice"),
    ("\t2\n", "\t99\n", "refers to the index 99"),
    ("\tWhich colour is the disc?\t", "\tnan\t", "the question is 'nan'"),
])  # fmt: skip
def test_spoiled_tsv_is_refused(copy: Path, old: str, new: str, words: str) -> None:
    path = copy / "mmbench/mmbench.tsv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(SparkleError, match=words):
        read_items(settings(copy, "mmbench"))


def test_links_out_of_the_folder_are_refused(copy: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.jpeg"
    image = copy / "whatsup/controlled_images/mug_on_table.jpeg"
    shutil.copy(image, secret)
    image.unlink()
    image.symlink_to(secret)
    with pytest.raises(SparkleError, match="link that leads out"):
        read_items(settings(copy, "whatsup_a"))
    image.unlink()
    image.symlink_to(image.with_name("mug_under_table.jpeg"))
    assert len(read_items(settings(copy, "whatsup_a"))) == 16  # a link inside is fine
    image.unlink()
    image.symlink_to(image)
    with pytest.raises(SparkleError, match="missing|cannot be followed"):
        read_items(settings(copy, "whatsup_a"))


def test_files_of_questions_and_folders_that_lead_out_are_refused(
    copy: Path, tmp_path: Path
) -> None:
    path = copy / "custom/questions.jsonl"
    shutil.move(path, tmp_path / "secret.jsonl")
    path.symlink_to(tmp_path / "secret.jsonl")
    with pytest.raises(SparkleError, match="link that leads out"):
        read_items(settings(copy, "custom"))
    for changes in ({"file": "../custom/x"}, {"images": "../gqa"}, {"images": "/etc"}):
        with pytest.raises(SparkleError, match="leads out of the folder"):
            read_items(settings(copy, "coco_spatial_one", **changes))
    (copy / "coco/elsewhere").symlink_to(copy / "gqa")
    with pytest.raises(SparkleError, match="link that leads out"):
        read_items(settings(copy, "coco_spatial_one", images="elsewhere"))


@pytest.mark.parametrize("name", sorted(all_benchmarks()))
def test_another_number_of_rows_is_refused(copy: Path, name: str) -> None:
    found = len(read_items(settings(copy, name)))
    with pytest.raises(SparkleError, match=r"has \d+ rows and not 9999.\n.*set.rows: \d"):
        read_items(settings(copy, name, rows=9999))
    assert found


def test_a_picture_of_absurd_size_is_refused(copy: Path) -> None:
    image = copy / "custom/pictures" / sorted(os.listdir(copy / "custom/pictures"))[0]
    data = bytearray(image.read_bytes())
    assert data[12:16] == b"IHDR"
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    image.write_bytes(data)
    with pytest.raises(SparkleError, match="pixels"):
        read_items(settings(copy, "custom"))


HOSTILE_ANSWERS = (
    "", "NaN", "inf", "-1e999", "9" * 5000, "\\boxed{" * 5000, "\0", "\ud800", "<script>A</script>",
    "N999999999999999999, N1, N2", "x" * 100_000, "\\boxed{" + "1" * 400 + "}", "(nan, inf)",
)  # fmt: skip


@pytest.mark.parametrize(("name", "form"), ALL)
def test_hostile_answers_are_only_wrong(drawn: Path, tmp_path: Path, name: str, form: str) -> None:
    write_benchmark(settings(drawn, name, form=form), tmp_path / "set.parquet")
    rows = read_rows(tmp_path / "set.parquet", EVALUATION_SCHEMA)
    benchmark = get_benchmark(name)
    for answer in HOSTILE_ANSWERS:
        question = question_from_row(rows[0])
        verdict = benchmark.score(benchmark.parse(answer, question), question, None)
        assert verdict.correct in (True, False)


def test_a_picture_that_is_none_is_refused(copy: Path) -> None:
    image = copy / "whatsup/controlled_images/mug_on_table.jpeg"
    image.write_bytes(image.read_bytes()[:2])
    with pytest.raises(SparkleError, match="no readable picture"):
        read_items(settings(copy, "whatsup_a"))


def test_what_is_missing_is_named_with_its_source(tmp_path: Path, drawn: Path) -> None:
    with pytest.raises(SparkleError, match="folder .* does not exist.\n.*github.com"):
        read_items(settings(tmp_path / "none", "whatsup_a"))
    (tmp_path / "whatsup").mkdir()
    (tmp_path / "whatsup/renamed.json").write_text("[]")
    with pytest.raises(SparkleError, match="set.file': there is 'renamed.json'. Get it: "):
        read_items(settings(tmp_path, "whatsup_a"))
    with pytest.raises(SparkleError, match="controlled_images_dataset.json does not exist"):
        read_items(settings(tmp_path, "whatsup_a"))
    with pytest.raises(SparkleError, match="has 16 rows and not 412.\n.*set.rows: 16"):
        read_items(settings(drawn, "whatsup_a", rows=None))


def test_leniency_drops_repeats_and_incomplete_sets(copy: Path, tmp_path: Path) -> None:
    edit(copy / A, lambda rows: [*rows[:-1], rows[0]])
    chosen = settings(copy, "whatsup_a", strict=False)
    manifest = write_benchmark(chosen, tmp_path / "set.parquet")
    assert manifest["items"] == 15 and "left out" in " ".join(manifest["notes"])
    frame, found = scored(tmp_path / "set.parquet", tmp_path, "oracle")
    counts = {name: n for name, _, _, _, n, _ in metrics(frame)}
    assert counts["set_accuracy"] == 3 and counts["pair_accuracy"] == 7
    assert found["set_accuracy"] == 1.0


def test_text_in_captions_stays_text(copy: Path, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    edit(copy / "coco/coco_qa_two_obj.json", lambda rows: [
        [row[0], *(f"{hostile} {text}" for text in row[1:])] for row in rows])  # fmt: skip
    write_benchmark(settings(copy, "coco_spatial_two"), tmp_path / "set.parquet")
    rows = read_rows(tmp_path / "set.parquet", EVALUATION_SCHEMA)
    assert all(hostile in row["prompt"] for row in rows)  # as it is; the report escapes it


def test_unknown_benchmarks_are_named() -> None:
    with pytest.raises(SparkleError, match="no benchmark 'whatsup'.\n.*whatsup_a"):
        get_benchmark("whatsup")
