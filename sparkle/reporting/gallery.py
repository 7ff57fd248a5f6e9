"""The answer browser of the report: all questions and answers, packed to stand inside a page.

The page unpacks them with a few lines of script (``templates/gallery.js.j2``): columns instead of
rows, every text once, deflate, base64. Pictures stand beside that as they are.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.datasets.glimpse import Asked
from sparkle.reporting.breakdown import ScoreFiles
from sparkle.reporting.matrix import Matrix, Run
from sparkle.reporting.overlay import Mark, answer_marks
from sparkle.reporting.pictures import Pictures, gather
from sparkle.reporting.samples import Chosen, Rows, choose_samples
from sparkle.scenes.grid import GridScene
from sparkle.scenes.spec import scene_of

RIGHT, WRONG, UNREAD = 0, 1, 2
_MAX_ANSWER = 600
_SHAPES = {"arrow": "a", "line": "l", "ring": "r", "rule": "u", "box": "b"}


@dataclass(frozen=True)
class Gallery:
    """What the page embeds.

    Attributes:
        packed: The questions and answers, as base64 of deflated JSON.
        pictures: Base64 of all pictures, one after the other.
        questions: Number of questions held.
        answers: Number of answers held, of ``total`` that there are.
        runs: The runs whose answers are held, in the order of the matrix.
        sets: Names of the evaluation sets held.
    """

    packed: str
    pictures: str
    questions: int
    answers: int
    total: int
    runs: tuple[Run, ...]
    sets: tuple[str, ...]


class _Texts:
    """Every text once; a text is then a number."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self.known.setdefault(text, len(self.known))


def build_gallery(
    matrix: Matrix, evaluation_sets: Mapping[str, Path], scores: ScoreFiles, limit: int
) -> Gallery | None:
    """Pack at most ``limit`` answers; None where nobody was scored on a set that is at hand.

    Raises:
        SparkleError: A table is missing or malformed, or a picture cannot be read.
    """
    chosen = choose_samples(matrix, evaluation_sets, scores, limit)
    runs = [run for run in matrix.runs if any(run in each.answers for each in chosen)]
    if not runs:
        return None
    keys = [_picture_keys(each) for each in chosen]
    pictures = gather([(each.path, own) for each, own in zip(chosen, keys, strict=True)])
    data = _data(chosen, runs, keys, pictures)
    return Gallery(
        packed=packed(data),
        pictures="".join(pictures.texts),
        questions=sum(len(each.questions) for each in chosen),
        answers=sum(len(rows) for each in chosen for rows in each.answers.values()),
        total=sum(each.total * len(each.answers) for each in chosen),
        runs=tuple(runs),
        sets=tuple(each.evaluation_set for each in chosen),
    )


def packed(data: Any) -> str:
    """JSON, deflated, as base64; the page's script unpacks it."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _picture_keys(chosen: Chosen) -> dict[str, str]:
    """What tells pictures apart: the scene and the set, which has a way of drawing; or the file."""
    return {
        item: f"{chosen.evaluation_set if row['scene'] else 'file'}/{row['scene_hash'] or item}"
        for item, row in chosen.questions.items()
    }


def _data(
    chosen: Sequence[Chosen], runs: Sequence[Run], keys: Sequence[Mapping[str, str]],
    pictures: Pictures,
) -> dict[str, Any]:  # fmt: skip
    texts = _Texts()
    places = {
        key: i for i, key in enumerate(dict.fromkeys(k for own in keys for k in own.values()))
    }
    questions: dict[str, list[Any]] = {
        name: [] for name in ("set", "id", "image", "prompt", "answer", "target", "gold", "hard")
    }
    answers: list[dict[str, list[Any]]] = [
        {name: [] for name in ("q", "text", "parsed", "verdict", "marks")} for _ in runs
    ]
    for number, (each, own) in enumerate(zip(chosen, keys, strict=True)):
        for item, row in each.questions.items():
            scene, asked = scene_of(row["scene"]), _asked(row)
            place = len(questions["id"])
            for name, value in {
                "set": number, "id": item, "image": places[own[item]],
                "prompt": texts.number(row["prompt"]), "answer": texts.number(row["answer"]),
                "target": texts.number(row["target"]),
                "gold": texts.number(_marks(scene, asked, row["target"])),
                "hard": None if row["difficulty"] is None else round(row["difficulty"], 3),
            }.items():  # fmt: skip
                questions[name].append(value)
            for table, run in zip(answers, runs, strict=True):
                rows: Rows = dict(each.answers.get(run, {}))
                if item in rows:
                    _add(table, place, rows[item], scene, asked, texts)
    return {
        "runs": [_run(run, chosen) for run in runs],
        "sets": [
            {"name": each.evaluation_set, "total": each.total, "shift": _shift(each)}
            for each in chosen
        ],
        "questions": questions,
        "answers": answers,
        "pictures": [[kind, len(text)] for kind, text in zip(
            pictures.kinds, pictures.texts, strict=True)],
        "texts": list(texts.known),
    }  # fmt: skip


def _shift(chosen: Chosen) -> int:
    """By how many thousandths of the side paths on a grid are drawn beside the centres of nodes, so
    that labels stay legible and two paths along one line are both seen; 0 for other scenes."""
    scene = scene_of(next(iter(chosen.questions.values()))["scene"]) if chosen.questions else None
    return round(170 / scene.size) if isinstance(scene, GridScene) else 0


def _run(run: Run, chosen: Sequence[Chosen]) -> dict[str, Any]:
    seeds = sorted({each.seeds[run] for each in chosen if run in each.seeds})
    return {"model": run.model, "label": run.label, "train_set": run.train_set, "seed": seeds[0]}


def _asked(row: Mapping[str, Any]) -> Asked:
    subject = json.loads(row["subject"]) if row["subject"] else {}
    return Asked(row["prompt"], row["answer"], row["target"], row["task"], row["kind"], subject)


def _add(
    table: dict[str, list[Any]], place: int, row: Mapping[str, Any], scene: Any, asked: Asked,
    texts: _Texts,
) -> None:  # fmt: skip
    response = row["response"] or ""
    if len(response) > _MAX_ANSWER:
        response = f"{response[:_MAX_ANSWER]} … ({len(response)} characters)"
    parsed = row["parsed"] or ""
    table["q"].append(place)
    table["text"].append(texts.number(response))
    table["parsed"].append(texts.number(parsed))
    verdict = RIGHT if row["correct"] else WRONG if row["is_parsed"] else UNREAD
    table["verdict"].append(verdict)
    table["marks"].append(texts.number(_marks(scene, asked, parsed)))


def _marks(scene: Any, asked: Asked, answer: str) -> str:
    """The marks of an answer as text: shape and thousandths of the side, one mark after another."""
    if scene is None or not answer:
        return ""
    return ";".join(_mark(mark) for mark in answer_marks(scene, asked, answer))


def _mark(mark: Mark) -> str:
    numbers = [round(1000 * value) for point in mark.points for value in point]
    if mark.shape == "ring":
        numbers.append(round(1000 * mark.radius))
    return f"{_SHAPES[mark.shape]},{','.join(map(str, numbers))}"
