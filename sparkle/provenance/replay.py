"""One step done again from its record, and its outputs compared with what the record says.

The step runs in a scratch folder that shows it the results by links, all but its own outputs, so
that nothing that is there is touched, and nothing that is there is taken for done.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.files import TIMES
from sparkle.inference.predictions import PREDICTION_SCHEMA
from sparkle.provenance.record import Record, find_record, hash_of, locate, located, results_of
from sparkle.provenance.writing import STORE

ANSWERS_BOUND = 0.95
"""Share of answers that have to be the same where a GPU computed them."""
LOSS_BOUND = 0.05
"""Relative difference of the last loss that is allowed where a GPU, or threads, computed it."""


@dataclass(frozen=True)
class Outcome:
    """An output that was made again: whether that is as it should be, and in what way."""

    name: str
    agrees: bool
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


@dataclass(frozen=True)
class Replay:
    """A step that can be done again."""

    record: Record
    results: Path

    @staticmethod
    def of(artefact: Path) -> Replay:
        """The step that made an artefact.

        Raises:
            SparkleError: Nothing tells what made it.
        """
        path, record = find_record(artefact)
        return Replay(record, results_of(path, record))

    def words(self, results: Path) -> list[str]:
        """The command line with files in the given results folder; without a log."""
        words = [located(word, results) for word in self.record.command]
        if "--log" in words:
            place = words.index("--log")
            del words[place : place + 2]
        return words

    @property
    def command(self) -> str:
        """The command line for a shell, as it would be given by hand."""
        return shlex.join(self.words(self.results))

    def run(self, scratch: Path) -> list[Outcome]:
        """Do the step again below ``scratch`` and compare.

        Raises:
            SparkleError: The step failed.
        """
        again = scratch / "results"
        self._mirror(again)
        environment = {key: value for key, value in os.environ.items() if key != STORE}
        command = [sys.executable, "-m", "sparkle", *self.words(again)[1:]]
        status = subprocess.run(command, env=environment, check=False).returncode
        if status:
            raise SparkleError(
                f"The step failed with status {status}: {self.record.step}.",
                "Its output above has the cause. 'sparkle trace --verify' tells whether its"
                " inputs are those of the record.",
            )
        return list(self.compared(again))

    def _mirror(self, again: Path) -> None:
        """Links to all files of the results but the step's own outputs, and work."""
        own = {PurePosixPath(name) for name in [*self.record.outputs, self.record.name]}
        work = PurePosixPath("work")
        for folder, folders, files in os.walk(self.results):
            place = PurePosixPath(Path(folder).relative_to(self.results).as_posix())
            folders[:] = [n for n in folders if place / n not in own and place / n != work]
            target = again / place
            target.mkdir(parents=True, exist_ok=True)
            for name in files:
                if place / name not in own:
                    os.symlink((Path(folder) / name).resolve(), target / name)

    def compared(self, again: Path) -> Iterator[Outcome]:
        """The outputs as they were made below ``again``, against the record."""
        for name, digest in self.record.outputs.items():
            made = locate(name, again)
            if not made.exists():
                yield Outcome(name, False, "was not made")
            elif hash_of(made) == digest:
                yield Outcome(name, True, "identical")
            elif name not in self.record.varies:
                yield Outcome(name, False, "DIFFERS, though it should be the same byte for byte")
            else:
                yield self._within_bound(name, again)

    def _within_bound(self, name: str, again: Path) -> Outcome:
        why = f"other bytes, as recorded ({self.record.varies[name]})"
        if PurePosixPath(name).name == TIMES:
            return Outcome(name, True, f"{why}; not compared further")
        original, made = locate(name, self.results), locate(name, again)
        if hash_of(original) != self.record.outputs[name]:
            return Outcome(name, False, f"{why}; the original was altered: nothing to compare with")
        if name.startswith("predictions/") and name.endswith(".parquet"):
            return _answers(name, why, original, made, self._by_gpu)
        if self.record.step == "finetune":
            curve = f"{PurePosixPath(name).parent}/training.csv"
            exact = not self._by_gpu and "weights" not in " ".join(self.record.varies)
            return _curves(name, why, locate(curve, self.results), locate(curve, again), exact)
        return Outcome(name, True, f"{why}; not compared further")

    @property
    def _by_gpu(self) -> bool:
        words = self.record.command
        return "--gpus" in words and words[words.index("--gpus") + 1] != "0"


def _answers(name: str, why: str, original: Path, made: Path, by_gpu: bool) -> Outcome:
    old, new = (read_frame(p, PREDICTION_SCHEMA).set_index("id") for p in (original, made))
    if list(old.index) != list(new.index):
        return Outcome(name, False, f"{why}; OTHER QUESTIONS were answered")
    equal = int((old["response"] == new["response"]).sum())
    bound = ANSWERS_BOUND if by_gpu else 1.0
    told = f"{equal} of {len(old)} answers are the same (bound: {bound:.0%})"
    agrees = equal >= bound * len(old)
    return Outcome(name, agrees, f"{why}; {told if agrees else told.upper()}")


def _curves(name: str, why: str, original: Path, made: Path, exact: bool) -> Outcome:
    old, new = (pd.read_csv(path).dropna(subset=["loss"]) for path in (original, made))
    if exact:
        same = old[["step", "loss"]].equals(new[["step", "loss"]])
        told = "every loss is the same" if same else "THE LOSSES DIFFER"
        return Outcome(name, same, f"{why}; {told}")
    last, again = float(old["loss"].iloc[-1]), float(new["loss"].iloc[-1])
    difference = abs(again - last) / max(abs(last), 1e-9)
    bound = f"{difference:.1%} apart; bound: {LOSS_BOUND:.0%}"
    told = f"the loss ends at {again:.4g}, was {last:.4g} ({bound})"
    agrees = difference <= LOSS_BOUND
    return Outcome(name, agrees, f"{why}; {told if agrees else told.upper()}")


def agree(outcomes: Sequence[Outcome]) -> bool:
    """Whether all outputs are as they should be."""
    return all(each.agrees for each in outcomes)
