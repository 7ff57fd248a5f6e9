"""Judge predictions: each task's parser and verifier, one row per sample."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.merge import EVALUATION_SCHEMA, question_from_row
from sparkle.datasets.parquet import read_table
from sparkle.errors import SparkleError
from sparkle.external.dataset import NOTES, read_notes
from sparkle.external.registry import find_task
from sparkle.files import atomic_path, file_hash
from sparkle.inference.predictions import PREDICTION_SCHEMA
from sparkle.scenes.spec import scene_of
from sparkle.tasks.base import Question, Score, Task

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
        ("task_version", pa.int64()),
        ("parser_version", pa.int64()),
        # The picture (questions on one are not independent), and what results are grouped by.
        ("scene_hash", pa.string()),
        ("subject", pa.string()),
        # What exactly was asked, and in which version of the dataset.
        ("prompt_hash", pa.string()),
        ("dataset_hash", pa.string()),
    ]
)
_FROM_ANSWERS = ("response", "prompt_hash")
_QUESTION_COLUMNS = [name for name in EVALUATION_SCHEMA.names if name != "image"]
_BATCH = 20_000
_LONGEST_CACHED = 500
_MOST_CACHED = 100_000


class LazyScene:
    """A scene that is read from its JSON when a verifier first looks at it; most never do."""

    __slots__ = ("_scene", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._scene: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._scene is None:
            self._scene = scene_of(self._text)
        return getattr(self._scene, name)


class Parser:
    """The parsers of all tasks; short answers that were seen before are not read again."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], str | None] = {}

    def parse(self, task: Task, response: str, question: Question, subject: str) -> str | None:
        """What the task reads in an answer. ``subject`` is the question's subject as text."""
        if len(response) > _LONGEST_CACHED:
            return task.parse(response, question)
        key = (task.name, question.kind, question.form, question.options, subject, response)
        if key not in self._known:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            self._known[key] = task.parse(response, question)
        return self._known[key]


def score(predictions: Path, evaluation_set: Path, output: Path) -> pd.DataFrame:
    """Score one file of predictions against its evaluation set and write ``output``.

    Raises:
        SparkleError: The predictions do not answer exactly the questions of the set.
    """
    questions = read_table(evaluation_set, EVALUATION_SCHEMA, columns=_QUESTION_COLUMNS)
    answers = read_table(predictions, PREDICTION_SCHEMA)
    if answers["id"].to_pylist() != questions["id"].to_pylist():
        missing = set(questions["id"].to_pylist()) - set(answers["id"].to_pylist())
        raise SparkleError(
            f"{predictions} does not fit {evaluation_set}: {len(missing)} of {len(questions)}"
            " questions have no answer, or the order differs.",
            f"Delete {predictions} and run inference again.",
        )
    measures = sorted(
        {name for task in questions["task"].unique().to_pylist() for name in _measures(task)}
    )
    schema = pa.schema(
        [*SCORE_SCHEMA, *((name, pa.float64()) for name in measures)],
        metadata={NOTES: json.dumps(read_notes(evaluation_set)).encode()},
    )
    parser, dataset_hash = Parser(), file_hash(evaluation_set)
    with (
        atomic_path(output) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for start in range(0, len(questions), _BATCH):
            asked, given = questions.slice(start, _BATCH), answers.slice(start, _BATCH)
            writer.write_table(_judged(asked, given, schema, dataset_hash, parser))
    return pq.read_table(output).to_pandas()


def _measures(task: str) -> list[str]:
    return list(find_task(task).measures)


def _judged(
    asked: pa.Table, given: pa.Table, schema: pa.Schema, dataset_hash: str, parser: Parser
) -> pa.Table:
    """The score rows of some questions and their answers.

    What is only handed on goes from table to table; Python sees what parsers and verifiers need.
    """
    verdicts = [
        judge(row, response, parser)
        for row, response in zip(_rows(asked), given["response"].to_pylist(), strict=True)
    ]
    tasks = [find_task(name) for name in asked["task"].to_pylist()]
    made: dict[str, Any] = {
        "parsed": [parsed for parsed, _ in verdicts],
        "is_parsed": [parsed is not None for parsed, _ in verdicts],
        "correct": [bool(verdict.correct) for _, verdict in verdicts],
        "task_version": [task.version for task in tasks],
        "parser_version": [task.parser_version for task in tasks],
        "dataset_hash": [dataset_hash] * len(verdicts),
    }
    for name in schema.names[len(SCORE_SCHEMA) :]:
        made[name] = [verdict.extras.get(name) for _, verdict in verdicts]
    columns = [
        pa.array(made[field.name], field.type)
        if field.name in made
        else (given if field.name in _FROM_ANSWERS else asked)[field.name]
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of a table, column by column, which is several times faster than row by row."""
    names = table.column_names
    columns = [table[name].to_pandas().tolist() for name in names]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def judge(row: dict[str, Any], response: str, parser: Parser) -> tuple[str | None, Score]:
    """What is read in the answer to a question (a row of the evaluation dataset); the verdict."""
    question = question_from_row(row)
    task = find_task(question.task)
    parsed = parser.parse(task, response, question, row["subject"])
    return parsed, task.score(parsed, question, LazyScene(row["scene"]))
