"""Distance estimation: which pair is closer or further apart, and how far."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.names import called, is_colour, listed, rank
from sparkle.scenes.randomness import Rng, two_of
from sparkle.tasks.base import (
    Asking,
    ClassTask,
    Phrasing,
    Question,
    Score,
    TaskOptions,
    as_choice,
)
from sparkle.tasks.direction import names_of, sentence
from sparkle.tasks.parsing import parse_labels, parse_names, parse_number
from sparkle.tasks.wording import parts

Pair = tuple[str, str]
Comparison = Literal["shortest", "longest", "shorter", "longer", "nearest", "furthest"]

_PHRASES = {
    "shortest": Phrasing(
        train=(
            "Among {names}, which two are closest together?",
            "Which pair of {names} has the shortest distance?",
            "Of {names}, which two are nearest to each other?",
        ),
        heldout=("Looking at {names}, which pair is the closest?",),
    ),
    "longest": Phrasing(
        train=(
            "Among {names}, which two are furthest apart?",
            "Which pair of {names} has the longest distance?",
            "Of {names}, which two are most distant from each other?",
        ),
        heldout=("Looking at {names}, which pair is the furthest apart?",),
    ),
    "shorter": Phrasing(
        train=(
            "Which distance is shorter, {one} or {two}?",
            "Which pair is closer, {one} or {two}?",
        ),
        heldout=("Compare {one} with {two}: which pair is nearer to each other?",),
    ),
    "longer": Phrasing(
        train=(
            "Which distance is longer, {one} or {two}?",
            "Which pair is further apart, {one} or {two}?",
        ),
        heldout=("Compare {one} with {two}: which pair is more distant?",),
    ),
    "nearest": Phrasing(
        train=(
            "Which of {names} is nearest to {a}?",
            "Among {names}, which is closest to {a}?",
            "Of {names}, which has the shortest route from {a}?",
        ),
        heldout=("Looking at {names}, which one is the nearest to {a}?",),
    ),
    "furthest": Phrasing(
        train=(
            "Which of {names} is furthest from {a}?",
            "Among {names}, which is most distant from {a}?",
            "Of {names}, which has the longest route from {a}?",
        ),
        heldout=("Looking at {names}, which one is the furthest from {a}?",),
    ),
    "numeric": Phrasing(
        train=("How far is {a} from {b}?", "What is the distance between {a} and {b}?"),
        heldout=("Give the distance from {a} to {b}.",),
    ),
    "description": Phrasing(
        train=("Describe the distances between {names}.",),
        heldout=("How far apart are {names}?",),
    ),
}
_ALL_PAIRS: tuple[Literal["shortest"], Literal["longest"]] = ("shortest", "longest")
_TWO_PAIRS: tuple[Literal["shorter"], Literal["longer"]] = ("shorter", "longer")
_FROM_ONE: tuple[Literal["nearest"], Literal["furthest"]] = ("nearest", "furthest")
_SMALLEST = ("shortest", "shorter", "nearest")
_RELATIVE_TOLERANCE = 0.1
# "N1 and N2 are closer than N3 and N4" names the pair before "than".
_THAN = re.compile(r"\bthan\b(?:[^.,;\n]|\.\d){0,200}")

# "N1 is closest to N2"
_NEAREST = re.compile(r"\bis\s(?:the\s)?(?:closest|nearest|furthest|farthest)\s(?:to|from)\b")


class DistanceOptions(TaskOptions):
    min_ratio: float = Field(
        1.0, ge=1.0, le=5.0, description="Least ratio of the runner-up to the right answer."
    )
    kinds: tuple[Comparison | Literal["numeric"], ...] = Field(
        ("shortest", "longest"),
        min_length=1,
        description="Question types that an evaluation set draws from.",
    )
    training_kinds: tuple[Comparison, ...] = Field(
        (*_ALL_PAIRS, *_TWO_PAIRS),
        min_length=1,
        description="Comparisons asked in training, one of each per group of objects. Not among"
        " the published ones: nearest and furthest, which of the other objects is so to one.",
    )


class Distance(ClassTask):
    """Comparisons of pairs, and distances in canvas units."""

    name = "distance"
    summary = "comparison of distances between pairs of objects"
    version = 2
    parser_version = 3
    measures = {"absolute_error": "mean"}
    Options = DistanceOptions

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        kinds = options.training_kinds
        asked = [self._compare(kind, scene, rng, asking, options) for kind in kinds]
        found = [question for question in asked if question is not None]
        if asking.numbers:
            found += [self._measure(pair, scene, rng, asking) for pair in _pairs(scene)]
        if asking.descriptions:
            prompt = _PHRASES["description"].pick(rng, asking.phrases, names=names_of(scene))
            text = describe_distances(scene)
            found.append(Question(self.name, "description", "open", prompt, text, text))
        return found

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        kind = str(rng.choice(options.kinds))
        if kind == "numeric":
            pairs = _pairs(scene)
            return self._measure(pairs[int(rng.integers(len(pairs)))], scene, rng, asking)
        return self._compare(kind, scene, rng, asking, options)

    def _compare(
        self, kind: str, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        pairs = _pairs(scene)
        if kind in _TWO_PAIRS:
            pairs = [pairs[i] for i in two_of(rng, len(pairs))]
        elif kind in _FROM_ONE:
            centre = scene.basic[int(rng.random() * len(scene.basic))].label
            pairs = [pair for pair in pairs if centre in pair]
        winner, ratio = _winner(kind, pairs, scene)
        if ratio <= 1.0 or ratio < options.min_ratio:
            return None
        subject: dict[str, Any] = {"pairs": [list(pair) for pair in pairs]}
        answer = _write(winner)
        if kind in _TWO_PAIRS:
            values = {"one": _spoken(pairs[0]), "two": _spoken(pairs[1])}
        elif kind in _FROM_ONE:
            subject["centre"] = centre
            answer = _other(winner, centre)
            others = tuple([_other(pair, centre) for pair in pairs])
            values = {"names": listed(others), "a": called(centre)}
        else:
            values = {"names": names_of(scene)}
        prompt = _PHRASES[kind].pick(rng, asking.phrases, **values)
        question = Question(
            self.name, kind, "open", prompt, answer, answer, subject=subject, difficulty=ratio
        )
        if asking.form == "open":
            return question
        return as_choice(question, self.classes(question), rng, asking.shuffle_options)

    def _measure(self, pair: Pair, scene: DiscScene, rng: Rng, asking: Asking) -> Question:
        """How far; its difficulty is the error, in canvas units, up to which an answer is right."""
        answer = f"{_length(pair, scene):.2f}"
        a, b = (called(pair[i]) for i in two_of(rng, 2))
        prompt = _PHRASES["numeric"].pick(rng, asking.phrases, a=a, b=b)
        return Question(
            self.name,
            "numeric",
            "open",
            prompt,
            answer,
            answer,
            subject={"pairs": [list(pair)]},
            difficulty=_RELATIVE_TOLERANCE * float(answer),
        )

    def classes(self, question: Question) -> tuple[str, ...]:
        if _from_one(question):
            centre = question.subject["centre"]
            return tuple(_other((a, b), centre) for a, b in question.subject["pairs"])
        return tuple(_write((a, b)) for a, b in question.subject["pairs"])

    def solve_class(self, question: Question, scene: DiscScene) -> str:
        pairs = [(a, b) for a, b in question.subject["pairs"]]
        if question.kind == "numeric":
            return f"{_length(pairs[0], scene):.2f}"
        winner = _winner(question.kind, pairs, scene)[0]
        return _other(winner, question.subject["centre"]) if _from_one(question) else _write(winner)

    def chance(self, question: Question, scene: DiscScene, rng: Rng) -> str:
        if question.kind == "numeric":
            return f"{rng.uniform(0.0, scene.canvas):.2f}"
        return super().chance(question, scene, rng)

    def parse_open(self, answer: str, question: Question) -> str | None:
        if question.kind == "numeric":
            number = parse_number(answer)
            return None if number is None else f"{number:.2f}"
        by_colour = is_colour(question.subject["pairs"][0][0])
        parse = parse_names if by_colour else parse_labels
        for part in parts(answer):
            if _from_one(question):
                found = self._one_named(_THAN.sub("", part), question, parse)
            else:
                labels = parse(_NEAREST.sub("and", _THAN.sub("", part)), least=2)[-2:]
                found = _write((labels[0], labels[1])) if len(labels) == 2 else None
            if found in self.classes(question):
                return found
        return None

    def _one_named(
        self, text: str, question: Question, parse: Callable[..., list[str]]
    ) -> str | None:
        """The only candidate in the text; "nearest to N2" says what it was measured from."""
        centre = re.escape(question.subject["centre"])
        text = re.sub(rf"\b(?:to|from) (?:the )?{centre}\b", "", text, flags=re.IGNORECASE)
        named = set(parse(text, least=2)) & set(self.classes(question))
        return named.pop() if len(named) == 1 else None

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        if question.kind != "numeric":
            return super().score(parsed, question, scene)
        truth = float(question.target)
        error = None if parsed is None else abs(float(parsed) - truth)
        correct = error is not None and error <= _RELATIVE_TOLERANCE * truth
        return Score(correct, {"absolute_error": error})


def describe_distances(scene: DiscScene) -> str:
    """One sentence per pair of basic objects, with 2 decimals."""
    return " ".join(
        [sentence(f"{_spoken(pair)} are {gap:.2f} apart.") for pair, gap in scene.gaps.items()]
    )


def _pairs(scene: DiscScene) -> list[Pair]:
    return list(scene.gaps)


def _length(pair: Pair, scene: DiscScene) -> float:
    known = scene.gaps.get(pair)
    return distance(scene.find(pair[0]), scene.find(pair[1])) if known is None else known


@lru_cache(maxsize=4096)
def _write(pair: Pair) -> str:
    a, b = pair if rank(pair[0]) < rank(pair[1]) else pair[::-1]
    return f"{a} and {b}"


def _from_one(question: Question) -> bool:
    return question.kind in _FROM_ONE


def _other(pair: Pair, centre: str) -> str:
    """The object of the pair that is not the centre."""
    return pair[1] if pair[0] == centre else pair[0]


@lru_cache(maxsize=4096)
def _spoken(pair: Pair) -> str:
    """The pair in running text: "N1 and N2", or "the red disc and the brown disc"."""
    a, b = pair if rank(pair[0]) < rank(pair[1]) else pair[::-1]
    return f"{called(a)} and {called(b)}"


def _winner(kind: str, pairs: list[Pair], scene: DiscScene) -> tuple[Pair, float]:
    """The right pair, and the ratio (>= 1) between it and the runner-up."""
    ranked = sorted([(_length(pair, scene), pair) for pair in pairs])
    if kind not in _SMALLEST:
        ranked.reverse()
    (first, winner), (second, _) = ranked[:2]
    return winner, max(first, second) / min(first, second)


TASK = Distance()
