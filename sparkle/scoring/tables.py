"""From scores to the matrix: one row per model, train set, seed, evaluation set and metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, write_text
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.statistics import mean_interval, wilson
from sparkle.tasks import get_task

COLUMNS = (
    "model",
    "train_set",
    "seed",
    "evaluation_set",
    "task",
    "metric",
    "value",
    "low",
    "high",
    "n",
)
Row = tuple[str, str, int]
"""(model, train set, seed)."""


def metrics(scores: pd.DataFrame) -> Iterator[tuple[str, float, float, float, int]]:
    """(metric, value, low, high, n) of one scored evaluation set, with 95 % intervals.

    ``accuracy`` counts unparsed answers as wrong; ``accuracy_parsed`` leaves them out, so that
    learning to follow a format can be told from learning to see.
    """
    parsed = scores[scores["is_parsed"]]
    yield proportion("accuracy", scores["correct"])
    yield proportion("parse_rate", scores["is_parsed"])
    yield proportion("accuracy_parsed", parsed["correct"])
    for name, how in measures(scores).items():
        values = scores[name].dropna().to_numpy()
        if how == "rate" and len(values):
            yield proportion(f"{name}_rate", scores[name].fillna(0.0) > 0)
        elif len(values):
            low, high = mean_interval(values)
            yield f"mean_{name}", float(values.mean()), low, high, len(values)


def measures(scores: pd.DataFrame) -> dict[str, str]:
    """The measures of the tasks in a score file, and how each is summed up."""
    return {
        name: how
        for task in sorted(set(scores["task"]))
        for name, how in get_task(task).measures.items()
    }


def proportion(name: str, flags: pd.Series) -> tuple[str, float, float, float, int]:
    """A proportion with its Wilson interval."""
    hits, trials = int(flags.sum()), len(flags)
    low, high = wilson(hits, trials)
    return name, hits / trials if trials else float("nan"), low, high, trials


def build_matrix(scores: Mapping[Row, Mapping[str, Path]]) -> pd.DataFrame:
    """The matrix of all scored evaluation sets, in the order given; see :data:`COLUMNS`."""
    rows = []
    for (model, train_set, seed), files in scores.items():
        for evaluation_set, path in files.items():
            frame = read_frame(path, SCORE_SCHEMA)
            task = str(frame["task"].iloc[0]) if len(frame) else ""
            for metric in metrics(frame):
                rows.append((model, train_set, seed, evaluation_set, task, *metric))
    if not rows:
        raise SparkleError("There are no scores to tabulate.", "Run inference and scoring first.")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_tables(matrix: pd.DataFrame, folder: Path) -> None:
    """Write ``matrix.csv``, ``matrix.parquet`` and the readable ``matrix.md``."""
    write_text(folder / "matrix.csv", matrix.to_csv(index=False))
    with atomic_path(folder / "matrix.parquet") as temporary:
        matrix.to_parquet(temporary, index=False)
    write_text(folder / "matrix.md", as_markdown(matrix))


def as_markdown(matrix: pd.DataFrame) -> str:
    """Accuracy in percent with its interval, one column per evaluation set."""
    accuracy = matrix[matrix["metric"] == "accuracy"].copy()
    accuracy["cell"] = [
        f"{100 * value:.1f} [{100 * low:.1f}, {100 * high:.1f}]"
        for value, low, high in zip(
            accuracy["value"], accuracy["low"], accuracy["high"], strict=True
        )
    ]
    sets = list(dict.fromkeys(accuracy["evaluation_set"]))
    table = accuracy.pivot(
        index=["model", "train_set", "seed"], columns="evaluation_set", values="cell"
    )
    order = list(
        dict.fromkeys(zip(accuracy["model"], accuracy["train_set"], accuracy["seed"], strict=True))
    )
    table = table.loc[order, sets].fillna("").reset_index()
    return f"Accuracy in percent [95 % Wilson interval]\n\n{table.to_markdown(index=False)}\n"
