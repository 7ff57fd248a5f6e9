"""An empty picture, in place of one that is not to be seen."""

from __future__ import annotations

import io
from functools import lru_cache

from PIL import Image

_GREY = 128


@lru_cache(maxsize=64)
def blank(size: tuple[int, int]) -> bytes:
    """A grey picture of that size (width, height) in pixels, as PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, (_GREY,) * 3).save(buffer, "PNG")
    return buffer.getvalue()
