"""Discs on white ground, drawn in strips: the rows that discs take up, without those between.

A strip with one disc is the same wherever it is in the picture, so it is drawn and deflated once
and kept. Rows that show nothing are deflated once as well.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import floor
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import numpy as np

from sparkle.config.base import Style
from sparkle.rendering.palette import DISC_COLOURS, GRAY, disc_palette, to_indices
from sparkle.rendering.png import Piece, assemble, empty_piece, empty_rows, piece, png_head
from sparkle.rendering.sprites import LOOKS, disc_sprite, half_side
from sparkle.rendering.stamps import Stamp, cut, disc_place
from sparkle.scenes.discs import DiscScene

_WHITE = 255
_MIDDLE = (0.5, 0.5)
_NOTHING = (np.s_[:0, :0], np.s_[:0, :0])
_KEPT_BYTES = 32 << 20
"""About the most that the deflated strips of a sheet may take."""


_Mark: TypeAlias = tuple[int, int, int, tuple[float, float], str]
"""A disc to draw: row of its middle pixel, its number among the discs, column, place, name."""


class Strip(NamedTuple):
    """The rows ``first`` to ``last - 1`` of a picture, and the discs in them."""

    first: int
    last: int
    marks: list[_Mark]


class Sheet:
    """Draws pictures of discs of one radius, labelled (gray) or coloured (by a palette)."""

    def __init__(
        self, size: int, style: Style, radius: float, coloured: bool, canvas: float
    ) -> None:
        self.size, self.style, self.coloured = size, style, coloured
        self.scale = size / canvas
        self.radius = radius * size / canvas
        self.half = half_side(self.radius)
        self.blank = 0 if coloured else _WHITE
        palette = disc_palette() if coloured else None
        self._head = png_head(size, size, "palette" if coloured else "gray", palette)
        self._pixel_middles = LOOKS[style].phases == 1
        self._known: dict[tuple[int, tuple[float, float], str], Piece] = {}
        self._known_bytes = 0

    def png(self, scene: DiscScene) -> bytes:
        """The picture as PNG bytes."""
        pieces, done, size, blank = [], 0, self.size, self.blank
        for strip in self.strips(scene):
            first, last, _ = strip
            if first > done:
                pieces.append(empty_piece(first - done, size, blank))
            pieces.append(self._piece(strip))
            done = last
        if done < size:
            pieces.append(empty_piece(size - done, size, blank))
        return assemble(self._head, pieces)

    def strips(self, scene: DiscScene) -> list[Strip]:
        """The strips of a picture from above; they share no row."""
        half, together = self.half, -1
        groups: list[list[_Mark]] = []
        for mark in sorted(self._marks(scene)):
            if mark[0] > together:
                groups.append([])
            groups[-1].append(mark)
            together = mark[0] + 2 * half
        size = self.size
        return [Strip(max(0, g[0][0] - half), min(size, g[-1][0] + half + 1), g) for g in groups]

    def _marks(self, scene: DiscScene) -> list[_Mark]:
        size, scale = self.size, self.scale
        if self._pixel_middles:  # as disc_place, without its calls
            return [
                (floor(size - y * scale), i, floor(x * scale), _MIDDLE, name)
                for i, (name, x, y, _) in enumerate(scene.discs)
            ]
        places = [disc_place(disc, scale, size, self.style) for disc in scene.discs]
        return [
            (row, i, column, place, disc.label)
            for i, (disc, (row, column, place)) in enumerate(zip(scene.discs, places, strict=True))
        ]

    def _piece(self, strip: Strip) -> Piece:
        first, last, marks = strip
        if len(marks) > 1 or last - first != 2 * self.half + 1:  # cut by an edge
            return piece(self.rows(strip))
        key = marks[0][2:]
        found = self._known.get(key)
        if found is None:
            found = piece(self.rows(strip), kept=True)
            if self._known_bytes < _KEPT_BYTES:
                self._known[key] = found
                self._known_bytes += len(found.data)
        return found

    def rows(self, strip: Strip) -> np.ndarray:
        """The rows of a strip with their filter bytes, uint8 (last - first, 1 + size)."""
        first, last, marks = strip
        rows = empty_rows(last - first, self.size, self.blank)
        if not self.coloured and _crowded(marks, self.radius):
            self._blend(rows[:, 1:], strip)
            return rows
        side = 2 * self.half + 1
        for row, _, column, place, name in _by_number(marks):
            patch, mask = _patch(name, self.radius, self.style, place, self.coloured)
            top, left = row - self.half - first, column - self.half
            if min(top, left) < 0 or top + side > len(rows) or left + side > self.size:
                where, part = cut(patch.shape, top, left, (len(rows), self.size)) or _NOTHING
                patch, mask = patch[part], None if mask is None else mask[part]
                target = rows[:, 1:][where]
            else:
                target = rows[top : top + side, left + 1 : left + 1 + side]
            if mask is None:
                np.minimum(target, patch, out=target)
            else:
                np.copyto(target, patch, where=mask)
        return rows

    def _blend(self, pixels: np.ndarray, strip: Strip) -> None:
        """Labelled discs so near to each other that their edges share pixels."""
        drawn = np.full((*pixels.shape, 3), _WHITE, dtype=np.float32)
        for row, _, column, place, name in _by_number(strip.marks):
            sprite = disc_sprite(name, self.radius, GRAY, self.style, place)
            Stamp(*sprite, row - self.half - strip.first, column - self.half).put(drawn)
        pixels[:] = np.rint(drawn[..., 0])


def _by_number(marks: list[_Mark]) -> list[_Mark]:
    """In the order of the discs, in which later ones cover earlier ones."""
    return sorted(marks, key=itemgetter(1))


def _crowded(marks: list[_Mark], radius: float) -> bool:
    """Whether sprites of discs may share pixels, which then have to be blended."""
    least = (2.0 * radius + 2.0) ** 2
    for one, other in combinations(marks, 2):
        down, right = one[0] - other[0], one[2] - other[2]
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
