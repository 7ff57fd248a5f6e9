r"""Parsers shared by the tasks: what models write -> canonical answers.

All are linear in the length of the text and return None (or nothing) instead of raising. When an
answer holds several candidates the last one counts, since reasoning comes before the answer; a
``\boxed{}`` wins over everything.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import lru_cache

from sparkle.scenes.names import COLOURS

_MAX_CHARACTERS = 20_000
_MAX_MARKS = 50
_WINDOW = 120
"""Characters after "the answer is" in which the answer is looked for."""
_STACKED_LINE = 80
"""Longest line of a list that is written with one item per line."""

_HALF_WIDTH = str.maketrans(
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {ord("。"): ".", ord("、"): ",", ord("【"): "[", ord("】"): "]", ord("’"): "'"}
    | {ord(mark): '"' for mark in "“”「」"}
)
_LATEX = (
    (re.compile(r"\\(?:left|right)(?=\s?[()\[\]|.])"), ""),
    (re.compile(r"\\(?:long)?rightarrow(?![a-z])|\\to(?![a-z])|[→⇒➔➜➡]"), "->"),
    (re.compile(r"\\(?:text|textbf|textit|mathbf|mathrm)\s?\{([^{}]{0,200})\}"), r"\1"),
    (re.compile(r"\\[,;:! ]"), " "),
)
_MARKDOWN = (
    (re.compile(r"\*{1,2}\s?\(?([A-Z])\)?[.:]?\s?\*{1,2}"), r"(\1) "),
    (re.compile(r"[*`]"), " "),
)
_BOXED = re.compile(r"\\boxed\s{0,3}\{([^{}]{1,400})\}")

_FINAL = re.compile(r"(?:answer|option|choice)\b\s{0,3}(?:is|:)?\s{0,3}", re.IGNORECASE)
# "A" and "I" open many English sentences: they count only in brackets, before punctuation or a
# reason, or at the end of a line.
_LETTER = re.compile(
    r"(?<![A-Za-z0-9_'.-])(?<!\bnot )(?:[(\[]\s?([A-Z])\s?[)\]]"
    r"|([A-Z])(?=\s{0,3}(?:[.):]|\n|$)|,?\s(?:because|since)\b)|([B-HJ-Z]))(?![A-Za-z0-9_'])"
)
_EDGES = string.whitespace + "()[]{}.:,;'\"$_-"

_LABEL = re.compile(r"(?<![A-Za-z0-9])[Nn][\s_]?(\d{1,3})(?!\d)")
_NAME = re.compile(rf"{_LABEL.pattern}|(?<![A-Za-z])({'|'.join(COLOURS)}|gray)(?![A-Za-z])", re.I)
_MOVE = re.compile(r"(?<![a-z])(up|down|left|right)(?:wards?)?(?![a-z])", re.IGNORECASE)
_BRACKETED = re.compile(r"\[[^\[\]]{0,2000}\]")
_GAP = re.compile(
    r"(?:[\s,;=>'\"+&|/–—-]|\([^()]{0,40}\)|\d{1,2}[.):]"
    r"|(?:and|then|to|the|from|at|via|go|goes|move|moves|step|visit|next|start|finally|back|return"
    r"|returning|again|node|disc|disk|circle|object|one|up|down|left|right|n\d{1,3})\b)*",
    re.IGNORECASE,
)
"""What may stand between two items of one list: punctuation, numbering, and filler words."""

_DECIMAL = r"[-+]?(?:\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})"
_NUMBER = re.compile(r"[-+]?(?:\d{1,12}(?:[.,]\d{1,12})?|\.\d{1,12})(?![\d.]{0,12}\s?decimal)")
_ASIDE = re.compile(r"\([^()]{0,200}\)")
_POINTS = (
    re.compile(
        rf"[(\[]\s{{0,3}}(?:x\s?[=:]\s?)?({_DECIMAL})\s{{0,3}}[,;]\s{{0,3}}"
        rf"(?:y\s?[=:]\s?)?({_DECIMAL})\s{{0,3}}[)\]]",
        re.IGNORECASE,
    ),
    re.compile(rf"\bx\b\D{{1,20}}?({_DECIMAL})\D{{1,30}}?\by\b\D{{1,20}}?({_DECIMAL})", re.I),
    re.compile(rf"({_DECIMAL})\s{{0,3}}[,;]\s{{0,3}}({_DECIMAL})"),
)


def plain(text: str) -> str:
    """The end of an answer, where the final one stands, without Markdown, LaTeX and full width."""
    return _plain(text[-_MAX_CHARACTERS:])


@lru_cache(maxsize=8)  # parsers ask for it several times in a row
def _plain(text: str) -> str:
    if not text.isascii():
        text = text.translate(_HALF_WIDTH)
    # Every pattern begins with one of the characters that is looked for before it is tried.
    if "\\" in text or not text.isascii():
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    if "*" in text or "`" in text:
        for pattern, replacement in _MARKDOWN:
            text = pattern.sub(replacement, text)
    return text


def boxed(text: str) -> str | None:
    r"""Content of the last ``\boxed{...}`` that holds anything, or None."""
    text = plain(text)
    if "\\boxed" not in text:
        return None
    found = _BOXED.findall(text)
    return found[-1].strip() if found else None


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer names by letter or by its text, or None.

    Looked for in this order: what is boxed, what follows the last "answer", "option" or "choice",
    the whole answer. In each, a letter wins over the text of an option.
    """
    letters = string.ascii_uppercase[: len(options)]
    inside = boxed(text)
    if inside is not None:
        return _option_in(inside, letters, options)
    text = plain(text)
    for mark in reversed(list(_FINAL.finditer(text))[-_MAX_MARKS:]):
        window = text[mark.end() : mark.end() + _WINDOW].lstrip(_EDGES.replace("(", ""))
        found = _option_in(window.partition("\n")[0], letters, options, first=True)
        if found is not None:
            return found
    return _option_in(text, letters, options)


def _option_in(text: str, letters: str, options: Sequence[str], first: bool = False) -> int | None:
    bare = text.strip(_EDGES)
    for i, option in enumerate(options):
        if bare.casefold() == option.casefold():
            return i
    if len(bare) == 1:
        return letters.index(bare.upper()) if bare.upper() in letters else None
    named = [next(filter(None, match.groups())) for match in _LETTER.finditer(text)]
    named = [letter for letter in named if letter in letters]
    if named:
        return letters.index(named[0] if first else named[-1])
    by_text = last_class(text, options)
    return None if by_text is None else list(options).index(by_text)


def last_class(text: str, classes: Sequence[str]) -> str | None:
    """The class whose name occurs last in the text; longer names win over their parts."""
    found = _any_of(tuple(classes)).findall(plain(text))
    if not found:
        return None
    last = re.sub(r"[\s_-]+", " ", found[-1]).casefold()
    return next((name for name in classes if name.casefold() == last), None)


@lru_cache(maxsize=1024)
def _any_of(classes: tuple[str, ...]) -> re.Pattern[str]:
    names = sorted(classes, key=len, reverse=True)
    pattern = "|".join(re.escape(name).replace(r"\ ", r"[\s_-]{1,2}") for name in names)
    return re.compile(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9])", re.IGNORECASE)


def parse_labels(text: str, least: int = 3) -> list[str]:
    """The labels N1.. of the last list of at least ``least``, in order; see :func:`_last_run`."""
    return [f"N{int(number)}" for number in _last_run(text, _LABEL, least)]


def parse_names(text: str, least: int = 3) -> list[str]:
    """As :func:`parse_labels`, for objects that are called by label or by colour."""
    names = [name.casefold() for name in _last_run(text, _NAME, least)]
    return [f"N{int(n)}" if n.isdigit() else "grey" if n == "gray" else n for n in names]


def parse_moves(text: str) -> list[str]:
    """The moves of the last list of at least two, in order; see :func:`_last_run`."""
    return [move.lower() for move in _last_run(text, _MOVE, 2)]


def _last_run(text: str, item: re.Pattern[str], least: int) -> list[str]:
    """Items that follow each other: on one line with only a gap between them, or line by line.

    The last run of at least ``least`` items counts, since answers often go on to explain
    themselves; if there is none, the last pair, then the last single item.
    """
    text = boxed(text) or plain(text)
    if "[" in text:
        text = _BRACKETED.sub(lambda match: " ".join(match[0].split()), text)
    runs: list[list[str]] = []
    stacked = False
    for line in filter(str.strip, text.splitlines()):
        found = _runs_of_line(line, item)
        alone = len(found) == 1 and len(found[0]) == 1 and len(line) <= _STACKED_LINE
        if alone and stacked:
            runs[-1] += found[0]
        else:
            runs += found
        stacked = alone
    for size in (least, 2, 1):
        for run in reversed(runs):
            if len(run) >= size:
                return run
    return []


def _runs_of_line(line: str, item: re.Pattern[str]) -> list[list[str]]:
    runs: list[list[str]] = []
    end = 0
    for match in item.finditer(line):
        value = match[match.lastindex or 0]
        if runs and _GAP.fullmatch(line, end, match.start()):
            runs[-1].append(value)
        else:
            runs.append([value])
        end = match.end()
    return runs


def parse_number(text: str) -> float | None:
    """The last number of the answer, or None; labels and wordy asides in brackets do not count."""
    text = _LABEL.sub(" ", boxed(text) or plain(text))
    words = _ASIDE.sub(lambda match: "" if re.search("[A-Za-z]", match[0]) else match[0], text)
    found = _NUMBER.findall(words) or _NUMBER.findall(text)
    return float(found[-1].replace(",", ".")) if found else None


def parse_point(text: str) -> tuple[float, float] | None:
    """The last (x, y) of the answer, or None; in brackets if any are, else as x = .., y = .."""
    text = _LABEL.sub(" ", boxed(text) or plain(text))
    for pattern in _POINTS:
        found = pattern.findall(text)
        if found:
            return float(found[-1][0]), float(found[-1][1])
    return None
