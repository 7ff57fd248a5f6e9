"""Judge predictions: each task's parser and verifier, one row per sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.merge import EVALUATION_SCHEMA, question_from_row
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError
from sparkle.files import atomic_path
from sparkle.inference.predictions import PREDICTION_SCHEMA
from sparkle.scenes.spec import scene_from_json
from sparkle.tasks import get_task

# The columns of every score file; the measures of its task follow.
SCORE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("task", pa.string()),
        ("kind", pa.string()),
        ("form", pa.string()),
        ("difficulty", pa.float64()),
        ("target", pa.string()),
        ("response", pa.string()),
        ("parsed", pa.string()),
        ("is_parsed", pa.bool_()),
        ("correct", pa.bool_()),
        ("latency", pa.float64()),
        ("task_version", pa.int64()),
        ("parser_version", pa.int64()),
    ]
)


def score(predictions: Path, evaluation_set: Path, output: Path) -> pd.DataFrame:
    """Score one file of predictions against its evaluation set and write ``output``.

    Raises:
        SparkleError: The predictions do not answer exactly the questions of the set.
    """
    questions = read_rows(evaluation_set, EVALUATION_SCHEMA)
    answers = read_rows(predictions, PREDICTION_SCHEMA)
    if [row["id"] for row in answers] != [row["id"] for row in questions]:
        missing = {row["id"] for row in questions} - {row["id"] for row in answers}
        raise SparkleError(
            f"{predictions} does not fit {evaluation_set}: {len(missing)} of {len(questions)}"
            " questions have no answer, or the order differs.",
            f"Delete {predictions} and run inference again.",
        )
    rows = [
        judge(question, answer["response"], answer["latency"])
        for question, answer in zip(questions, answers, strict=True)
    ]
    measures = sorted({name for row in rows for name in get_task(row["task"]).measures})
    schema = pa.schema([*SCORE_SCHEMA, *((name, pa.float64()) for name in measures)])
    table = pa.Table.from_pylist(rows, schema=schema)
    with atomic_path(output) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return table.to_pandas()


def judge(row: dict[str, Any], response: str, latency: float | None) -> dict[str, Any]:
    """One score row for one question (a row of the evaluation dataset) and its raw answer."""
    question, scene = question_from_row(row), scene_from_json(row["scene"])
    task = get_task(question.task)
    parsed = task.parse(response, question)
    verdict = task.score(parsed, question, scene)
    return {
        "id": row["id"],
        "task": question.task,
        "kind": question.kind,
        "form": question.form,
        "difficulty": question.difficulty,
        "target": question.target,
        "response": response,
        "parsed": parsed,
        "is_parsed": parsed is not None,
        "correct": verdict.correct,
        **{name: verdict.extras.get(name) for name in task.measures},
        "latency": latency,
        "task_version": task.version,
        "parser_version": task.parser_version,
    }
