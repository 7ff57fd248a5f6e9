"""Scores computed again from predictions, and tables from scores, against those that are there."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.provenance.number import same
from sparkle.scoring.comparisons import compare, over_seeds, write_comparisons
from sparkle.scoring.score import SCORE_SCHEMA, score
from sparkle.scoring.tables import Row, build_matrix, notes_of, write_tables

TABLES = ("matrix.csv", "comparisons.csv", "seeds.csv")
"""The tables that hold numbers; the others show the same ones in another form."""


@dataclass(frozen=True)
class Comparison:
    """A file that was made again, against the one that is there.

    Attributes:
        name: The file, relative to the results.
        compared: Rows that were compared.
        differ: Rows that differ; ``what`` tells in which columns, with an example.
    """

    name: str
    compared: int
    differ: int
    what: str = ""

    @property
    def agrees(self) -> bool:
        return self.differ == 0


def rejudged(predictions: Path, evaluation_set: Path, scores: Path) -> int:
    """How many answers are judged otherwise now than in the score file."""
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder) / scores.name
        score(predictions, evaluation_set, again)
        return compare_scores(again, scores, scores.name).differ


def rescore(
    predictions: Path, evaluation_set: Path, scores: Path, again: Path, name: str
) -> Comparison:
    """Judge answers again, into the file ``again``, and compare with ``scores``.

    A file that cannot be read or judged counts as one that differs.
    """
    try:
        score(predictions, evaluation_set, again)
        return compare_scores(again, scores, name)
    except SparkleError as error:
        return Comparison(name, 0, 1, error.message)


def compare_scores(again: Path, scores: Path, name: str) -> Comparison:
    """Two score files, question by question."""
    ours, theirs = read_frame(again, SCORE_SCHEMA), read_frame(scores, SCORE_SCHEMA)
    return compare_frames(ours, theirs, name, key="id")


def remake_tables(
    scores: Mapping[Row, Mapping[str, Path]],
    baselines: Mapping[str, str],
    folder: Path,
    tables: Path,
) -> list[Comparison]:
    """Make the tables of some score files again in ``folder``, and compare with ``tables``."""
    try:
        matrix = build_matrix(scores)
        write_tables(matrix, folder, notes_of(scores))
        write_comparisons(compare(scores, baselines), over_seeds(matrix), folder)
    except (SparkleError, KeyError, ValueError) as error:
        return [Comparison("tables", 0, 1, f"the tables cannot be made: {error}")]
    found = []
    for name in TABLES:
        try:
            ours, theirs = pd.read_csv(folder / name), pd.read_csv(tables / name)
            found.append(compare_frames(ours, theirs, f"tables/{name}"))
        except (OSError, ValueError) as error:
            found.append(Comparison(f"tables/{name}", 0, 1, str(error)))
    return found


def compare_frames(
    ours: pd.DataFrame, theirs: pd.DataFrame, name: str, key: str | None = None
) -> Comparison:
    """Two tables row by row. Numbers may differ by what writing them as text may round."""
    if list(ours.columns) != list(theirs.columns):
        odd = sorted(set(ours.columns) ^ set(theirs.columns))
        return Comparison(name, 0, len(theirs), f"other columns: {', '.join(odd)}")
    if len(ours) != len(theirs):
        return Comparison(name, 0, abs(len(ours) - len(theirs)), f"{len(ours)} rows come out")
    wrong: dict[int, str] = {}
    columns = []
    for column in ours.columns:
        pairs = zip(ours[column].tolist(), theirs[column].tolist(), strict=True)
        rows = [row for row, (left, right) in enumerate(pairs) if not _equal(left, right)]
        if rows:
            columns.append(f"{column} in {len(rows)}")
        for row in rows:
            label = theirs[key].iloc[row] if key else f"row {row + 1}"
            wrong.setdefault(
                row, f"{label}: {column} {theirs[column].iloc[row]!r}, again"
                f" {ours[column].iloc[row]!r}"
            )  # fmt: skip
    example = f"{', '.join(columns)}; {next(iter(wrong.values()))}" if wrong else ""
    return Comparison(name, len(theirs), len(wrong), example)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return same(float(left), float(right))
    return bool(left == right) or (_missing(left) and _missing(right))


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)
