"""Sample questions for the gallery: which to show, and what every run answered."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sparkle.errors import SparkleError
from sparkle.reporting.matrix import BASE, REFERENCES, Matrix, Run

ScoreFiles = Mapping[tuple[str, str, int], Mapping[str, Path]]
"""Score tables by (model, train set, seed) and evaluation set."""

OUTCOMES = {
    "learned": "wrong before, right after",
    "still wrong": "wrong before and after",
    "lost": "right before, wrong after",
    "kept": "right before and after",
}
_TURNS = ("learned", "still wrong", "learned", "still wrong", "lost", "kept")
"""The order in which the gallery takes samples of each outcome, over and over."""
_MAX_SIDE = 512
_SMALL_SIDE = 200
_TARGET_SIDE = 240
_MAX_ANSWER = 600
_SCORE_COLUMNS = ["id", "response", "parsed", "is_parsed", "correct"]
_ITEM_COLUMNS = ["id", "image", "prompt", "answer", "target"]


@dataclass(frozen=True)
class Answer:
    """What a run said. ``verdict`` is ``right``, ``wrong`` or ``unread``."""

    run: Run
    text: str
    parsed: str
    verdict: str


@dataclass(frozen=True)
class Sample:
    """One question with its picture and all answers. ``width`` is in CSS pixels."""

    id: str
    image: str
    width: int
    pixelated: bool
    prompt: str
    answer: str
    target: str
    outcome: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Gallery:
    """The samples of one evaluation set.

    ``pair`` names the base and tuned run by whose answers samples were chosen (None without
    such a pair), ``counts`` how many questions of the whole set had each outcome.
    """

    evaluation_set: str
    pair: tuple[Run, Run] | None
    counts: Mapping[str, int]
    samples: tuple[Sample, ...]


def build_gallery(
    matrix: Matrix, name: str, items: Path, scores: ScoreFiles, count: int
) -> Gallery | None:
    """Choose ``count`` samples of evaluation set ``name``; None where nobody was scored on it.

    Each run shows its lowest seed. The choice depends on the ids and verdicts only.

    Raises:
        SparkleError: A table is missing, malformed, or does not fit the questions.
    """
    tables = _read_scores(matrix, name, scores)
    if not tables:
        return None
    questions = _read_rows(items, _ITEM_COLUMNS)
    pair = _pair(tables)
    outcomes = _outcomes(tables, pair, sorted(questions))
    chosen = choose(outcomes, count)
    counts = Counter(outcomes.values())
    return Gallery(
        evaluation_set=name,
        pair=pair,
        counts={outcome: counts[outcome] for outcome in OUTCOMES if outcome in counts},
        samples=tuple(_sample(questions[i], outcomes[i], tables, items) for i in chosen),
    )


def choose(outcomes: Mapping[str, str], count: int) -> list[str]:
    """Up to ``count`` ids, taking turns between the outcomes, in the order of the ids."""
    queues: dict[str, list[str]] = {}
    for item in sorted(outcomes):
        queues.setdefault(outcomes[item], []).append(item)
    turns = [*_TURNS, *(outcome for outcome in sorted(queues) if outcome not in _TURNS)]
    chosen: list[str] = []
    while len(chosen) < count and any(queues.values()):
        for outcome in turns:
            if queues.get(outcome) and len(chosen) < count:
                chosen.append(queues[outcome].pop(0))
    return chosen


def _read_scores(
    matrix: Matrix, name: str, scores: ScoreFiles
) -> dict[Run, dict[str, dict[str, Any]]]:
    """Score rows by id for each run, at its lowest seed, in the order of the matrix."""
    files: dict[Run, Path] = {}
    for model, train_set, _ in sorted(scores):
        for seed in sorted(seed for m, t, seed in scores if (m, t) == (model, train_set)):
            path = scores[model, train_set, seed].get(name)
            if path is not None:
                files.setdefault(Run(model, train_set), path)
    known = [run for run in matrix.runs if run in files]
    others = [run for run in files if run not in known and run.model not in REFERENCES]
    return {run: _read_rows(files[run], _SCORE_COLUMNS) for run in (*known, *others)}


def _read_rows(path: Path, columns: list[str]) -> dict[str, dict[str, Any]]:
    """The rows of a Parquet file by their ``id``."""
    try:
        table = pq.read_table(path, columns=columns)
    except FileNotFoundError:
        raise SparkleError(f"{path} does not exist.", "Run the step that makes it.") from None
    except (OSError, pa.ArrowException) as error:
        raise SparkleError(
            f"{path} is not the Parquet table the report needs ({error}).",
            "Delete it and run the step that makes it.",
        ) from None
    missing = [column for column in columns if column not in table.column_names]
    if missing:
        raise SparkleError(
            f"{path} lacks the columns {', '.join(missing)}.", "Run the step that makes it again."
        )
    return {row["id"]: row for row in table.to_pylist()}


def _pair(tables: Mapping[Run, Mapping[str, Any]]) -> tuple[Run, Run] | None:
    """The first model with a base and tuned runs: its base and the best of those."""
    for base in tables:
        tuned = [run for run in tables if run.model == base.model and not run.is_base]
        if base.train_set == BASE and tuned:
            right = {run: sum(bool(r["correct"]) for r in tables[run].values()) for run in tuned}
            return base, max(tuned, key=lambda run: right[run])
    return None


def _outcomes(
    tables: Mapping[Run, Mapping[str, Any]], pair: tuple[Run, Run] | None, ids: Sequence[str]
) -> dict[str, str]:
    """The outcome of every question; without a pair, whether most of the runs were right."""
    found: dict[str, str] = {}
    for item in ids:
        if pair is None:
            rows = [table[item] for table in tables.values() if item in table]
            right = sum(bool(row["correct"]) for row in rows)
            found[item] = "mostly right" if 2 * right > len(rows) else "mostly wrong"
        elif item in tables[pair[0]] and item in tables[pair[1]]:
            before, after = (bool(tables[run][item]["correct"]) for run in pair)
            names = {(0, 1): "learned", (0, 0): "still wrong", (1, 0): "lost", (1, 1): "kept"}
            found[item] = names[before, after]
    return found


def _sample(
    item: Mapping[str, Any], outcome: str, tables: Mapping[Run, Mapping[str, Any]], path: Path
) -> Sample:
    answers = tuple(
        _answer(run, table[item["id"]]) for run, table in tables.items() if item["id"] in table
    )
    image, width, pixelated = _picture(item["image"], f"{path}, id {item['id']}")
    return Sample(
        id=item["id"], image=image, width=width, pixelated=pixelated, prompt=item["prompt"],
        answer=item["answer"], target=item["target"], outcome=outcome, answers=answers,
    )  # fmt: skip


def _answer(run: Run, row: Mapping[str, Any]) -> Answer:
    text = row["response"] or ""
    if len(text) > _MAX_ANSWER:
        text = f"{text[:_MAX_ANSWER]} … ({len(text)} characters)"
    verdict = "right" if row["correct"] else "wrong" if row["is_parsed"] else "unread"
    parsed = row["parsed"] or ""
    return Answer(run, text, "" if parsed == text.strip() else parsed, verdict)


def _picture(data: bytes, where: str) -> tuple[str, int, bool]:
    """(data URI, width to show in CSS pixels, whether to scale without smoothing).

    Small drawings keep their pixels and are shown at a whole multiple of their size; large
    pictures are shrunk so that the report stays small.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            kind, size = image.format, image.size
            if max(size) > _MAX_SIDE or kind not in ("PNG", "JPEG"):
                image.thumbnail((_MAX_SIDE, _MAX_SIDE))
                buffer = io.BytesIO()
                image.convert("RGB").save(buffer, "PNG")
                data, kind, size = buffer.getvalue(), "PNG", image.size
    except (OSError, TypeError, ValueError) as error:
        raise SparkleError(
            f"{where}: the image cannot be read ({error}).", "Make the evaluation data again."
        ) from None
    small = max(size) <= _SMALL_SIDE
    width = size[0] * max(1, _TARGET_SIDE // max(size)) if small else _TARGET_SIDE
    uri = f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
    return uri, width, small
