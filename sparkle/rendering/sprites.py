"""Anti-aliased sprites of labelled discs, drawn once and cached."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sparkle.errors import SparkleError

_SUPERSAMPLE = 8
_OUTLINE = 0.06
"""Width of the outline as a fraction of the radius."""
_FONT_SCALE = {2: 1.08, 3: 0.86, 4: 0.7}
"""Font size as a fraction of the radius, by the number of characters in the label."""

Colour = tuple[int, int, int]


@lru_cache(maxsize=4096)
def disc_sprite(label: str, radius: float, fill: Colour) -> tuple[np.ndarray, np.ndarray]:
    """A labelled disc of ``radius`` pixels.

    Returns:
        (colour, alpha): float32 arrays of shape (side, side, 3) in 0..255 and (side, side, 1) in
        0..1, where side is odd and the disc's centre is the middle pixel's centre.
    """
    half = int(np.ceil(radius)) + 1
    side = 2 * half + 1
    big = side * _SUPERSAMPLE
    centre, reach = big / 2, radius * _SUPERSAMPLE
    box = (centre - reach, centre - reach, centre + reach, centre + reach)
    mask = Image.new("L", (big, big), 0)
    ImageDraw.Draw(mask).ellipse(box, fill=255)
    picture = Image.new("RGB", (big, big), fill)
    pen = ImageDraw.Draw(picture)
    pen.ellipse(box, fill=fill, outline=(60, 60, 60), width=max(1, round(reach * _OUTLINE)))
    size = reach * _FONT_SCALE.get(len(label), 0.6)
    pen.text((centre, centre), label, fill=(0, 0, 0), font=_font(size), anchor="mm")
    small = picture.resize((side, side), Image.Resampling.BOX)
    alpha = mask.resize((side, side), Image.Resampling.BOX)
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
