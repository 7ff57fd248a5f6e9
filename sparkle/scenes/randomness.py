"""Random numbers addressed by (seed, stream, index), so that item i is the same everywhere.

Philox is counter based (Salmon et al., SC 2011): the key comes from a hash of seed and stream, the
index is part of the counter. Which items a shard, batch or process makes has no influence, and
neighbouring seeds share nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np

_FIRST_DRAWS = 32
"""Draws that each item of a batch has ready, a multiple of Philox' four per block."""
_MORE_DRAWS = 128

Chosen = TypeVar("Chosen")


def item_generator(seed: int, stream: str, index: int) -> np.random.Generator:
    """A NumPy generator for item ``index`` of ``stream``, with 2**64 blocks of its own."""
    return _generator(seed, stream, [0, index, 0, 0])


def _generator(seed: int, stream: str, counter: list[int]) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed}\0{stream}".encode(), digest_size=16).digest()
    key = np.frombuffer(digest, dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


class Draws:
    """The random numbers of one item, drawn ahead for a whole batch.

    It has the methods of ``np.random.Generator`` that scenes and tasks use, with the same meaning
    (not the same numbers), at a tenth of the cost of a call.
    """

    __slots__ = ("_at", "_generator", "_source", "_values")

    def __init__(self, values: list[float], source: tuple[int, str, int]) -> None:
        self._values = values
        self._at = 0
        self._source = source
        self._generator: np.random.Generator | None = None

    def random(self) -> float:
        """A number in [0, 1)."""
        at = self._at
        if at == len(self._values):
            self._refill()
            at = 0
        self._at = at + 1
        return self._values[at]

    def _refill(self) -> None:
        # Counters of the first draws have a zero in the third word, these a one: never the same.
        if self._generator is None:
            seed, stream, index = self._source
            self._generator = _generator(seed, stream, [0, index, 1, 0])
        self._values = self._generator.random(_MORE_DRAWS).tolist()

    def integers(self, low: int, high: int | None = None) -> int:
        """A whole number in [low, high), or in [0, low)."""
        if high is None:
            return int(self.random() * low)
        return low + int(self.random() * (high - low))

    @overload
    def uniform(self, low: float, high: float) -> float: ...
    @overload
    def uniform(self, low: float, high: float, size: int) -> list[float]: ...
    def uniform(self, low: float, high: float, size: int | None = None) -> float | list[float]:
        """One number in [low, high), or a list of ``size``."""
        if size is None:
            return low + self.random() * (high - low)
        return [low + self.random() * (high - low) for _ in range(size)]

    def permutation(self, count: int) -> list[int]:
        """0..count-1 in random order (Fisher and Yates)."""
        order = list(range(count))
        for i in range(count - 1, 0, -1):
            j = int(self.random() * (i + 1))
            order[i], order[j] = order[j], order[i]
        return order

    @overload
    def choice(self, options: Sequence[Chosen]) -> Chosen: ...
    @overload
    def choice(self, options: Sequence[Chosen], size: int) -> list[Chosen]: ...
    def choice(self, options: Sequence[Any], size: int | None = None) -> Any:
        """One of ``options``, or a list of ``size`` of them, with repetition."""
        if size is None:
            return options[int(self.random() * len(options))]
        return [options[int(self.random() * len(options))] for _ in range(size)]


Rng: TypeAlias = np.random.Generator | Draws
"""What scenes and tasks take their random numbers from."""


def two_of(rng: Rng, count: int) -> tuple[int, int]:
    """Two different numbers of 0..count-1, in random order."""
    first, second = int(rng.random() * count), int(rng.random() * (count - 1))
    return first, second + (second >= first)


def batch_draws(seed: int, stream: str, first: int, count: int) -> Iterator[Draws]:
    """The draws of the items ``first`` to ``first + count - 1``, in one go.

    Item i has the numbers 32 i to 32 i + 31 of the stream's sequence, and further ones from
    counters of its own, so the batch it is drawn in leaves no trace.
    """
    generator = _generator(seed, stream, [first * _FIRST_DRAWS // 4, 0, 0, 0])
    rows = generator.random((count, _FIRST_DRAWS)).tolist()
    return (Draws(row, (seed, stream, first + i)) for i, row in enumerate(rows))


def item_draws(seed: int, stream: str, index: int) -> Draws:
    """The draws of one item: the same as in any batch that holds it."""
    return next(batch_draws(seed, stream, index, 1))
