"""Merge and shuffle, exports, and the leak check, beside what their work costs at the least.

The reference of a merge or an export is a plain copy of the files it reads; that of the leak check
is a set of Python numbers, built from one side and asked for each of the other.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import CAPABILITIES, all_records, measure
from sparkle.datasets.exports import FORMATS, export_dataset
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merge import merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.scenes_index import SCENES_SCHEMA, read_hashes
from sparkle.datasets.settings import TrainingMergeSettings
from sparkle.datasets.shards import job_files
from sparkle.datasets.synthesis import synthesize
from sparkle.files import write_json

_IMAGES = 2000
_SCENES = 1_000_000
_ROUNDS = 3


def _quiet(_: str) -> None:
    """Progress is not shown."""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        _merges(Path(name))
    with tempfile.TemporaryDirectory() as name:
        _leaks(Path(name))


def _merges(folder: Path) -> None:
    """Merges of 2,000 images of 448 pixels, two ways, and the exports of the smaller one."""
    synthesize(all_records(_IMAGES), folder / "shards", report=_quiet)
    manifests = [job_files(folder / "shards")]

    def merge(size: int | str) -> None:
        settings = TrainingMergeSettings.model_validate(
            {
                "train_set": "benchmark",
                "seed": 1,
                "capabilities": CAPABILITIES[:3],
                "questions_per_conversation": size,
            }
        )
        merge_training(settings, manifests, folder / f"merged-{size}")

    work: dict[str, Callable[[], object]] = {
        "copy of the shards": lambda: shutil.copytree(
            folder / "shards", folder / "copy", dirs_exist_ok=True
        ),
        "merge, a conversation per image": lambda: merge("all"),
        "merge, a conversation per record": lambda: merge(1),
    }
    for format_ in FORMATS:
        work[f"export: {format_}"] = lambda format_=format_: export_dataset(
            open_dataset(folder / "merged-all"), format_, folder / f"export-{format_}", _quiet
        )
    found = measure({name: (one, _IMAGES) for name, one in work.items()}, _ROUNDS)
    outputs = [folder / "copy", folder / "merged-all", folder / "merged-1"]
    outputs += [folder / f"export-{format_}" for format_ in FORMATS]
    print(f"{f'{_IMAGES} images of 448 pixels':34} {'us/image':>9} {'images/s':>9} {'MB':>7}")
    for (name, seconds), output in zip(found.items(), outputs, strict=True):
        size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
        print(f"{name:34} {1e6 * seconds:9.1f} {1 / seconds:9.0f} {size / 1e6:7.1f}")


def _leaks(folder: Path) -> None:
    """A train set and a test set of a million scenes each, of which none is in the other."""
    hashes = np.arange(2 * _SCENES, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    shuffled = np.random.default_rng(1).permutation(hashes)
    train, test = folder / "train" / "manifest.json", folder / "test.json"
    train.parent.mkdir()
    for manifest, part in ((train, shuffled[:_SCENES]), (test, shuffled[_SCENES:])):
        scenes = manifest.with_suffix(".parquet")
        names = pa.DictionaryArray.from_arrays(np.zeros(_SCENES, np.int32), ["benchmark"])
        columns = [pa.array(part), names, pa.array(np.arange(_SCENES)), [""] * _SCENES]
        pq.write_table(pa.table(columns, schema=SCENES_SCHEMA), scenes)
        write_json(manifest, {"scenes": {"file": scenes.name}})

    def by_set() -> int:
        known = set(read_hashes(train.with_suffix(".parquet")).tolist())
        tested = read_hashes(test.with_suffix(".parquet")).tolist()
        assert len(set(tested)) == _SCENES
        return sum(each in known for each in tested)

    assert by_set() == 0
    found = measure(
        {
            "ours": (lambda: check_leaks([train], [test], folder / "leaks.json"), 1),
            "sets": (by_set, 1),
        },
        _ROUNDS,
    )
    ours, sets = found["ours"], found["sets"]
    print(
        f"leak check, {_SCENES} x {_SCENES} scenes, with duplicates counted: {ours:.2f} s;"
        f" sets of Python: {sets:.2f} s, {sets / ours:.1f} times as long"
    )


if __name__ == "__main__":
    main()
