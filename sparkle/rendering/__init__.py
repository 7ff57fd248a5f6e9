"""From scenes to PNG bytes, with cached anti-aliased sprites and no plotting library."""

from sparkle.rendering.draw import RenderSpec, painter, render_array, render_png

__all__ = ["RenderSpec", "painter", "render_array", "render_png"]
