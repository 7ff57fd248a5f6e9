"""The report with as many answers as it holds: time to write and to open it, size of its file.

Five runs answer 800 questions of each of five tasks, about pictures of 448 pixels that all differ.
``SPARKLE_BENCHMARK_REPORT`` names a folder to keep the report in, for trying it in a browser.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import DISCS, source
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.synthesis import make_row
from sparkle.inference.reference import answer_by_reference
from sparkle.reporting import read_material, write_report
from sparkle.scoring.score import score
from sparkle.scoring.tables import build_matrix, write_tables
from sparkle.tasks.base import Asking
from tests.browser import CHROMIUM, Browser

_TASKS = ("direction", "distance", "localization", "spp", "tsp")
_QUESTIONS = 800
_OPENED = 5
_RUNS = {
    ("model", "none", 0): "chance", ("model", "direction", 1): "chance",
    ("model", "distance", 1): "most_frequent", ("model", "localization", 1): "chance",
    ("model", "full", 1): "oracle",
}  # fmt: skip
"""Which reference gives the answers of a run."""


def main() -> None:
    kept = os.environ.get("SPARKLE_BENCHMARK_REPORT")
    with tempfile.TemporaryDirectory() as scratch:
        _write(Path(scratch), Path(kept or scratch))


def _write(folder: Path, kept: Path) -> None:
    sets = {task: folder / f"{task}.parquet" for task in _TASKS}
    for task, path in sets.items():
        pq.write_table(pa.Table.from_pylist(list(_rows(task)), schema=EVALUATION_SCHEMA), path)
    for reference in set(_RUNS.values()):
        answer_by_reference(reference, list(sets.values()), folder / reference)
    scores = {
        run: {task: folder / "-".join(map(str, run)) / f"{task}.parquet" for task in sets}
        for run in _RUNS
    }
    for run, files in scores.items():
        for task, path in files.items():
            score(folder / _RUNS[run] / path.name, sets[task], path)
    write_tables(build_matrix(scores), folder / "tables")
    start, wall = time.process_time(), time.perf_counter()
    path = kept / "report.html"
    write_report(
        material=read_material(folder / "tables/matrix.csv", scores=scores), scores=scores,
        evaluation_sets=sets, config_yaml="name: benchmark", path=path, title="A benchmark",
    )  # fmt: skip
    spent, taken = time.process_time() - start, time.perf_counter() - wall
    answers = len(_RUNS) * len(_TASKS) * _QUESTIONS
    print(
        f"{answers:,} answers to {len(_TASKS) * _QUESTIONS:,} questions:"
        f" {path.stat().st_size / 1e6:.1f} MB, written in {spent:.0f} s of CPU time"
        f" ({taken:.0f} s on the clock)"
    )
    if CHROMIUM is not None:
        _open(path)


def _open(path: Path) -> None:
    """Open the page until its answers can be filtered, each time in a browser of its own."""
    for width in (1280, 390):
        clock, spent = [], []
        for _ in range(_OPENED):
            browser = Browser()
            before, start = browser.cpu_seconds(), time.perf_counter()
            browser.open(path, width=width)
            browser.wait_for("document.querySelector('#browser').dataset.ready === 'yes'")
            clock.append(time.perf_counter() - start)
            spent.append(browser.cpu_seconds() - before)
            assert not browser.errors, browser.errors
            browser.close()
        print(
            f"opened at {width} pixels {_OPENED} times: {min(clock):.2f} to {max(clock):.2f} s on"
            f" the clock, {min(spent):.2f} to {max(spent):.2f} s of CPU time"
        )


def _rows(task: str) -> Iterator[dict[str, Any]]:
    discs = DISCS.model_copy(update={"distractors": 2})
    asking = Asking(form="choice")
    chosen = source("evaluation", (task,), _QUESTIONS, discs=discs, asking=asking, source=task)
    for index in range(_QUESTIONS):
        row = make_row(chosen, index)
        (question,) = row.pop("questions")
        yield {"id": f"{task}/{row.pop('index'):06d}", **row, **question}
