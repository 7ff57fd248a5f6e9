"""Colours of figures and page. Distinct for colour-blind readers; each has a page variable."""

from __future__ import annotations

from collections.abc import Sequence

from sparkle.reporting.matrix import BASE

INK = "#1d2730"
MUTED = "#5d6b78"
LINE = "#dfe4e8"
GREY = "#a3adb6"
SURFACE = "#ffffff"
HEAT = "#68a8d2"
"""Colour of 100 % in the heat map; 0 % is white. Dark text stays legible on all of it."""
SERIES = (
    "#2f7fb5", "#d9822b", "#2a9d76", "#b0568f", "#c2a52b", "#6b6fc4", "#c4574f", "#4aa6b8",
    "#174a6e", "#8a4a0c", "#0f5c43", "#6e2b57", "#7d6708", "#3c3f8f", "#7f2a24", "#1f6472",
)  # fmt: skip
"""One colour per train set, the second row darker than the first; beyond that they repeat."""

PAGE_VARIABLES = {
    INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", GREY: "var(--grey)",
    SURFACE: "var(--surface)", HEAT: "rgb(var(--heat))",
    **{colour: f"var(--s{i})" for i, colour in enumerate(SERIES)},
}  # fmt: skip
"""What each colour becomes inside the page, so that figures follow the reader's colour scheme."""


def series_colour(name: str, names: Sequence[str]) -> str:
    """The colour of train set ``name`` among ``names``; the base is grey."""
    if name == BASE or name not in names:
        return GREY
    return SERIES[list(names).index(name) % len(SERIES)]
