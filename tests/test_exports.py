"""Exports and cards: every format loads with the library it is for, and repeats byte by byte."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from helpers import evaluation_source, files_in, quiet, training_source
from PIL import Image

from sparkle.cli import main
from sparkle.datasets.card import card, merged_layout, write_merged_card
from sparkle.datasets.examples import examples, image_id
from sparkle.datasets.exports import FORMATS, export_dataset, parts, webdataset
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import Merged, open_dataset
from sparkle.datasets.settings import TrainingMergeSettings
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.files import file_hash, folder_hash, read_json, write_json
from sparkle.tasks.base import Asking

BASIC = ("direction", "distance", "localization")
IMAGES, QUESTIONS = 12, 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a train set ``full`` and the evaluation sets ``spp`` and ``direction``."""
    folder = tmp_path_factory.mktemp("made")
    source = training_source(*BASIC, images=IMAGES, asking=Asking(descriptions=False))
    synthesize(source, folder / "shards", report=quiet)
    settings = TrainingMergeSettings(
        train_set="full", seed=1, capabilities=BASIC, questions_per_conversation=5
    )
    merge_training(settings, [[folder / "shards/job-000.json"]], folder / "full")
    for name in ("spp", "direction"):
        synthesize(evaluation_source(name, images=QUESTIONS), folder / f"s-{name}", report=quiet)
        merge_evaluation([folder / f"s-{name}/job-000.json"], folder / f"sets/{name}.parquet")
    return folder


@pytest.fixture(params=["full", "sets/spp.parquet", "sets/direction.parquet"])
def dataset(made: Path, request: pytest.FixtureRequest) -> Merged:
    return open_dataset(made / request.param)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``datasets.load_dataset`` with a cache of its own."""
    import datasets

    return lambda *names, **options: datasets.load_dataset(
        *names, cache_dir=str(tmp_path / "cache"), **options
    )


def conversations(dataset: Merged) -> list[list[dict[str, str]]]:
    return [example.messages for example in examples(dataset)]


def pixels(data: bytes) -> bytes:
    return Image.open(io.BytesIO(data)).convert("RGB").tobytes()


def split_of(dataset: Merged) -> str:
    return "train" if dataset.role == "training" else "test"


def test_examples_are_the_rows_without_marks(made: Path) -> None:
    dataset = open_dataset(made / "full")
    found = list(examples(dataset))
    rows = pq.read_table(made / "full/data").to_pylist()
    assert len(found) == len(rows) == dataset.rows
    for example, row in zip(found, rows, strict=True):
        assert example.marked() == row["messages"]
        assert "<image>" not in example.messages[0]["content"]
        assert f"{example.image_id}.png" == row["images"][0]["path"]
        assert str(example.image_file).startswith("basic/00000/")


@pytest.mark.parametrize("path", ["", "x", "../1.png", "a/../../1.png", "a/b/1.png", "/a/1.png"])
def test_only_ids_become_names_of_files(path: str) -> None:
    with pytest.raises(SparkleError, match="no id of an image"):
        image_id(path)


# Formats ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_repeats_byte_by_byte(dataset: Merged, tmp_path: Path, form: str) -> None:
    output = tmp_path / "out"
    hashes = []
    for _ in range(2):  # the second replaces the first
        record = export_dataset(dataset, form, output, quiet)
        hashes.append(folder_hash(output))
    assert hashes[0] == hashes[1]
    assert record == read_json(output / "export.json")
    assert (record["rows"], record["format"]) == (dataset.rows, form)
    assert record["files"] and record["files"] == {
        name: file_hash(output / name) for name in record["files"]
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert Image.open(output / "examples/1.png").size == (32, 32)
    assert "![Picture of example 1](examples/1.png)" in (output / "README.md").read_text()


def test_hugging_face_shows_images_as_images(dataset: Merged, tmp_path: Path, load: Any) -> None:
    export_dataset(dataset, "huggingface", tmp_path / "out", quiet)
    rows = load(str(tmp_path / "out"), split=split_of(dataset))
    assert len(rows) == dataset.rows
    for row, example in zip(rows, examples(dataset), strict=True):
        image = row["images"][0] if dataset.role == "training" else row["image"]
        assert image.convert("RGB").tobytes() == pixels(example.image)
        if dataset.role == "training":
            assert row["messages"] == example.messages
        else:
            assert {key: row[key] for key in example.record} == example.record


def test_the_parquet_files_alone_know_their_images(made: Path, tmp_path: Path, load: Any) -> None:
    from datasets import Image as ImageFeature

    export_dataset(open_dataset(made / "full"), "huggingface", tmp_path / "out", quiet)
    rows = load("parquet", data_files=str(tmp_path / "out/data/*.parquet"), split="train")
    assert rows.features["images"].feature == ImageFeature()


def test_a_merged_train_set_loads_as_it_is(made: Path, load: Any) -> None:
    dataset = open_dataset(made / "full")
    write_merged_card(dataset)
    rows = load(str(made / "full"), split="train")
    assert len(rows) == dataset.rows
    assert rows[0]["images"][0].size == (32, 32)


def test_web_datasets_load(dataset: Merged, tmp_path: Path, load: Any) -> None:
    export_dataset(dataset, "webdataset", tmp_path / "out", quiet)
    rows = load(str(tmp_path / "out"), split=split_of(dataset))
    assert len(rows) == dataset.rows
    for row, example in zip(rows, examples(dataset), strict=True):
        assert row["png"].convert("RGB").tobytes() == pixels(example.image)
        assert row["json"]["messages"] == example.messages
        assert row["__key__"] == f"{example.row:08d}"


def test_tar_files_are_cut_and_carry_no_time_or_owner(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webdataset, "_SAMPLES", 20)
    dataset = open_dataset(made / "full")
    record = export_dataset(dataset, "webdataset", tmp_path / "out", quiet)
    assert len(record["files"]) == -(-dataset.rows // 20)
    keys = []
    for name in record["files"]:
        with tarfile.open(tmp_path / "out" / name) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
                assert not member.uname and not member.gname
                keys.append(member.name)
    expected = [f"{row:08d}.{kind}" for row in range(dataset.rows) for kind in ("json", "png")]
    assert keys == expected


def test_parquet_exports_are_cut_into_parts(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any
) -> None:
    monkeypatch.setattr(parts, "_ROWS", 5)
    monkeypatch.setattr(parts, "_GROUP_BYTES", 1)
    monkeypatch.setattr(parts, "_PART_BYTES", 10_000)
    dataset = open_dataset(made / "full")
    record = export_dataset(dataset, "huggingface", tmp_path / "out", quiet)
    assert len(record["files"]) > 1
    rows = load(str(tmp_path / "out"), split="train")
    assert [row["messages"] for row in rows] == conversations(dataset)


def test_plain_files_are_all_there(dataset: Merged, tmp_path: Path) -> None:
    export_dataset(dataset, "plain", tmp_path / "out", quiet)
    lines = [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]
    for line, example in zip(lines, examples(dataset), strict=True):
        assert (tmp_path / "out" / line["image"]).read_bytes() == example.image
        if dataset.role == "evaluation":
            assert line["prompt"] == example.messages[0]["content"]
        else:
            asked = [turn["question"] for turn in line["conversation"]]
            assert asked == [m["content"] for m in example.messages[::2]]
    images = list((tmp_path / "out/images").rglob("*.png"))
    assert len(images) == (IMAGES if dataset.role == "training" else QUESTIONS)


_SWIFT = """
import json, sys
from swift.dataset import load_dataset
from swift.template.base import Template
for path in sys.argv[1:]:
    rows, _ = load_dataset([path], load_from_cache_file=False)
    found = []
    for row in rows:
        (image,) = row["images"]
        picture = Template._load_image(image, True).convert("RGB")
        found.append([row["messages"], list(picture.size), picture.tobytes().hex()])
    print("ROWS", json.dumps(found))
"""


def test_ms_swift_loads_its_formats(made: Path, tmp_path: Path) -> None:
    paths, expected = [made / "full/data"], [open_dataset(made / "full")]
    for name in ("full", "sets/spp.parquet"):
        dataset = open_dataset(made / name)
        for form, inner in (("swift", "data"), ("swift-jsonl", "data.jsonl")):
            output = tmp_path / f"{dataset.name}-{form}"
            export_dataset(dataset, form, output, quiet)
            paths.append(output / inner)
            expected.append(dataset)
    environment = {
        **os.environ, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(tmp_path / "hf"), "MODELSCOPE_CACHE": str(tmp_path / "modelscope"),
    }  # fmt: skip
    run = subprocess.run(
        [sys.executable, "-c", _SWIFT, *map(str, paths)],
        capture_output=True, text=True, env=environment, cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    loaded = [json.loads(line[5:]) for line in run.stdout.splitlines() if line[:5] == "ROWS "]
    assert len(loaded) == len(paths)
    for rows, dataset in zip(loaded, expected, strict=True):
        for (messages, size, data), example in zip(rows, examples(dataset), strict=True):
            assert messages == example.marked()
            assert size == [32, 32] and bytes.fromhex(data) == pixels(example.image)


# Cards ------------------------------------------------------------------------------------------


def test_a_card_says_what_is_in_a_dataset(dataset: Merged) -> None:
    path = write_merged_card(dataset)
    text = path.read_text()
    assert path.name == ("README.md" if dataset.role == "training" else f"{dataset.name}.md")
    _, head, body = text.split("---\n", 2)
    fields = yaml.safe_load(head)
    assert fields["license"] == "mit" and fields["size_categories"] == ["n<1K"]
    for kind, count in dataset.manifest["by_kind"].items():
        assert f"| questions `{kind}` | {count} |" in body
    for source in dataset.sources.values():
        assert f"| `seed` | {source['seed']} |" in body
        assert f"| `asking.geometry` | {source['asking']['geometry']} |" in body
    first = next(examples(dataset)).messages[0]["content"].split("\n")[0]
    assert first in body
    assert text == card(dataset, merged_layout(dataset))


def test_text_of_questions_stays_text(made: Path) -> None:
    text = write_merged_card(open_dataset(made / "sets/direction.parquet")).read_text()
    assert "\\\\boxed{" in text and "<br>A. " in text


# Bad input --------------------------------------------------------------------------------------


def test_an_unknown_format_is_an_error(made: Path, tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="no format 'parket'") as caught:
        export_dataset(open_dataset(made / "full"), "parket", tmp_path / "out", quiet)
    assert "webdataset" in caught.value.hint
    assert files_in(tmp_path) == []


def test_what_is_no_export_is_never_written_over(made: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    for name in ("thesis", "file"):
        with pytest.raises(SparkleError, match=f"{name} exists and is no export"):
            export_dataset(open_dataset(made / "full"), "plain", tmp_path / name, quiet)
    assert files_in(tmp_path) == ["chapter1.tex", "file"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_failed_export_leaves_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sparkle.datasets.exports.export._write_pictures", fail)
    with pytest.raises(SparkleError, match="could not be written: no space left"):
        export_dataset(open_dataset(made / "full"), form, tmp_path / "out", quiet)
    assert list(tmp_path.iterdir()) == []


def damaged(made: Path, tmp_path: Path, name: str) -> Path:
    """A copy of the train set of which one file is then damaged."""
    copy = tmp_path / "copy"
    shutil.copytree(made / "full", copy)
    file = copy / name
    file.write_bytes(file.read_bytes()[:-20])
    return copy


def test_a_damaged_dataset_is_not_exported(made: Path, tmp_path: Path) -> None:
    folder = damaged(made, tmp_path, "data/part-00000.parquet")
    with pytest.raises(SparkleError, match="part-00000.parquet is truncated"):
        export_dataset(open_dataset(folder), "plain", tmp_path / "out", quiet)
    assert not (tmp_path / "out").exists()


def test_what_is_no_dataset_is_an_error(made: Path, tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="is no merged dataset"):
        open_dataset(tmp_path)
    with pytest.raises(SparkleError, match="not readable JSON"):
        open_dataset(damaged(made, tmp_path, "manifest.json"))
    write_json(tmp_path / "copy/manifest.json", {"name": "x"})
    with pytest.raises(SparkleError, match="no manifest of a merge"):
        open_dataset(tmp_path / "copy")


def test_other_columns_are_an_error(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "spp.parquet"
    pq.write_table(pa.table({"id": ["a"]}), path)
    write_json(path.with_suffix(".json"), read_json(made / "sets/spp.json"))
    with pytest.raises(SparkleError, match="other columns"):
        list(open_dataset(path).tables())


def test_the_command_line_exports(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", "--dataset", str(made / "full"), "--output", str(tmp_path / "out")]
    assert main([*arguments, "--format", "plain"]) == 0
    assert "README.md tells how" in capsys.readouterr().out
    assert main([*arguments, "--format", "csv"]) == 2
    assert "no format 'csv'" in capsys.readouterr().err
