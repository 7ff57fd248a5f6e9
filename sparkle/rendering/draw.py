"""Draw scenes: blit cached sprites onto a canvas that is used again and again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from pydantic import Field

from sparkle.config.base import Closed, Ground, Style
from sparkle.rendering.ground import texture
from sparkle.rendering.palette import (
    disc_palette,
    grid_palette,
    to_indices,
)
from sparkle.rendering.png import Canvas, Kind
from sparkle.rendering.stamps import (
    Area,
    cut,
    edge_stamps,
    node_stamp,
    number_stamps,
    stamps,
)
from sparkle.rendering.strips import Sheet
from sparkle.scenes.discs import DiscScene
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
        self._sheets: dict[tuple[float, bool, float], Sheet] = {}

    def png(self, scene: Scene) -> bytes:
        """The scene as PNG bytes: gray, palette, or with alpha; see :meth:`array`."""
        if isinstance(scene, DiscScene) and self._spec.ground == "white":
            return self._sheet(scene).png(scene)
        return self.draw(scene)[0].png()

    def array(self, scene: Scene) -> np.ndarray:
        """Pixels, uint8: (size, size) if all is gray, else (size, size, 3), or 4 with alpha."""
        canvas, palette = self.draw(scene)
        return canvas.pixels.copy() if palette is None else palette[canvas.pixels]

    def draw(self, scene: Scene) -> tuple[Canvas, np.ndarray | None]:
        """Draw on a canvas, which the next picture overwrites; and its palette, if it has one."""
        gray = isinstance(scene, DiscScene) and not _coloured(scene)
        if self._spec.ground == "transparent":
            return self._transparent(scene), None
        if self._spec.ground == "textured":
            return self._textured(scene, "gray" if gray else "rgb"), None
        if isinstance(scene, GridScene):
            return self._grid(scene), grid_palette()
        return self._discs(scene, not gray), None if gray else disc_palette()

    def _canvas(self, kind: Kind, palette: np.ndarray | None = None, name: str = "") -> Canvas:
        key = name or kind
        if key not in self._canvases:
            self._canvases[key] = Canvas(self._spec.size, kind, palette)
        return self._canvases[key]

    # White ground: sprites that were flattened on white before ---------------------------------

    def _discs(self, scene: DiscScene, coloured: bool) -> Canvas:
        canvas = self._canvas("palette", disc_palette()) if coloured else self._canvas("gray")
        canvas.pixels.fill(0 if coloured else _WHITE)
        sheet = self._sheet(scene)
        for strip in sheet.strips(scene):
            canvas.pixels[strip.first : strip.last] = sheet.rows(strip)[:, 1:]
        return canvas

    def _sheet(self, scene: DiscScene) -> Sheet:
        key = (scene.radius, _coloured(scene), scene.canvas)
        if key not in self._sheets:
            self._sheets[key] = Sheet(self._spec.size, self._spec.style, *key)
        return self._sheets[key]

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
        drawn = np.repeat(texture(size, scene.texts()[1])[..., None], 3, axis=2)
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


def _coloured(scene: DiscScene) -> bool:
    """Whether its discs are called by their colours; if one is, all are."""
    return bool(scene.discs) and is_colour(scene.discs[0].label)


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
