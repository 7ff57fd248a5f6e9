"""Perception: what a base model can do before any fine-tuning. Feeds pre-training only.

It teaches to see (which label is where) and to speak (the forms in which answers are written).
It never asks for a direction from one object to another, a region, a distance or a shortest route.
Questions are about single objects, or about which of several is leftmost, rightmost, highest or
lowest, and wording and answers differ from those of the evaluated tasks. Only ``forms`` writes
lists as the composite tasks want them: in any order, or in the order of the extremes.
"""

from __future__ import annotations

import string
from typing import Any, Literal

from pydantic import Field

from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.geometry import CANVAS, CELLS, DIRECTIONS
from sparkle.scenes.grid import MOVES
from sparkle.scenes.names import listed, rank
from sparkle.scenes.randomness import Rng
from sparkle.tasks.base import BOX_HINT, Asking, Phrasing, Question, Score, Task, TaskOptions

_PHRASES = {
    "point": Phrasing(
        train=("Point at {a}.", "Show {a}.", "Find {a}."), heldout=("Put a finger on {a}.",)
    ),
    "identify": Phrasing(
        train=("What is at {place}?", "What do you see at {place}?"),
        heldout=("Which label stands at {place}?",),
    ),
    "list": Phrasing(
        train=("List what you see.", "What is in the picture?"), heldout=("Name what is there.",)
    ),
    "labels": Phrasing(
        train=("Which labels are there?", "Name the labels."), heldout=("Read out the labels.",)
    ),
    "count": Phrasing(train=("How many objects are there?",), heldout=("Count the objects.",)),
    "option": Phrasing(
        train=("Which option says {word}?",), heldout=("Under which letter do you read {word}?",)
    ),
    "extreme": Phrasing(
        train=("Which of {names} is {word}?", "Among {names}, which is {word}?"),
        heldout=("Looking at {names}, which one is {word}?",),
    ),
    "repeat": Phrasing(train=("Repeat: {word}", "Write: {word}"), heldout=("Say: {word}",)),
    "route": Phrasing(
        train=("Start at {a} and visit all of {names} once, {word}. List the labels in order.",),
        heldout=("Beginning with {a}, go through {names}, {word}: in which order?",),
    ),
    "leg": Phrasing(
        train=("Of {names}, which has the {word} route from {a}?",),
        heldout=("Beginning with {a}, which of {names} comes first on the {word} route?",),
    ),
    "moves": Phrasing(
        train=(
            "Go from the green node {a} to the red node {b} along the lines, by any path."
            " List the moves: up, down, left or right.",
        ),
        heldout=("Name moves (up, down, left, right) that may lead from {a} to {b}.",),
    ),
}

# One more question per image, of a kind drawn from these; a list replaces all other questions.
_EXTREMES_SHARE = 0.5
_EXTREMES_PER_IMAGE = 8
_OTHER_KINDS = (*["labels"] * 14, "count", "option", "repeat", "repeat", "list", "list")


_EXTREMES = {"leftmost": (0, 1), "rightmost": (0, -1), "highest": (1, -1), "lowest": (1, 1)}
"""Word -> (coordinate, sign that makes it the least)."""
_SUBJECTS = {
    "identify": ("place",),
    "extreme": ("names", "word"),
    "route": ("a", "names", "word"),
    "leg": ("a", "names", "word"),
}
_EXTREMES_OF = (2, 3, 3, 3, 4)
_ROUTES_PER_IMAGE = 4
_ROUTES_OF = (3, 3, 4)
_LEG_SHARE = 0.5
_MOVES_SHARE = 0.5
_ANY_ORDER_SHARE = 0.3
_MOST_MOVES = 4


class PerceptionOptions(TaskOptions):
    questions: Literal["points", "extremes", "forms", "all"] = Field(
        "all",
        description="points: where single objects are; extremes: which is leftmost, ...; forms:"
        " lists as SPP and TSP want them, in any order or sorted along one axis; all: points,"
        " extremes and single answers.",
    )


class Perception(Task):
    """Single objects and answer formats."""

    name = "perception"
    summary = "which label is where, and the forms of answers (pre-training of the embedded model)"
    family = "perception"
    Options = PerceptionOptions

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        if options.questions == "points":
            return [
                self._point(scene.basic[i], rng, asking) for i in rng.permutation(len(scene.basic))
            ]
        if options.questions == "forms":
            return self._forms(scene, rng, asking)
        several = len(scene.basic) > 1
        if options.questions == "extremes" or (several and rng.random() < _EXTREMES_SHARE):
            return self._extremes(scene, rng, asking) if several else []
        other = str(rng.choice(_OTHER_KINDS))
        if other == "list":
            answer = ", ".join(f"{d.label} {_place(d)}" for d in scene.basic)
            return [self._ask("list", answer, rng, asking)]
        return [*self._places(scene, rng, asking), self._other(other, scene, rng, asking)]

    def _places(self, scene: DiscScene, rng: Rng, asking: Asking) -> list[Question]:
        """Where each disc is, told once: no answer can be copied from an earlier one."""
        found = []
        waiting = [scene.basic[i] for i in rng.permutation(len(scene.basic))]
        while waiting:
            kind = str(rng.choice(["point", "point", "identify", "several"]))
            if kind == "several" and len(waiting) > 1:
                count = 2 if len(waiting) < 3 else int(rng.integers(2, 4))
                chosen = [waiting.pop() for _ in range(count)]
                names = listed(tuple([disc.label for disc in chosen]))
                answer = ", ".join(_place(d) for d in chosen)
                found.append(self._ask("point", answer, rng, asking, a=names))
            elif kind == "identify":
                disc = waiting.pop()
                place = _place(disc)
                found.append(self._ask("identify", disc.label, rng, asking, place=place))
            else:
                found.append(self._point(waiting.pop(), rng, asking))
        return found

    def _extremes(self, scene: DiscScene, rng: Rng, asking: Asking) -> list[Question]:
        """Which of two to four discs is leftmost, ...: one coordinate of each, compared."""
        discs, found = scene.basic, []
        for _ in range(_EXTREMES_PER_IMAGE):
            count = min(len(discs), int(rng.choice(_EXTREMES_OF)))
            chosen = sorted(int(i) for i in rng.permutation(len(discs))[:count])
            named = [discs[i] for i in chosen]
            word = str(rng.choice(list(_EXTREMES)))
            axis, sign = _EXTREMES[word]
            values = [sign * (disc.x, disc.y)[axis] for disc in named]
            if sorted(values)[0] == sorted(values)[1]:
                continue
            answer = named[values.index(min(values))].label
            names = listed(tuple([disc.label for disc in named]))
            found.append(self._ask("extreme", answer, rng, asking, names=names, word=word))
        return found

    def _forms(self, scene: DiscScene, rng: Rng, asking: Asking) -> list[Question]:
        """The lists that routes and paths are written as. None of them is a shortest one.

        A route starts where it is told, visits three or four of all objects in the picture and
        goes on in any order, or from the leftmost of the others to the rightmost, and so on; a leg
        is the first object on such a route; a path is any moves.
        """
        found = [self._route(scene, rng, asking) for _ in range(_ROUTES_PER_IMAGE)]
        if rng.random() < _MOVES_SHARE:
            a, b = (f"N{int(i) + 1}" for i in rng.permutation(9)[:2])
            count = int(rng.integers(2, _MOST_MOVES + 1))
            text = ", ".join(str(rng.choice(list(MOVES))) for _ in range(count))
            found.append(self._ask("moves", text, rng, asking, a=a, b=b))
        return found

    def _route(self, scene: DiscScene, rng: Rng, asking: Asking) -> Question:
        count = min(len(scene.discs), int(rng.choice(_ROUTES_OF)))
        chosen = [scene.discs[i] for i in rng.permutation(len(scene.discs))[:count]]
        start, others = chosen[0], chosen[1:]
        extreme = str(rng.choice(list(_EXTREMES)))
        axis, sign = _EXTREMES[extreme]
        ranked = sorted(others, key=lambda disc: sign * (disc.x, disc.y)[axis])
        if rng.random() < _LEG_SHARE:
            values = {"a": start.label, "names": _in_order(others), "word": extreme}
            return self._ask("leg", ranked[0].label, rng, asking, **values)
        word = f"by the {extreme} route"
        if rng.random() < _ANY_ORDER_SHARE:
            word, ranked = "in any order", others
        values = {"a": start.label, "names": _in_order(chosen), "word": word}
        answer = ", ".join(disc.label for disc in (start, *ranked))
        return self._ask("route", answer, rng, asking, **values)

    def _other(self, kind: str, scene: DiscScene, rng: Rng, asking: Asking) -> Question:
        if kind == "labels":
            answer = ", ".join(d.label for d in scene.basic)
            return self._ask("labels", answer, rng, asking)
        if kind == "count":
            return self._ask("count", str(len(scene.basic)), rng, asking)
        if kind == "option":
            return self._option(rng, asking)
        text = _sample_answer(rng)
        return self._ask("repeat", text, rng, asking, word=text)

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        disc = scene.basic[int(rng.integers(len(scene.basic)))]
        return self._ask("identify", disc.label, rng, asking, place=_place(disc))

    def _point(self, disc: Disc, rng: Rng, asking: Asking) -> Question:
        return self._ask("point", _place(disc), rng, asking, a=disc.label)

    def _ask(self, kind: str, answer: str, rng: Rng, asking: Asking, **values: str) -> Question:
        prompt = _PHRASES[kind].pick(rng, asking.phrases, **values)
        subject = {key: values[key] for key in _SUBJECTS.get(kind, ())}
        return Question(self.name, kind, "open", prompt, answer, answer, subject=subject)

    def _option(self, rng: Rng, asking: Asking) -> Question:
        pool = [CELLS, DIRECTIONS, tuple(f"N{i}" for i in range(1, 10))][int(rng.integers(3))]
        options = [pool[i] for i in rng.permutation(len(pool))[: int(rng.integers(2, 6))]]
        right = int(rng.integers(len(options)))
        prompt = _PHRASES["option"].pick(rng, asking.phrases, word=options[right])
        letters = string.ascii_uppercase
        lines = (f"{letters[i]}. {text}" for i, text in enumerate(options))
        prompt = "\n".join((prompt, *lines, BOX_HINT))
        answer = f"\\boxed{{{letters[right]}}}"
        return Question(self.name, "option", "open", prompt, answer, answer)

    def solve(self, question: Question, scene: DiscScene) -> str:
        for disc in scene.basic:
            if _place(disc) == question.subject.get("place"):
                return disc.label
        return question.answer

    def chance(self, question: Question, scene: DiscScene, rng: Rng) -> str:
        return str(rng.choice([disc.label for disc in scene.basic]))

    def parse(self, answer: str, question: Question) -> str | None:
        return answer.strip() or None

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        return Score(correct=parsed == question.target)


def _place(disc: Disc) -> str:
    """Coordinates with one decimal: the precision a coarse picture has."""
    return f"({disc.x:.1f}, {disc.y:.1f})"


def _in_order(discs: list[Disc]) -> str:
    """Their labels as running text, in order of labels, which tells nothing about an answer."""
    return listed(tuple(sorted([disc.label for disc in discs], key=rank)))


def _sample_answer(rng: Rng) -> str:
    """A random text in one of the forms in which answers are written. No picture is needed."""
    form = int(rng.integers(7))
    labels = [f"N{i + 1}" for i in rng.permutation(9)]
    if form == 0:
        return str(rng.choice(CELLS))
    if form == 1:
        return f"{labels[0]} and {labels[1]}"
    if form == 2:
        return ", ".join(labels[: int(rng.integers(3, 7))])
    if form == 3:
        return ", ".join(rng.choice(list(MOVES), int(rng.integers(2, 7))))
    if form == 4:
        return f"{rng.uniform(0.0, 13.0):.2f}"
    if form == 5:
        return f"({rng.uniform(0.0, CANVAS):.2f}, {rng.uniform(0.0, CANVAS):.2f})"
    return f"\\boxed{{{rng.choice(list('ABCDEFGHI'))}}}"


TASK = Perception()
