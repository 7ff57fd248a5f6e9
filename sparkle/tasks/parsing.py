r"""Parsers shared by the tasks: what models write -> canonical answers.

All are linear in the length of the text and return None (or nothing) instead of raising. When an
answer holds several candidates the last one counts, since reasoning comes before the answer; what
is boxed, or follows "the answer is", wins over the rest (see :mod:`sparkle.tasks.wording`).
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from functools import lru_cache

from sparkle.scenes.names import COLOURS
from sparkle.tasks.wording import (
    ANSWER_WORDS,
    after_second_thought,
    boxed,
    ends_of,
    kept,
    parts,
    plain,
)

_MAX_MARKS = 50
_WINDOW = 120
"""Characters after "the answer is" in which a choice is looked for."""
_STACKED_LINE = 80
"""Longest line of a list that is written with one item per line."""

_FINAL = tuple(
    re.compile(rf"{word}[\"')]{{0,2}}\s{{0,3}}(?:is\b|[:=是为选]|-\s)?\s{{0,3}}", re.IGNORECASE)
    for word in (r"(?:\b(?:answer|ans)\b|答案)", r"(?:\b(?:option|choice)\b)")
)
_JOINED = r"(?:\s?(?:,\s?and|,\s?or|,|/|and|or|&|、|和|或)\s?\(?[A-Z]\)?)"
_MARK_WORDS = (ANSWER_WORDS, ("option", "choice"))
_LETTERS = rf"\(?[A-Z]\)?{_JOINED}{{0,8}}"
# "A, B and D are wrong", "option A can be ruled out"
_RULED_OUT = re.compile(
    rf"(?<![A-Za-z'])(?:[Oo]ptions?\s)?{_LETTERS}(?![A-Za-z])\s{{0,2}}"
    r"(?:(?:is|are|was|were|seems?|looks?|can\sbe)\s(?:all\s|both\s|clearly\s|also\s|too\s)?"
    r"(?:wrong|incorrect|false|ruled\sout|eliminated|excluded|impossible|out\b)"
    r"|(?:do|does)(?:\snot|n't)\s(?:fit|match|describe|work|apply)|都?(?:不对|错|不是|不符合))"
)
_RULERS_OUT = ("rong", "incorrect", "false", " out", "eliminated", "excluded", "impossible", "not",
               "n't", "不", "错")  # fmt: skip
_UNDECIDED = re.compile(rf"\(?[A-Z]\)?{_JOINED}+")
_TICKS = ("✓", "✔", "☑", "✅", "√", "[x]", "[X]", "es", "ES", "rue", "orrect")
_TICKED = re.compile(
    r"(?:\[[xX]\]|[✓✔☑✅√])\W{0,3}([A-Z])\b"
    r"|(?<![A-Za-z'])([A-Z])\b[^A-Za-z\n]{1,6}(?:[✓✔☑✅√]|(?:[Yy]es|YES|[Tt]rue|[Cc]orrect)\b)"
)
# "A" and "I" open many English sentences: they count only in brackets, before punctuation or a
# reason, or at the end of a line.
_LETTER = re.compile(
    r"(?<![A-Za-z0-9_'.-])(?<!\bnot )(?:[(\[]\s?([A-Z])\s?[)\]]"
    r"|([A-Z])(?=\s{0,3}(?:[.):]|\n|$)|,?\s(?:because|since)\b)|([B-HJ-Z]))(?![A-Za-z0-9_'])"
)
_EDGES = string.whitespace + "()[]{}.:,;!?'\"$_-"

_LABEL = re.compile(r"(?<![A-Za-z0-9])[Nn](?:[\s_]|_\{)?(\d{1,3})(?!\d)")
_NAME = re.compile(rf"{_LABEL.pattern}|(?<![A-Za-z])({'|'.join(COLOURS)}|gray)(?![A-Za-z])", re.I)
_MOVE = re.compile(r"(?<![a-z])(up|down|left|right)(?:wards?)?(?![a-z])", re.IGNORECASE)
_TIMES = re.compile(
    r"\b(up|down|left|right)(?:wards?)?\s?(?:\(?[x×]\s?([1-9])\b\)?"
    r"|\(?([1-9])\s(?:steps?|times|units?|nodes?)\b\)?"
    r"|(once|twice)\b|(one|two|three|four|five|six|seven)\s(?:steps?|times|units?|nodes?)\b)",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"\b([1-9]|one|two|three|four|five|six|seven)\s(?:steps?|units?|nodes?|moves?)\s(?:to\sthe\s)?"
    r"(up|down|left|right)(?:wards?)?\b",
    re.IGNORECASE,
)
_COUNTERS = ("step", "time", "twice", "once", "×", " x", "(x", "unit", "node", "move")
_COUNTS = {"once": 1, "one": 1, "twice": 2, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
           "seven": 7}  # fmt: skip
_ARROWS = {"↑": "up", "⬆": "up", "↓": "down", "⬇": "down", "←": "left", "⬅": "left",
           "→": "right", "➡": "right"}  # fmt: skip
_ONLY_ARROWS = re.compile(rf"(?:[{''.join(_ARROWS)}]|[^\w])+")
_LONE = re.compile(r"\(\s?([Nn]\d{1,3})\s?\)")
_BRACKETED = re.compile(r"\[[^\[\]]{0,2000}\]")
_GAP = re.compile(
    r"(?:\([^()]{0,40}\)|\d{1,2}[.):]|[\s,;=>'\"+&|/–—${}-]"
    r"|(?:and|then|to|the|from|at|via|go|goes|move|moves|step|visit|next|start|finally|back|return"
    r"|returning|again|node|disc|disk|circle|object|one|up|down|left|right|followed|by|through"
    r"|reach|arrive|continue|n\d{1,3})\b|[从到再然后和与经过至接着最])*+",
    re.IGNORECASE,
)
"""What may stand between two items of one list: punctuation, numbering, and filler words."""

_MAX_ARROWS = 2000
_DECIMAL = r"[-+]?(?:\d{1,12}(?:\.\d{1,12})?|\.\d{1,12})"
_NUMBER = re.compile(
    r"(?<![\d.])[-+]?(?:\d{1,12}(?:[.,]\d{1,12})?|\.\d{1,12})(?:[eE][-+]?\d{1,2}(?!\d))?"
    r"(?![\d.]{0,12}\s?decimal)"
)
_NO_ANSWER = re.compile(
    rf"(?:±|\+/-|give or take|plus or minus)\s?{_DECIMAL}|\d{{1,6}}\s?[x×]\s?\d{{1,6}}"
    rf"|\bbetween\s{_DECIMAL}\sand\s{_DECIMAL}",
    re.IGNORECASE,
)
"""An error, a size "10 x 10", a range."""
_THOUSANDS = re.compile(r"(?<!\d)\d{1,3}(?:,\d{3}){1,4}(?=\.\d)")
_COMMA_POINT = re.compile(r"\((\d{1,3}),(\d{1,6})\s{0,2};\s{0,2}(\d{1,3}),(\d{1,6})\)")
_ASIDE = re.compile(r"\([^()]{0,200}\)")
_POINTS = (
    re.compile(
        rf"[(\[]\s{{0,3}}(?:x\s?[=:]\s?)?[~≈]?({_DECIMAL})\s{{0,3}}[,;]\s{{0,3}}"
        rf"(?:y\s?[=:]\s?)?[~≈]?({_DECIMAL})\s{{0,3}}[)\]]",
        re.IGNORECASE,
    ),
    re.compile(rf"\bx\b\D{{1,20}}?({_DECIMAL})\D{{1,30}}?\by\b\D{{1,20}}?({_DECIMAL})", re.I),
    re.compile(rf"({_DECIMAL})\s{{0,3}}[,;]\s{{0,3}}({_DECIMAL})"),
)


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """Index of the option that the answer names by letter or by its text, or None.

    Looked for in this order: what is boxed, what follows the last "answer", a ticked letter, the
    only line that is nothing but an option, what follows the last "option" or "choice", the whole
    answer; in each, a letter wins over the text of an option. "A or C" is no choice.
    """
    letters = string.ascii_uppercase[: len(options)]
    inside = boxed(text)
    if inside is not None:
        return _option_in(inside, letters, options)
    text = plain(text)
    if not any(kept(option) != option for option in options):
        if any(word in text for word in _RULERS_OUT):
            text = _RULED_OUT.sub(" ", text)
        text = kept(text)
    if _UNDECIDED.fullmatch(text.strip(_EDGES)):
        return None
    for part in filter(None, (after_second_thought(text), text)):
        found = _chosen(part, letters, options)
        if found is not None:
            return None if found < 0 else found
    return None


def _chosen(text: str, letters: str, options: Sequence[str]) -> int | None:
    """The option that a text without boxes names; -1 for several that it cannot decide between."""
    found = _after_mark(0, text, letters, options)
    if found is None and any(tick in text for tick in _TICKS):
        ticked = {one or other for one, other in _TICKED.findall(text)} & set(letters)
        found = letters.index(ticked.pop()) if len(ticked) == 1 else None
    if found is None and "\n" in text:
        lines = [line for line in text.splitlines()[-_MAX_MARKS:] if len(line) <= _WINDOW]
        whole = {_whole_option(line, letters, options) for line in lines} - {None}
        found = whole.pop() if len(whole) == 1 else None
    if found is None:
        found = _after_mark(1, text, letters, options)
    return _option_in(text, letters, options) if found is None else found


def _after_mark(which: int, text: str, letters: str, options: Sequence[str]) -> int | None:
    for end in reversed(ends_of(_FINAL[which], _MARK_WORDS[which], text)[-_MAX_MARKS:]):
        window = text[end : end + _WINDOW].lstrip(_EDGES.replace("(", ""))
        window = window.partition("\n")[0]
        if _UNDECIDED.fullmatch(window.strip(_EDGES)):
            return -1
        found = _option_in(window, letters, options, first=True)
        if found is not None:
            return found
    return None


def _whole_option(line: str, letters: str, options: Sequence[str]) -> int | None:
    """The option of a line that is a letter, the text of an option, or both."""
    bare = line.strip(_EDGES)
    if len(bare) == 1 and bare.upper() in letters:
        return letters.index(bare.upper())
    bare = bare.casefold()
    for i, option in enumerate(options):
        name = option.casefold().strip(_EDGES)
        if bare and bare.endswith(name):
            rest = bare[: len(bare) - len(name)].strip(_EDGES)
            if not rest or rest == letters[i].casefold():
                return i
    return None


def _option_in(text: str, letters: str, options: Sequence[str], first: bool = False) -> int | None:
    whole = _whole_option(text, letters, options)
    if whole is not None or len(text.strip(_EDGES)) < 2:
        return whole
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
    if not text.isascii():
        tail = text[-_MAX_ARROWS:]
        if _ONLY_ARROWS.fullmatch(tail):
            return [_ARROWS[mark] for mark in tail if mark in _ARROWS]
    return [move.lower() for move in _last_run(text, _MOVE, 2)]


def _last_run(text: str, item: re.Pattern[str], least: int) -> list[str]:
    """Items that follow each other: on one line with only a gap between them, or line by line.

    The last run of at least ``least`` items counts, since answers often go on to explain
    themselves; if there is none, the last pair, then the last single item.
    """
    runs: list[list[str]] = []
    for part in parts(text):
        runs = _runs(kept(part), item)
        if runs and len(runs[-1]) >= least:
            return runs[-1]
    for size in (least, 2, 1):
        for run in reversed(runs):
            if len(run) >= size:
                return run
    return []


def _runs(text: str, item: re.Pattern[str]) -> list[list[str]]:
    if "[" in text:
        text = _BRACKETED.sub(lambda match: " ".join(match[0].split()), text)
    if "(" in text:
        text = _LONE.sub(r"\1", text)
    moves = item is _MOVE
    if moves and any(word in text for word in _COUNTERS):
        text = _TIMES.sub(_repeated, _STEPS.sub(r"\2 \1 steps", text))
    runs: list[list[str]] = []
    stacked = False
    for line in filter(str.strip, text.splitlines()):
        found = _runs_of_line(line, item)
        if not moves:
            found = [_chained(run) for run in found]
        short = len(found) == 1 and len(line) <= _STACKED_LINE
        alone = short and len(found[0]) == 1
        if alone and stacked:
            runs[-1] += found[0]
        elif short and not moves and len(found[0]) == 2 and runs and runs[-1][-1] == found[0][0]:
            runs[-1] = [*runs[-1], found[0][1]]
        else:
            runs += found
        stacked = alone
    return runs


def _chained(run: list[str]) -> list[str]:
    """The route of steps such as "N1 to N2, N2 to N6"; any other list as it is."""
    starts, ends = run[::2], run[1::2]
    if len(run) >= 4 and len(starts) == len(ends) and starts[1:] == ends[:-1]:
        return [starts[0], *ends]
    return run


def _repeated(match: re.Match[str]) -> str:
    """ "up twice" -> "up, up"."""
    move, *said = match.groups()
    count = next(filter(None, said))
    return ", ".join([move] * (int(count) if count.isdigit() else _COUNTS[count.lower()]))


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
    for part in parts(text):
        part = _NO_ANSWER.sub(" ", _LABEL.sub(" ", part))
        if "," in part:
            part = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), part)
        words = _ASIDE.sub(lambda match: "" if re.search("[A-Za-z]", match[0]) else match[0], part)
        found = _NUMBER.findall(words) or _NUMBER.findall(part)
        if found:
            return float(found[-1].replace(",", "."))
    return None


def parse_point(text: str) -> tuple[float, float] | None:
    """The last (x, y) of the answer, or None; in brackets if any are, else as x = .., y = .."""
    for part in parts(text):
        part = _LABEL.sub(" ", part)
        if ";" in part:
            part = _COMMA_POINT.sub(r"(\1.\2, \3.\4)", part)
        for pattern in _POINTS:
            found = pattern.findall(part)
            if found:
                return float(found[-1][0]), float(found[-1][1])
    return None
