"""What objects are called: by their label (N1, N2, ...) or, without labels, by their colour."""

from __future__ import annotations

from functools import lru_cache

from sparkle.config.base import Palette

PALETTES: dict[Palette, tuple[str, ...]] = {
    "train": ("yellow", "red", "green", "brown"),
    "test": ("blue", "purple", "black", "orange"),
}
"""The published colours of training and of test images; they share none."""
PALETTES["all"] = (*PALETTES["train"], *PALETTES["test"], "pink", "cyan", "navy", "lime")
DISTRACTOR_COLOURS = ("grey", "olive")
COLOURS = (*PALETTES["all"], *DISTRACTOR_COLOURS)
_RANKS = {name: i for i, name in enumerate(COLOURS)}


def is_colour(name: str) -> bool:
    """Whether an object is called by its colour instead of a label."""
    return name in _RANKS


@lru_cache(maxsize=4096)
def rank(name: str) -> int:
    """Place of a name in lists of names: the number of a label, or that of a colour."""
    found = _RANKS.get(name)
    return int(name[1:]) if found is None else found


def called(name: str) -> str:
    """How running text speaks of an object: "N1", or "the red disc"."""
    return f"the {name} disc" if name in _RANKS else name


@lru_cache(maxsize=4096)
def listed(names: tuple[str, ...]) -> str:
    """Objects in running text, in the order given: "N1, N2 and N3"."""
    *others, last = map(called, names)
    return f"{', '.join(others)} and {last}" if others else last
