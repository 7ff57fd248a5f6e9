"""From scores to the matrix: one row per model, train set, seed, evaluation set and metric."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.external.base import Benchmark
from sparkle.external.dataset import read_notes
from sparkle.external.registry import find_task
from sparkle.files import atomic_path, write_text
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.statistics import measure_interval, proportion_interval

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
    "interval",
)
Row = tuple[str, str, int]
"""(model, train set, seed)."""
Metric = tuple[str, float, float, float, int, str]
"""(name, value, low, high, n, how the interval was made)."""
_MEASURED_KINDS = ("numeric", "coordinate")


def metrics(scores: pd.DataFrame) -> Iterator[Metric]:
    """The metrics of one scored evaluation set, with 95 % intervals.

    ``accuracy`` counts unparsed answers as wrong; ``accuracy_parsed`` leaves them out, so that
    learning to follow a format can be told from learning to see.
    """
    scores = scores.reset_index(drop=True)
    parsed = scores[scores["is_parsed"]]

    def by_scene(name: str, flags: pd.Series) -> Metric:
        rows = pd.api.types.is_integer_dtype(flags.index)
        return proportion(name, flags, scores["scene_hash"].loc[flags.index] if rows else None)

    yield by_scene("accuracy", scores["correct"])
    yield by_scene("parse_rate", scores["is_parsed"])
    yield by_scene("accuracy_parsed", parsed["correct"])
    found = measures(scores)
    for name, how in found.items():
        values = scores[name].dropna()
        if how == "rate" and len(values):
            yield by_scene(f"{name}_rate", scores[name].fillna(0.0) > 0)
        elif len(values):
            mean, scenes = float(values.mean()), scores["scene_hash"].loc[values.index]
            yield f"mean_{name}", mean, *measure_interval(values, scenes)
    if "valid" in found:
        # Any optimal route is right, so this is the accuracy by its usual name.
        yield by_scene("optimal_rate", scores["correct"])
    measured = scores[scores["kind"].isin(_MEASURED_KINDS)]
    if len(measured):
        yield by_scene("within_tolerance_rate", measured["correct"])
    yield from _summaries(scores, by_scene)


def _summaries(scores: pd.DataFrame, by_scene: Any) -> Iterator[Metric]:
    """What a benchmark adds: accuracy of pairs and sets of pictures, by relation, and so on."""
    for name in sorted(set(scores["task"])):
        task = find_task(name)
        if isinstance(task, Benchmark):
            rows = scores[scores["task"] == name].reset_index(drop=True)
            rows = rows.assign(subject=[json.loads(text) for text in rows["subject"]])
            yield from task.summaries(rows, by_scene)


def measures(scores: pd.DataFrame) -> dict[str, str]:
    """The measures of the tasks in a score file, and how each is summed up."""
    return {
        name: how
        for task in sorted(set(scores["task"]))
        for name, how in find_task(task).measures.items()
    }


def proportion(name: str, flags: pd.Series, clusters: pd.Series | None = None) -> Metric:
    """A proportion with its interval; see :func:`proportion_interval`."""
    low, high, how = proportion_interval(flags.to_numpy(), clusters)
    return name, float(flags.mean()) if len(flags) else float("nan"), low, high, len(flags), how


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


def notes_of(scores: Mapping[Row, Mapping[str, Path]]) -> dict[str, list[str]]:
    """What must be known of each evaluation set, such as labels that were corrected."""
    found: dict[str, list[str]] = {}
    for files in scores.values():
        for name, path in files.items():
            notes = found.setdefault(name, [])
            notes += [note for note in read_notes(path) if note not in notes]
    return {name: notes for name, notes in found.items() if notes}


def write_tables(
    matrix: pd.DataFrame,
    folder: Path,
    notes: Mapping[str, list[str]] | None = None,
    means: str = "",
) -> None:
    """Write ``matrix.csv``, ``matrix.parquet`` and the readable ``matrix.md``.

    Args:
        means: A table of means over seeds in Markdown, which comes before that of all rows.
    """
    write_text(folder / "matrix.csv", matrix.to_csv(index=False))
    with atomic_path(folder / "matrix.parquet") as temporary:
        matrix.to_parquet(temporary, index=False)
    lines = [f"- {name}: {note}" for name, each in (notes or {}).items() for note in each]
    write_text(
        folder / "matrix.md",
        means + as_markdown(matrix) + ("\n" + "\n".join(lines) + "\n") * bool(lines),
    )


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
    title = "Accuracy in percent [95 % interval; Wilson, or bootstrap over scenes]"
    return f"{title}\n\n{table.to_markdown(index=False)}\n"
