"""Parsers, on answers as real models write them."""

from __future__ import annotations

import pytest
from helpers import first_question

from sparkle.scenes.geometry import CELLS, DIAGONALS, DIRECTIONS
from sparkle.tasks import all_tasks, get_task
from sparkle.tasks.base import Asking, Question
from sparkle.tasks.direction import parse_direction
from sparkle.tasks.parsing import (
    boxed,
    last_class,
    parse_choice,
    parse_labels,
    parse_moves,
    parse_number,
    parse_point,
)

# Letters of the eight directions: A right, B top right, C top, D top left, E left, F down left,
# G down, H down right.
CHOICES = [
    (r"\boxed{C}", "C"),
    (r"\boxed{\text{C}}", "C"),
    (r"\boxed{\textbf{C}}", "C"),
    (r"$\boxed{C}$", "C"),
    (r"\boxed{(C)}", "C"),
    (r"\boxed{C. top}", "C"),
    (r"\boxed{c}", "C"),
    (r"\boxed{top left}", "D"),
    (r"\boxed{\mathrm{top\ left}}", "D"),
    (r"First \boxed{A}, but looking again \boxed{B}", "B"),
    (r"The answer is A. No: \boxed{B}. The answer is in the box.", "B"),
    (r"I put it into \boxed{}. The answer is D.", "D"),
    (r"\boxed{?}", None),
    (r"\boxed{Z}", None),
    ("C", "C"),
    ("c", "C"),
    ("C.", "C"),
    ("(C)", "C"),
    ("[C]", "C"),
    ("C)", "C"),
    ("C:", "C"),
    ("A", "A"),
    ("A. right", "A"),
    ("C. top", "C"),
    ("**B**", "B"),
    ("**B. top right**", "B"),
    ("**A** is what I see", "A"),
    ("`B`", "B"),
    ("```\nB\n```", "B"),
    ("（Ｃ）", "C"),
    ("答案：C。", "C"),
    ("The answer is C.", "C"),
    ("The answer is: C", "C"),
    ("the correct answer is c", "C"),
    ("Answer: D", "D"),
    ("Answer：D", "D"),
    ("**Answer:** D", "D"),
    ("**Answer**: D", "D"),
    ("### Answer\n\nD", "D"),
    ("Final answer: (A)", "A"),
    ("The answer is **A**.", "A"),
    ("The correct option is A.", "A"),
    ("The correct option would be D", "D"),
    ("The answer is A because B is on the other side.", "A"),
    ("The answer is C. No other option fits.", "C"),
    ("The answer is top left.", "D"),
    ("The answer is top left, not A.", "D"),
    ("The answer is not C but D.", "D"),
    ("A is wrong. B is wrong. So it must be C.", "C"),
    ("Option A is too far, option B is too low, so option C.", "C"),
    ("N1 lies above N2.\nIt is not to the left.\n\nSo the answer is C", "C"),
    ("I think B", "B"),
    ("top", "C"),
    ("Top Left", "D"),
    ("top-left", "D"),
    ("'down right'", "H"),
    ("N1 is down left of N2.", "F"),
    ("A disc is at the top of the picture", "C"),
    ("A disc can be seen in the picture.", None),
    ("I cannot determine the direction from the image.", None),
    ("I cannot determine the answer.", None),
    ("I'm sorry, but I can't see the picture.", None),
    ("As an AI, I am unable to help.", None),
    ("Notice the stopping rightness", None),
    ("Z", None),
    ("", None),
    (" \n\t", None),
    ("?!", None),
]

DIRECTION_WORDS = [
    ("top left", "top left"),
    ("Top-Left", "top left"),
    ("top_left", "top left"),
    ("topleft", "top left"),
    ("upper left", "top left"),
    ("Upper-right", "top right"),
    ("bottom right", "down right"),
    ("lower-left corner", "down left"),
    ("bottomright", "down right"),
    ("north-west", "top left"),
    ("northwest", "top left"),
    ("to the north east of N2", "top right"),
    ("south-eastern", "down right"),
    ("southwest", "down left"),
    ("up", "top"),
    ("upwards", "top"),
    ("above", "top"),
    ("directly below N2", "down"),
    ("right above N2", "top"),
    ("underneath", "down"),
    ("to the left of N2", "left"),
    ("N1 is to the right of N2.", "right"),
    ("west", "left"),
    ("eastwards", "right"),
    ("above and to the left of N2", "top left"),
    ("to the left and above N2", "top left"),
    ("N1 is above N2 and to its right.", "top right"),
    ("N1 lies left of N2, and below it", "down left"),
    ("down, right", "down right"),
    ("It is not left. It is right.", "right"),
    ("First I thought top left, but it is down right.", "down right"),
    ("**Top left**", "top left"),
    (r"\boxed{\text{top left}}", "top left"),
    ("Top left is the right answer.", "top left"),
    ("none of the above", None),
    ("stop", None),
    ("a bright cup", None),
    ("I cannot determine this.", None),
    ("", None),
]

CELL_WORDS = [
    ("center", "center"),
    ("in the centre of the picture", "center"),
    ("middle", "center"),
    ("the central part", "center"),
    ("top center", "top"),
    ("top-middle", "top"),
    ("lower middle", "down"),
    ("bottom center", "down"),
    ("middle left", "left"),
    ("center-right", "right"),
    ("left center", "left"),
    ("top row, middle column", "top"),
    ("middle row and the right column", "right"),
    ("top row, left column", "top left"),
    ("in the upper part of the picture, on the left side", "top left"),
    ("bottom left corner", "down left"),
    ("the lower right area", "down right"),
    ("Not the center: the top right", "top right"),
    ("nowhere", None),
]

LABEL_LISTS = [
    ("N1, N2, N3", "N1 N2 N3"),
    ("['N1', 'N4', 'N2']", "N1 N4 N2"),
    ('["N1", "N4", "N2"]', "N1 N4 N2"),
    ("[\n  'N1',\n  'N4',\n  'N2'\n]", "N1 N4 N2"),
    ('```json\n["N1", "N2", "N3"]\n```', "N1 N2 N3"),
    ("N1 -> N2 -> N3", "N1 N2 N3"),
    ("N1→N2→N3", "N1 N2 N3"),
    ("N1 ⇒ N2 ⇒ N3", "N1 N2 N3"),
    (r"$N_1 \rightarrow N_2 \to N_3$", "N1 N2 N3"),
    ("N1-N2-N3", "N1 N2 N3"),
    ("N1 – N2 – N3", "N1 N2 N3"),
    ("n1, n2, n3", "N1 N2 N3"),
    ("Ｎ１，Ｎ２，Ｎ３", "N1 N2 N3"),
    ("N1、N2、N3", "N1 N2 N3"),
    (r"\boxed{N1, N2, N3}", "N1 N2 N3"),
    (r"\boxed{[N1, N2, N3]} since N9 is far", "N1 N2 N3"),
    ("N1 to N2 to N3", "N1 N2 N3"),
    ("Start at N1, then go to N2, and finally N3.", "N1 N2 N3"),
    ("1. N1\n2. N4\n3. N2", "N1 N4 N2"),
    ("1) Start at N1\n2) Go to N4\n3) Then N2", "N1 N4 N2"),
    ("- N1\n- N4\n- N2", "N1 N4 N2"),
    ("N1\nN4\nN2\n", "N1 N4 N2"),
    ("The route is:\n\n1. **N1**\n\n2. **N4**\n\n3. **N2**", "N1 N4 N2"),
    ("The shortest path from N1 to N16 is N1, N5, N6, N16.", "N1 N5 N6 N16"),
    ("N1 -> N5 -> N6\n\nThis path from N1 to N6 is the shortest.", "N1 N5 N6"),
    ("N1, N2, N3 is 9 long.\nN1, N3, N2 is 7 long.\nAnswer: N1, N3, N2", "N1 N3 N2"),
    ("First N1, N2, N3.\nBetter: N1, N3, N2", "N1 N3 N2"),
    ("N1 (start) -> N2 -> N3 (end)", "N1 N2 N3"),
    ("N1 -> N4 (2.30) -> N2 (1.71)", "N1 N4 N2"),
    ("N12, N3, N100", "N12 N3 N100"),
    ("N1", "N1"),
    ("N1234, XN5, N2x", "N2"),
    ("I cannot see any label.", ""),
    ("1, 2, 3", ""),
    ("", ""),
]

MOVE_LISTS = [
    ("up, right, right", "up right right"),
    ("Up, Right, RIGHT.", "up right right"),
    ("['up', 'right']", "up right"),
    ('["up",\n "right"]', "up right"),
    ("up -> right -> right", "up right right"),
    ("up → right", "up right"),
    (r"up \rightarrow right", "up right"),
    ("up right right", "up right right"),
    ("upwards, rightward", "up right"),
    ("1. up\n2. right", "up right"),
    ("1. Move up\n2. Move right\n3. Move right", "up right right"),
    ("1. Move up from N1 to N2\n2. Move right from N2 to N6", "up right"),
    ("Step 1: up\nStep 2: right", "up right"),
    ("* up\n* right\n* up", "up right up"),
    ("up\nright\n", "up right"),
    ("Move up, then right, and then up again.", "up right up"),
    ("Go up (to N2), then right (to N6).", "up right"),
    (r"\boxed{up, right}", "up right"),
    (r"\boxed{\text{up, right}}", "up right"),
    ("I may go left or right. The path is: up, up, right", "up up right"),
    ("Trying left, up.\nThat fails.\nSo: up, right", "up right"),
    ("up, up, right\n\nThe last move is to the right.", "up up right"),
    ("upper, downtown, leftover, bright", ""),
    ("I cannot find a path.", ""),
    ("", ""),
]

PAIRS = [
    ("N1 and N4", "N1 and N4"),
    ("N4 and N1", "N1 and N4"),
    ("N4, N1", "N1 and N4"),
    ("(N1, N4)", "N1 and N4"),
    ("N1-N4", "N1 and N4"),
    ("N1 to N4", "N1 and N4"),
    ("['N1', 'N4']", "N1 and N4"),
    ("**N1** and **N4**", "N1 and N4"),
    (r"\boxed{N4\text{ and }N1}", "N1 and N4"),
    ("The pair N1 and N4 is the closest.", "N1 and N4"),
    ("Among N1, N4 and N5, the closest are N1 and N4.", "N1 and N4"),
    ("N1 and N4 are closer than N4 and N5.", "N1 and N4"),
    ("N1 and N4 are 2.10 apart, less than 3.50 for N4 and N5.", "N1 and N4"),
    ("N4 and N5: 3.5\nN1 and N4: 2.1\nSo N1 and N4.", "N1 and N4"),
    ("N1 and N4 (N5 is far away)", "N1 and N4"),
    ("N1 and N9", None),
    ("N1", None),
    ("I cannot tell.", None),
    ("", None),
]

NUMBERS = [
    ("4.25", 4.25),
    ("4", 4.0),
    (".5", 0.5),
    ("-1.5", -1.5),
    ("about 4.25 units.", 4.25),
    ("The distance between N1 and N4 is 4.25.", 4.25),
    ("4.25 is the distance from N2 to N3", 4.25),
    ("sqrt(3^2 + 3^2) = sqrt(18) ≈ 4.24", 4.24),
    ("4.25 (rounded to 2 decimals)", 4.25),
    ("4.25, to 2 decimal places", 4.25),
    ("4,25", 4.25),
    ("４．２５", 4.25),
    (r"\boxed{4.25} from 3 and 3", 4.25),
    (r"$\boxed{4.25\text{ units}}$", 4.25),
    ("**4.25**", 4.25),
    ("N1 and N2", None),
    ("far", None),
    ("", None),
]

POINTS = [
    ("(3.20, 4.50)", (3.2, 4.5)),
    ("( 3.2 ,4.5 )", (3.2, 4.5)),
    ("[3.2, 4.5]", (3.2, 4.5)),
    ("（3.2，4.5）", (3.2, 4.5)),
    ("(3, 4)", (3.0, 4.0)),
    ("(3.2; 4.5)", (3.2, 4.5)),
    (r"\boxed{(3.2, 4.5)}", (3.2, 4.5)),
    (r"\boxed{3.2, 4.5}", (3.2, 4.5)),
    (r"$\left(3.2, 4.5\right)$", (3.2, 4.5)),
    ("(x=3.2, y=4.5)", (3.2, 4.5)),
    ("x = 3.2, y = 4.5", (3.2, 4.5)),
    ("The x coordinate is 3.2 and the y coordinate is 4.5.", (3.2, 4.5)),
    ("3.2, 4.5", (3.2, 4.5)),
    ("N1 is at (1, 1), N2 is at (3.2, 4.5).", (3.2, 4.5)),
    ("3.2", None),
    ("in the centre", None),
    ("", None),
]

HOSTILE = {
    "letters": "A" * 100_000,
    "boxes": "\\boxed{" * 15_000,
    "nested boxes": "\\boxed{" * 7_000 + "}" * 7_000,
    "brackets": "[(" * 50_000,
    "bracketed": "[" + "N1 " * 33_000,
    "answers": "answer " * 15_000,
    "tops": "top and " * 12_500,
    "rights": "right, " * 14_000,
    "rows": "center row, and the " * 5_000,
    "labels": "N1 ( " * 20_000,
    "moves": "1. up\n" * 16_000,
    "digits": "1" * 100_000,
    "commas": "1," * 50_000,
    "coordinates": "x y " * 25_000,
    "blanks": " " * 100_000,
    "stars": "*" * 100_000,
    "text": "\\text{" * 16_000,
    "surrogate": "\ud800\x00" * 50_000,
}


@pytest.mark.parametrize(("answer", "letter"), CHOICES)
def test_choice(answer: str, letter: str | None) -> None:
    found = parse_choice(answer, DIRECTIONS)
    assert (None if found is None else "ABCDEFGH"[found]) == letter


@pytest.mark.parametrize("answer", ["I", "I.", "(I)", "The answer is I.", "Option I", "so it is I"])
def test_the_ninth_letter_is_told_from_the_pronoun(answer: str) -> None:
    assert parse_choice(answer, CELLS) == CELLS.index("top right")
    assert parse_choice("I see nothing", CELLS) is None


@pytest.mark.parametrize(("answer", "name"), DIRECTION_WORDS)
def test_direction(answer: str, name: str | None) -> None:
    assert parse_direction(answer, DIRECTIONS) == name


def test_four_directions_have_no_cardinals() -> None:
    assert parse_direction("above", DIAGONALS) is None
    assert parse_direction("above and to the left", DIAGONALS) == "top left"


@pytest.mark.parametrize(("answer", "name"), CELL_WORDS)
def test_cell(answer: str, name: str | None) -> None:
    question = first_question("localization", "cell")
    assert get_task("localization").parse(answer, question) == name


@pytest.mark.parametrize(("answer", "labels"), LABEL_LISTS)
def test_labels(answer: str, labels: str) -> None:
    assert parse_labels(answer) == labels.split()


@pytest.mark.parametrize(("answer", "moves"), MOVE_LISTS)
def test_moves(answer: str, moves: str) -> None:
    assert parse_moves(answer) == moves.split()


@pytest.mark.parametrize(("answer", "pair"), PAIRS)
def test_pair(answer: str, pair: str | None) -> None:
    subject = {"pairs": [["N1", "N4"], ["N1", "N5"], ["N4", "N5"]]}
    question = Question("distance", "shortest", "open", "", "", "", subject=subject)
    assert get_task("distance").parse(answer, question) == pair


@pytest.mark.parametrize(("answer", "number"), NUMBERS)
def test_number(answer: str, number: float | None) -> None:
    assert parse_number(answer) == number


@pytest.mark.parametrize(("answer", "point"), POINTS)
def test_point(answer: str, point: tuple[float, float] | None) -> None:
    assert parse_point(answer) == point


def test_last_class_is_the_last_whole_word() -> None:
    assert last_class("yes, no, and notice", ("yes", "no")) == "no"
    assert last_class("notice", ("yes", "no")) is None
    assert last_class("top left", ("left", "top", "top left")) == "top left"


def test_boxed_is_the_last_full_box() -> None:
    assert boxed(r"\boxed{a} \boxed{ b } \boxed{}") == "b"
    assert boxed("no box") is None


def test_only_the_end_of_a_very_long_answer_counts() -> None:
    assert parse_choice(r"\boxed{A}" + " " * 30_000 + r"\boxed{B}", DIRECTIONS) == 1
    assert parse_choice(r"\boxed{A}" + "x " * 30_000, DIRECTIONS) is None


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", all_tasks())
def test_hostile_answers_neither_raise_nor_hang(name: str, answer: str) -> None:
    # No clock is read: a parser that is not linear would take minutes or exhaust the stack.
    for form in ("open", "choice"):
        task = get_task(name)
        question = first_question(name, asking=Asking(form=form))
        parsed = task.parse(answer, question)
        assert parsed is None or isinstance(parsed, str)
