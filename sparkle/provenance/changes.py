"""What differs between two nested values, by key path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LONGEST = 40


@dataclass(frozen=True)
class Change:
    """A value that differs; None on the side that does not have it."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key} {_short(self.old)} -> {_short(self.new)}"


def changes(old: Any, new: Any, key: str = "") -> list[Change]:
    """The differences of two values that came from JSON: of mappings and lists, their parts.

    A number has one meaning however it was written, but true is not 1.
    """
    return list(_changes(old, new, key))


def _changes(old: Any, new: Any, key: str) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            yield from _changes(old.get(name), new.get(name), f"{key}.{name}".lstrip("."))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _changes(left, right, f"{key}[{number}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(key, old, new)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
