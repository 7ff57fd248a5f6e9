"""Parsers of answers to benchmark questions: yes or no, relation words, free text."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from sparkle.tasks.parsing import boxed, plain

_POLAR = {"yes": "yes", "yeah": "yes", "yep": "yes", "true": "yes", "correct": "yes",
          "no": "no", "nope": "no", "false": "no", "incorrect": "no"}  # fmt: skip
_WORD = r"yes|yeah|yep|nope|no|true|false|incorrect|correct"
_AFTER_ANSWER = re.compile(
    rf"\b(?:answer|verdict|conclusion)\b\s{{0,3}}(?:is|:|-|=)?\s{{0,3}}[\"'(\[]?({_WORD})\b", re.I
)
# A verdict of its own ends a clause: "No." or "so, no"; "no other" and "notice" do not.
_ALONE = re.compile(
    rf"(?<![\w'-])(?<!\bnot\s)(?<!\bor )({_WORD})(?=\s{{0,3}}(?:[.,;:!?)\]\"'\n]|$))", re.I
)
_NOT_RIGHT = re.compile(r"\b(?:not|isn't|n't)\s{1,3}(?:true|correct)\b", re.I)
_LEADING = re.compile(rf"[\s\"'(\[]{{0,10}}({_WORD})(?![\w-])", re.I)
_RIGHT = re.compile(r"\bis\s{1,3}(correct|true|incorrect|false)\b", re.I)


def parse_yes_no(text: str) -> str | None:
    """``yes`` or ``no``, or None.

    In this order: what is boxed; what follows the last "answer"; the last verdict that stands
    alone before punctuation; a leading word; "is correct" or "is not true". "notice" is not "no".
    """
    inside = boxed(text)
    if inside is not None:
        return _POLAR.get(inside.strip(string.punctuation + " ").casefold())
    text = _NOT_RIGHT.sub("incorrect", plain(text))
    for pattern in (_AFTER_ANSWER, _ALONE):
        found = pattern.findall(text)
        if found:
            return _POLAR[found[-1].casefold()]
    leading = _LEADING.match(text)
    if leading:
        return _POLAR[leading[1].casefold()]
    found = _RIGHT.findall(text)
    return _POLAR[found[-1].casefold()] if found else None


RELATION_WORDS: Mapping[str, tuple[str, ...]] = {
    "in front": ("in front of", "in front", "in-front", "ahead of"),
    "behind": ("behind", "in back of"),
    "left": ("left-hand side", "left side", "left"),
    "right": ("right-hand side", "right side", "right"),
    "above": ("above", "over"),
    "below": ("below", "beneath", "underneath", "under"),
    "under": ("underneath", "under", "beneath", "below"),
    "on": ("on top of", "on top", "atop", "upon", "on", "above"),
    "top": ("at the top", "top", "upper"),
    "bottom": ("at the bottom", "bottom", "lower"),
}
"""Words for relations, each with what models say for it."""
_PICTURE = r"(?:image|picture|photo|scene|left|right|top|bottom|upper|lower|its|other|same|which)"
_SIDE_ON = re.compile(
    rf"\bon\s{{1,3}}(?!top of\b)(?=(?:the\s{{1,3}}|a\s{{1,3}})?{_PICTURE}\b)", re.I
)
_RIGHT_THING = re.compile(
    r"\bright\s{1,3}(?=answer|word|option|choice|on\b|above|below|under|behind|in front)", re.I
)


def relation_word(phrase: str) -> str:
    """The word of :data:`RELATION_WORDS` that a phrase such as "to the left of" stands for."""
    text = phrase.casefold().replace("-", " ").replace("_", " ")
    for word in ("in front", "behind", "left", "right", "above", "below", "under", "bottom"):
        if re.search(rf"\b{word}\b", text):
            return word
    return next((word for word in ("top", "on") if re.search(rf"\b{word}\b", text)), phrase.strip())


def parse_word(text: str, options: Sequence[str]) -> str | None:
    """The last of the offered relation words that the answer names, by itself or a synonym."""
    text = boxed(text) or plain(text)
    text = _RIGHT_THING.sub("", _SIDE_ON.sub("", text))
    names: dict[str, str] = {}
    for option in options:
        for said in (*RELATION_WORDS.get(option, ()), option):
            if said == option or said not in options:
                names.setdefault(said.casefold(), option)
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found = re.findall(rf"(?<![\w-])(?:{pattern})(?![\w-])", text, re.I)
    return names[found[-1].casefold()] if found else None


_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NUMBERS = {word: str(i) for i, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
)}  # fmt: skip
_MAX_TEXT = 400


def normal_text(text: str) -> str:
    """Free text for comparison: lower case, digits for small numbers, no articles or marks."""
    text = text.casefold().translate(str.maketrans("", "", string.punctuation.replace("'", "")))
    words = _ARTICLES.sub(" ", text).replace("'", "").split()
    return " ".join(_NUMBERS.get(word, word) for word in words)


def parse_text(text: str) -> str | None:
    """A short free answer: what is boxed, or follows the last "answer is", or the last line."""
    inside = boxed(text)
    if inside is None:
        lines = [line.strip() for line in plain(text).splitlines() if line.strip(" .#-")]
        if not lines:
            return None
        pieces = re.split(r"\banswer\b\s{0,3}(?:is|:)\s{0,3}", " \n".join(lines), flags=re.I)
        last = pieces[-1].strip() if len(pieces) > 1 else lines[-1]
        inside = last.partition("\n")[0]
    found = inside.strip(" .\"'\t")
    return found[:_MAX_TEXT] or None
