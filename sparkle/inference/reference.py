"""Reference answerers: the oracle, chance, and the most frequent answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparkle.config.models import REFERENCES
from sparkle.datasets.merge import EVALUATION_SCHEMA, question_from_row
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError
from sparkle.external.registry import find_task
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.inference.prompting import plain_hash
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import scene_of


def answer_by_reference(name: str, evaluation_sets: Sequence[Path], folder: Path) -> None:
    """Write ``folder/{set}.parquet`` with the answers of a reference to each set.

    ``oracle`` is right by construction, ``chance`` well formed and random, ``most_frequent`` always
    gives the answer that is most often right among the questions of a kind in this set.
    """
    if name not in REFERENCES:
        raise SparkleError(f"There is no reference '{name}'.", f"Use {' or '.join(REFERENCES)}.")
    for path in evaluation_sets:
        rows = read_rows(path, EVALUATION_SCHEMA)
        usual = _most_frequent(rows) if name == "most_frequent" else {}
        answers = [
            Prediction(
                row["id"], usual.get(_kind(row)) or _answer(name, row), None, plain_hash(row)
            )
            for row in rows
        ]
        write_predictions(folder / path.name, answers)


def _kind(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["task"], row["kind"], row["form"]


def _most_frequent(rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """The most frequent right answer of each kind; of equally frequent ones the first by name."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for row in rows:
        counts.setdefault(_kind(row), Counter())[row["answer"]] += 1
    return {kind: min(each, key=lambda a: (-each[a], a)) for kind, each in counts.items()}


def _answer(name: str, row: dict[str, Any]) -> str:
    question, scene = question_from_row(row), scene_of(row["scene"])
    task = find_task(question.task)
    if name == "oracle":
        return task.solve(question, scene)
    rng = item_generator(0, f"chance/{row['id']}", 0)
    return task.chance(question, scene, rng)
