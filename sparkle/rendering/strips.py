"""Discs on white ground, drawn in strips: the rows that discs take up, without those between.

A strip with one disc is the same wherever it is in the picture, so it is drawn and deflated once
and kept. Rows that show nothing are deflated once as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from math import floor
from typing import NamedTuple

import numpy as np

from sparkle.config.base import Style
from sparkle.rendering.palette import DISC_COLOURS, GRAY, disc_palette, to_indices
from sparkle.rendering.png import Piece, assemble, empty_piece, empty_rows, piece, png_head
from sparkle.rendering.sprites import LOOKS, disc_sprite, half_side
from sparkle.rendering.stamps import Stamp, cut, disc_place
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.geometry import CANVAS

_WHITE = 255
_MIDDLE = (0.5, 0.5)
_KEPT_BYTES = 32 << 20
"""About the most that the deflated strips of a sheet may take."""


class _Mark(NamedTuple):
    """A disc to draw: row of its middle pixel, its place among the discs, and the rest."""

    row: int
    number: int
    column: int
    place: tuple[float, float]
    name: str


class Strip(NamedTuple):
    """The rows ``first`` to ``last - 1`` of a picture, and the discs in them."""

    sheet: Sheet
    first: int
    last: int
    marks: list[_Mark]

    def rows(self) -> np.ndarray:
        """Rows with their filter bytes, uint8 (last - first, 1 + size)."""
        sheet = self.sheet
        rows = empty_rows(self.last - self.first, sheet.size, sheet.blank)
        if not sheet.coloured and _crowded(self.marks, sheet.radius):
            self._blend(rows[:, 1:])
            return rows
        for mark in sorted(self.marks, key=lambda mark: mark.number):
            patch, mask = _patch(mark.name, sheet.radius, sheet.style, mark.place, sheet.coloured)
            top, left = mark.row - sheet.half - self.first, 1 + mark.column - sheet.half
            found = cut(patch.shape, top, left - 1, (len(rows), sheet.size))
            if found is not None:
                target, (part_y, part_x) = rows[:, 1:][found[0]], found[1]
                if mask is None:
                    np.minimum(target, patch[part_y, part_x], out=target)
                else:
                    np.copyto(target, patch[part_y, part_x], where=mask[part_y, part_x])
        return rows

    def _blend(self, pixels: np.ndarray) -> None:
        """Labelled discs so near to each other that their edges share pixels."""
        sheet = self.sheet
        drawn = np.full((*pixels.shape, 3), _WHITE, dtype=np.float32)
        for mark in sorted(self.marks, key=lambda mark: mark.number):
            sprite = disc_sprite(mark.name, sheet.radius, GRAY, sheet.style, mark.place)
            corner = (mark.row - sheet.half - self.first, mark.column - sheet.half)
            Stamp(*sprite, *corner).put(drawn)
        pixels[:] = np.rint(drawn[..., 0])


class Sheet:
    """Draws pictures of discs of one radius, labelled (gray) or coloured (by a palette)."""

    def __init__(self, size: int, style: Style, radius: float, coloured: bool) -> None:
        self.size, self.style, self.coloured = size, style, coloured
        self.radius = radius * size / CANVAS
        self.half = half_side(self.radius)
        self.blank = 0 if coloured else _WHITE
        palette = disc_palette() if coloured else None
        self._head = png_head(size, size, "palette" if coloured else "gray", palette)
        self._known: dict[tuple[int, tuple[float, float], str], Piece] = {}
        self._known_bytes = 0

    def png(self, scene: DiscScene) -> bytes:
        """The picture as PNG bytes."""
        pieces, done, size, blank = [], 0, self.size, self.blank
        for strip in self.strips(scene):
            if strip.first > done:
                pieces.append(empty_piece(strip.first - done, size, blank))
            pieces.append(self._piece(strip))
            done = strip.last
        if done < size:
            pieces.append(empty_piece(size - done, size, blank))
        return assemble(self._head, pieces)

    def strips(self, scene: DiscScene) -> Iterator[Strip]:
        """The strips of a picture from above; they share no row."""
        waiting: list[_Mark] = []
        for mark in sorted(self._marks(scene)):
            if waiting and mark.row - self.half > waiting[-1].row + self.half:
                yield self._strip(waiting)
                waiting = []
            waiting.append(mark)
        if waiting:
            yield self._strip(waiting)

    def _strip(self, marks: list[_Mark]) -> Strip:
        first, last = marks[0].row - self.half, marks[-1].row + self.half + 1
        return Strip(self, max(0, first), min(self.size, last), marks)

    def _marks(self, scene: DiscScene) -> list[_Mark]:
        size, scale = self.size, self.size / CANVAS
        if LOOKS[self.style].phases == 1:  # as disc_place, without its calls
            return [
                _Mark(floor(size - d.y * scale), i, floor(d.x * scale), _MIDDLE, d.label)
                for i, d in enumerate(scene.discs)
            ]
        places = [disc_place(disc, size, self.style) for disc in scene.discs]
        return [
            _Mark(row, i, column, place, disc.label)
            for i, (disc, (row, column, place)) in enumerate(zip(scene.discs, places, strict=True))
        ]

    def _piece(self, strip: Strip) -> Piece:
        marks = strip.marks
        if len(marks) > 1 or strip.last - strip.first != 2 * self.half + 1:  # cut by an edge
            return piece(strip.rows())
        ((_, _, column, place, name),) = marks
        key = (column, place, name)
        found = self._known.get(key)
        if found is None:
            found = piece(strip.rows())
            if self._known_bytes < _KEPT_BYTES:
                self._known[key] = found
                self._known_bytes += len(found.data)
        return found


def _crowded(marks: list[_Mark], radius: float) -> bool:
    """Whether sprites of discs may share pixels, which then have to be blended."""
    least = (2.0 * radius + 2.0) ** 2
    for one, other in combinations(marks, 2):
        down, right = one.row - other.row, one.column - other.column
        if down * down + right * right < least:
            return True
    return False


@lru_cache(maxsize=4096)
def _patch(
    name: str, radius: float, style: Style, place: tuple[float, float], coloured: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """A disc flattened on white: gray values, or palette indices and where they cover anything."""
    fill = DISC_COLOURS[name] if coloured else GRAY
    colour, alpha = disc_sprite("" if coloured else name, radius, fill, style, place)
    flat = np.full(colour.shape, _WHITE, dtype=np.float32)
    flat += alpha * (colour - flat)
    if coloured:
        return to_indices(flat, disc_palette()), alpha[..., 0] > 0
    return np.rint(flat[..., 0]).astype(np.uint8), None
