"""Draw a scene: blit cached sprites onto a white ground."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from sparkle.config.base import Closed
from sparkle.rendering.png import encode_png
from sparkle.rendering.sprites import Colour, disc_sprite
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.geometry import CANVAS
from sparkle.scenes.grid import GridScene
from sparkle.scenes.spec import Scene

_WHITE = 255
_DISC: Colour = (211, 211, 211)
_START: Colour = (120, 200, 120)
_END: Colour = (235, 110, 100)
_EDGE = 90
_NODE_RADIUS = 0.3
"""Radius of a grid node as a fraction of the distance between neighbours."""


class RenderSpec(Closed):
    """How scenes become pixels."""

    size: int = Field(ge=32, le=4096)


def render_array(scene: Scene, spec: RenderSpec) -> np.ndarray:
    """Pixels of a scene: uint8, (size, size) gray for discs, (size, size, 3) for grids."""
    if isinstance(scene, GridScene):
        return _draw_grid(scene, spec.size)
    return _draw_discs(scene, spec.size)


def render_png(scene: Scene, spec: RenderSpec) -> bytes:
    """The scene as PNG bytes."""
    return encode_png(render_array(scene, spec))


def _draw_discs(scene: DiscScene, size: int) -> np.ndarray:
    scale = size / CANVAS
    image = np.full((size, size, 3), _WHITE, dtype=np.float32)
    for disc in scene.discs:
        centre = (disc.x * scale, size - disc.y * scale)
        _blit(image, disc.label, centre, scene.radius * scale, _DISC)
    return np.rint(image[..., 0]).astype(np.uint8)


def _draw_grid(scene: GridScene, size: int) -> np.ndarray:
    pitch = size / scene.size
    image = np.full((size, size, 3), _WHITE, dtype=np.float32)
    half = max(1, round(pitch * 0.03))
    for a, b in scene.edges():
        (x0, y0), (x1, y1) = (_node_centre(scene, node, size) for node in (a, b))
        left, right = sorted((round(x0), round(x1)))
        low, high = sorted((round(y0), round(y1)))
        image[low - half : high + half, left - half : right + half] = _EDGE
    colours = {scene.start: _START, scene.end: _END}
    for node in range(1, scene.size**2 + 1):
        centre = _node_centre(scene, node, size)
        _blit(image, f"N{node}", centre, _NODE_RADIUS * pitch, colours.get(node, _DISC))
    return np.rint(image).astype(np.uint8)


def _node_centre(scene: GridScene, node: int, size: int) -> tuple[float, float]:
    column, row = scene.position(node)
    pitch = size / scene.size
    return (column + 0.5) * pitch, size - (row + 0.5) * pitch


def _blit(
    image: np.ndarray, label: str, centre: tuple[float, float], radius: float, fill: Colour
) -> None:
    colour, alpha = disc_sprite(label, radius, fill)
    half = alpha.shape[0] // 2
    # Pixel i covers [i, i + 1): a centre at c lies in the pixel floor(c).
    column, row = int(np.floor(centre[0])), int(np.floor(centre[1]))
    top, left = max(0, row - half), max(0, column - half)
    bottom = min(image.shape[0], row + half + 1)
    right = min(image.shape[1], column + half + 1)
    inner = np.s_[
        top - row + half : bottom - row + half, left - column + half : right - column + half
    ]
    target = image[top:bottom, left:right]
    target += alpha[inner] * (colour[inner] - target)
