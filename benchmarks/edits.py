"""What an edit costs beside a full run: edits of the miniature experiment, run for real.

Each edit is made to a copy of the finished experiment and of the code, and run to the end. Wall
times on a busy machine compare with one another only; CPU time is that of all processes of a run.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parent.parent
_CODE = ("Snakefile", "rules", "sparkle", "profiles")
_MOST_NAMED = 4


class Experiment:
    """A folder with the code, a config, and what was made with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, old: str, new: str) -> None:
        path = self.folder / "code" / name
        before = path.read_text()
        assert before.count(old) == 1, f"{old!r} is not once in {name}"
        path.write_text(before.replace(old, new))

    def config(self, change: Callable[[dict[str, Any]], object]) -> None:
        path = self.folder / "config.yaml"
        values = yaml.safe_load(path.read_text())
        change(values)
        path.write_text(yaml.safe_dump(values, sort_keys=False))

    def run(self) -> Cost:
        """Snakemake on it, to the end."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--scheduler", "greedy"]
        command += ["--snakefile", str(self.folder / "code/Snakefile")]
        command += ["--directory", str(self.folder)]
        command += ["--configfile", str(self.folder / "config.yaml")]
        before, start = _cpu(), time.perf_counter()
        run = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        wall, cpu = time.perf_counter() - start, _cpu() - before
        said = run.stdout + run.stderr
        assert run.returncode == 0, said[-3000:]
        return Cost(wall, cpu, Counter(re.findall(r"^(?:local)?rule (\w+):$", said, re.MULTILINE)))


class Cost(NamedTuple):
    wall: float
    cpu: float
    jobs: Counter[str]


EDITS: dict[str, Callable[[Experiment], object]] = {
    "nothing": lambda e: None,
    "heading of the charts": lambda e: e.file(
        "sparkle/reporting/charts.py", "_HEADING = 13", "_HEADING = 14"
    ),
    "code of scoring": lambda e: e.file(
        "sparkle/scoring/score.py", "_LONGEST_CACHED = 500", "_LONGEST_CACHED = 400"
    ),
    "learning rate of one train set": lambda e: e.config(
        lambda c: c["train_sets"]["full"]["training"].update(learning_rate=0.002)
    ),
    "images of one evaluation set": lambda e: e.config(
        lambda c: c["evaluation_sets"]["spp"].update(images=16)
    ),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        finished = Path(name, "finished")
        for part in _CODE:
            target = finished / "code" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copy(ROOT / part, target)
        shutil.copy2(ROOT / "tests/miniature.yaml", finished / "config.yaml")
        full = Experiment(finished).run()
        _say("edit", "wall s", "of full", "CPU s", "of full", "jobs", "")
        _say_cost("full run", full, full)
        for edit, make in EDITS.items():
            edited = Experiment(Path(name, "edited"))
            shutil.copytree(finished, edited.folder, symlinks=True)
            make(edited)
            _say_cost(edit, edited.run(), full)
            shutil.rmtree(edited.folder)


def _say_cost(name: str, cost: Cost, full: Cost) -> None:
    rules = [f"{count} {rule}" for rule, count in cost.jobs.items() if rule != "all"]
    ran = sum(cost.jobs.values()) - cost.jobs["all"]
    shown = ", ".join(rules) if len(rules) <= _MOST_NAMED else f"{len(rules)} rules"
    values = (f"{cost.wall:.0f}", f"{cost.wall / full.wall:.0%}")
    _say(name, *values, f"{cost.cpu:.0f}", f"{cost.cpu / full.cpu:.0%}", str(ran), shown)


def _say(name: str, *values: str) -> None:
    *numbers, rules = values
    cells = " ".join(f"{number:>7}" for number in numbers)
    print(f"{name:32} {cells}  {rules}".rstrip(), flush=True)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.environ.pop("SPARKLE_STORE", None)
    main()
