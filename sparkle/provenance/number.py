"""One number of the matrix: where it stands, which files it comes from, and computed anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.tables import COLUMNS, metrics

_KEYS = ("model", "train_set", "seed", "evaluation_set", "metric")


@dataclass(frozen=True)
class Number:
    """A cell of the matrix.

    Attributes:
        row: ``MODEL/TRAIN_SET/seedN``.
        value: As the table has it, with the ends of its 95 % interval, from ``n`` answers.
    """

    row: str
    evaluation_set: str
    metric: str
    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        interval = "" if math.isnan(self.low) else f" [{self.low:.4f}, {self.high:.4f}]"
        of = f"{self.metric} of {self.row} on {self.evaluation_set}"
        return f"{of}: {self.value:.4f}{interval}, n = {self.n}"


def find_number(table: Path, row: str, evaluation_set: str, metric: str) -> Number:
    """The number that stands in a matrix (CSV or Parquet) for a row, a set and a metric.

    Raises:
        SparkleError: The table is no matrix, or has no such number; the hint lists what it has.
    """
    frame = read_matrix(table)
    if len(parts := row.split("/")) != 3:
        raise SparkleError(f"--row: '{row}' is no MODEL/TRAIN_SET/seedN.", "Write it so.")
    names = frame["model"] + "/" + frame["train_set"] + "/seed" + frame["seed"].astype(str)
    found = frame[(names == "/".join(parts))]
    _require(found, table, "--row", row, names)
    rows, found = found, found[found["evaluation_set"] == evaluation_set]
    _require(found, table, "--set", evaluation_set, rows["evaluation_set"])
    of_set, found = found, found[found["metric"] == metric]
    _require(found, table, "--metric", metric, of_set["metric"])
    cell = found.iloc[0]
    return Number(
        row=row, evaluation_set=evaluation_set, metric=metric, value=float(cell["value"]),
        low=float(cell["low"]), high=float(cell["high"]), n=int(cell["n"]),
    )  # fmt: skip


def _require(found: pd.DataFrame, table: Path, option: str, value: str, known: pd.Series) -> None:
    if found.empty:
        names = ", ".join(dict.fromkeys(known.astype(str)))
        raise SparkleError(f"{option}: {table} has no '{value}'.", f"It has: {names}.")


def read_matrix(table: Path) -> pd.DataFrame:
    """A matrix as ``sparkle tables`` writes it.

    Raises:
        SparkleError: It is none.
    """
    try:
        frame = pd.read_parquet(table) if table.suffix == ".parquet" else pd.read_csv(table)
    except (OSError, ValueError) as error:
        raise SparkleError(f"{table} is no readable table: {error}", "Give a matrix.") from None
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise SparkleError(
            f"{table} is no matrix: it lacks the columns {', '.join(missing)}.",
            "Numbers are traced in tables/matrix.csv; other files are traced without --row.",
        )
    return frame.assign(metric=frame["metric"].astype(str))


def recomputed(number: Number, scores: Path) -> str | None:
    """What the score file gives for the number, if that is another one; None if they agree."""
    frame = read_frame(scores, SCORE_SCHEMA)
    for name, value, low, high, n, _ in metrics(frame):
        if name == number.metric:
            theirs = {"value": number.value, "low": number.low, "high": number.high, "n": number.n}
            ours = {"value": value, "low": low, "high": high, "n": n}
            wrong = [key for key in ours if not same(theirs[key], ours[key])]
            return ", ".join(f"{key} {ours[key]:.6g}" for key in wrong) or None
    return f"no {number.metric}"


def same(left: float, right: float) -> bool:
    """Whether two numbers are equal but for the last digit that a text file may round."""
    return (math.isnan(left) and math.isnan(right)) or math.isclose(
        left, right, rel_tol=1e-12, abs_tol=1e-15
    )


def cells(frame: pd.DataFrame) -> Mapping[tuple[str, ...], dict[str, float]]:
    """(model, train set, seed, evaluation set, metric) -> value, low, high, n."""
    keys = zip(*(frame[name].astype(str) for name in _KEYS), strict=True)
    values = frame[["value", "low", "high", "n"]].to_dict("records")
    return {key: {str(k): float(v) for k, v in cell.items()}
            for key, cell in zip(keys, values, strict=True)}  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """Which of the files that a job read have a part in what is traced.

    A job that makes the files of several evaluation sets makes each from the files of its own set.
    """

    row: str | None = None
    evaluation_set: str | None = None

    @staticmethod
    def of_file(name: str) -> Selection:
        """What the name of an artefact says it is for."""
        path = PurePosixPath(name)
        if path.parts[0] in ("scores", "predictions") and path.suffix == ".parquet":
            return Selection(evaluation_set=path.stem)
        return Selection()

    def takes(self, name: str) -> bool:
        """Whether an input has a part in it."""
        path = PurePosixPath(name)
        of_row = path.parts[0] in ("scores", "predictions")
        if (
            of_row
            and self.row is not None
            and path.parent != PurePosixPath(path.parts[0], self.row)
        ):
            return False
        of_set = of_row or path.parts[:2] == ("data", "evaluation")
        return not (of_set and self.evaluation_set and self.evaluation_set != path.stem)
