"""A minimal PNG writer: filter 0 and a fast deflate, which is what flat drawings want.

Layout after the PNG specification (W3C, third edition): signature, IHDR, PLTE, IDAT, IEND. The
bytes depend on the deflate library (isal when installed, else zlib), the pixels do not: compare
pixels, never file bytes.

A picture can be put together from pieces that were deflated before: a full flush (RFC 1951; RFC
1950 for what is around) ends a piece at a whole byte and forgets what came before, so pieces fit
in any order.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

_deflate: Any
try:
    from isal import isal_zlib as _deflate

    _LEVEL = 0  # the fastest, which still compresses
except ImportError:  # platforms without it: the same pixels, slower
    _deflate, _LEVEL = zlib, 1

Kind = Literal["gray", "rgb", "palette", "rgba"]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TYPES: dict[Kind, int] = {"gray": 0, "rgb": 2, "palette": 3, "rgba": 6}
CHANNELS: dict[Kind, int] = {"gray": 1, "rgb": 3, "palette": 1, "rgba": 4}
_KINDS: dict[int, Kind] = {1: "gray", 3: "rgb", 4: "rgba"}


_BEGIN = b"\x78\x01"  # zlib's header: deflate, a window of 32 KiB
_FINISH = b"\x03\x00"  # an empty last block
_ADLER_BASE = 65521
_WELL_BYTES = 1 << 20
"""Empty rows of up to that size are deflated well, which is slow, but done once."""


class Piece(NamedTuple):
    """Some rows of a picture: deflated, their Adler-32, and how many bytes they were."""

    data: bytes
    adler: int
    length: int


def piece(rows: np.ndarray) -> Piece:
    """Deflate uint8 rows, each with its filter byte before it."""
    return _deflated(rows, _deflate.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS))


def _deflated(rows: np.ndarray, pen: Any) -> Piece:
    data = pen.compress(rows) + pen.flush(zlib.Z_FULL_FLUSH)
    return Piece(data, _deflate.adler32(rows), rows.size)


@lru_cache(maxsize=1024)
def empty_piece(count: int, width: int, value: int) -> Piece:
    """``count`` rows of ``width`` pixels of one byte, all of the same value."""
    rows = empty_rows(count, width, value)
    if rows.size > _WELL_BYTES:
        return piece(rows)
    return _deflated(rows, zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS))


def empty_rows(count: int, width: int, value: int) -> np.ndarray:
    """Rows as PNG wants them, uint8 (count, 1 + width): filter 0, then pixels of one value."""
    rows = np.full((count, 1 + width), value, dtype=np.uint8)
    rows[:, 0] = 0
    return rows


def assemble(head: bytes, pieces: Iterable[Piece]) -> bytes:
    """The PNG file whose rows are those of the pieces, one after the other."""
    low, high, body = 1, 0, [_BEGIN]
    for data, adler, length in pieces:
        # Adler-32 of two texts in a row (RFC 1950): sums of bytes, and sums of those sums.
        high += (adler >> 16) + length * (low - 1)
        low += (adler & 0xFFFF) - 1
        body.append(data)
    body += (_FINISH, (high % _ADLER_BASE << 16 | low % _ADLER_BASE).to_bytes(4, "big"))
    return b"".join((head, _chunk(b"IDAT", b"".join(body)), _END))


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
        self._head = png_head(size, size, kind, palette)

    def png(self) -> bytes:
        """The picture as PNG bytes."""
        return _file(self._head, self._rows)


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels of shape (height, width) or (height, width, 3 or 4)."""
    height, width = pixels.shape[:2]
    kind = _KINDS[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    return _file(png_head(width, height, kind, None), rows)


def png_head(width: int, height: int, kind: Kind, palette: np.ndarray | None) -> bytes:
    """What stands before the pixels: signature, header and palette."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _TYPES[kind], 0, 0, 0))
    colours = b"" if palette is None else _chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    return _SIGNATURE + header + colours


def _file(head: bytes, rows: np.ndarray) -> bytes:
    body = _deflate.compress(rows, _LEVEL)
    return b"".join((head, _chunk(b"IDAT", body), _END))


def _chunk(name: bytes, data: bytes) -> bytes:
    crc: int = _deflate.crc32(data, zlib.crc32(name))
    return b"".join((len(data).to_bytes(4, "big"), name, data, crc.to_bytes(4, "big")))


_END = _chunk(b"IEND", b"")
