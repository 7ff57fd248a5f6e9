"""More answers as models write them: to benchmark questions, and in layouts of long reasoning.

Together with the lists of test_parsing.py and test_answer_styles.py this is the corpus of answers
with their expected parse.
"""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
import test_parsing as basic
from helpers import first_question

from sparkle.external.parsing import (
    normal_text,
    parse_text,
    parse_word,
    parse_yes_no,
    relation_word,
)
from sparkle.external.registry import all_benchmarks
from sparkle.tasks import get_task
from sparkle.tasks.base import Question
from sparkle.tasks.parsing import parse_choice, parse_labels, parse_moves, parse_number, parse_point

CAPTIONS = (
    "A mug on a table",
    "A mug under a table",
    "A mug to the left of a table",
    "A mug to the right of a table",
)

CAPTION_CHOICES = [
    (r"\boxed{C}", "C"),
    (r"\(\boxed{C}\)", "C"),
    (r"The final answer is $\boxed{\text{C}}$.", "C"),
    (r"\boxed{ C }", "C"),
    (r"\boxed{\mathbf{C}}", "C"),
    ("(C)", "C"),
    ("(C) A mug to the left of a table", "C"),
    ("C. A mug to the left of a table", "C"),
    ("C: A mug to the left of a table.", "C"),
    ("Option C", "C"),
    ("option (c)", "C"),
    ("I choose C.", "C"),
    ("It is C", "C"),
    ("My answer: C", "C"),
    ("Answer: C", "C"),
    ("Answer: **C**", "C"),
    ("**Answer: C**", "C"),
    ("## Answer\n**(C)**", "C"),
    ("<answer>C</answer>", "C"),
    ("<think>A looks wrong. B too.</think>\nC", "C"),
    ("<think>Is it A?</think> The answer is C.", "C"),
    ("A mug to the left of a table", "C"),
    ("a mug to the left of a table.", "C"),
    ('"A mug to the left of a table"', "C"),
    ("The picture shows a mug to the left of a table.", "C"),
    ("**A mug under a table**", "B"),
    ("A mug under a table, not a mug on a table? No: A mug under a table", "B"),
    ("Reasoning: the mug is lower than the table.\n\nAnswer: B", "B"),
    ("```\nB\n```", "B"),
    ("```text\nAnswer: B\n```", "B"),
    ("The answer is A.\nWait, it is below. The answer is B.", "B"),
    ("First I thought A; then D; finally the answer is B", "B"),
    ("答案是：B。", "B"),
    ("【B】", "B"),
    ("Ｂ", "B"),
    ("（Ｂ）", "B"),
    ("Réponse : B", "B"),
    ("Antwort: B.", "B"),
    ("B) since the mug is below", "B"),
    ("the correct choice is D because the mug is right of it", "D"),
    ("E", None),
    (r"\boxed{E}", None),
    ("I cannot see the picture.", None),
    ("Sorry, I can't help with that.", None),
    ("As an AI language model, I am not able to view images.", None),
    ("None of the options.", None),
    ("...", None),
    ("🙂", None),
    ("{}", None),
    ("\\boxed", None),
]

YES_NO = [
    ("yes", "yes"), ("Yes", "yes"), ("YES.", "yes"), ("no", "no"), ("No!", "no"),
    ("**Yes**", "yes"), ("`no`", "no"), ("(yes)", "yes"), ('"No"', "no"),
    (r"\boxed{yes}", "yes"), (r"\boxed{\text{No}}", "no"), (r"\boxed{no.}", "no"),
    ("Yes, the mug is on the table.", "yes"),
    ("No, the mug is under the table.", "no"),
    ("Yes, there is no doubt about it.", "yes"),
    ("Yes — no other reading is possible", "yes"),
    ("Yes it does", "yes"),
    ("No it does not", "no"),
    ("I notice the mug on the table. Yes.", "yes"),
    ("Notice that the mug is on the table", None),
    ("nothing", None),
    ("I know it", None),
    ("The answer is yes.", "yes"),
    ("The answer is no, since it is under.", "no"),
    ("Answer: no", "no"),
    ("Answer: Yes", "yes"),
    ("Answer：Yes", "yes"),
    ("### Answer\nNo", "no"),
    ("Final answer: **No**", "no"),
    ("It seems yes at first. Looking closer, no.", "no"),
    ("Is it on the table? Yes. Is it under? No. So the answer is yes.", "yes"),
    ("<think>maybe not</think>\nyes", "yes"),
    ("True", "yes"), ("False.", "no"), ("Correct.", "yes"), ("Incorrect", "no"),
    ("That is correct", "yes"),
    ("The sentence is not correct.", "no"),
    ("This is not true.", "no"),
    ("The statement isn't correct", "no"),
    ("Yeah", "yes"), ("Nope.", "no"),
    ("Y", None), ("", None), ("   ", None), ("maybe", None),
    ("I cannot tell from the image.", None),
    ("Ｙｅｓ", "yes"),
    ("yes。", "yes"),
    ("no\n\nThe mug stands to the left.", "no"),
]  # fmt: skip

FOUR = ("left", "right", "on", "under")
WORDS = [
    ("left", "left"), ("Left.", "left"), ("**right**", "right"), ("on", "on"), ("Under", "under"),
    (r"\boxed{under}", "under"),
    ("to the left of", "left"),
    ("The mug is to the right of the table.", "right"),
    ("It is on top of the table.", "on"),
    ("above", "on"), ("below", "under"), ("beneath it", "under"), ("underneath", "under"),
    ("on the left", "left"),
    ("It is on the right side of the table", "right"),
    ("on the left side", "left"),
    ("The mug is on the table", "on"),
    ("The right answer is under", "under"),
    ("Answer: left", "left"),
    ("Not left but right", "right"),
    ("First I thought on. It is under.", "under"),
    ("upon the table", "on"),
    ("only", None), ("bright", None), ("leftover thunder", None), ("behind", None), ("", None),
    ("I cannot say.", None),
]  # fmt: skip

RELATIONS = [
    ("to the left of", "left"), ("on the right", "right"), ("on", "on"), ("under", "under"),
    ("in front of", "in front"), ("in-front of", "in front"), ("behind", "behind"),
    ("above", "above"), ("below", "below"), ("on the top", "top"), ("at the bottom", "bottom"),
    ("near", "near"),
]  # fmt: skip

TEXTS = [
    ("STOP", "STOP"), ("stop.", "stop"), ('"STOP"', "STOP"), ("**STOP**", "STOP"),
    (r"\boxed{exit 12}", "exit 12"),
    ("The answer is exit 12.", "exit 12"),
    ("Answer: exit 12", "exit 12"),
    ("I read the sign.\nexit 12", "exit 12"),
    ("Answer: nine\nSince the sign says so.", "nine"),
    ("答案\nanswer: 9", "9"),
    ("", None), (" \n ", None), ("...", None),
]  # fmt: skip
NORMAL = [
    ("The  Stop-Sign!", "stopsign"), ("Seven", "7"), ("a cat", "cat"), ("don't", "dont"),
]  # fmt: skip

LISTS: list[tuple[Any, str, Any]] = [
    (parse_labels, "<think>N1, N2, N3 or N1, N3, N2?</think>\nN1, N3, N2", "N1 N3 N2"),
    (parse_labels, "Path: `N1` -> `N2` -> `N6`", "N1 N2 N6"),
    (parse_labels, "**N1** → **N2** → **N6**", "N1 N2 N6"),
    (parse_labels, "(N1, N2, N6)", "N1 N2 N6"),
    (parse_labels, "{N1, N2, N6}", "N1 N2 N6"),
    (parse_labels, "N1; N2; N6", "N1 N2 N6"),
    (parse_labels, "N1 | N2 | N6", "N1 N2 N6"),
    (parse_labels, "[N1,N2,N6]", "N1 N2 N6"),
    (parse_labels, "“N1”, “N2”, “N6”", "N1 N2 N6"),
    (parse_labels, "N1 => N2 => N6", "N1 N2 N6"),
    (parse_labels, "Answer: N1 N2 N6", "N1 N2 N6"),
    (parse_labels, r"\[\boxed{N_1 \to N_2 \to N_6}\]", "N1 N2 N6"),
    (parse_moves, "<think>left, up?</think>\nup, right", "up right"),
    (parse_moves, "`up`, `right`", "up right"),
    (parse_moves, "**up** → **right**", "up right"),
    (parse_moves, "(up, right)", "up right"),
    (parse_moves, "up; right; right", "up right right"),
    (parse_moves, "Answer: UP RIGHT RIGHT", "up right right"),
    (parse_moves, "```json\n[\"up\", \"right\"]\n```", "up right"),
    (parse_moves, "move up, move right, move right", "up right right"),
    (parse_number, "<think>3 or 5?</think> 4.25", 4.25),
    (parse_number, "Answer: 4.25", 4.25),
    (parse_number, "d = 4.25 units", 4.25),
    (parse_number, "≈ 4.25", 4.25),
    (parse_number, "$4.25$", 4.25),
    (parse_number, "4.25.", 4.25),
    (parse_number, "~4.25", 4.25),
    (parse_point, "Answer: (3.2, 4.5)", (3.2, 4.5)),
    (parse_point, "**(3.2, 4.5)**", (3.2, 4.5)),
    (parse_point, "`(3.2, 4.5)`", (3.2, 4.5)),
    (parse_point, "<think>(1, 1)?</think>(3.2, 4.5)", (3.2, 4.5)),
    (parse_point, "{3.2, 4.5}", (3.2, 4.5)),
]  # fmt: skip


def test_the_corpus_is_large_enough() -> None:
    old = (basic.CHOICES, basic.DIRECTION_WORDS, basic.CELL_WORDS, basic.LABEL_LISTS,
           basic.MOVE_LISTS, basic.PAIRS, basic.NUMBERS, basic.POINTS)  # fmt: skip
    new = (CAPTION_CHOICES, YES_NO, WORDS, RELATIONS, TEXTS, NORMAL, LISTS)
    assert sum(map(len, old)) + sum(map(len, new)) >= 400


@pytest.mark.parametrize(("answer", "letter"), CAPTION_CHOICES)
def test_captions(answer: str, letter: str | None) -> None:
    found = parse_choice(answer, CAPTIONS)
    assert (None if found is None else "ABCD"[found]) == letter


@pytest.mark.parametrize(("answer", "verdict"), YES_NO)
def test_yes_no(answer: str, verdict: str | None) -> None:
    assert parse_yes_no(answer) == verdict


@pytest.mark.parametrize(("answer", "word"), WORDS)
def test_words(answer: str, word: str | None) -> None:
    assert parse_word(answer, FOUR) == word


@pytest.mark.parametrize(("phrase", "word"), RELATIONS)
def test_relations(phrase: str, word: str) -> None:
    assert relation_word(phrase) == word


@pytest.mark.parametrize(("answer", "text"), TEXTS)
def test_texts(answer: str, text: str | None) -> None:
    assert parse_text(answer) == text


@pytest.mark.parametrize(("text", "normal"), NORMAL)
def test_normal_text(text: str, normal: str) -> None:
    assert normal_text(text) == normal


@pytest.mark.parametrize(("parser", "answer", "expected"), LISTS)
def test_lists_and_numbers(parser: Any, answer: str, expected: Any) -> None:
    found = parser(answer)
    assert (" ".join(found) if isinstance(found, list) else found) == expected


# Fuzzing ------------------------------------------------------------------------------------------

PIECES = (
    "\\boxed{", "}", "{", "(", ")", "[", "]", "A", "B", "N1", "N22", "up", "right", "left", "->",
    "answer", "is", ":", ".", ",", "yes", "no", "not ", "\n", " ", "\t", "*", "**", "`", "```", "1",
    "2.5", "-", "_", "\\text{", "\\to", "x", "y", "=", "option", "on", "under", "in front of", "’",
    "“", "。", "（", "\x00", "\ud800", "🙂", "\u202e", "９", "<think>", "than",
    "</think>", "<answer>", "</answer>", "<|im_end|>", "答案", "→", "not ", "n't ", "wait ", "A, ",
    "\nuser:", "twice", "3 steps ", "是", "左", "rather than ", "both A ",
    "[x]", "✓", "(N1)", "and", "the", "\\",
)  # fmt: skip


def questions() -> list[tuple[Any, Question]]:
    """A question of every kind that benchmarks have, with what parses it."""
    kinds: dict[str, dict[str, Any]] = {
        "choice": {"form": "choice", "options": CAPTIONS},
        "yes_no": {"form": "open", "options": ("yes", "no")},
        "words": {"form": "open", "options": FOUR},
        "text": {"form": "open", "subject": {"answers": ["a"]}},
    }
    benchmark = all_benchmarks()["custom"]
    return [
        (benchmark, Question("custom", kind, prompt="?", answer="", target="", **rest))
        for kind, rest in kinds.items()
    ]


TASK_QUESTIONS = [
    (get_task(name), first_question(name, kind))
    for name, kind in (
        ("direction", None), ("distance", None), ("distance", "numeric"),
        ("localization", None), ("localization", "coordinate"), ("spp", None), ("tsp", None),
    )
]  # fmt: skip


@pytest.mark.parametrize("seed", range(150))
def test_fuzzed_answers_never_raise(seed: int) -> None:
    draw = random.Random(seed)
    answer = "".join(draw.choices(PIECES, k=draw.randint(0, 400)))
    for parser in (parse_labels, parse_moves, parse_number, parse_point, parse_yes_no, parse_text):
        parser(answer)
    for task, question in TASK_QUESTIONS:
        parsed = task.parse(answer, question)
        assert parsed is None or isinstance(parsed, str)
    for task, question in questions():
        parsed = task.parse(answer, question)
        assert parsed is None or isinstance(parsed, str)
        assert task.score(parsed, question, None).correct in (True, False)


@pytest.mark.parametrize(
    "piece",
    [
        *PIECES,
        "\\boxed{ ",
        "answer is ",
        "yes or no ",
        "on the ",
        "not wrong ",
        "A and ",
        "A, B and ",
        "so yes ",
        "one step up ",
    ],
)
def test_long_answers_take_linear_time(piece: str) -> None:
    """Five times the text takes about five times as long: below the cut and up to it."""

    asked = [*questions(), *TASK_QUESTIONS]

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            for task, question in asked:
                task.parse(text, question)
            best = min(best, time.process_time() - start)
        return best

    # A quadratic parser takes 25 times as long; 0.05 s allow for a noisy clock.
    assert seconds(20_000) < 15 * seconds(4_000) + 0.05
    assert seconds(100_000) < 0.5
