"""Parsers of answers to benchmark questions: yes or no, relation words, free text."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache

from sparkle.tasks.wording import after_second_thought, boxed, kept, parts, plain

_EDGES = string.whitespace + string.punctuation + "~…—–"
_POLAR = {
    word: verdict
    for verdict, words in {
        "yes": "yes yeah yep true correct right oui ja sí si да 是 是的 对 正确 没错 はい 예 네",
        "no": "no nope false incorrect wrong non nein нет 否 不 不是 不对 错 错误 いいえ 아니요",
    }.items()
    for word in words.split()
}
_WORD = r"yes|yeah|yep|nope|no|true|false|incorrect|correct"
# "no idea" and "no image" are no verdicts.
_NOTHING = r"(?!\s{1,3}(?:idea|answer|image|picture|photo|clue|way|information|problem|doubt)\b)"
_MARK = (
    r"(?:\b(?:answer|ans|verdict|conclusion)\b[\"')]{0,2}\s{0,3}(?:is\b|:|-|=)?|答案\s?[是为:]?)"
)
_AFTER_ANSWER = re.compile(
    rf"{_MARK}\s{{0,3}}[\"'(\[]{{0,2}}"
    rf"(?:({_WORD})\b(?!\sor\b)|(不是|是的?|否|不对|对|正确|错误?))",
    re.I,
)
_CONCLUDED = re.compile(
    rf"\b(?:so|therefore|thus|hence|finally)\b,?\s(?:it(?:'s|\sis)\s)?({_WORD})\b{_NOTHING}", re.I
)
# A verdict of its own ends a clause: "No." or "so, no"; "no other" and "notice" do not.
_ALONE = re.compile(rf"(?<![\w'-])(?<!\bor )({_WORD})(?=\s{{0,3}}(?:[.,;:!?)\]\"'\n]|$))", re.I)
_TURNED = (
    (re.compile(r"(?:\bnot|n't)\s{1,3}(?:yes|true|correct|right|accurate)\b", re.I), " incorrect"),
    (re.compile(r"(?:\bnot|n't)\s{1,3}(?:no|false|incorrect|wrong)\b", re.I), " correct"),
    (re.compile(r"\b(?:definitely|certainly|absolutely|clearly|probably)\s{1,3}not\b", re.I), "no"),
    (re.compile(r"\byes\s(?:or|and|/)\sno\b|\bno\s(?:or|and|/)\syes\b", re.I), " "),
)
_LEADING = re.compile(rf"[\s\"'(\[-]{{0,10}}(?:\d[.)]\s)?({_WORD})(?![\w-]){_NOTHING}", re.I)
_RIGHT = re.compile(
    r"\b(?:is|are|'s)\s{1,3}(?:\w{1,12}ly\s)?(correct|true|incorrect|false|wrong)\b"
    r"|\b(?:that|this|it)(?:'s|\s{1,3}is)\s{1,3}(right)\b", re.I
)  # fmt: skip
_DESCRIBES = re.compile(
    r"(?:\b(do(?:es)?\snot|do(?:es)?n't|fails?\sto|cannot|can't)\s)?(?:\w{1,12}ly\s)?"
    r"\b(?:describes?|match(?:es)?|depicts?|fits?)\s(?:\w{1,12}\s){0,3}(?:picture|image|photo|scene)",
    re.I,
)


def parse_yes_no(text: str) -> str | None:
    """``yes`` or ``no``, or None.

    In this order: what is boxed; an answer that is one word, of several languages; and, after a
    second thought before the rest, what follows the last "answer"; a verdict after "so"; a leading
    verdict; the last one that stands alone before punctuation; "is correct" or "does not describe
    the picture". "notice" is not "no", and "yes and no" is neither.
    """
    inside = boxed(text)
    text = plain(text) if inside is None else inside
    whole = _POLAR.get(text.strip(_EDGES).casefold())
    if whole is not None:
        return whole
    for pattern, instead in _TURNED:
        text = pattern.sub(instead, text)
    for part in filter(None, (after_second_thought(text), text)):
        found = _verdict(part)
        if found is not None:
            return found
    return None


def _verdict(text: str) -> str | None:
    for pattern in (_AFTER_ANSWER, _CONCLUDED):
        found = pattern.findall(text)
        if found:
            said = found[-1] if isinstance(found[-1], str) else found[-1][0] or found[-1][1]
            return _POLAR[said.casefold()]
    first = re.split(r"[,.!;:\n]", text.lstrip("\"' "), maxsplit=1)[0][:20].strip(_EDGES)
    leading = _LEADING.match(text)
    if leading or first.casefold() in _POLAR:
        return _POLAR[leading[1].casefold() if leading else first.casefold()]
    alone = _ALONE.findall(text)
    if alone:
        return _POLAR[alone[-1].casefold()]
    right = _RIGHT.findall(text)
    if right:
        return _POLAR[(right[-1][0] or right[-1][1]).casefold()]
    described = [bool(match[1]) for match in _DESCRIBES.finditer(text)]
    return ("no" if described[-1] else "yes") if described else None


RELATION_WORDS: Mapping[str, tuple[str, ...]] = {
    "in front": ("in front of", "in front", "in-front", "ahead of"),
    "behind": ("behind", "in back of"),
    "left": ("left-hand side", "left side", "left"),
    "right": ("right-hand side", "right side", "right"),
    "above": ("on top of", "on top", "atop", "above", "over"),
    "below": ("below", "beneath", "underneath", "under"),
    "under": ("underneath", "under", "beneath", "below"),
    "on": ("on top of", "on top", "atop", "upon", "on", "above"),
    "top": ("at the top", "top", "upper", "above", "atop"),
    "bottom": ("at the bottom", "bottom", "lower", "below"),
}
"""Words for relations, each with what models say for it."""
_PICTURE = r"(?:image|picture|photo|scene|left|right|top|bottom|upper|lower|its|other|same|which)"
_SIDE_ON = re.compile(
    rf"\bon\s{{1,3}}(?!top of\b)(?=(?:the\s{{1,3}}|a\s{{1,3}})?{_PICTURE}\b)", re.I
)
_RIGHT_THING = re.compile(
    r"\bright\s{1,3}(?=answer|word|option|choice|on\b|above|below|under|behind|in front)"
    r"|\b(?:that(?:'s|\sis)|you(?:'re|\sare)|this\sis|['\"]\sis|all)\sright\b",
    re.I,
)
_NO_PLACE = re.compile(
    r"\b(?:based|depend(?:s|ing)|focus(?:ed|ing)?|rel(?:y|ies|ying)|seen|later)\s{1,3}on\b"
    r"|\bon\s{1,3}(?:camera|screen|what|how|the\s(?:floor|ground|other\shand))\b",
    re.I,
)
"""Uses of "on" that tell no place."""
_CHINESE = {"左": " left ", "右": " right ", "上": " atop ", "下": " below ", "前": " in front ",
            "后": " behind "}  # fmt: skip
_CJK = re.compile("|".join(_CHINESE))


def relation_word(phrase: str) -> str:
    """The word of :data:`RELATION_WORDS` that a phrase such as "to the left of" stands for."""
    text = phrase.casefold().replace("-", " ").replace("_", " ")
    for word in ("in front", "behind", "left", "right", "above", "below", "under", "bottom"):
        if re.search(rf"\b{word}\b", text):
            return word
    return next((word for word in ("top", "on") if re.search(rf"\b{word}\b", text)), phrase.strip())


def parse_word(text: str, options: Sequence[str]) -> str | None:
    """The offered relation word that the answer names, by itself or a synonym, or None.

    What is boxed or follows "the answer is" wins, then the first sentence if it begins with such a
    word, then the last one named. What is refused ("not on") does not count.
    """
    names = _names(tuple(options))
    pattern = _any_name(tuple(names))
    for part in parts(text):
        part = kept(part)
        if not part.isascii():
            part = _CJK.sub(lambda match: _CHINESE[match[0]], part)
        part = _RIGHT_THING.sub("", _NO_PLACE.sub("", _SIDE_ON.sub("", part)))
        leading = _LEAD.match(part)
        found = pattern.findall(leading[0]) if leading and pattern.match(leading[1]) else None
        found = found or pattern.findall(part)
        if found:
            return names[found[-1].casefold()]
    return None


_LEAD = re.compile(
    r"\W{0,10}(?:it(?:'s|\sis)\s)?(?:to\s|at\s)?(?:the\s)?"
    r"((?:(?!\bor\b)[^.?;\n]){1,200})(?:[.;\n]|$)",
    re.I,
)
"""A first sentence that asks nothing and offers no alternative."""


@lru_cache(maxsize=64)
def _names(options: tuple[str, ...]) -> Mapping[str, str]:
    """All that can be said for each option, where it does not mean another one."""
    names: dict[str, str] = {}
    for option in options:
        for said in (*RELATION_WORDS.get(option, ()), option):
            if said == option or said not in options:
                names.setdefault(said.casefold(), option)
    return names


@lru_cache(maxsize=64)
def _any_name(names: tuple[str, ...]) -> re.Pattern[str]:
    pattern = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I)


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
    """A short free answer: what is boxed, or follows the last "answer is", or the last line.

    Of a sentence that quotes what it read ('The sign says "STOP"') the quotation.
    """
    inside = boxed(text)
    if inside is None:
        lines = [line.strip() for line in plain(text).splitlines() if line.strip(" .#-{}")]
        if not lines:
            return None
        pieces = _TEXT_MARK.split(" \n".join(lines))
        last = pieces[-1].strip() if len(pieces) > 1 else lines[-1]
        inside = last.partition("\n")[0]
    quoted = _QUOTED.search(inside)
    found = (quoted[1] if quoted else inside).strip(" .\"'\t{}")
    return found[:_MAX_TEXT] or None


_TEXT_MARK = re.compile(
    r"\banswer\b[\"']{0,1}\s{0,3}(?:is\b|:)[\s:]{0,4}|答案\s?[是为:]\s{0,3}", re.I
)
_QUOTED = re.compile(
    r"\b(?:says?|reads?|states?|displays?|shows?|is)\b:?\s\"([^\"]{1,200})\"\W{0,3}$"
)
