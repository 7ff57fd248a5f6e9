"""Merging at scale: the same rows as a merge by hand, in bounded memory, on any disk."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import textwrap
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import evaluation_source, files_in, quiet, training_source
from hypothesis import given, settings
from hypothesis import strategies as st

import sparkle.datasets.merge as merging
from sparkle.datasets.conversations import turn_order
from sparkle.datasets.leaks import shared_rows
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.parquet import regrouped
from sparkle.datasets.scenes_index import read_scenes, scene_ids
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import (
    SHARD_SCHEMA,
    DamagedShardError,
    kept_shard,
    read_shards,
    write_shard,
)
from sparkle.datasets.synthesis import make_row, synthesize
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, file_hash
from sparkle.tasks.base import Asking

BASIC = ("direction", "distance", "localization")
IMAGES = 24


def source(**changes: Any) -> SourceSettings:
    values = {"images": IMAGES, "asking": Asking(descriptions=False), **changes}
    return training_source(*BASIC, **values)


def merge_settings(size: int | Literal["all"] = 5, **changes: Any) -> TrainingMergeSettings:
    values = {"train_set": "full", "seed": 42, "capabilities": BASIC, **changes}
    return TrainingMergeSettings(**values, questions_per_conversation=size)


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("shards")
    synthesize(source(), folder, report=quiet)
    return [folder / "job-000.json"]


def by_hand(manifests: list[Path], size: int | Literal["all"]) -> list[dict[str, Any]]:
    """All conversations in the order of the images, built row by row."""
    found = []
    for row in pa.concat_tables(read_shards(manifests)).to_pylist():
        count = len(row["questions"])
        index = np.full(count, row["index"])
        order = turn_order(42, "turns/full/basic", index, np.zeros(count, np.int64))
        step = count if size == "all" else size
        for start in range(0, count, step):
            messages = []
            for i in order[start : start + step]:
                question = row["questions"][i]
                mark = "" if messages else "<image>"
                messages.append({"role": "user", "content": mark + question["prompt"]})
                messages.append({"role": "assistant", "content": question["answer"]})
            image = {"bytes": row["image"], "path": f"basic/{row['index']:08d}.png"}
            found.append({"images": [image], "messages": messages})
    return found


@pytest.mark.parametrize("size", [1, 3, 5, "all"])
@pytest.mark.parametrize("part_bytes", [64 << 20, 10_000])
def test_a_merge_is_the_permutation_of_a_merge_by_hand(
    manifests: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    size: int | Literal["all"], part_bytes: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(merging, "PART_BYTES", part_bytes)
    monkeypatch.setattr(merging, "_SPOOL_BYTES", 9_000)
    manifest = merge_training(merge_settings(size), [manifests], tmp_path)
    expected = by_hand(manifests, size)
    order = merging._positions(merge_settings(size), len(expected))
    rows = [row for table in open_dataset(tmp_path).tables() for row in table.to_pylist()]
    assert rows == [expected[i] for i in np.argsort(order)]
    assert manifest["conversations"] == len(rows)
    parts = len(manifest["files"])
    assert parts == 1 if part_bytes > 10_000 else parts > 1
    assert files_in(tmp_path) == sorted(
        ["manifest.json", "scenes.parquet", *(Path(name).name for name in manifest["files"])]
    )


def test_parts_are_the_same_whatever_the_shards(
    manifests: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "PART_BYTES", 20_000)
    synthesize(source(images_per_shard=7), tmp_path / "shards", report=quiet)
    merged = [
        merge_training(merge_settings(), [given], tmp_path / name)
        for name, given in (("a", manifests), ("b", [tmp_path / "shards/job-000.json"]))
    ]
    assert merged[0] == merged[1] and len(merged[0]["files"]) > 1
    assert file_hash(tmp_path / "a/scenes.parquet") == file_hash(tmp_path / "b/scenes.parquet")


def test_shares_keep_that_much_of_a_capability_whatever_the_shards(tmp_path: Path) -> None:
    found = []
    for size in (IMAGES, 7):
        shards = tmp_path / f"shards-{size}"
        synthesize(source(images_per_shard=size), shards, report=quiet)
        settings = merge_settings(shares={"direction": 0.5})
        found.append(merge_training(settings, [[shards / "job-000.json"]], tmp_path / str(size)))
    whole = merge_training(merge_settings(), [[shards / "job-000.json"]], tmp_path / "whole")
    assert found[0]["files"] == found[1]["files"]
    kept, all_of_them = found[0]["by_kind"], whole["by_kind"]
    assert 0.3 < kept["direction/pair"] / all_of_them["direction/pair"] < 0.7
    del kept["direction/pair"], all_of_them["direction/pair"]
    assert kept == all_of_them


def test_evaluation_files_are_the_same_whatever_the_shards(tmp_path: Path) -> None:
    for name, size in (("a", 3), ("b", 100)):
        made = evaluation_source("spp", images=20, images_per_shard=size)
        synthesize(made, tmp_path / name, report=quiet)
        merge_evaluation([tmp_path / name / "job-000.json"], tmp_path / f"{name}/out/spp.parquet")
    for file in ("spp.parquet", "spp.json", "scenes/spp.parquet"):
        assert file_hash(tmp_path / "a/out" / file) == file_hash(tmp_path / "b/out" / file)


def test_fewer_parts_leave_none_of_the_old(
    manifests: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "PART_BYTES", 20_000)
    merge_training(merge_settings(), [manifests], tmp_path)
    monkeypatch.undo()
    merge_training(merge_settings(), [manifests], tmp_path)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["part-00000.parquet"]


def test_training_data_never_becomes_an_evaluation_set(
    manifests: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(SparkleError, match="exactly one question"):
        merge_evaluation(manifests, tmp_path / "x.parquet")
    assert files_in(tmp_path) == []


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.integers(0, 2**63 - 1),
    st.integers(0, 29),
)
@settings(max_examples=60, deadline=None)
def test_the_order_of_turns_is_each_rows_own(counts: list[int], seed: int, first: int) -> None:
    row = np.repeat(np.arange(len(counts)), counts)
    whole = turn_order(seed, "s", row, row)
    assert (row[whole] == row).all() and sorted(whole) == list(range(len(row)))
    first %= len(counts)
    rest = np.flatnonzero(row >= first)
    alone = turn_order(seed, "s", row[rest], row[rest] - first)
    assert (rest[alone] == whole[len(row) - len(rest) :]).all()


def test_orders_of_turns_are_evenly_spread() -> None:
    images = 6000
    row = np.repeat(np.arange(images), 3)
    orders = turn_order(1, "s", row, row).reshape(-1, 3) - 3 * np.arange(images)[:, None]
    counts = Counter(map(tuple, orders.tolist()))
    # Six orders, 1000 times each on average, standard deviation 29.
    assert len(counts) == 6 and all(abs(count - 1000) < 6 * 29 for count in counts.values())


@given(st.lists(st.integers(0, 40)), st.lists(st.integers(0, 40)))
@settings(max_examples=100, deadline=None)
def test_shared_rows_are_those_of_a_set(hashes: list[int], known: list[int]) -> None:
    found = shared_rows(np.array(hashes, np.uint64), np.sort(np.array(known, np.uint64)))
    assert found.tolist() == [i for i, value in enumerate(hashes) if value in set(known)]


@given(st.lists(st.integers(0, 7)), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_regrouping_keeps_the_rows(sizes: list[int], rows: int) -> None:
    numbers = itertools.count()
    tables = [
        pa.table({"n": pa.array([next(numbers) for _ in range(k)], pa.int64())}) for k in sizes
    ]
    parts = list(regrouped(tables, rows))
    assert [n for part in parts for n in part["n"].to_pylist()] == list(range(sum(sizes)))
    assert all(len(part) == rows for part in parts[:-1])


def test_the_scene_index_finds_scenes_by_id(manifests: list[Path], tmp_path: Path) -> None:
    merge_training(merge_settings(), [manifests], tmp_path)
    path = tmp_path / "scenes.parquet"
    assert scene_ids(path, np.array([3, 0])) == ["basic/00000003", "basic/00000000"]
    assert read_scenes(path, {"basic/00000005", "other/00000001"}) == {
        "basic/00000005": make_row(source(), 5)["scene"]
    }


# Memory -----------------------------------------------------------------------------------------

_MERGE = """
import resource, sys
from pathlib import Path
import numpy as np, pyarrow as pa
import sparkle.datasets.merge as merging
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import SHARD_SCHEMA, write_job_manifest, write_shard

folder, images, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
settings = SourceSettings.model_validate_json(sys.argv[4])
rng = np.random.default_rng(1)
question = {name: "x" for name in ("task", "kind", "form", "prompt", "answer", "target", "subject")}
question |= {"task": "direction", "options": [], "difficulty": 1.0}
infos = []
for number in range(0, images, 500):
    rows = [
        {"index": i, "image": rng.bytes(size), "scene": "{}", "scene_hash": f"{i:016x}",
         "questions": [question] * 2}
        for i in range(number, number + 500)
    ]
    table = pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)
    infos.append(write_shard(folder / f"shard-{number:05d}.parquet", [table], settings.identity()))
del rows, table
write_job_manifest(folder, 0, settings, infos)
merging.PART_BYTES = 8 << 20
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
merge = TrainingMergeSettings(
    train_set="t", seed=1, capabilities=("direction",), questions_per_conversation=1
)
manifest = merging.merge_training(merge, [[folder / "job-000.json"]], folder / "out")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, len(manifest["files"]))
"""


def test_memory_is_far_below_the_size_of_the_data(tmp_path: Path) -> None:
    """300 MB of incompressible images in 600 MB of conversations, merged with 8 MiB parts."""
    images, size = 6000, 50_000
    made = source(images=images).model_dump_json()
    run = subprocess.run(
        [sys.executable, "-c", _MERGE, str(tmp_path), str(images), str(size), made],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    growth_kib, parts = map(int, run.stdout.split())
    assert parts == round(2 * images * size / (8 << 20))
    assert growth_kib * 1024 < images * size / 2


# Writers and disks ------------------------------------------------------------------------------


def tables_of_shard(number: int, size: int = 4) -> list[pa.Table]:
    """The four rows of a shard in tables of ``size`` rows."""
    rows = [make_row(source(), index) for index in range(4 * number, 4 * number + 4)]
    return [
        pa.Table.from_pylist(rows[i : i + size], schema=SHARD_SCHEMA) for i in range(0, 4, size)
    ]


def test_two_writers_of_the_same_shards_do_no_harm(tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def write() -> None:
        try:
            synthesize(source(), tmp_path, report=quiet)
        except BaseException as error:  # handed to the main thread
            errors.append(error)

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    rows = [row for table in read_shards([tmp_path / "job-000.json"]) for row in table.to_pylist()]
    assert rows == [make_row(source(), index) for index in range(IMAGES)]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_who_comes_second_keeps_the_shard_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "shard-00000.parquet"
    first = write_shard(path, tables_of_shard(0), "id")
    # Other row groups make other bytes of the same rows.
    assert write_shard(path, tables_of_shard(0, size=2), "id") == first == kept_shard(path, "id")
    other = write_shard(path, tables_of_shard(1), "other")
    assert other.sha256 != first.sha256 and kept_shard(path, "id") is None
    assert files_in(tmp_path) == ["shard-00000.json", "shard-00000.parquet"]


def test_a_damaged_shard_is_made_anew_by_running_again(tmp_path: Path) -> None:
    shards = tmp_path / "shards"
    for job in range(2):
        synthesize(source(), shards, job=job, jobs=2, report=quiet)
    manifests = [shards / f"job-{job:03d}.json" for job in range(2)]
    stamps = {path: path.stat().st_mtime_ns for path in shards.glob("*.parquet")}
    broken = shards / "shard-00003.parquet"
    data = bytearray(broken.read_bytes())
    data[1000] ^= 1
    broken.write_bytes(data)
    with pytest.raises(DamagedShardError, match="shard-00003.parquet is truncated or was altered"):
        merge_training(merge_settings(), [manifests], tmp_path / "out")
    assert [path.exists() for path in manifests] == [True, False]
    synthesize(source(), shards, job=1, jobs=2, report=quiet)
    merge_training(merge_settings(), [manifests], tmp_path / "out")
    changed = [path for path, stamp in stamps.items() if path.stat().st_mtime_ns != stamp]
    assert changed == [broken]


@pytest.mark.parametrize("manifest", ["{}", "[]", '{"identity": 1, "shards": [{}]}'])
def test_a_manifest_of_something_else_is_an_error(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "job-000.json").write_text(manifest)
    with pytest.raises(SparkleError, match="no manifest of a synthesis job"):
        list(read_shards([tmp_path / "job-000.json"]))


@pytest.mark.parametrize("note", ["[]", "{}", "no json"])
def test_a_broken_note_makes_the_shard_anew(tmp_path: Path, note: str) -> None:
    path = tmp_path / "shard-00000.parquet"
    write_shard(path, tables_of_shard(0), "id")
    path.with_suffix(".json").write_text(note)
    assert kept_shard(path, "id") is None


def test_a_damaged_part_is_named_before_training(manifests: list[Path], tmp_path: Path) -> None:
    merge_training(merge_settings(), [manifests], tmp_path)
    dataset = open_dataset(tmp_path)
    dataset.verify()
    (part,) = dataset.files
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(SparkleError, match="part-00000.parquet is truncated"):
        dataset.verify()
    with pytest.raises(SparkleError, match="no readable Parquet"):
        list(dataset.tables())
    part.unlink()
    with pytest.raises(SparkleError, match="part-00000.parquet is missing"):
        dataset.verify()


@pytest.mark.parametrize("step", ["synthesize", "merge"])
def test_a_file_size_limit_is_a_clear_error_and_leaves_no_file(
    manifests: list[Path], tmp_path: Path, step: str
) -> None:
    script = f"""
        import resource, sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_merge import *
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            if {step!r} == "synthesize":
                synthesize(source(), Path({str(tmp_path)!r}), report=quiet)
            else:
                merge_training(
                    merge_settings(), [[Path({str(manifests[0])!r})]], Path({str(tmp_path)!r})
                )
        except SparkleError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert "could not be written: file too large" in run.stdout, run.stderr
    assert "Free space" in run.stdout
    assert files_in(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 16 KiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a file system is not permitted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_a_clear_error_and_leaves_no_file(
    small_disk: Path, manifests: list[Path]
) -> None:
    with pytest.raises(SparkleError, match="could not be written: no space left on device"):
        merge_training(merge_settings(1), [manifests], small_disk / "out")
    assert files_in(small_disk) in ([], ["scenes.parquet"])
    with pytest.raises(SparkleError, match="no space left on device"):
        synthesize(source(images=400, images_per_shard=100), small_disk, report=quiet)
    finished = [path for path in small_disk.glob("shard-*.parquet")]
    assert all(pq.ParquetFile(path).metadata.num_rows == 100 for path in finished)
    assert not (small_disk / "job-000.json").exists()


def test_other_faults_of_the_disk_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        (tmp_path / "nowhere").read_text()
    assert os.listdir(tmp_path) == []
