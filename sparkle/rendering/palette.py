"""Fixed palettes, so that coloured pictures need one byte per pixel.

A palette holds the colours of a kind of scene and the ramps between them that anti-aliasing
passes through. It depends on nothing that was drawn before, so pictures do not either.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sparkle.rendering.sprites import Colour

WHITE: Colour = (255, 255, 255)
GRAY: Colour = (211, 211, 211)
START: Colour = (120, 200, 120)
END: Colour = (235, 110, 100)
DISC_COLOURS: dict[str, Colour] = {
    "yellow": (250, 215, 50),
    "red": (220, 50, 47),
    "green": (45, 150, 60),
    "brown": (135, 80, 45),
    "blue": (40, 90, 220),
    "purple": (145, 60, 190),
    "black": (15, 15, 15),
    "orange": (245, 140, 30),
    "pink": (245, 150, 195),
    "cyan": (60, 205, 225),
    "navy": (15, 30, 100),
    "lime": (170, 235, 60),
    "grey": (150, 150, 150),
    "olive": (125, 125, 40),
}
_DARK: Colour = (60, 60, 60)
_BLACK: Colour = (0, 0, 0)
_GRAYS = (0, 60, 90, 211, 255)


def _ramp(start: Colour, end: Colour, steps: int) -> np.ndarray:
    """Colours from start to end, both included: (steps, 3)."""
    return np.linspace(start, end, steps)


def _unique(*parts: np.ndarray) -> np.ndarray:
    """At most 256 different colours, uint8 (n, 3), in the order of their first occurrence."""
    whole = np.rint(np.concatenate(parts)).astype(np.uint8)
    found = np.array(list(dict.fromkeys(map(tuple, whole.tolist()))), dtype=np.uint8)
    assert len(found) <= 256
    return found


@cache
def disc_palette() -> np.ndarray:
    """Colours of discs without labels on white ground."""
    fills = DISC_COLOURS.values()
    ramps = [_ramp(fill, other, 8) for fill in fills for other in (WHITE, _DARK)]
    return _unique(np.array([WHITE]), _ramp(_DARK, WHITE, 16), *ramps)


@cache
def grid_palette() -> np.ndarray:
    """Colours of grids on white ground: grays, and both ends with black labels."""
    ramps = [
        _ramp(fill, other, steps)
        for fill in (START, END)
        for other, steps in ((_BLACK, 32), (_DARK, 20), (WHITE, 16))
    ]
    grays = np.repeat(np.array(_GRAYS)[:, None], 3, axis=1)
    return _unique(np.array([WHITE]), grays, _ramp(_BLACK, WHITE, 86), *ramps)


def to_indices(colours: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """The nearest palette entry of each pixel: (h, w, 3) -> uint8 (h, w)."""
    flat = np.rint(colours).astype(np.int64).reshape(-1, 3)
    different, where = np.unique(flat @ (1 << 16, 1 << 8, 1), return_inverse=True)
    unpacked = np.stack((different >> 16, different >> 8 & 255, different & 255), axis=1)
    gaps = ((unpacked[:, None, :] - palette[None].astype(np.int64)) ** 2).sum(axis=2)
    nearest: np.ndarray = gaps.argmin(axis=1).astype(np.uint8)[where].reshape(colours.shape[:2])
    return nearest
