"""Direction comprehension: in which direction is one object from another."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Any

from pydantic import Field

from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.geometry import DIAGONALS, DIRECTIONS, direction_of, sector_of
from sparkle.scenes.names import COLOURS, called, listed
from sparkle.scenes.randomness import Rng, two_of
from sparkle.tasks.base import Asking, ClassTask, Phrasing, Question, TaskOptions, as_choice
from sparkle.tasks.parsing import last_class
from sparkle.tasks.wording import kept, parts

_PAIR = Phrasing(
    train=(
        "In which direction is {a} from {b}?",
        "Seen from {b}, where does {a} lie?",
        "Which way do you go from {b} to reach {a}?",
        "What is the direction of {a} relative to {b}?",
    ),
    heldout=(
        "If you stand at {b}, in what direction do you find {a}?",
        "Name the direction that leads from {b} to {a}.",
    ),
)
_ALL = Phrasing(
    train=("Describe the directions between {names}.",),
    heldout=("How do {names} lie relative to each other?",),
)
# Between two words of one direction: "above N2 and to its left", "upper part, on the left side".
_JOINT = (
    r"(?:[\s,/-]|(?:and|to|the|of|on|in|it|its|but|also|slightly|far|bit|little|a|side|part|half|edge|corner|area"
    r"|region|image|picture|disc|n\d{1,3}|" + "|".join(COLOURS) + r")\b){0,24}"
)
_WORDS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"_", " "),
        (r"\b(?:none|all) of the above\b", ""),
        (r"\bright (?=above|below|under|beneath|answer|option|choice)", ""),
        (r"\b(top|upper|bottom|lower|north|south)(left|right|east|west)", r"\1 \2"),
        (r"\b(?:upper|above|north(?:ern|wards?)?|up(?:wards?)?|top)(?:most)?\b", "top"),
        (
            r"\b(?:bottom|lower|below|beneath|under(?:neath)?|south(?:ern|wards?)?|down(?:wards?)?)"
            r"(?:most)?\b",
            "down",
        ),
        (r"\b(?:west(?:ern|wards?)?|left(?:wards?|most)?)\b", "left"),
        (r"\b(?:east(?:ern|wards?)?|right(?:wards?|most)?)\b", "right"),
        (r"\b(?:cent(?:er|re|ral)|middle)\b", "center"),
        (r"\s(?:row|column)\b(?:,|\sand)?(?:\sthe)?", ""),
        (r"\b(top|down|left|right)[\s-]center\b", r"\1"),
        (r"\bcenter[\s-](?=(?:top|down|left|right)\b)", ""),
        (rf"\b(top|down)\b{_JOINT}\b(left|right)\b", r"\1 \2"),
        (rf"\b(left|right)\b{_JOINT}\b(top|down)\b(?! (?:left|right)\b)", r"\2 \1"),
    )
)
"""What models write for directions and regions -> the words of the classes, step by step."""

_SHORT = {
    short: name
    for name, shorts in {
        "top": "n ↑ 上 上方", "top right": "ne ↗ 右上 右上方 右上角", "right": "e 右 右边 右侧",
        "down right": "se ↘ 右下 右下方 右下角", "down": "s ↓ 下 下方",
        "down left": "sw ↙ 左下 左下方 左下角", "left": "w ← 左 左边 左侧",
        "top left": "nw ↖ 左上 左上方 左上角", "center": "中 中间 中央 中心",
    }.items()
    for short in shorts.split()
}  # fmt: skip
"""Whole answers that are no English words."""


class DirectionOptions(TaskOptions):
    min_angle: float = Field(
        0.0, ge=0.0, lt=22.5, description="Least angle in degrees to the nearest sector border."
    )


class Direction(ClassTask):
    """Eight directions (or the four diagonals) between two discs."""

    name = "direction"
    summary = "direction of one object from another"
    parser_version = 2
    Options = DirectionOptions

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> list[Question]:
        found = []
        for pair in itertools.combinations(scene.basic, 2):
            first, second = two_of(rng, 2)
            found.append(self._ask(pair[first], pair[second], rng, asking))
        found = [question for question in found if _clear(question, options)]
        if asking.descriptions:
            found += self._describe(scene, rng, asking, options)
        return found

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: Any
    ) -> Question | None:
        first, second = two_of(rng, len(scene.basic))
        question = self._ask(scene.basic[first], scene.basic[second], rng, asking)
        return question if _clear(question, options) else None

    def _ask(self, a: Disc, b: Disc, rng: Rng, asking: Asking) -> Question:
        name, margin = sector_of(a.x - b.x, a.y - b.y, asking.geometry, asking.directions)
        subject = {
            "of": a.label,
            "from": b.label,
            "geometry": asking.geometry,
            "directions": asking.directions,
        }
        prompt = _PAIR.pick(rng, asking.phrases, a=called(a.label), b=called(b.label))
        question = Question(
            self.name, "pair", "open", prompt, name, name, subject=subject, difficulty=margin
        )
        if asking.form == "open":
            return question
        return as_choice(question, self.classes(question), rng, asking.shuffle_options)

    def _describe(self, scene: DiscScene, rng: Rng, asking: Asking, options: Any) -> list[Question]:
        prompt = _ALL.pick(rng, asking.phrases, names=names_of(scene))
        text = describe_directions(scene, asking, options.min_angle)
        return [Question(self.name, "description", "open", prompt, text, text)] if text else []

    def classes(self, question: Question) -> tuple[str, ...]:
        return DIAGONALS if question.subject["directions"] == 4 else DIRECTIONS

    def solve_class(self, question: Question, scene: DiscScene) -> str:
        subject = question.subject
        a, b = scene.find(subject["of"]), scene.find(subject["from"])
        return direction_of(a.x - b.x, a.y - b.y, subject["geometry"], subject["directions"])

    def parse_open(self, answer: str, question: Question) -> str | None:
        subject = question.subject
        if answer.count(subject["from"]) > 1 or "which" in answer:
            # "N1 is left of N2. So N2 is right of N1": the reverse was not asked for.
            reverse = _reverse(called(subject["of"]), called(subject["from"]))
            answer = reverse.sub(" ", answer)
        return parse_direction(answer, self.classes(question))


@lru_cache(maxsize=512)
def _reverse(of: str, start: str) -> re.Pattern[str]:
    of, start = re.escape(of), re.escape(start)
    verb = r"(?:is|lies|sits|stands)\b"
    return re.compile(
        rf"\b{start}\s{verb}[^.;\n]{{1,80}}?\b(?:of|from|to|than)\s(?:the\s)?{of}\b"
        rf"|\b{start},?\swhich\s{verb}[^.;\n]{{1,80}}",
        re.IGNORECASE,
    )


def parse_direction(answer: str, classes: tuple[str, ...]) -> str | None:
    """The last direction or region that the answer names, with common synonyms, or None."""
    for part in parts(answer):
        text = kept(part).casefold()
        for pattern, replacement in _WORDS:
            text = pattern.sub(replacement, text)
        found = last_class(text, classes) or _abbreviated(text, classes)
        if found is not None:
            return found
    return None


def _abbreviated(text: str, classes: tuple[str, ...]) -> str | None:
    """The class of an answer that is nothing but "NE" or "↗"."""
    found = _SHORT.get(text.strip(" .,:;!'\"()\n"))
    return found if found in classes else None


def names_of(scene: DiscScene) -> str:
    """The labels of the basic objects as running text."""
    return listed(tuple([disc.label for disc in scene.basic]))


def describe_directions(scene: DiscScene, asking: Asking, min_angle: float = 0.0) -> str:
    """One sentence per unordered pair of basic objects, but for ambiguous ones."""
    sentences = []
    for a, b in itertools.combinations(scene.basic, 2):
        name, margin = sector_of(a.x - b.x, a.y - b.y, asking.geometry, asking.directions)
        if _is_clear(margin, min_angle):
            sentences.append(sentence(f"{called(a.label)} is {name} of {called(b.label)}."))
    return " ".join(sentences)


def sentence(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[0].upper() + text[1:]


def _clear(question: Question, options: Any) -> bool:
    return _is_clear(question.difficulty or 0.0, options.min_angle)


def _is_clear(margin: float, least: float) -> bool:
    return margin > 0.0 and margin >= least


TASK = Direction()
