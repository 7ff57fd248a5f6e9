"""Draw scenes: blit cached sprites onto a canvas that is used again and again."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import floor

import numpy as np
from pydantic import Field

from sparkle.config.base import Closed, Ground, Style
from sparkle.rendering.ground import texture
from sparkle.rendering.palette import (
    DISC_COLOURS,
    GRAY,
    disc_palette,
    grid_palette,
    to_indices,
)
from sparkle.rendering.png import Canvas, Kind
from sparkle.rendering.sprites import LOOKS, disc_sprite
from sparkle.rendering.stamps import (
    Area,
    Place,
    cut,
    disc_place,
    edge_stamps,
    node_stamp,
    number_stamps,
    stamps,
)
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.geometry import CANVAS
from sparkle.scenes.grid import MOVES, Edge, GridScene
from sparkle.scenes.names import is_colour
from sparkle.scenes.spec import Scene

_WHITE = 255
_MIDDLE = (0.5, 0.5)
_STEPS = tuple(MOVES.values())


class RenderSpec(Closed):
    """How scenes become pixels."""

    size: int = Field(ge=32, le=4096)
    style: Style = "outlined"
    ground: Ground = "white"


class Painter:
    """Draws one picture after another on the same canvases. Not to be shared between threads."""

    def __init__(self, spec: RenderSpec) -> None:
        self._spec = spec
        self._canvases: dict[str, Canvas] = {}

    def png(self, scene: Scene) -> bytes:
        """The scene as PNG bytes: gray, palette, or with alpha; see :meth:`array`."""
        return self.draw(scene)[0].png()

    def array(self, scene: Scene) -> np.ndarray:
        """Pixels, uint8: (size, size) if all is gray, else (size, size, 3), or 4 with alpha."""
        canvas, palette = self.draw(scene)
        return canvas.pixels.copy() if palette is None else palette[canvas.pixels]

    def draw(self, scene: Scene) -> tuple[Canvas, np.ndarray | None]:
        """Draw on a canvas, which the next picture overwrites; and its palette, if it has one."""
        gray = isinstance(scene, DiscScene) and not any(is_colour(d.label) for d in scene.discs)
        if self._spec.ground == "transparent":
            return self._transparent(scene), None
        if self._spec.ground == "textured":
            return self._textured(scene, "gray" if gray else "rgb"), None
        if isinstance(scene, GridScene):
            return self._grid(scene), grid_palette()
        if not gray:
            return self._coloured(scene), disc_palette()
        return self._labelled(scene), None

    def _canvas(self, kind: Kind, palette: np.ndarray | None = None, name: str = "") -> Canvas:
        key = name or kind
        if key not in self._canvases:
            self._canvases[key] = Canvas(self._spec.size, kind, palette)
        return self._canvases[key]

    # White ground: sprites that were flattened on white before ---------------------------------

    def _labelled(self, scene: DiscScene) -> Canvas:
        canvas, size, style = self._canvas("gray"), self._spec.size, self._spec.style
        pixels, radius = canvas.pixels, scene.radius * size / CANVAS
        scale, phases = size / CANVAS, LOOKS[style].phases
        if phases == 1:  # as disc_place, without its calls
            places: list[Place] = [
                (floor(size - d.y * scale), floor(d.x * scale), _MIDDLE) for d in scene.discs
            ]
        else:
            places = [disc_place(disc, size, style) for disc in scene.discs]
        if _crowded(places, radius):
            ground = np.full((size, size, 3), _WHITE, dtype=np.float32)
            for stamp in stamps(scene, size, style):
                stamp.put(ground)
            pixels[:] = np.rint(ground[..., 0])
            return canvas
        pixels.fill(_WHITE)
        for disc, (row, column, place) in zip(scene.discs, places, strict=True):
            patch = _gray_patch(disc.label, radius, style, place)
            side = len(patch)
            top, left = row - side // 2, column - side // 2
            if top < 0 or left < 0 or top + side > size or left + side > size:
                where, part = cut(patch.shape, top, left, pixels.shape) or (np.s_[:0, :0],) * 2
                target, patch = pixels[where], patch[part]
            else:
                target = pixels[top : top + side, left : left + side]
            np.minimum(target, patch, out=target)
        return canvas

    def _coloured(self, scene: DiscScene) -> Canvas:
        canvas, size, style = self._canvas("palette", disc_palette()), *self._size_and_style()
        canvas.pixels.fill(0)
        for disc in scene.discs:
            row, column, place = disc_place(disc, size, style)
            patch, mask = _index_patch(disc.label, scene.radius * size / CANVAS, style, place)
            half = len(patch) // 2
            found = cut(patch.shape, row - half, column - half, canvas.pixels.shape)
            if found is not None:
                where, part = found
                np.copyto(canvas.pixels[where], patch[part], where=mask[part])
        return canvas

    def _grid(self, scene: GridScene) -> Canvas:
        size, style = self._size_and_style()
        canvas = self._canvas("palette", grid_palette(), "grid")
        lengths = scene.lengths
        for node, sides in enumerate(_sides(scene.size), 1):
            present = tuple([edge in lengths for edge in sides])
            role = 1 if node == scene.start else 2 if node == scene.end else 0
            tile, where = _tile(scene.size, node, role, present, size, style)
            canvas.pixels[where] = tile
        for stamp in number_stamps(scene, size):
            where, part = (
                cut(stamp.alpha.shape, stamp.top, stamp.left, (size, size)) or (np.s_[:0, :0],) * 2
            )
            canvas.pixels[where] = to_indices(stamp.colour, grid_palette())[part]
        return canvas

    def _size_and_style(self) -> tuple[int, Style]:
        return self._spec.size, self._spec.style

    # Other grounds: blended picture by picture ------------------------------------------------

    def _textured(self, scene: Scene, kind: Kind) -> Canvas:
        size, style = self._size_and_style()
        drawn = np.repeat(texture(size, scene.visible())[..., None], 3, axis=2)
        for stamp in stamps(scene, size, style):
            stamp.put(drawn)
        canvas = self._canvas(kind)
        canvas.pixels[:] = np.rint(drawn[..., 0] if kind == "gray" else drawn)
        return canvas

    def _transparent(self, scene: Scene) -> Canvas:
        """RGBA. Where nothing stands the colour is white, for readers that drop the alpha."""
        size, style = self._size_and_style()
        drawn = np.zeros((size, size, 4), dtype=np.float32)  # colours times alpha, and alpha
        for stamp in stamps(scene, size, style):
            found = cut(stamp.alpha.shape, stamp.top, stamp.left, drawn.shape)
            if found is not None:
                where, part = found
                alpha, target = stamp.alpha[part], drawn[where]
                target *= 1.0 - alpha
                target[..., :3] += alpha * stamp.colour[part]
                target[..., 3:] += alpha
        covered = drawn[..., 3:]
        colours = np.where(covered > 0, drawn[..., :3] / np.maximum(covered, 1e-6), _WHITE)
        canvas = self._canvas("rgba")
        canvas.pixels[..., :3] = np.rint(np.minimum(colours, 255))
        canvas.pixels[..., 3:] = np.rint(255 * np.minimum(covered, 1.0))
        return canvas


def _crowded(places: list[Place], radius: float) -> bool:
    """Whether sprites of discs may share pixels, which then have to be blended."""
    least = (2.0 * radius + 2.0) ** 2
    for (row, column, _), (other_row, other_column, _) in combinations(places, 2):
        down, right = row - other_row, column - other_column
        if down * down + right * right < least:
            return True
    return False


@lru_cache(maxsize=4096)
def _gray_patch(label: str, radius: float, style: Style, place: tuple[float, float]) -> np.ndarray:
    """A labelled disc flattened on white, uint8 (side, side)."""
    colour, alpha = disc_sprite(label, radius, GRAY, style, place)
    flat = np.full(colour.shape, _WHITE, dtype=np.float32)
    flat += alpha * (colour - flat)
    return np.rint(flat[..., 0]).astype(np.uint8)


@lru_cache(maxsize=4096)
def _index_patch(
    name: str, radius: float, style: Style, place: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """A coloured disc flattened on white as palette indices, and where it covers anything."""
    colour, alpha = disc_sprite("", radius, DISC_COLOURS[name], style, place)
    flat = _WHITE + alpha * (colour - _WHITE)
    return to_indices(flat, disc_palette()), alpha[..., 0] > 0


@lru_cache(maxsize=16)
def _sides(size: int) -> list[tuple[Edge | None, ...]]:
    """For each node of a grid its edges to the left, right, below and above."""
    whole = GridScene(size, 1, 1)
    found = []
    for node in range(1, size**2 + 1):
        column, row = whole.position(node)
        others = (whole.node_at(column + dx, row + dy) for dx, dy in _STEPS)
        found.append(tuple(None if o is None else (min(node, o), max(node, o)) for o in others))
    return found


@lru_cache(maxsize=1024)
def _tile(
    nodes: int, node: int, role: int, present: tuple[bool, ...], size: int, style: Style
) -> tuple[np.ndarray, Area]:
    """The part of a picture around one node as palette indices, and where it belongs."""
    scene = GridScene(nodes, start=node if role == 1 else 0, end=node if role == 2 else 0)
    column, row = scene.position(node)
    pitch = size / nodes
    left, right = round(column * pitch), round((column + 1) * pitch)
    top, bottom = size - round((row + 1) * pitch), size - round(row * pitch)
    canvas = np.full((bottom - top, right - left, 3), _WHITE, dtype=np.float32)
    sides = _sides(nodes)[node - 1]
    edges = [edge for edge, there in zip(sides, present, strict=True) if there and edge]
    for stamp in (*edge_stamps(scene, edges, size, style), node_stamp(scene, node, size, style)):
        stamp.put(canvas, top, left)
    return to_indices(canvas, grid_palette()), np.s_[top:bottom, left:right]


@lru_cache(maxsize=16)
def painter(spec: RenderSpec) -> Painter:
    """The painter of a spec, with its canvases."""
    return Painter(spec)


def render_array(scene: Scene, spec: RenderSpec) -> np.ndarray:
    """Pixels of a scene; see :meth:`Painter.array`."""
    return painter(spec).array(scene)


def render_png(scene: Scene, spec: RenderSpec) -> bytes:
    """The scene as PNG bytes."""
    return painter(spec).png(scene)
