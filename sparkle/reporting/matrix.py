"""The result matrix as the report reads it: seeds averaged, rows and columns in reading order."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sparkle.errors import SparkleError
from sparkle.tasks import all_tasks

ACCURACY = "accuracy"
ALPHA = 0.05
BASE = "none"
REFERENCES = ("oracle", "chance", "most_frequent")
GROUPS = ("Basic", "Composite", "Other")
COLUMNS = (
    "model", "train_set", "seed", "evaluation_set", "task", "metric", "value", "low", "high", "n",
)  # fmt: skip
_GROUP_OF_FAMILY = {"basic": "Basic", "grid": "Composite", "tour": "Composite"}
_HINT = "Run the scoring step again; it writes this table."

Capabilities = Mapping[str, Collection[str]]
"""For each train set the tasks it trains."""


@dataclass(frozen=True)
class SeedValue:
    """One metric of one training seed; ``low`` and ``high`` bound it with 95 % confidence."""

    seed: int
    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Estimate:
    """A metric over all seeds of a run.

    ``value`` is the mean over seeds. The seeds answer the same questions, so pooling them would
    pretend to more questions than there are: the interval is the mean of the seeds' intervals,
    widened where needed to hold every seed's value. ``n`` counts the questions of one seed.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    seeds: tuple[SeedValue, ...]


@dataclass(frozen=True)
class Run:
    """A row of the matrix: a model and what it was trained on (``none`` for the base model)."""

    model: str
    train_set: str

    @property
    def is_base(self) -> bool:
        return self.train_set == BASE

    @property
    def label(self) -> str:
        """Short name inside its model's group; references go by their own name."""
        if self.model in REFERENCES:
            return self.model
        return "base" if self.is_base else self.train_set


@dataclass(frozen=True)
class Matrix:
    """All estimates, with the rows and columns in the order in which to show them."""

    runs: tuple[Run, ...]
    references: tuple[Run, ...]
    evaluation_sets: tuple[str, ...]
    tasks: Mapping[str, str]
    metrics: tuple[str, ...]
    estimates: Mapping[tuple[Run, str, str], Estimate]
    capabilities: Capabilities = field(default_factory=dict)
    significance: Mapping[tuple[Run, str], float] = field(default_factory=dict)
    """P value against the baseline, after Holm's correction, by run and evaluation set."""

    def get(self, run: Run, evaluation_set: str, metric: str = ACCURACY) -> Estimate | None:
        """The estimate of that cell, or None where it was not measured."""
        return self.estimates.get((run, evaluation_set, metric))

    def reference(self, name: str, evaluation_set: str, metric: str = ACCURACY) -> Estimate | None:
        """The estimate of reference row ``name``, or None."""
        return self.get(Run(name, BASE), evaluation_set, metric)

    def is_significant(self, run: Run, evaluation_set: str) -> bool:
        """Whether the run differs from its baseline there, corrected for many comparisons."""
        p_value = self.significance.get((run, evaluation_set))
        return p_value is not None and p_value < ALPHA

    def models(self) -> tuple[str, ...]:
        """Names of the models, references excluded."""
        return tuple(dict.fromkeys(run.model for run in self.runs))

    def runs_of(self, model: str) -> tuple[Run, ...]:
        """The runs of one model, its base first."""
        return tuple(run for run in self.runs if run.model == model)

    def is_untrained(self, model: str) -> bool:
        """Whether the model was only evaluated as it is."""
        return all(run.is_base for run in self.runs_of(model))

    def train_sets(self) -> tuple[str, ...]:
        """Names of the train sets in order, the base excluded."""
        return tuple(dict.fromkeys(run.train_set for run in self.runs if not run.is_base))

    def group(self, evaluation_set: str) -> str:
        """Which of :data:`GROUPS` the evaluation set belongs to."""
        return _group_of_task(self.tasks[evaluation_set])

    def trains(self, run: Run, evaluation_set: str) -> bool:
        """Whether the run was trained on the capability that this evaluation set tests."""
        task = self.tasks[evaluation_set]
        return not run.is_base and task in trained_tasks(run.train_set, self.capabilities)


def compare(new: Estimate, old: Estimate) -> Literal[-1, 0, 1]:
    """1 or -1 where the interval of ``new`` lies wholly above or below ``old``'s, else 0."""
    new_low, new_high = bounds(new)
    old_low, old_high = bounds(old)
    if new_low > old_high:
        return 1
    return -1 if new_high < old_low else 0


def bounds(estimate: Estimate) -> tuple[float, float]:
    """The interval; the value itself where no interval was given."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return low, high


def trained_tasks(train_set: str, capabilities: Capabilities) -> frozenset[str]:
    """The tasks a train set trains: as given, else read off its name.

    ``direction_distance`` trains the two tasks it names, ``full`` every basic one.
    """
    if train_set in capabilities:
        return frozenset(capabilities[train_set])
    words = set(re.split(r"[^a-z]+", train_set.lower()))
    tasks = all_tasks()
    basic = {name for name, task in tasks.items() if task.family == "basic"}
    return frozenset((words & set(tasks)) | (basic if "full" in words else set()))


def read_matrix(path: Path, capabilities: Capabilities | None = None) -> Matrix:
    """Read ``matrix.csv``.

    Raises:
        SparkleError: The file is missing, empty, malformed or holds no accuracy of any model.
    """
    rows = read_csv(path, COLUMNS, _HINT)
    if not rows:
        raise SparkleError(
            f"{path} has no rows: there is nothing to report.",
            "Evaluate at least one model first, or check 'models' and 'evaluation_sets'.",
        )
    cells: dict[tuple[Run, str, str], list[SeedValue]] = {}
    tasks: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        key = (Run(row["model"], row["train_set"]), row["evaluation_set"], row["metric"])
        value = _seed_value(row, path, line)
        tasks.setdefault(row["evaluation_set"], row["task"])
        if value is not None:
            cells.setdefault(key, []).append(value)
    if not any(metric == ACCURACY and run.model not in REFERENCES for run, _, metric in cells):
        raise SparkleError(f"{path} holds no '{ACCURACY}' of any model.", _HINT)
    runs = tuple(dict.fromkeys(run for run, _, _ in cells))
    known = capabilities or {}
    return Matrix(
        runs=_ordered_runs((run for run in runs if run.model not in REFERENCES), known),
        references=tuple(Run(name, BASE) for name in REFERENCES if Run(name, BASE) in runs),
        evaluation_sets=tuple(sorted(tasks, key=lambda s: GROUPS.index(_group_of_task(tasks[s])))),
        tasks=tasks,
        metrics=tuple(dict.fromkeys(metric for _, _, metric in cells)),
        estimates={key: over_seeds(values) for key, values in cells.items()},
        capabilities=known,
    )


def read_csv(path: Path, columns: Collection[str], hint: str) -> list[dict[str, str]]:
    """Rows of a CSV file with at least ``columns``, as text; all else is a SparkleError."""
    return _read_rows(path, columns, hint, "excel")


def read_tsv(path: Path, columns: Collection[str], hint: str) -> list[dict[str, str]]:
    """As :func:`read_csv`, with tabs between the columns."""
    return _read_rows(path, columns, hint, "excel-tab")


def _read_rows(
    path: Path, columns: Collection[str], hint: str, dialect: str
) -> list[dict[str, str]]:
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle, dialect=dialect)
            present = reader.fieldnames or ()
            rows = list(reader)
    except FileNotFoundError:
        raise SparkleError(f"{path} does not exist.", hint) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SparkleError(f"{path} is not readable CSV ({error}).", hint) from None
    missing = [name for name in columns if name not in present]
    if missing:
        raise SparkleError(f"{path} lacks the columns {', '.join(missing)}.", hint)
    return [{key: value or "" for key, value in row.items() if key} for row in rows]


def read_significance(path: Path) -> dict[tuple[Run, str], float]:
    """The corrected p value of every comparison in ``comparisons.csv``."""
    columns = ("model", "train_set", "evaluation_set", "p_holm")
    found = {}
    for line, row in enumerate(read_csv(path, columns, _HINT), start=2):
        try:
            p_value = number(row["p_holm"])
        except ValueError as error:
            raise SparkleError(f"{path}, line {line}: {error}.", _HINT) from None
        if p_value is not None:
            found[Run(row["model"], row["train_set"]), row["evaluation_set"]] = p_value
    return found


def number(text: str) -> float | None:
    """A finite number, or None for blanks and NaN. Raises ValueError for other text."""
    value = float(text) if text.strip() else math.nan
    return value if math.isfinite(value) else None


def _group_of_task(name: str) -> str:
    task = all_tasks().get(name)
    return _GROUP_OF_FAMILY.get(task.family, "Other") if task else "Other"


def _seed_value(row: Mapping[str, str], path: Path, line: int) -> SeedValue | None:
    """The row's measurement; None where the metric is undefined."""
    try:
        value, low, high = (number(row[key]) for key in ("value", "low", "high"))
        if value is None:
            return None
        return SeedValue(int(row["seed"]), value, low, high, int(float(row["n"] or 0)))
    except ValueError as error:
        raise SparkleError(f"{path}, line {line}: {error}.", _HINT) from None


def over_seeds(values: Iterable[SeedValue]) -> Estimate:
    """One estimate of the values of at least one seed; see :class:`Estimate`."""
    seeds = tuple(sorted(values, key=lambda value: value.seed))
    points = [seed.value for seed in seeds]
    lows = [seed.low for seed in seeds if seed.low is not None]
    highs = [seed.high for seed in seeds if seed.high is not None]
    return Estimate(
        value=sum(points) / len(points),
        low=min(sum(lows) / len(lows), *points) if lows else None,
        high=max(sum(highs) / len(highs), *points) if highs else None,
        n=max(seed.n for seed in seeds),
        seeds=seeds,
    )


def _ordered_runs(runs: Iterable[Run], capabilities: Capabilities) -> tuple[Run, ...]:
    """Models as they come; inside each the base first, then from narrow to broad train sets."""
    found = list(runs)
    models = list(dict.fromkeys(run.model for run in found))
    return tuple(sorted(found, key=lambda run: (
        models.index(run.model), not run.is_base,
        len(trained_tasks(run.train_set, capabilities)), found.index(run),
    )))  # fmt: skip
