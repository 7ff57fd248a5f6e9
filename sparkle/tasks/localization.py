"""Localization: in which of the 3 x 3 cells an object is, and at which coordinates."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field

from sparkle.scenes.discs import Disc, DiscScene, distance
from sparkle.scenes.geometry import CELLS, cell_margin, cell_of
from sparkle.scenes.names import called
from sparkle.scenes.randomness import Rng
from sparkle.tasks.base import (
    Asking,
    ClassTask,
    Phrasing,
    Question,
    Score,
    TaskOptions,
    as_choice,
)
from sparkle.tasks.direction import names_of, parse_direction, sentence
from sparkle.tasks.parsing import parse_point

_PHRASES = {
    "cell": Phrasing(
        train=(
            "In which part of the picture is {a}?",
            "Where in the picture is {a}?",
            "Which region of the picture holds {a}?",
        ),
        heldout=("Name the part of the picture in which {a} lies.",),
    ),
    "coordinate": Phrasing(
        train=("What are the coordinates of {a}?", "At which coordinates is {a}?"),
        heldout=("Give the x and y coordinates of {a}.",),
    ),
    "description": Phrasing(
        train=("Describe where {names} are.",), heldout=("Where do {names} lie?",)
    ),
}
_TOLERANCE = 0.05
"""A coordinate answer is right within this share of the canvas (the published disc radius)."""


class LocalizationOptions(TaskOptions):
    min_gap: float = Field(
        0.0, ge=0.0, lt=1.0, description="Least distance in canvas units to a cell border."
    )
    kinds: tuple[Literal["cell", "coordinate"], ...] = Field(
        ("cell",), min_length=1, description="Question types that an evaluation set draws from."
    )


class Localization(ClassTask):
    """The cell and the coordinates of a disc."""

    name = "localization"
    summary = "which of nine regions an object is in"
    version = 2
    parser_version = 2
    measures = {"absolute_error": "mean"}
    Options = LocalizationOptions

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        cells = [self._cell(disc, scene.canvas, rng, asking) for disc in scene.basic]
        found = [question for question in cells if _clear(question, options)]
        if asking.numbers:
            found += [self._coordinate(disc, scene, rng, asking) for disc in scene.basic]
        if asking.descriptions:
            prompt = _PHRASES["description"].pick(rng, asking.phrases, names=names_of(scene))
            text = describe_places(scene, asking, options.min_gap)
            found += (
                [Question(self.name, "description", "open", prompt, text, text)] if text else []
            )
        return found

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        disc = scene.basic[int(rng.integers(len(scene.basic)))]
        if str(rng.choice(options.kinds)) == "coordinate":
            return self._coordinate(disc, scene, rng, asking)
        question = self._cell(disc, scene.canvas, rng, asking)
        return question if _clear(question, options) else None

    def _cell(self, disc: Disc, canvas: float, rng: Rng, asking: Asking) -> Question:
        name = cell_of(disc.x, disc.y, asking.geometry, canvas)
        prompt = _PHRASES["cell"].pick(rng, asking.phrases, a=called(disc.label))
        question = Question(
            self.name,
            "cell",
            "open",
            prompt,
            name,
            name,
            subject={"of": disc.label, "geometry": asking.geometry},
            difficulty=cell_margin(disc.x, disc.y, asking.geometry, canvas),
        )
        if asking.form == "open":
            return question
        return as_choice(question, CELLS, rng, asking.shuffle_options)

    def _coordinate(self, disc: Disc, scene: DiscScene, rng: Rng, asking: Asking) -> Question:
        """Where; its difficulty is the distance to the nearest other disc, in canvas units."""
        prompt = _PHRASES["coordinate"].pick(rng, asking.phrases, a=called(disc.label))
        answer = f"({disc.x:.2f}, {disc.y:.2f})"
        gaps = [distance(disc, other) for other in scene.discs if other is not disc]
        return Question(
            self.name,
            "coordinate",
            "open",
            prompt,
            answer,
            answer,
            subject={"of": disc.label},
            difficulty=min(gaps, default=None),
        )

    def classes(self, question: Question) -> tuple[str, ...]:
        return CELLS

    def solve_class(self, question: Question, scene: DiscScene) -> str:
        disc = scene.find(question.subject["of"])
        if question.kind == "coordinate":
            return f"({disc.x:.2f}, {disc.y:.2f})"
        return cell_of(disc.x, disc.y, question.subject["geometry"], scene.canvas)

    def chance(self, question: Question, scene: DiscScene, rng: Rng) -> str:
        if question.kind == "coordinate":
            x, y = rng.uniform(0.0, scene.canvas, 2)
            return f"({x:.2f}, {y:.2f})"
        return super().chance(question, scene, rng)

    def parse_open(self, answer: str, question: Question) -> str | None:
        if question.kind == "coordinate":
            point = parse_point(answer)
            return None if point is None else f"({point[0]:.2f}, {point[1]:.2f})"
        return parse_direction(answer, CELLS)

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        if question.kind != "coordinate":
            return super().score(parsed, question, scene)
        point = None if parsed is None else parse_point(parsed)
        disc = scene.find(question.subject["of"])
        error = None if point is None else math.hypot(point[0] - disc.x, point[1] - disc.y)
        return Score(
            error is not None and error <= _TOLERANCE * scene.canvas, {"absolute_error": error}
        )


def describe_places(scene: DiscScene, asking: Asking, min_gap: float = 0.0) -> str:
    """One sentence per basic object: coordinates (unless numbers are off), and cell if clear."""
    sentences = []
    for disc in scene.basic:
        parts = [f" at ({disc.x:.2f}, {disc.y:.2f})"] if asking.numbers else []
        where = (disc.x, disc.y, asking.geometry, scene.canvas)
        if _is_clear(cell_margin(*where), min_gap):
            parts.append(f" in the {cell_of(*where)} part")
        if parts:
            sentences.append(sentence(f"{called(disc.label)} is{','.join(parts)}."))
    return " ".join(sentences)


def _clear(question: Question, options: Any) -> bool:
    return _is_clear(question.difficulty or 0.0, options.min_gap)


def _is_clear(margin: float, least: float) -> bool:
    return margin > 0.0 and margin >= least


TASK = Localization()
