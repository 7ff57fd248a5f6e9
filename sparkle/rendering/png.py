"""A minimal PNG writer: filter 0 and a fast deflate, which is what flat drawings want.

Layout after the PNG specification (W3C, third edition): signature, IHDR, IDAT, IEND. The bytes
depend on the deflate library, the pixels do not: compare pixels, never file bytes.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB = 0, 2


def encode_png(pixels: np.ndarray, level: int = 1) -> bytes:
    """Encode uint8 pixels of shape (height, width) or (height, width, 3)."""
    height, width = pixels.shape[:2]
    kind = _GRAY if pixels.ndim == 2 else _RGB
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), level)
    return b"".join(
        (_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", body), _chunk(b"IEND", b""))
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)
