"""A million images with the commands that a user runs: synthesize, merge, compare.

``python -m benchmarks.million --folder FOLDER`` (some 15 GB; emptied at the end unless
``--keep``). Wall time, CPU time and peak memory are those of the command and of all the processes
that it started; a peak is that of the largest of them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.common import source
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.rendering import RenderSpec

_PER_SHARD = 50_000
_TESTED = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="new folder for the data")
    parser.add_argument("--images", type=int, default=1_000_000, help="images of the train set")
    parser.add_argument("--pixels", type=int, default=448, help="width and height of an image")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="for synthesis")
    parser.add_argument("--keep", action="store_true", help="leave the data in the folder")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    try:
        _run(arguments.folder, arguments.images, arguments.pixels, arguments.processes)
    finally:
        if not arguments.keep:
            shutil.rmtree(arguments.folder)


def _run(folder: Path, images: int, pixels: int, processes: int) -> None:
    shared = {"images_per_shard": _PER_SHARD, "render": RenderSpec(size=pixels)}
    training = source("training", ("direction",), images, **shared)
    evaluation = source("evaluation", ("direction",), _TESTED, **shared)
    merge = TrainingMergeSettings(
        train_set="million", seed=1, capabilities=("direction",), questions_per_conversation="all"
    )
    shards = {"training": folder / "shards", "evaluation": folder / "tested"}
    merged, tested = folder / "million", folder / "evaluation.parquet"
    print(f"{images} images of {pixels} pixels; {_TESTED} images of a test set")
    print(f"{'step':22} {'wall s':>8} {'CPU s':>8} {'us CPU/image':>13} {'RSS MB':>7} {'GB':>6}")
    for settings, name in ((training, "synthesize"), (evaluation, "synthesize, tested")):
        output = shards[settings.role]
        command = ["synthesize", *_settings(settings), "--processes", str(processes)]
        _step(name, settings.images, output, *command, "--output", str(output))
    _step(
        "merge-training", images, merged, "merge-training", *_settings(merge),
        "--sources", str(shards["training"]), "--output", str(merged),
    )  # fmt: skip
    _step(
        "merge-evaluation", _TESTED, tested, "merge-evaluation",
        "--sources", str(shards["evaluation"]), "--output", str(tested),
    )  # fmt: skip
    report = folder / "leaks.json"
    _step(
        "check-leaks", images, report, "check-leaks", "--training", str(merged / "manifest.json"),
        "--evaluation", str(tested.with_suffix(".json")), "--output", str(report),
    )  # fmt: skip
    print(json.dumps(json.loads(report.read_text())["pairs"]))
    for entry in json.loads(report.read_text())["sets"]:
        print(f"{entry['name']}: {entry['scenes']} scenes, {entry['duplicates']} duplicates")


def _settings(settings: SourceSettings | TrainingMergeSettings) -> list[str]:
    return ["--settings", settings.model_dump_json()]


def _step(name: str, images: int, output: Path, *command: str) -> None:
    """Run a command of sparkle and print what it took."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "sparkle", *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    if child.returncode != 0:
        raise SystemExit(f"{name} failed")
    paths = output.rglob("*") if output.is_dir() else [output]
    size = sum(path.stat().st_size for path in paths if path.is_file())
    print(f"{name:22} {wall:8.1f} {cpu:8.1f} {1e6 * cpu / images:13.1f}"
          f" {usage.ru_maxrss * 1024 / 1e6:7.0f} {size / 1e9:6.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
