"""What differs between two mappings of settings, modules or packages, by key path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "(absent)"


@dataclass(frozen=True)
class Change:
    """A value that differs. ``old`` or ``new`` is :data:`ABSENT` where only one side has it."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key} {_short(self.old)} -> {_short(self.new)}"


def changes(old: Any, new: Any, key: str = "") -> list[Change]:
    """The differences of two values that came from JSON: of mappings and lists, their parts."""
    return list(_changes(old, new, key))


def _changes(old: Any, new: Any, key: str) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in [*old, *(name for name in new if name not in old)]:
            path = f"{key}.{name}" if key else str(name)
            yield from _changes(old.get(name, ABSENT), new.get(name, ABSENT), path)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (left, right) in enumerate(zip(old, new, strict=True)):
            yield from _changes(left, right, f"{key}[{number}]")
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(key, old, new)


def _short(value: Any, longest: int = 60) -> str:
    text = value if value is ABSENT else repr(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."
