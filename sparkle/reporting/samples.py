"""Which questions the answer browser holds, and what every run answered to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_table
from sparkle.errors import SparkleError
from sparkle.reporting.breakdown import ScoreFiles
from sparkle.reporting.matrix import BASE, Matrix, Run
from sparkle.scoring.score import SCORE_SCHEMA

OUTCOMES = ("learned", "still wrong", "lost", "kept")
"""What became of a question between the base and the best tuned run."""
_TURNS = ("learned", "still wrong", "learned", "still wrong", "lost", "kept")
"""The order in which questions of each outcome are taken, over and over."""
_SCORE_COLUMNS = ["id", "response", "parsed", "is_parsed", "correct"]
_QUESTION_COLUMNS = [
    "id", "task", "kind", "scene", "scene_hash", "prompt", "answer", "target", "subject",
    "difficulty",
]  # fmt: skip

Rows = dict[str, dict[str, Any]]
"""Rows of a table by their ``id``."""


@dataclass(frozen=True)
class Chosen:
    """The questions of one evaluation set that the browser holds, of ``total``.

    Attributes:
        path: The evaluation dataset, which has the pictures.
        questions: Rows of the dataset by id, without pictures, in the order of the ids.
        answers: Score rows by id for each run, at its lowest seed.
        seeds: That seed.
    """

    evaluation_set: str
    path: Path
    total: int
    questions: Rows
    answers: Mapping[Run, Rows]
    seeds: Mapping[Run, int]


def choose_samples(
    matrix: Matrix, evaluation_sets: Mapping[str, Path], scores: ScoreFiles, limit: int
) -> list[Chosen]:
    """At most ``limit`` answers (of all runs together), whole questions, all sets alike.

    Where there are more, questions that were learned, lost, kept or stayed wrong take turns.

    Raises:
        SparkleError: A table is missing, malformed, or does not fit the questions.
    """
    files = {
        name: _files(matrix, name, scores)
        for name in matrix.evaluation_sets
        if name in evaluation_sets and limit
    }
    files = {name: own for name, own in files.items() if own}
    chosen = []
    for name, own in files.items():
        table = read_table(evaluation_sets[name], EVALUATION_SCHEMA, columns=_QUESTION_COLUMNS)
        questions = {row["id"]: row for row in table.to_pylist()}
        answers = {run: _scores(path, questions) for run, (_, path) in own.items()}
        share = max(1, limit // (len(files) * len(own)))
        ids = sorted(questions)
        if len(ids) > share:
            ids = sorted(choose(outcomes(answers, ids), share))
        chosen.append(Chosen(
            name, evaluation_sets[name], len(questions), {i: questions[i] for i in ids},
            {run: {i: rows[i] for i in ids if i in rows} for run, rows in answers.items()},
            {run: seed for run, (seed, _) in own.items()},
        ))  # fmt: skip
    return chosen


def _files(matrix: Matrix, name: str, scores: ScoreFiles) -> dict[Run, tuple[int, Path]]:
    """Seed and score table of every run at its lowest seed, in the order of the matrix."""
    found: dict[Run, tuple[int, Path]] = {}
    for (model, train_set, seed), files in sorted(scores.items()):
        if name in files:
            found.setdefault(Run(model, train_set), (seed, files[name]))
    return {run: found[run] for run in matrix.runs if run in found}


def _scores(path: Path, questions: Rows) -> Rows:
    rows = {
        row["id"]: row for row in read_table(path, SCORE_SCHEMA, columns=_SCORE_COLUMNS).to_pylist()
    }
    if not rows.keys() <= questions.keys():
        raise SparkleError(
            f"{path} has answers to questions that its evaluation set does not have.",
            "Delete it and run the scoring step again.",
        )
    return rows


def outcomes(answers: Mapping[Run, Rows], ids: Sequence[str]) -> dict[str, str]:
    """The outcome of every question; without base and tuned run, whether most runs were right."""
    pair = _pair(answers)
    found: dict[str, str] = {}
    for item in ids:
        if pair is None:
            rows = [table[item] for table in answers.values() if item in table]
            right = sum(bool(row["correct"]) for row in rows)
            found[item] = "mostly right" if 2 * right > len(rows) else "mostly wrong"
        elif item in answers[pair[0]] and item in answers[pair[1]]:
            before, after = (bool(answers[run][item]["correct"]) for run in pair)
            names = {(0, 1): "learned", (0, 0): "still wrong", (1, 0): "lost", (1, 1): "kept"}
            found[item] = names[before, after]
    return found


def _pair(answers: Mapping[Run, Rows]) -> tuple[Run, Run] | None:
    """The first model with a base and tuned runs: its base and the best of those."""
    for base in answers:
        tuned = [run for run in answers if run.model == base.model and not run.is_base]
        if base.train_set == BASE and tuned:
            right = {run: sum(bool(r["correct"]) for r in answers[run].values()) for run in tuned}
            return base, max(tuned, key=lambda run: right[run])
    return None


def choose(outcomes: Mapping[str, str], count: int) -> list[str]:
    """Up to ``count`` ids, taking turns between the outcomes, in the order of the ids."""
    queues: dict[str, list[str]] = {}
    for item in sorted(outcomes, reverse=True):
        queues.setdefault(outcomes[item], []).append(item)
    turns = [*_TURNS, *(outcome for outcome in sorted(queues) if outcome not in _TURNS)]
    chosen: list[str] = []
    while len(chosen) < count and any(queues.values()):
        for outcome in turns:
            if queues.get(outcome) and len(chosen) < count:
                chosen.append(queues[outcome].pop())
    return chosen
