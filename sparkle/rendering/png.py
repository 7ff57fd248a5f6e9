"""A minimal PNG writer: filter 0 and a fast deflate, which is what flat drawings want.

Layout after the PNG specification (W3C, third edition): signature, IHDR, PLTE, IDAT, IEND. The
bytes depend on the deflate library (isal when installed, else zlib), the pixels do not: compare
pixels, never file bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Literal

import numpy as np

_deflate: Callable[..., bytes]
try:
    from isal.isal_zlib import compress as _deflate

    _LEVEL = 0  # the fastest, which still compresses
except ImportError:  # platforms without it: the same pixels, slower
    _deflate, _LEVEL = zlib.compress, 1

Kind = Literal["gray", "rgb", "palette", "rgba"]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TYPES: dict[Kind, int] = {"gray": 0, "rgb": 2, "palette": 3, "rgba": 6}
CHANNELS: dict[Kind, int] = {"gray": 1, "rgb": 3, "palette": 1, "rgba": 4}
_KINDS: dict[int, Kind] = {1: "gray", 3: "rgb", 4: "rgba"}


class Canvas:
    """Pixels to draw on, laid out as PNG wants them, to be used again for picture after picture.

    Attributes:
        pixels: uint8 view of shape (size, size) or (size, size, channels).
    """

    def __init__(self, size: int, kind: Kind, palette: np.ndarray | None = None) -> None:
        channels = CHANNELS[kind]
        self._rows = np.zeros((size, 1 + size * channels), dtype=np.uint8)
        shape = (size, size) if channels == 1 else (size, size, channels)
        strides = (self._rows.strides[0], channels, 1)[: len(shape)]
        self.pixels = np.lib.stride_tricks.as_strided(
            self._rows[:, 1:], shape, strides if channels > 1 else (strides[0], 1)
        )
        self._head = _head(size, size, kind, palette)

    def png(self) -> bytes:
        """The picture as PNG bytes."""
        return _file(self._head, self._rows)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels of shape (height, width) or (height, width, 3 or 4)."""
    height, width = pixels.shape[:2]
    kind = _KINDS[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    return _file(_head(width, height, kind, None), rows)


def _head(width: int, height: int, kind: Kind, palette: np.ndarray | None) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _TYPES[kind], 0, 0, 0))
    colours = b"" if palette is None else _chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    return _SIGNATURE + header + colours


def _file(head: bytes, rows: np.ndarray) -> bytes:
    body = _deflate(rows, _LEVEL)
    return b"".join((head, _chunk(b"IDAT", body), _END))


def _chunk(name: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(data, zlib.crc32(name))
    return b"".join((struct.pack(">I", len(data)), name, data, struct.pack(">I", crc)))


_END = _chunk(b"IEND", b"")
