"""The contact sheet as one PNG: pictures in columns, each over its questions and answers."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont, ImageOps

from sparkle.datasets.glimpse import Asked, Glimpse, Shown
from sparkle.errors import SparkleError
from sparkle.reporting.overlay import Mark, marks
from sparkle.reporting.palette import INK, LINE, MUTED, SERIES, SURFACE

MAX_QUESTIONS = 4
"""Questions shown under one picture."""
_PICTURE = 480
_PADDING = 24
_GAP = 28
_PAGE = "#f6f7f8"
_TEXT, _SMALL, _TITLE = 22, 18, 38
_LEADING = 1.32
_MAX_LINES = 14
_ACCENT = SERIES[1]
_ANSWER = SERIES[2]


@dataclass(frozen=True)
class _Line:
    text: str
    size: int
    colour: str
    space: int = 0
    """Pixels of blank above the line."""


def draw_sheet(seen: Glimpse, columns: int = 4) -> bytes:
    """The sheet as PNG bytes.

    Raises:
        SparkleError: A picture cannot be decoded, or there are more cards than fit one image.
    """
    columns = max(1, min(columns, len(seen.shown)))
    cards = [_card(shown) for shown in seen.shown]
    rows = [cards[i : i + columns] for i in range(0, len(cards), columns)]
    heights = [max(card.height for card in row) for row in rows]
    head = 2 * _GAP + round(_LEADING * (_TITLE + _TEXT))
    width = _GAP + columns * (_PICTURE + 2 * _PADDING + _GAP)
    height = head + sum(heights) + _GAP * len(rows)
    if height > 60_000:
        raise SparkleError(f"A sheet of {height} pixels is too high.", "Show fewer pictures.")
    sheet = Image.new("RGB", (width, height), _PAGE)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, _GAP), f"{seen.name}", fill=INK, font=_font(_TITLE))
    under = f"{seen.role}, {len(seen.shown)} of {seen.total:,} {seen.unit}"
    pen.text((_GAP, _GAP + _LEADING * _TITLE), under, fill=MUTED, font=_font(_TEXT))
    top = head
    for row, row_height in zip(rows, heights, strict=True):
        for column, card in enumerate(row):
            left = _GAP + column * (_PICTURE + 2 * _PADDING + _GAP)
            box = (left, top, left + card.width, top + row_height)
            pen.rounded_rectangle(box, radius=16, fill=SURFACE, outline=LINE, width=2)
            sheet.paste(card, (left, top), _rounded(card.size))
        top += row_height + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _rounded(size: tuple[int, int]) -> Image.Image:
    """A mask that leaves a card's frame alone."""
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((3, 3, size[0] - 3, size[1] - 3), 14, fill=255)
    return mask


def _card(shown: Shown) -> Image.Image:
    lines = _lines(shown)
    text_height = sum(round(_LEADING * line.size) + line.space for line in lines)
    size = (_PICTURE + 2 * _PADDING, _PICTURE + 3 * _PADDING + text_height)
    card = Image.new("RGB", size, SURFACE)
    pen = ImageDraw.Draw(card)
    card.paste(_picture(shown), (_PADDING, _PADDING))
    frame = (_PADDING - 1, _PADDING - 1, _PADDING + _PICTURE, _PADDING + _PICTURE)
    pen.rectangle(frame, outline=LINE)
    top = _PICTURE + 2 * _PADDING
    for line in lines:
        top += line.space
        pen.text((_PADDING, top), line.text, fill=line.colour, font=_font(line.size))
        top += round(_LEADING * line.size)
    return card


def _lines(shown: Shown) -> list[_Line]:
    lines = [_Line(shown.id, _SMALL, MUTED)]
    for question in shown.questions[:MAX_QUESTIONS]:
        lines += _paragraph(prompt_text(question), INK, space=10)
        lines += _paragraph(answer_text(question), _ANSWER)
    hidden = len(shown.questions) - MAX_QUESTIONS
    if hidden > 0:
        lines.append(_Line(f"and {hidden} more", _SMALL, MUTED, space=10))
    return lines


def prompt_text(question: Asked) -> str:
    """A prompt without blank lines."""
    return "\n".join(line for line in question.prompt.splitlines() if line.strip())


def answer_text(question: Asked) -> str:
    """The answer, and what it stands for where it is a letter."""
    plain = question.target in question.answer
    return question.answer if plain else f"{question.answer} = {question.target}"


def _paragraph(text: str, colour: str, space: int = 2) -> list[_Line]:
    wrapped = [part for line in text.splitlines() or [""] for part in _wrapped(line)]
    if len(wrapped) > _MAX_LINES:
        wrapped = [*wrapped[: _MAX_LINES - 1], "..."]
    return [_Line(line, _TEXT, colour, space if i == 0 else 0) for i, line in enumerate(wrapped)]


def _wrapped(text: str) -> list[str]:
    """Lines that fit under a picture; a word that is too long is broken."""
    font = _font(_TEXT)
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) <= _PICTURE:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if font.getlength(lines[-1] + char) > _PICTURE:
                lines.append("")
            lines[-1] += char
    return lines


def decoded(data: bytes, where: str) -> Image.Image:
    """The picture as RGB; transparent ground becomes white."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            colours = image.convert("RGBA")
    except (OSError, ValueError, TypeError) as error:
        raise SparkleError(
            f"{where}: the picture cannot be read ({error}).", "Make the dataset again."
        ) from None
    ground = Image.new("RGBA", colours.size, "white")
    return Image.alpha_composite(ground, colours).convert("RGB")


def _picture(shown: Shown) -> Image.Image:
    """The picture at the sheet's size with its marks; small drawings keep their pixels."""
    image = decoded(shown.image, shown.id)
    kind = Image.Resampling.NEAREST if max(image.size) * 2 <= _PICTURE else Image.Resampling.LANCZOS
    image = ImageOps.pad(image, (_PICTURE, _PICTURE), kind, color=SURFACE)
    scale = 2  # drawn at twice the size, so that lines are smooth
    layer = Image.new("RGBA", (_PICTURE * scale, _PICTURE * scale), (0, 0, 0, 0))
    _draw_marks(ImageDraw.Draw(layer), marks(shown), _PICTURE * scale)
    layer = layer.resize(image.size, Image.Resampling.BOX)
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _draw_marks(pen: ImageDraw.ImageDraw, found: Sequence[Mark], side: int) -> None:
    width = round(0.012 * side)
    for mark in found:
        points = [(x * side, y * side) for x, y in mark.points]
        if mark.shape == "rule":
            pen.line(points, fill=MUTED + "88", width=width // 3)
        elif mark.shape == "ring":
            ((x, y),), reach = points, mark.radius * side
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=_ACCENT, width=width)
        else:
            (ax, ay), (bx, by) = points
            angle = math.atan2(by - ay, bx - ax)
            length = math.hypot(bx - ax, by - ay)
            head = min(3.2 * width, 0.6 * length) if mark.shape == "arrow" else 0.0
            neck = (bx - head * math.cos(angle), by - head * math.sin(angle))
            pen.line([(ax, ay), neck], fill=_ACCENT, width=width)
            if head:
                wings = [
                    (neck[0] + side_ * math.sin(angle), neck[1] - side_ * math.cos(angle))
                    for side_ in (0.55 * head, -0.55 * head)
                ]
                pen.polygon([(bx, by), *wings], fill=_ACCENT)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
