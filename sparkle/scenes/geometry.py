"""Directions and cells on the square canvas (origin bottom-left, y upwards).

Two published conventions are implemented. ``figure`` is what the paper draws: eight equal
45-degree sectors and cells cut at thirds. ``generator`` is what the published data generator
does: 22.5-degree cardinal and 67.5-degree diagonal sectors, and cells cut at 4.0 and 6.0 of 10.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from functools import lru_cache

from sparkle.config.base import Geometry

CANVAS = 10.0
"""Side of the published canvas, which a scene has unless it says otherwise."""
DIRECTIONS = (
    "right",
    "top right",
    "top",
    "top left",
    "left",
    "down left",
    "down",
    "down right",
)
"""The eight classes, counter-clockwise from 0 degrees."""
DIAGONALS = DIRECTIONS[1::2]
CELLS = (
    "down left",
    "down",
    "down right",
    "left",
    "center",
    "right",
    "top left",
    "top",
    "top right",
)
"""The nine cells, row by row from the bottom-left."""

_CARDINAL_WIDTH = {"figure": 45.0, "generator": 22.5}


@lru_cache(maxsize=8)
def direction_borders(geometry: Geometry, classes: int) -> tuple[tuple[float, str], ...]:
    """(start angle in degrees, class that begins there), in rising order of angle."""
    if classes == 4:
        return tuple((90.0 * i, name) for i, name in enumerate(DIAGONALS))
    half = _CARDINAL_WIDTH[geometry] / 2
    borders = []
    for i, name in enumerate(DIRECTIONS):
        cardinal = i % 2 == 0
        borders.append(((45.0 * i - half) if cardinal else (45.0 * (i - 1) + half), name))
    return tuple(sorted((start % 360.0, name) for start, name in borders))


@lru_cache(maxsize=8)
def _sectors(geometry: Geometry, classes: int) -> tuple[list[float], list[str]]:
    borders = direction_borders(geometry, classes)
    return [start for start, _ in borders], [name for _, name in borders]


def direction_of(dx: float, dy: float, geometry: Geometry, classes: int = 8) -> str:
    """Class name of the vector (dx, dy). Sectors are half open: a border belongs to the next."""
    return sector_of(dx, dy, geometry, classes)[0]


def direction_margin(dx: float, dy: float, geometry: Geometry, classes: int = 8) -> float:
    """Degrees between the vector's angle and the nearest sector border (0 = ambiguous)."""
    return sector_of(dx, dy, geometry, classes)[1]


def sector_of(dx: float, dy: float, geometry: Geometry, classes: int = 8) -> tuple[str, float]:
    """Class name and margin of the vector (dx, dy): both of the above."""
    angle = math.degrees(math.atan2(dy, dx)) % 360.0
    starts, names = _sectors(geometry, classes)
    place = bisect_right(starts, angle)
    # The borders on both sides of the angle, around the circle.
    before, after = starts[place - 1], starts[place % len(starts)]
    return names[place - 1], min((angle - before) % 360.0, (after - angle) % 360.0)


@lru_cache(maxsize=64)
def cell_cuts(geometry: Geometry, canvas: float = CANVAS) -> tuple[float, float]:
    """Where the second and the third cell of a row or column begin, in canvas units."""
    if geometry == "figure":
        return canvas / 3, 2 * canvas / 3
    return 0.4 * canvas, 0.6 * canvas


def cell_of(x: float, y: float, geometry: Geometry, canvas: float = CANVAS) -> str:
    """Name of the 3 x 3 cell that holds (x, y)."""
    low, high = cell_cuts(geometry, canvas)
    column = int(x >= low) + int(x >= high)
    row = int(y >= low) + int(y >= high)
    return CELLS[3 * row + column]


def cell_margin(x: float, y: float, geometry: Geometry, canvas: float = CANVAS) -> float:
    """Canvas units between (x, y) and the nearest cell border (0 = ambiguous)."""
    low, high = cell_cuts(geometry, canvas)
    return min(abs(x - low), abs(x - high), abs(y - low), abs(y - high))
