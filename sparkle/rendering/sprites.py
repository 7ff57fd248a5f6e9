"""Anti-aliased sprites of labelled discs, drawn once and cached."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sparkle.config.base import Style
from sparkle.errors import SparkleError

_SUPERSAMPLE = 8
_OUTLINE_COLOUR = (60, 60, 60)

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Look:
    """How a style draws discs and lines.

    Attributes:
        outline: Width of the outline as a fraction of the radius; 0 = none.
        phases: Positions inside a pixel, along each axis, that a centre can have.
        letters: Font size as a fraction of the radius, by the number of characters in the label.
        line: Width of grid edges as a fraction of the distance between nodes.
        edge: Gray value of grid edges.
    """

    outline: float
    phases: int
    letters: dict[int, float]
    line: float
    edge: int


LOOKS: dict[Style, Look] = {
    "outlined": Look(0.06, 1, {2: 1.08, 3: 0.86, 4: 0.7}, 0.06, 90),
    "figure": Look(0.0, 4, {2: 0.7, 3: 0.7, 4: 0.6}, 0.018, 0),
}
"""``outlined`` stays legible in tiny pictures; ``figure`` is the published look."""
_OTHER_LETTERS = 0.6


def half_side(radius: float) -> int:
    """Pixels of a disc's sprite on each side of the middle pixel."""
    return math.ceil(radius) + 1


@lru_cache(maxsize=4096)
def disc_sprite(
    label: str,
    radius: float,
    fill: Colour,
    style: Style = "outlined",
    place: tuple[float, float] = (0.5, 0.5),
) -> tuple[np.ndarray, np.ndarray]:
    """A disc of ``radius`` pixels, with its label unless that is empty.

    Args:
        place: Where in the middle pixel the centre is, from its top left corner (x, y).

    Returns:
        (colour, alpha): float32 arrays of shape (side, side, 3) in 0..255 and (side, side, 1) in
        0..1, where side is odd and the disc's centre lies in the middle pixel.
    """
    look = LOOKS[style]
    half = half_side(radius)
    side = 2 * half + 1
    big = side * _SUPERSAMPLE
    x, y = ((half + part) * _SUPERSAMPLE for part in place)
    reach = radius * _SUPERSAMPLE
    # Pillow's boxes include their last pixel, an eighth of a pixel too much. The pixels of
    # ``outlined`` are those that weights were trained on, so it keeps that.
    excess = 0 if style == "outlined" else 1
    box = (x - reach, y - reach, x + reach - excess, y + reach - excess)
    mask = Image.new("L", (big, big), 0)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    picture = Image.new("RGB", (big, big), fill)
    pen = ImageDraw.Draw(picture)
    if look.outline:
        width = max(1, round(reach * look.outline))
        pen.ellipse(box, fill=fill, outline=_OUTLINE_COLOUR, width=width)
    if label:
        size = reach * look.letters.get(len(label), _OTHER_LETTERS)
        pen.text((x, y), label, fill=(0, 0, 0), font=_font(size), anchor="mm")
    return _shrunk(picture, mask, side, side)


@lru_cache(maxsize=1024)
def number_sprite(text: str, height: float) -> tuple[np.ndarray, np.ndarray]:
    """A black number of ``height`` pixels on a white box; colour and alpha as above."""
    font = _font(height * _SUPERSAMPLE)
    left, top, right, bottom = font.getbbox(text, anchor="mm")
    tall = int(np.ceil(height * 0.5)) * 2 + 1
    wide = int(np.ceil((right - left) / _SUPERSAMPLE / 2 + height * 0.12)) * 2 + 1
    size = (wide * _SUPERSAMPLE, tall * _SUPERSAMPLE)
    picture = Image.new("RGB", size, (255, 255, 255))
    middle = (size[0] / 2, size[1] / 2 - (top + bottom) / 2)
    ImageDraw.Draw(picture).text(middle, text, fill=(0, 0, 0), font=font, anchor="mm")
    return _shrunk(picture, Image.new("L", size, 255), wide, tall)


def _shrunk(
    picture: Image.Image, mask: Image.Image, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    small = picture.resize((width, height), Image.Resampling.BOX)
    alpha = mask.resize((width, height), Image.Resampling.BOX)
    return (
        np.asarray(small, dtype=np.float32),
        np.asarray(alpha, dtype=np.float32)[..., None] / 255.0,
    )


@lru_cache(maxsize=64)
def _font(size: float) -> ImageFont.FreeTypeFont:
    # The font embedded in Pillow, which it lays out with Layout.BASIC: the same pixels wherever
    # Pillow has FreeType.
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SparkleError(
            "Pillow was built without FreeType, so labels cannot be drawn.",
            "Install Pillow's binary wheel: pip install --force-reinstall pillow",
        )
    return font
