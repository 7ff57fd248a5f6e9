"""Reference answerers: the oracle (right by construction) and chance (well formed, random)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparkle.datasets.merge import EVALUATION_SCHEMA, question_from_row
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import scene_from_json
from sparkle.tasks import get_task


def answer_by_reference(name: str, evaluation_sets: Sequence[Path], folder: Path) -> None:
    """Write ``folder/{set}.parquet`` with the answers of ``oracle`` or ``chance`` to each set."""
    if name not in ("oracle", "chance"):
        raise SparkleError(f"There is no reference '{name}'.", "Use oracle or chance.")
    for path in evaluation_sets:
        rows = read_rows(path, EVALUATION_SCHEMA)
        answers = [Prediction(row["id"], _answer(name, row), None) for row in rows]
        write_predictions(folder / path.name, answers)


def _answer(name: str, row: dict[str, Any]) -> str:
    question, scene = question_from_row(row), scene_from_json(row["scene"])
    task = get_task(question.task)
    if name == "oracle":
        return task.solve(question, scene)
    rng = item_generator(0, f"chance/{row['id']}", 0)
    return task.chance(question, scene, rng)
