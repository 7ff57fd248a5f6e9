"""Parsers shared by the tasks: what models write -> canonical answers.

All are linear in the length of the text and return None instead of raising. When an answer holds
several candidates the last one counts, since reasoning comes before the answer.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

_MAX_CHARACTERS = 20_000
_BOXED = re.compile(r"\\boxed\s{0,3}\{([^{}]{0,400})\}")
_FINAL = re.compile(r"(?:answer|option|choice)\b\s{0,3}(?:is|:|：)?\s{0,3}", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z0-9_])[(\[（]?([A-Z])[)\]）]?(?![A-Za-z0-9_'’])")
_LABEL = re.compile(r"(?<![A-Za-z0-9])[Nn]\s?(\d{1,3})(?!\d)")
_NUMBER = re.compile(r"[-+]?\d{1,12}(?:\.\d{1,12})?")
_POINT = re.compile(
    r"[(（\[]\s{0,3}([-+]?\d{1,6}(?:\.\d{1,9})?)\s{0,3}[,，;]\s{0,3}"
    r"([-+]?\d{1,6}(?:\.\d{1,9})?)\s{0,3}[)）\]]"
)
_MOVE = re.compile(r"(?<![a-z])(up|down|left|right)(?:wards?)?(?![a-z])", re.IGNORECASE)


def tail(text: str) -> str:
    """The end of a very long answer: only there can the final answer stand."""
    return text[-_MAX_CHARACTERS:]


def boxed(text: str) -> str | None:
    r"""Content of the last ``\boxed{...}``, or None."""
    found = _BOXED.findall(tail(text))
    return found[-1].strip() if found else None


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer names by letter or by its text, or None.

    Looked for in this order: a boxed letter or option text, a letter after the last "answer",
    the option text standing alone or last, the last bare letter that is an option's.
    """
    letters = string.ascii_uppercase[: len(options)]
    inside = boxed(text)
    if inside is not None:
        return _option_in(inside, letters, options)
    text = tail(text)
    marks = list(_FINAL.finditer(text))
    if marks:
        found = _option_in(text[marks[-1].end() :], letters, options, first=True)
        if found is not None:
            return found
    return _option_in(text, letters, options)


def _option_in(text: str, letters: str, options: Sequence[str], first: bool = False) -> int | None:
    stripped = text.strip().strip("*_`'\".。").strip()
    lowered = stripped.casefold()
    for i, option in enumerate(options):
        if lowered == option.casefold():
            return i
    if len(stripped.strip("()[]（）.:")) == 1:
        found = stripped.strip("()[]（）.:").upper()
        return letters.index(found) if found in letters else None
    named = [m.group(1) for m in _LETTER.finditer(stripped) if m.group(1) in letters]
    # "A" opens many English sentences: a bare A counts only with punctuation or in the last place.
    if named:
        return letters.index(named[0] if first else named[-1])
    by_text = last_class(text, options)
    return None if by_text is None else list(options).index(by_text)


def last_class(text: str, classes: Sequence[str]) -> str | None:
    """The class whose name occurs last in the text; longer names win over their parts."""
    names = sorted(classes, key=len, reverse=True)
    pattern = "|".join(re.escape(name).replace(r"\ ", r"[\s_-]{1,2}") for name in names)
    found = re.findall(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", tail(text), re.IGNORECASE)
    if not found:
        return None
    last = re.sub(r"[\s_-]+", " ", found[-1]).casefold()
    return next((name for name in classes if name.casefold() == last), None)


def parse_labels(text: str) -> list[str]:
    """All labels N1.. of the last line or bracketed list that holds any, in order."""
    text = boxed(text) or tail(text)
    lists = [part for part in re.findall(r"\[([^\[\]]*)\]", text) if _LABEL.search(part)]
    if lists:
        text = lists[-1]
    else:
        lines = [line for line in text.splitlines() if _LABEL.search(line)]
        text = lines[-1] if lines else ""
    return [f"N{int(number)}" for number in _LABEL.findall(text)]


def parse_moves(text: str) -> list[str]:
    """All moves of the last line or bracketed list that holds any, in order."""
    text = boxed(text) or tail(text)
    lists = [part for part in re.findall(r"\[([^\[\]]*)\]", text) if _MOVE.search(part)]
    if lists:
        text = lists[-1]
    else:
        lines = [line for line in text.splitlines() if _MOVE.search(line)]
        text = lines[-1] if lines else ""
    return [move.lower() for move in _MOVE.findall(text)]


def parse_number(text: str) -> float | None:
    """The last number of the answer, or None."""
    found = _NUMBER.findall(boxed(text) or _LABEL.sub(" ", tail(text)))
    return float(found[-1]) if found else None


def parse_point(text: str) -> tuple[float, float] | None:
    """The last (x, y) of the answer, or None."""
    found = _POINT.findall(tail(text))
    return (float(found[-1][0]), float(found[-1][1])) if found else None
