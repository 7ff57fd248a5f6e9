"""Textured ground: light gray, uneven like paper; nothing on it is as dark as a disc."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from PIL import Image

from sparkle.scenes.randomness import item_generator

_DARKEST, _LIGHTEST = 230.0, 255.0
_OCTAVES = ((6, 0.5), (24, 0.3), (96, 0.2))
"""(cells along a side, share) of the layers of noise, from blotches to grain."""


@lru_cache(maxsize=4)
def _noise(size: int) -> np.ndarray:
    """Noise of twice the picture's side, float32 in 0..1."""
    rng = item_generator(0, "texture", 0)
    total = np.zeros((2 * size, 2 * size), dtype=np.float32)
    for cells, share in _OCTAVES:
        coarse = Image.fromarray(rng.integers(0, 256, (2 * cells, 2 * cells), dtype=np.uint8))
        fine = coarse.resize((2 * size, 2 * size), Image.Resampling.BICUBIC)
        total += share * np.asarray(fine, dtype=np.float32) / 255.0
    return total


def texture(size: int, key: str) -> np.ndarray:
    """Ground for a picture, float32 (size, size): a piece of the noise that ``key`` chooses."""
    digest = hashlib.blake2b(key.encode(), digest_size=4).digest()
    top, left = (int.from_bytes(part, "little") % size for part in (digest[:2], digest[2:]))
    piece = _noise(size)[top : top + size, left : left + size]
    return _DARKEST + (_LIGHTEST - _DARKEST) * piece
