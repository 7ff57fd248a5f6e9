"""A scene as a list of stamps: small coloured pieces with transparency, at whole pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sparkle.config.base import Style
from sparkle.rendering.palette import DISC_COLOURS, END, GRAY, START
from sparkle.rendering.sprites import LOOKS, Colour, disc_sprite, number_sprite
from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.grid import Edge, GridScene
from sparkle.scenes.names import is_colour

NODE_RADIUS = 0.3
"""Radius of a grid node as a fraction of the distance between neighbours."""
_NUMBER_HEIGHT = 0.17
"""Height of the length of an edge, likewise."""


@dataclass(frozen=True)
class Stamp:
    """colour (h, w, 3) in 0..255 and alpha (h, w, 1) in 0..1, float32; where its corner goes."""

    colour: np.ndarray
    alpha: np.ndarray
    top: int
    left: int

    def put(self, canvas: np.ndarray, top: int = 0, left: int = 0) -> None:
        """Blend onto float pixels (h, w, 3), whose corner is at (top, left) of the picture."""
        found = cut(self.alpha.shape, self.top - top, self.left - left, canvas.shape)
        if found is not None:
            where, part = found
            target = canvas[where]
            target += self.alpha[part] * (self.colour[part] - target)


Area = tuple[slice, slice]


def cut(
    shape: tuple[int, ...], top: int, left: int, canvas: tuple[int, ...]
) -> tuple[Area, Area] | None:
    """Cut a piece of ``shape`` with its corner at (top, left) to a canvas.

    Returns:
        (its place on the canvas, the part of it that is used), or None if nothing is.
    """
    first, last = max(0, top), min(canvas[0], top + shape[0])
    begin, end = max(0, left), min(canvas[1], left + shape[1])
    if last <= first or end <= begin:
        return None
    return np.s_[first:last, begin:end], np.s_[first - top : last - top, begin - left : end - left]


def stamps(scene: DiscScene | GridScene, size: int, style: Style) -> Iterator[Stamp]:
    """All stamps of a scene, from the lowest to the uppermost."""
    if isinstance(scene, GridScene):
        nodes = range(1, scene.size**2 + 1)
        yield from edge_stamps(scene, scene.edges(), size, style)
        yield from (node_stamp(scene, node, size, style) for node in nodes)
        yield from number_stamps(scene, size)
    else:
        yield from (disc_stamp(scene, disc, size, style) for disc in scene.discs)


def place_of(centre: float, phases: int) -> tuple[int, float]:
    """(pixel, position inside it) of a coordinate in pixels, in steps of 1 / ``phases``.

    Pixel i covers [i, i + 1). With one phase, a centre is drawn in the middle of its pixel.
    """
    if phases == 1:
        return math.floor(centre), 0.5
    step = math.floor(centre * phases + 0.5)
    return step // phases, (step % phases) / phases


Place = tuple[int, int, tuple[float, float]]
"""(row, column) of the pixel of a centre, and where in it the centre is (x, y)."""


def disc_place(disc: Disc, scale: float, size: int, style: Style) -> Place:
    """Where a disc of a disc scene is drawn, at ``scale`` pixels to a canvas unit."""
    phases = LOOKS[style].phases
    column, x = place_of(disc.x * scale, phases)
    row, y = place_of(size - disc.y * scale, phases)
    return row, column, (x, y)


def disc_stamp(scene: DiscScene, disc: Disc, size: int, style: Style) -> Stamp:
    """One disc of a disc scene."""
    scale = size / scene.canvas
    if is_colour(disc.label):
        label, fill = "", DISC_COLOURS[disc.label]
    else:
        label, fill = disc.label, GRAY
    return _disc((disc.x * scale, size - disc.y * scale), label, scene.radius * scale, fill, style)


def _disc(
    centre: tuple[float, float], label: str, radius: float, fill: Colour, style: Style
) -> Stamp:
    phases = LOOKS[style].phases
    column, x = place_of(centre[0], phases)
    row, y = place_of(centre[1], phases)
    colour, alpha = disc_sprite(label, radius, fill, style, (x, y))
    half = alpha.shape[0] // 2
    return Stamp(colour, alpha, row - half, column - half)


def node_centre(scene: GridScene, node: int, size: int) -> tuple[float, float]:
    """(x, y) of a node in pixels, y downwards."""
    column, row = scene.position(node)
    pitch = size / scene.size
    return (column + 0.5) * pitch, size - (row + 0.5) * pitch


def node_stamp(scene: GridScene, node: int, size: int, style: Style) -> Stamp:
    """One node of a grid: green at the start, red at the end, else gray."""
    fill = START if node == scene.start else END if node == scene.end else GRAY
    radius = NODE_RADIUS * size / scene.size
    return _disc(node_centre(scene, node, size), f"N{node}", radius, fill, style)


def edge_stamps(
    scene: GridScene, edges: Iterable[Edge], size: int, style: Style
) -> Iterator[Stamp]:
    """Lines between nodes, from centre to centre, so that they touch both."""
    look = LOOKS[style]
    half = max(1, round(size / scene.size * look.line / 2))
    for a, b in edges:
        (x0, y0), (x1, y1) = (node_centre(scene, node, size) for node in (a, b))
        left, right = sorted((round(x0), round(x1)))
        low, high = sorted((round(y0), round(y1)))
        shape = (high - low + 2 * half, right - left + 2 * half)
        yield Stamp(
            np.full((*shape, 3), look.edge, dtype=np.float32),
            np.ones((*shape, 1), dtype=np.float32),
            low - half,
            left - half,
        )


def number_stamps(scene: GridScene, size: int) -> Iterator[Stamp]:
    """The length of each edge, in its middle; none if all have length 1."""
    height = _NUMBER_HEIGHT * size / scene.size
    for a, b, length in scene.weights:
        (x0, y0), (x1, y1) = (node_centre(scene, node, size) for node in (a, b))
        colour, alpha = number_sprite(str(length), height)
        top = math.floor((y0 + y1) / 2) - alpha.shape[0] // 2
        left = math.floor((x0 + x1) / 2) - alpha.shape[1] // 2
        yield Stamp(colour, alpha, top, left)
