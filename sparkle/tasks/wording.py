r"""What counts in an answer: without dress, without what was thought aloud, refused or corrected.

All functions are linear in the length of the text and never raise. The order of preference is that
of a careful reader: what stands in a ``\boxed{}`` or ``<answer>`` tag, what follows the last
"answer is", the rest; and what comes after a second thought ("wait", "actually") before what came
earlier.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_MAX_CHARACTERS = 20_000
_WINDOW = 400
"""Characters after "the answer is" in which the answer is looked for."""

_HALF_WIDTH = str.maketrans(
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | {ord("。"): ".", ord("、"): ",", ord("【"): "[", ord("】"): "]", ord("’"): "'", ord("−"): "-"}
    | {ord(mark): '"' for mark in "“”「」『』«»"}
)
_RIGHT_ARROW = "[→⇒⇨➔➙➜➝➞➡➤⟶⟹⮕]\ufe0f?"
_LATEX = (
    (re.compile(r"\\(?:left|right)(?=\s?[()\[\]|.])"), ""),
    (re.compile(rf"\\(?:long)?rightarrow(?![a-z])|\\to(?![a-z])|{_RIGHT_ARROW}"), "->"),
    (re.compile(r"\\(?:text|textbf|textit|mathbf|mathrm)\s?\{([^{}]{0,200})\}"), r"\1"),
    (re.compile(r"\\[,;:! ]"), " "),
)
_MARKDOWN = (
    (re.compile(r"\*{1,2}\s?\(?([A-Z])\)?[.:]?\s?\*{1,2}"), r"(\1) "),
    (re.compile(r"[*`]"), " "),
)
# Marks of chat templates; what follows an end mark, or the next speaker's name, is no answer.
_END = re.compile(
    r"<\|(?:im_end|eot_id|endoftext|end_of_text|end|eos)\|>|</s>|<(?:eos|end_of_turn)>"
)
_MARK = re.compile(r"<\|[a-z_]{1,30}\|>|<s>")
_NEXT_TURN = re.compile(r"\n\s{0,3}(?:user|human)\s?:", re.IGNORECASE)
_THOUGHT = re.compile(
    r"</(?:think|thinking|thought|reasoning|reflection)>|<\|end_of_thought\|>|◁/think▷",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\boxed\s{0,3}\{([^{}]{1,400})\}")
_TAGGED = re.compile(r"<answer>([^<>]{1,400})</answer>", re.IGNORECASE)

_ANSWER = re.compile(
    r"\b(?:answer|ans)\b[\"')]{0,2}\s{0,3}(?:is\b|are\b|[:=]|-\s|\n)[\s:]{0,3}"
    r"|答案\s?(?:应该)?(?:[是为选]|:)?[\s:]{0,3}",
    re.IGNORECASE,
)
ANSWER_WORDS = ("ans", "答案")
_SECOND_THOUGHTS = ("wait", "hold on", "second thought", "correction", "scratch", "mistake",
                    "actually")  # fmt: skip
_THOUGHT_ENDS = ("</", "<|", "◁")
_REASON = re.compile(r"\b(?:because|since|given that|note that|assuming)\b", re.IGNORECASE)
_SECOND_THOUGHT = re.compile(
    r"\b(?:wait|hold on|on second thoughts?|correction|scratch that|my mistake|actually)\b",
    re.IGNORECASE,
)
_REFUSED = re.compile(
    r"(?:\b(?:not|never|neither|nor|rather\sthan|instead\sof|as\sopposed\sto)\b|n't\b|不是|并非)"
    r"(?!\s(?:only|just|any\sdoubt))(?:(?!\bbut\b|而是)[^.,;:!?()\n]){0,60}",
    re.IGNORECASE,
)
_REFUSERS = ("not", "n't", "NOT", "Not", "nor", "ever", "either", "rather", "instead", "opposed",
             "不是", "并非")  # fmt: skip


def plain(text: str) -> str:
    """The end of an answer, where the final one stands, without thoughts and typography."""
    return _plain(text[-_MAX_CHARACTERS:])


@lru_cache(maxsize=8)  # parsers ask for it several times in a row
def _plain(text: str) -> str:
    if not text.isascii():
        text = text.translate(_HALF_WIDTH)
    # Every pattern begins with one of the characters that is looked for before it is tried.
    if "<" in text or "◁" in text:
        text = _last_thought(_first_turn(text))
    if ":" in text and any(name in text for name in ("user", "User", "USER", "uman", "UMAN")):
        text = _before(text, _NEXT_TURN)
    if "\\" in text or not text.isascii():
        for pattern, replacement in _LATEX:
            text = pattern.sub(replacement, text)
    if "*" in text or "`" in text:
        for pattern, replacement in _MARKDOWN:
            text = pattern.sub(replacement, text)
    return text


def _first_turn(text: str) -> str:
    return _MARK.sub(" ", _before(text, _END)) if "<|" in text or "s>" in text else text


def _before(text: str, end: re.Pattern[str]) -> str:
    """The text before the first ``end`` that has anything before it."""
    for match in end.finditer(text):
        if text[: match.start()].strip():
            return text[: match.start()]
    return text


def _last_thought(text: str) -> str:
    """What follows the last closed thought, if anything does."""
    end = _end_of_last(_THOUGHT, _THOUGHT_ENDS, text)
    return text[end:] if end is not None and text[end:].strip() else text


def boxed(text: str) -> str | None:
    r"""What the last ``\boxed{...}`` (or else ``<answer>``) with any content holds, or None."""
    text = plain(text)
    if "\\boxed" in text:
        found = _BOXED.findall(text)
        if found:
            return str(found[-1]).strip()
    if "<" in text:
        found = _TAGGED.findall(text)
        if found:
            return str(found[-1]).strip()
    return None


def parts(text: str) -> list[str]:
    """Where the answer is looked for, best first; a box or a tag leaves nothing else."""
    inside = boxed(text)
    if inside is not None:
        return [inside]
    text = plain(text)
    found = []
    for part in (after_second_thought(text), text):
        if part:
            found += [*_stated(part), part]
    return found


def after_second_thought(text: str) -> str:
    """What follows the last "wait", "actually" or the like; empty if there is none."""
    end = _end_of_last(_SECOND_THOUGHT, _SECOND_THOUGHTS, text)
    return "" if end is None else text[end:]


def ends_of(pattern: re.Pattern[str], words: Sequence[str], text: str) -> list[int]:
    """Where the matches of a pattern end; it is tried from the first of its ``words`` on.

    Looking for plain words is many times faster than trying a pattern at every letter.
    """
    low = text.lower()
    places = [place for place in map(low.find, words) if place >= 0]
    if not places:
        return []
    start = min(places) if len(low) == len(text) else 0  # a few letters change their length
    return [match.end() for match in pattern.finditer(text, start)]


def _end_of_last(pattern: re.Pattern[str], words: Sequence[str], text: str) -> int | None:
    ends = ends_of(pattern, words, text)
    return ends[-1] if ends else None


def _stated(text: str) -> list[str]:
    """The line after the last "answer is", up to its reason."""
    end = _end_of_last(_ANSWER, ANSWER_WORDS, text)
    if end is None:
        return []
    line = text[end : end + _WINDOW].lstrip().partition("\n")[0]
    reason = _REASON.search(line)
    return [line[: reason.start()] if reason and reason.start() else line]


def kept(text: str) -> str:
    """The text without what it refuses: "not left", "rather than N2", "isn't A"."""
    return _REFUSED.sub(" ", text) if any(word in text for word in _REFUSERS) else text
