"""Answers in the styles of real models: JSON, tables, LaTeX, tags, second thoughts, other scripts.

Each is read as a careful person would; what stays undecided is None.
"""

from __future__ import annotations

from typing import Any

import answers_choice as choice
import answers_open as opened
import pytest
from test_answer_corpus import CAPTIONS, FOUR

from sparkle.external.parsing import parse_text, parse_word, parse_yes_no
from sparkle.scenes.geometry import CELLS, DIRECTIONS
from sparkle.tasks import get_task
from sparkle.tasks.base import Question
from sparkle.tasks.direction import parse_direction
from sparkle.tasks.parsing import parse_choice, parse_labels, parse_moves, parse_number, parse_point

SIX = (*FOUR, "in front", "behind")
PAIRS = [["N1", "N4"], ["N1", "N5"], ["N4", "N5"]]
SHORTEST = Question("distance", "shortest", "open", "?", "", "", subject={"pairs": PAIRS})
FROM_N2 = Question(
    "direction", "pair", "open", "?", "", "",
    subject={"of": "N1", "from": "N2", "geometry": "figure", "directions": 8},
)  # fmt: skip
OPTIONS = {
    "CAPTIONS_ASKED": CAPTIONS,
    "COLOURS_ASKED": ("red", "blue", "green", "no colour"),
    "DIRECTIONS_ASKED": DIRECTIONS,
    "SENTENCES_ASKED": ("It is not raining", "It is raining", "Neither of them", "Both of them"),
    "NUMBERS_ASKED": ("1", "2", "3", "4"),
    "VERDICTS_ASKED": ("yes", "no"),
}
CHOICES = [(OPTIONS[name], *row) for name in OPTIONS for row in getattr(choice, name)]
READERS: dict[str, Any] = {
    "YES_NO": parse_yes_no,
    "WORDS_OF_FOUR": lambda answer: parse_word(answer, FOUR),
    "WORDS_OF_SIX": lambda answer: parse_word(answer, SIX),
    "ABOVE_BELOW": lambda answer: parse_word(answer, ("above", "below")),
    "LEFT_RIGHT": lambda answer: parse_word(answer, ("left", "right")),
    "DIRECTION": lambda answer: parse_direction(answer, DIRECTIONS),
    "DIRECTION_FROM_N2": lambda answer: get_task("direction").parse(answer, FROM_N2),
    "CELL": lambda answer: parse_direction(answer, CELLS),
    "LABELS": lambda answer: " ".join(parse_labels(answer)),
    "MOVES": lambda answer: " ".join(parse_moves(answer)),
    "NUMBERS": parse_number,
    "POINTS": parse_point,
    "PAIRS": lambda answer: get_task("distance").parse(answer, SHORTEST),
    "TEXTS": parse_text,
}
OPEN = [(name, *row) for name in READERS for row in getattr(opened, name)]


def test_there_are_many() -> None:
    assert len(CHOICES) >= 150 and len(OPEN) >= 250
    assert len({(row[0], row[1]) for row in CHOICES}) == len(CHOICES)
    assert len({row[:2] for row in OPEN}) == len(OPEN)


@pytest.mark.parametrize(("options", "answer", "letter"), CHOICES)
def test_choices(options: tuple[str, ...], answer: str, letter: str | None) -> None:
    found = parse_choice(answer, options)
    assert (None if found is None else "ABCDEFGH"[found]) == letter


@pytest.mark.parametrize(("reader", "answer", "expected"), OPEN)
def test_open_answers(reader: str, answer: str, expected: Any) -> None:
    assert READERS[reader](answer) == expected
