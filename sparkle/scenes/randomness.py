"""Random numbers addressed by (seed, stream, index), so that item i is the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np


def item_generator(seed: int, stream: str, index: int) -> np.random.Generator:
    """The generator of item ``index`` in ``stream``.

    Philox is counter based (Salmon et al., SC 2011): the key comes from a hash of seed and stream,
    the index is the counter's second word, so every item owns 2**64 blocks of draws. Which items a
    shard, batch or process makes has no influence, and neighbouring seeds share nothing.
    """
    digest = hashlib.blake2b(f"{seed}\0{stream}".encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=[0, index, 0, 0]))
