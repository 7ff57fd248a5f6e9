"""Shards and merged datasets: the same data however it is made, and no silent loss."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import PUBLISHED, evaluation_source, files_in, quiet, training_source
from PIL import Image

import sparkle.scenes.discs
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merge import EVALUATION_SCHEMA, merge_evaluation, merge_training
from sparkle.datasets.parquet import read_rows
from sparkle.datasets.scenes_index import SCENES_SCHEMA, read_hashes
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import read_shards
from sparkle.datasets.synthesis import make_item, synthesize
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, file_hash, read_json, sweep, write_json, write_text
from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.spec import scene_hash
from sparkle.tasks.base import Asking

BASIC = ("direction", "distance", "localization")
IMAGES = 20


def source(**changes: Any) -> SourceSettings:
    return training_source(*BASIC, images=IMAGES, asking=Asking(descriptions=False), **changes)


def make_shards(settings: SourceSettings, folder: Path, jobs: int = 1) -> list[Path]:
    for job in reversed(range(jobs)):
        synthesize(settings, folder, job=job, jobs=jobs, report=quiet)
    return [folder / f"job-{job:03d}.json" for job in range(jobs)]


def merge_settings(**changes: Any) -> TrainingMergeSettings:
    values: dict[str, Any] = {
        "train_set": "full", "seed": 42, "capabilities": BASIC, "questions_per_conversation": 1,
    }  # fmt: skip
    return TrainingMergeSettings(**{**values, **changes})


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return pq.read_table(folder / "data").to_pylist()


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Job manifests of one source that all tests only read."""
    return make_shards(source(), tmp_path_factory.mktemp("shards"))


@pytest.fixture
def own_shards(tmp_path: Path) -> Path:
    """A folder of five shards that a test may damage."""
    return make_shards(source(), tmp_path / "shards")[0].parent


# Merging ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "capabilities", [("direction",), ("distance", "localization"), BASIC], ids="+".join
)
def test_merged_counts_are_those_of_the_shards(
    shards: list[Path], tmp_path: Path, capabilities: tuple[str, ...]
) -> None:
    manifest = merge_training(merge_settings(capabilities=capabilities), [shards], tmp_path)
    expected: Counter[str] = Counter()
    prompts: Counter[tuple[str, str]] = Counter()
    for table in read_shards(shards):
        for row in table.to_pylist():
            for question in row["questions"]:
                if question["task"] in capabilities:
                    expected[f"{question['task']}/{question['kind']}"] += 1
                    prompts["<image>" + question["prompt"], question["answer"]] += 1
    assert manifest["by_kind"] == expected
    assert manifest["questions"] == manifest["conversations"] == sum(expected.values())
    assert manifest["images"] == IMAGES
    rows = rows_of(tmp_path)
    assert prompts == Counter(tuple(m["content"] for m in row["messages"]) for row in rows)
    assert manifest["files"] == {
        "data/part-00000.parquet": file_hash(tmp_path / "data/part-00000.parquet")
    }
    assert read_json(tmp_path / "manifest.json") == manifest


@pytest.mark.parametrize(
    ("capabilities", "per_image"),
    [
        (("direction",), 3 + 1),
        (("distance",), 4 + 3 + 1),
        (("localization",), 3 + 3 + 1),
        (BASIC, 16 + 3),
        ((*BASIC, "description"), 17),
    ],
)
def test_records_per_image_are_as_published(
    tmp_path: Path, capabilities: tuple[str, ...], per_image: int
) -> None:
    # One source feeds all of them; the whole description stands for those of the capabilities.
    manifests = make_shards(training_source(*BASIC, "description", images=5), tmp_path / "shards")
    settings = merge_settings(capabilities=capabilities)
    manifest = merge_training(settings, [manifests], tmp_path / "out")
    assert manifest["questions"] == 5 * per_image
    descriptions = {kind for kind in manifest["by_kind"] if kind.endswith(("description", "whole"))}
    whole = {"description/whole"}
    alone = {f"{name}/description" for name in capabilities}
    assert descriptions == (whole if "description" in capabilities else alone)


def test_several_sources_are_merged(shards: list[Path], tmp_path: Path) -> None:
    tours = make_shards(training_source("tsp", images=5), tmp_path / "tours")
    settings = merge_settings(capabilities=("direction", "tsp"))
    manifest = merge_training(settings, [shards, tours], tmp_path / "out")
    assert manifest["by_kind"] == {"direction/pair": 3 * IMAGES, "tsp/fixed_start": 5}
    assert manifest["images"] == IMAGES + 5


@pytest.mark.parametrize(("jobs", "images_per_shard"), [(2, 4), (3, 4), (1, 7), (3, 7), (1, 100)])
def test_the_division_of_work_leaves_no_trace(
    shards: list[Path], tmp_path: Path, jobs: int, images_per_shard: int
) -> None:
    other = make_shards(source(images_per_shard=images_per_shard), tmp_path / "shards", jobs)
    for manifests, name in ((shards, "one"), (other, "two")):
        merge_training(merge_settings(), [manifests], tmp_path / name)
    one, two = (rows_of(tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert file_hash(tmp_path / "one/manifest.json") == file_hash(tmp_path / "two/manifest.json")


def test_layout_is_what_ms_swift_loads(shards: list[Path], tmp_path: Path) -> None:
    merge_training(merge_settings(questions_per_conversation="all"), [shards], tmp_path)
    table = pq.read_table(tmp_path / "data/part-00000.parquet")
    assert table.schema.equals(
        pa.schema(
            [
                ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
                (
                    "messages",
                    pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
                ),
            ]
        )
    )
    for row in table.to_pylist():
        (image,) = row["images"]
        assert image["path"] == f"basic/{int(image['path'][6:14]):08d}.png"
        assert Image.open(io.BytesIO(image["bytes"])).size == (32, 32)
        roles = [message["role"] for message in row["messages"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) and roles
        marks = [message["content"].count("<image>") for message in row["messages"]]
        assert marks == [1] + [0] * (len(marks) - 1)
        assert row["messages"][0]["content"].startswith("<image>")


@pytest.mark.parametrize(
    ("size", "turns"), [(1, [1] * 16), (2, [2] * 8), (5, [5, 5, 5, 1]), ("all", [16])]
)
def test_questions_per_conversation(
    shards: list[Path], tmp_path: Path, size: int | Literal["all"], turns: list[int]
) -> None:
    settings = merge_settings(questions_per_conversation=size)
    manifest = merge_training(settings, [shards], tmp_path)
    by_image: dict[bytes, list[dict[str, Any]]] = {}
    for row in rows_of(tmp_path):
        by_image.setdefault(row["images"][0]["bytes"], []).append(row)
    assert len(by_image) == IMAGES
    for rows in by_image.values():
        assert sorted((len(row["messages"]) // 2 for row in rows), reverse=True) == turns
        asked = [
            message["content"].removeprefix("<image>")
            for row in rows
            for message in row["messages"]
        ]
        assert len(asked) == 2 * 16
    assert manifest["conversations"] == IMAGES * len(turns)


@pytest.mark.parametrize("size", [1, "all"])
def test_order_is_a_permutation_that_depends_on_the_seed(
    shards: list[Path], tmp_path: Path, size: int | Literal["all"]
) -> None:
    turns, images = [], []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        settings = merge_settings(seed=seed, questions_per_conversation=size)
        merge_training(settings, [shards], tmp_path / name)
        rows = rows_of(tmp_path / name)
        turns.append([json.dumps(row["messages"]) for row in rows])
        images.append([row["images"][0]["bytes"] for row in rows])
    assert turns[0] == turns[1] != turns[2]
    assert images[0] == images[1] != images[2]
    assert Counter(images[0]) == Counter(images[2])
    assert size == "all" or Counter(turns[0]) == Counter(turns[2])
    neighbours = sum(a == b for a, b in zip(images[0], images[0][1:], strict=False))
    assert neighbours < len(images[0]) / 4


def test_an_empty_train_set_is_an_error(shards: list[Path], tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="'full' is empty.*tsp"):
        merge_training(merge_settings(capabilities=("tsp",)), [shards], tmp_path / "out")
    assert files_in(tmp_path / "out") == []


@pytest.mark.parametrize("name", [*BASIC, "spp", "tsp"])
def test_evaluation_rows_are_the_items(name: str, tmp_path: Path) -> None:
    settings = evaluation_source(name, images=7, images_per_shard=3)
    path = tmp_path / "out" / f"{name}.parquet"
    manifest = merge_evaluation(make_shards(settings, tmp_path / "shards"), path)
    rows = read_rows(path, EVALUATION_SCHEMA)
    assert manifest["questions"] == len(rows) == 7 and manifest["sha256"] == file_hash(path)
    assert [row["id"] for row in rows] == [f"{name}/{i:06d}" for i in range(7)]
    words = [int(row["scene_hash"][:16], 16) for row in rows]
    assert read_hashes(path.parent / manifest["scenes"]["file"]).tolist() == words
    for index, row in enumerate(rows):
        scene, (question,) = make_item(settings, index)
        assert row["scene_hash"] == scene_hash(scene)
        assert (row["prompt"], row["answer"]) == (question.prompt, question.answer)
        assert tuple(row["options"]) == question.options


# Damaged shards ---------------------------------------------------------------------------------


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0x10
    path.write_bytes(data)


def swap(path: Path) -> None:
    path.write_bytes((path.parent / "shard-00000.parquet").read_bytes())


def remove(path: Path) -> None:
    path.unlink()


damages = pytest.mark.parametrize("damage", [truncate, empty, flip_a_bit, swap, remove])


@damages
def test_a_damaged_shard_is_named(
    own_shards: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(own_shards / "shard-00002.parquet")
    with pytest.raises(SparkleError, match="shard-00002.parquet") as caught:
        merge_training(merge_settings(), [[own_shards / "job-000.json"]], tmp_path / "out")
    assert "only that shard" in caught.value.hint
    assert files_in(tmp_path / "out") == []


def test_shards_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    manifests = [make_shards(source(seed=seed), tmp_path / f"seed{seed}")[0] for seed in (1, 2)]
    with pytest.raises(SparkleError, match="seed1.*different settings"):
        list(read_shards(manifests))


@pytest.mark.parametrize("text", ["", "{", "\x00"])
def test_an_unreadable_manifest_is_named(own_shards: Path, text: str) -> None:
    (own_shards / "job-000.json").write_text(text)
    with pytest.raises(SparkleError, match="job-000.json"):
        list(read_shards([own_shards / "job-000.json"]))


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="job-000.json does not exist"):
        list(read_shards([tmp_path / "job-000.json"]))


def test_a_job_that_is_left_out_is_missed(tmp_path: Path) -> None:
    manifests = make_shards(source(), tmp_path / "shards", jobs=2)
    with pytest.raises(SparkleError):
        merge_training(merge_settings(), [manifests[:1]], tmp_path / "out")


def test_manifests_of_an_earlier_division_do_not_double_the_data(tmp_path: Path) -> None:
    make_shards(source(), tmp_path / "shards", jobs=2)
    make_shards(source(), tmp_path / "shards", jobs=1)
    manifests = sorted((tmp_path / "shards").glob("job-*.json"))
    merged = merge_training(merge_settings(), [manifests], tmp_path / "out")
    assert merged["questions"] == 16 * IMAGES


# Interrupted synthesis --------------------------------------------------------------------------


def stamps(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("shard-*.parquet")}


@damages
def test_an_interrupted_synthesis_redoes_only_what_is_broken(
    own_shards: Path, damage: Callable[[Path], None], request: pytest.FixtureRequest
) -> None:
    manifest, before = read_json(own_shards / "job-000.json"), stamps(own_shards)
    broken = own_shards / "shard-00002.parquet"
    content = broken.read_bytes()
    damage(broken)
    (own_shards / "job-000.json").unlink()
    reports: list[str] = []
    synthesize(source(), own_shards, report=reports.append)
    assert read_json(own_shards / "job-000.json") == manifest
    assert broken.read_bytes() == content
    changed = {name for name, stamp in stamps(own_shards).items() if stamp != before[name]}
    assert changed == {broken.name}
    assert len(reports) == 5 and "shard 3/5, 4 images" in reports[2]


def test_shards_of_other_settings_are_made_anew(own_shards: Path) -> None:
    before = stamps(own_shards)
    synthesize(source(seed=7), own_shards, report=quiet)
    assert all(stamp != before[name] for name, stamp in stamps(own_shards).items())
    assert sum(table.num_rows for table in read_shards([own_shards / "job-000.json"])) == IMAGES


def test_an_impossible_scene_is_an_error_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparkle.scenes.discs, "_RESTARTS", 3)
    crowd = PUBLISHED.model_copy(update={"objects": 20, "spacing": 5.0})
    with pytest.raises(
        SparkleError, match=r"No room for 20 discs: spacing 5.0.*at most \d"
    ) as error:
        synthesize(source(scene=crowd), tmp_path, report=quiet)
    assert "scenes.spacing" in error.value.hint
    assert files_in(tmp_path) == []


# Atomic writes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_content(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "sub" / "file.txt"
    for old in (None, "old"):
        with pytest.raises(error), atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error
        assert files_in(tmp_path) == ([] if old is None else [path.name])
        path.write_text("old")
    assert path.read_text() == "old"


def test_a_folder_takes_its_name_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    for text, fails in (("new", False), ("half", True)):
        try:
            with atomic_path(path) as temporary:
                temporary.mkdir()
                (temporary / text).write_text(text)
                if fails:
                    raise RuntimeError
        except RuntimeError:
            pass
        assert files_in(tmp_path) == ["new"] and [p.name for p in tmp_path.iterdir()] == ["folder"]


_WRITER = """
import sys, time
from pathlib import Path
from sparkle.files import atomic_path
with atomic_path(Path(sys.argv[1])) as temporary:
    temporary.mkdir()
    (temporary / "half").write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_writer_left_is_swept_but_not_what_a_live_one_writes(tmp_path: Path) -> None:
    def temporaries() -> list[Path]:
        return sorted(tmp_path.glob(".*.tmp"))

    command = [sys.executable, "-c", _WRITER]
    writers = [
        subprocess.Popen([*command, str(tmp_path / name)], stdout=subprocess.PIPE, text=True)
        for name in ("killed", "alive")
    ]
    try:
        for writer in writers:
            assert writer.stdout is not None and writer.stdout.readline() == "writing\n"
        killed, alive = writers
        killed.kill()
        killed.wait()
        (tmp_path / ".notes.tmp").write_text("somebody else's")
        assert len(temporaries()) == 3
        write_text(tmp_path / "next", "")
        assert [path.name.split(".")[1] for path in temporaries()] == ["alive", "notes"]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


@pytest.mark.parametrize(("age", "stays"), [(0, True), (2 * 86400, True), (4 * 86400, False)])
def test_what_other_machines_left_is_swept_after_days(
    age: int, stays: bool, tmp_path: Path
) -> None:
    folder = tmp_path / ".data.00000000-1-00000000.tmp"
    folder.mkdir()
    (folder / "part").write_text("half")
    for path in (folder / "part", folder):
        os.utime(path, (time.time() - age,) * 2)
    assert sweep(tmp_path) == ([] if stays else [folder])
    assert folder.exists() == stays


def test_a_failed_shard_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        synthesize(source(), tmp_path, report=quiet)
    assert files_in(tmp_path) == []


# Leaks ------------------------------------------------------------------------------------------


@pytest.fixture
def manifests(shards: list[Path], tmp_path: Path) -> tuple[Path, Path]:
    """(manifest of a train set, manifest of an evaluation set)."""
    merge_training(merge_settings(), [shards], tmp_path / "full")
    settings = evaluation_source("direction", images=8)
    merge_evaluation(make_shards(settings, tmp_path / "shards"), tmp_path / "test.parquet")
    return tmp_path / "full/manifest.json", tmp_path / "test.json"


def test_no_leak_is_reported_with_counts(manifests: tuple[Path, Path], tmp_path: Path) -> None:
    train, test = manifests
    check_leaks([train], [test], tmp_path / "leaks.json")
    assert read_json(tmp_path / "leaks.json") == {
        "pairs": [{"train_set": "full", "evaluation_set": "test", "shared": 0}],
        "sets": [
            {"name": "full", "role": "training", "scenes": IMAGES, "duplicates": 0, "examples": []},
            {"name": "test", "role": "evaluation", "scenes": 8, "duplicates": 0, "examples": []},
        ],
    }


def plant(path: Path, row: int, value: int) -> None:
    """Give one image of a scene index the hash ``value``."""
    rows = pq.read_table(path).to_pylist()
    rows[row]["hash"] = value
    pq.write_table(pa.Table.from_pylist(rows, schema=SCENES_SCHEMA), path)


def test_a_planted_leak_is_found_with_the_ids_of_both_sides(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    train, test = manifests
    trained = read_hashes(train.parent / "scenes.parquet")
    plant(tmp_path / "scenes/test.parquet", 5, int(trained[3]))
    with pytest.raises(
        SparkleError, match=r"1 scenes.*'test'.*'full': direction/00000005 = basic/00000003\."
    ):
        check_leaks([train], [test], tmp_path / "leaks.json")
    assert not (tmp_path / "leaks.json").exists()


def test_duplicates_inside_a_set_are_counted_and_named(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    train, test = manifests
    scenes = train.parent / "scenes.parquet"
    for row in (9, 4):
        plant(scenes, row, int(read_hashes(scenes)[2]))
    check_leaks([train], [test], tmp_path / "leaks.json")
    entry = read_json(tmp_path / "leaks.json")["sets"][0]
    assert (entry["scenes"], entry["duplicates"]) == (IMAGES, 2)
    assert entry["examples"] == [[f"basic/{2:08d}", f"basic/{row:08d}"] for row in (4, 9)]


def test_a_manifest_without_scenes_is_an_error(
    manifests: tuple[Path, Path], tmp_path: Path
) -> None:
    train, test = manifests
    write_json(test, {"name": "test"})
    with pytest.raises(SparkleError, match="test.json names no scene index"):
        check_leaks([train], [test], tmp_path / "leaks.json")
    (train.parent / "scenes.parquet").unlink()
    with pytest.raises(SparkleError, match="scenes.parquet does not exist"):
        check_leaks([train], [], tmp_path / "leaks.json")


def test_hashes_see_what_the_eye_sees(tmp_path: Path) -> None:
    scene, _ = make_item(evaluation_source("direction"), 0)
    assert isinstance(scene, DiscScene)
    discs = scene.discs
    roles = tuple(Disc(disc.label, disc.x, disc.y, not disc.basic) for disc in discs)
    moved = (Disc(discs[0].label, discs[0].x + 0.01, discs[0].y), *discs[1:])
    for same in (discs[::-1], roles):
        assert scene_hash(DiscScene(scene.radius, same)) == scene_hash(scene)
    assert scene_hash(DiscScene(scene.radius, moved)) != scene_hash(scene)
