"""Where a model is right and where it errs: accuracy by difficulty and by class, confusions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sparkle.datasets.parquet import read_table
from sparkle.files import write_text
from sparkle.reporting.matrix import Estimate, Matrix, Run, SeedValue, over_seeds
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.statistics import wilson

ScoreFiles = Mapping[tuple[str, str, int], Mapping[str, Path]]
"""Score tables by (model, train set, seed) and evaluation set."""

UNREAD = "unread"
NUMBERS = ("numeric", "coordinate")
"""Kinds whose difficulty has another unit than that of the other kinds of their task."""
DIFFICULTIES = {
    "direction": "degrees to the nearest sector border",
    "distance": "ratio of the two distances",
    "localization": "units to the nearest cell border",
    "spp": "moves of a shortest path",
    "tsp": "share by which the next best route is longer",
    "numeric": "units by which an answer may err",
    "coordinate": "units to the nearest other object",
}
"""What ``difficulty`` is, by task or kind; the axis reads from hard to easy but for paths."""
COLUMNS = (
    "model", "train_set", "evaluation_set", "by", "part", "value", "low", "high", "n", "seeds",
)  # fmt: skip
_NEEDED = ("task", "kind", "difficulty", "target", "parsed", "is_parsed", "correct")
_FEW_VALUES = 8
_BINS = 5
_LEAST_PER_BIN = 8
_LEAST_SHOWN = 5
"""Questions that a range of difficulties must have to be worth a number."""
_MOST_CLASSES = 12

By = Literal["difficulty", "class", "kind"]
Frames = Mapping[tuple[Run, str], Mapping[int, pd.DataFrame]]
"""Score rows by run and evaluation set, and in them by seed."""


@dataclass(frozen=True)
class Part:
    """Accuracy on some of the questions of an evaluation set.

    ``part`` names them: a class, a kind of question, or a range of difficulties whose middle is
    ``middle`` (the median of the questions in it; None for classes and kinds).
    """

    run: Run
    evaluation_set: str
    by: By
    part: str
    middle: float | None
    estimate: Estimate


@dataclass(frozen=True)
class Breakdown:
    """All parts, and how often each class was answered with each.

    ``confusions`` holds by run and evaluation set the share of the answers given to the questions
    of a class, over all seeds: [class][answer] in 0..1, ``unread`` being an answer too.
    ``numbers``: the kind of those evaluation sets that ask for numbers alone.
    """

    parts: tuple[Part, ...]
    confusions: Mapping[tuple[Run, str], Mapping[str, Mapping[str, float]]]
    numbers: Mapping[str, str]

    def of(self, evaluation_set: str, by: By, run: Run | None = None) -> list[Part]:
        """The parts of one evaluation set, of one run or of all."""
        return [
            part
            for part in self.parts
            if (part.evaluation_set, part.by) == (evaluation_set, by) and run in (None, part.run)
        ]

    def models_by_difficulty(self, evaluation_set: str) -> list[str]:
        """The models whose accuracy by difficulty is known there, in the order of the matrix."""
        parts = self.of(evaluation_set, "difficulty")
        return list(dict.fromkeys(part.run.model for part in parts))


def break_down(matrix: Matrix, scores: ScoreFiles) -> Breakdown:
    """Break the scores of all runs of the matrix down; references are left out.

    Raises:
        SparkleError: A score table is missing or malformed.
    """
    frames = read_frames(matrix, scores)
    parts: list[Part] = []
    confusions, numbers = {}, {}
    for name in matrix.evaluation_sets:
        own = {run: frames[run, name] for run in matrix.runs if (run, name) in frames}
        if own:
            kinds = set(_first(own)["kind"])
            if len(kinds) == 1 and kinds <= set(NUMBERS):
                (numbers[name],) = kinds
            else:
                own = {run: _without_numbers(seeds) for run, seeds in own.items()}
            parts += _by_difficulty(name, own)
            parts += _by_name(name, own, "class", "target")
            parts += _by_name(name, own, "kind", "kind")
        if matrix.tasks[name] in ("direction", "localization"):
            confusions.update({(run, name): _confusion(seeds) for run, seeds in own.items()})
    return Breakdown(tuple(parts), confusions, numbers)


def _first(own: Mapping[Run, Mapping[int, pd.DataFrame]]) -> pd.DataFrame:
    """The scores of one run and seed, which are about the same questions as all others."""
    (first, *_) = next(iter(own.values())).values()
    return first


def _without_numbers(seeds: Mapping[int, pd.DataFrame]) -> dict[int, pd.DataFrame]:
    """The scores without the difficulty of kinds that measure it in another unit."""
    return {
        seed: frame.assign(difficulty=frame["difficulty"].mask(frame["kind"].isin(NUMBERS)))
        for seed, frame in seeds.items()
    }


def read_frames(matrix: Matrix, scores: ScoreFiles) -> Frames:
    """What the breakdown needs of all scores of the matrix's runs."""
    found: dict[tuple[Run, str], dict[int, pd.DataFrame]] = {}
    for (model, train_set, seed), files in sorted(scores.items()):
        run = Run(model, train_set)
        for name, path in files.items() if run in matrix.runs else ():
            table = read_table(path, SCORE_SCHEMA, columns=list(_NEEDED))
            found.setdefault((run, name), {})[seed] = table.to_pandas()
    return found


def _estimate(seeds: Mapping[int, pd.Series]) -> Estimate:
    """Share right of each seed's flags, taken together."""
    values = []
    for seed, flags in seeds.items():
        right, n = int(flags.sum()), len(flags)
        values.append(SeedValue(seed, right / n, *wilson(right, n), n))
    return over_seeds(values)


def _by_difficulty(name: str, own: Mapping[Run, Mapping[int, pd.DataFrame]]) -> Iterator[Part]:
    """Accuracy by bins that are the same for all runs, so that their curves can be compared."""
    known = _first(own)["difficulty"].dropna().to_numpy(dtype=float)
    edges = bin_edges(known[np.isfinite(known)])
    for run, seeds in own.items():
        for low, high in zip(edges, edges[1:], strict=False):
            last = high == edges[-1]
            inside = {
                seed: frame[_between(frame["difficulty"], low, high, last)]
                for seed, frame in seeds.items()
            }
            if all(len(frame) >= _LEAST_SHOWN for frame in inside.values()):
                margins = next(iter(inside.values()))["difficulty"]
                least, most = float(margins.min()), float(margins.max())
                yield Part(
                    run, name, "difficulty", f"{least:.3g}" + f" to {most:.3g}" * (most > least),
                    float(margins.median()),
                    _estimate({seed: frame["correct"] for seed, frame in inside.items()}),
                )  # fmt: skip


def _between(values: pd.Series, low: float, high: float, last: bool) -> pd.Series:
    return (values >= low) & ((values <= high) if last else (values < high))


def bin_edges(values: np.ndarray) -> list[float]:
    """Edges of bins with about as many values each; few distinct values get a bin each.

    Empty where there are too few values to say anything.
    """
    if len(values) < _LEAST_PER_BIN:
        return []
    distinct = np.unique(values)
    if len(distinct) <= _FEW_VALUES:
        return [*distinct.tolist(), float(np.nextafter(distinct[-1], np.inf))]
    bins = min(_BINS, len(values) // _LEAST_PER_BIN)
    return np.unique(np.quantile(values, np.linspace(0, 1, bins + 1))).tolist()


def _by_name(
    name: str, own: Mapping[Run, Mapping[int, pd.DataFrame]], by: By, column: str
) -> Iterator[Part]:
    """Accuracy by the values of a column, where they are neither one nor many."""
    values = sorted(set(_first(own)[column].dropna()))
    if not 2 <= len(values) <= _MOST_CLASSES:
        return
    for run, seeds in own.items():
        for value in values:
            inside = {seed: f["correct"][f[column] == value] for seed, f in seeds.items()}
            if all(len(flags) for flags in inside.values()):
                yield Part(run, name, by, value, None, _estimate(inside))


def _confusion(seeds: Mapping[int, pd.DataFrame]) -> dict[str, dict[str, float]]:
    frame = pd.concat(list(seeds.values()))
    frame = frame[frame["kind"].isin(["pair", "cell"])]
    answers = frame["parsed"].where(frame["is_parsed"].astype(bool), UNREAD)
    shares = pd.crosstab(frame["target"], answers, normalize="index")
    return {
        str(target): {str(answer): float(share) for answer, share in row.items() if share > 0}
        for target, row in shares.iterrows()
    }


def write_breakdown(breakdown: Breakdown, path: Path) -> None:
    """Write all parts as CSV; see :data:`COLUMNS`."""
    rows: Sequence[tuple[object, ...]] = [
        (
            part.run.model, part.run.train_set, part.evaluation_set, part.by, part.part,
            part.estimate.value, part.estimate.low, part.estimate.high, part.estimate.n,
            len(part.estimate.seeds),
        )
        for part in breakdown.parts
    ]  # fmt: skip
    write_text(path, pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False))
