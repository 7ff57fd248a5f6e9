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

    _LEVEL, _KEPT_LEVEL = 0, 1  # 0 is the fastest, which still compresses
except ImportError:  # platforms without it: the same pixels, slower
    _deflate, _LEVEL, _KEPT_LEVEL = zlib, 1, 6

Kind = Literal["gray", "rgb", "palette", "rgba"]
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TYPES: dict[Kind, int] = {"gray": 0, "rgb": 2, "palette": 3, "rgba": 6}
CHANNELS: dict[Kind, int] = {"gray": 1, "rgb": 3, "palette": 1, "rgba": 4}
_KINDS: dict[int, Kind] = {1: "gray", 3: "rgb", 4: "rgba"}


_BEGIN = b"\x78\x01"  # zlib's header: deflate, a window of 32 KiB
_FINISH = b"\x03\x00"  # an empty last block
_ADLER_BASE = 65521
_TALLEST = 64
"""Empty rows that are deflated together; more of them are put together from such pieces."""


class Piece(NamedTuple):
    """Some rows of a picture: deflated, both sums of their Adler-32, how many bytes they were."""

    data: bytes
    low: int
    high: int
    length: int


def piece(rows: np.ndarray, kept: bool = False) -> Piece:
    """Deflate uint8 rows, each with its filter byte before it; smaller if they are to be kept."""
    level = _KEPT_LEVEL if kept else _LEVEL
    return _deflated(rows, _deflate.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS))


def _deflated(rows: np.ndarray, pen: Any) -> Piece:
    data = pen.compress(rows) + pen.flush(zlib.Z_FULL_FLUSH)
    adler: int = _deflate.adler32(rows)
    return Piece(data, adler & 0xFFFF, adler >> 16, rows.size)


@lru_cache(maxsize=8192)
def empty_piece(count: int, width: int, value: int) -> Piece:
    """``count`` rows of ``width`` pixels of one byte, all of the same value.

    Deflated as well as can be, which is slow, but done once for each of a few heights.
    """
    if count > _TALLEST:
        return merged([empty_piece(n, width, value) for n in (_TALLEST, count - _TALLEST)])
    rows = empty_rows(count, width, value)
    return _deflated(rows, zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS))


def empty_rows(count: int, width: int, value: int) -> np.ndarray:
    """Rows as PNG wants them, uint8 (count, 1 + width): filter 0, then pixels of one value."""
    rows = np.empty((count, 1 + width), dtype=np.uint8)
    rows.fill(value)
    rows[:, 0] = 0
    return rows


def merged(pieces: Iterable[Piece]) -> Piece:
    """The pieces as one, in their order."""
    low, high, total = 1, 0, 0
    body = []
    for data, own_low, own_high, length in pieces:
        # Adler-32 of two texts in a row (RFC 1950): sums of bytes, and sums of those sums.
        high += own_high + length * (low - 1)
        low += own_low - 1
        total += length
        body.append(data)
    return Piece(b"".join(body), low % _ADLER_BASE, high % _ADLER_BASE, total)


def assemble(head: bytes, pieces: Iterable[Piece]) -> bytes:
    """The PNG file whose rows are those of the pieces, one after the other."""
    data, low, high, _ = merged(pieces)
    return _file(head, b"".join((_BEGIN, data, _FINISH, (high << 16 | low).to_bytes(4, "big"))))


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
        return _file(self._head, _deflate.compress(self._rows, _LEVEL))


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels of shape (height, width) or (height, width, 3 or 4)."""
    height, width = pixels.shape[:2]
    kind = _KINDS[1 if pixels.ndim == 2 else pixels.shape[2]]
    rows = np.zeros((height, 1 + pixels[0].size), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)
    return _file(png_head(width, height, kind, None), _deflate.compress(rows, _LEVEL))


def png_head(width: int, height: int, kind: Kind, palette: np.ndarray | None) -> bytes:
    """What stands before the pixels: signature, header and palette."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _TYPES[kind], 0, 0, 0))
    colours = b"" if palette is None else _chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    return _SIGNATURE + header + colours


def _file(head: bytes, body: bytes) -> bytes:
    return b"".join((head, *_parts(b"IDAT", body), _END))


def _chunk(name: bytes, data: bytes) -> bytes:
    return b"".join(_parts(name, data))


def _parts(name: bytes, data: bytes) -> tuple[bytes, ...]:
    """A chunk: its length, name, content and CRC-32."""
    crc: int = _deflate.crc32(data, zlib.crc32(name))
    return len(data).to_bytes(4, "big"), name, data, crc.to_bytes(4, "big")


_END = _chunk(b"IEND", b"")
