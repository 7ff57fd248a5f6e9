"""The distribution report: answers, places and difficulty of every dataset on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from sparkle.datasets.statistics import Statistics
from sparkle.files import write_json, write_text
from sparkle.reporting.breakdown import DIFFICULTIES
from sparkle.reporting.page import environment, resource

_CELL = 10
"""Side of a heat map's cell in SVG units."""


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its count, its share of all, and its width in per cent."""

    label: str
    count: int
    share: float
    width: float


def write_distributions(statistics: Sequence[Statistics], path: Path, title: str) -> None:
    """Write the page to ``path`` and all of its numbers beside it, as JSON."""
    write_json(path.with_suffix(".json"), [each.to_dict() for each in statistics])
    text = (
        environment()
        .from_string(resource("distributions.html.j2"))
        .render(
            title=title,
            style=Markup(resource("style.css.j2")),
            statistics=statistics,
            class_bars=class_bars,
            class_balance=class_balance,
            histogram_bars=histogram_bars,
            heat_map=heat_map,
            unit=unit,
        )
    )
    write_text(path, text + "\n")


def class_bars(counts: dict[str, int]) -> list[Bar]:
    """A bar per right answer; the widest is 100 % wide."""
    total, most = sum(counts.values()), max(counts.values())
    return [Bar(label, count, count / total, 100 * count / most) for label, count in counts.items()]


def class_balance(counts: dict[str, int]) -> str:
    """What share the most frequent answer has, against an even one."""
    top = max(counts, key=lambda label: counts[label])
    share = counts[top] / sum(counts.values())
    return f"{len(counts)} answers; most often “{top}”, {share:.1%} (even: {1 / len(counts):.1%})"


def histogram_bars(histogram: dict[str, list[float]]) -> list[Bar]:
    """A bar per bin, named by its edges; the highest is 100 % high."""
    edges, counts = histogram["edges"], [int(count) for count in histogram["counts"]]
    total, most = sum(counts), max(counts)
    return [
        Bar(f"{low:g} to {high:g}", count, count / total, 100 * count / most)
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]


def unit(kind: str) -> str:
    """What the difficulty of a ``task/kind`` is; empty where nothing is known about it."""
    task, _, name = kind.partition("/")
    return DIFFICULTIES.get(name, DIFFICULTIES.get(task, ""))


def heat_map(places: list[list[int]], label: str) -> Markup:
    """Counts by row and column as an SVG whose cells are darker where there is more."""
    size, most = len(places), max(max(max(row) for row in places), 1)
    cells = [
        f'<rect x="{_CELL * column}" y="{_CELL * row}" width="{_CELL}" height="{_CELL}"'
        f' fill-opacity="{count / most:.3f}"><title>{count}</title></rect>'
        for row, counts in enumerate(places)
        for column, count in enumerate(counts)
    ]
    side = _CELL * size
    opening = Markup('<svg role="img" class="places" aria-label="{}" viewBox="0 0 {} {}">').format(
        label, side, side
    )
    return opening + Markup("".join(cells) + "</svg>")
