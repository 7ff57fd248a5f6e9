"""Drawing the breakdown: accuracy by difficulty, the rose of directions, the map of cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from sparkle.reporting.axes import (
    NORMAL,
    SMALL,
    colours_of,
    draw_chance,
    in_percent,
    legend,
    panels,
    percent_axis,
)
from sparkle.reporting.breakdown import DIFFICULTIES, UNREAD, Breakdown
from sparkle.reporting.matrix import Estimate, Matrix, Run
from sparkle.reporting.palette import GREY, HEAT, INK, LINE, MUTED, SERIES, SURFACE, series_colour
from sparkle.scenes.geometry import CELLS, DIRECTIONS

Confusion = Mapping[str, Mapping[str, float]]
"""Shares of the answers given to the questions of a class: [class][answer]."""
ROSE_PARTS = {
    "right": SERIES[0],
    "next sector": SERIES[4],
    "further off": SERIES[6],
    UNREAD: GREY,
}
"""Colours of the parts of a rose, from its centre outwards."""


def draw_difficulty(
    matrix: Matrix, breakdown: Breakdown, name: str, models: Sequence[str], key: bool = True
) -> Figure:
    """Accuracy of all runs by difficulty on one evaluation set, the median of each bin on x.

    Each of the models has a panel; ``key``: whether the figure explains its colours.
    """
    several = len(models) > 1
    titles = {f"{name}, {model}" if several else name: model for model in models}
    figure, drawn = panels(list(titles), 3, 3.4, 2.6)
    shown: list[Run] = []
    for axes, title in drawn:
        percent_axis(axes)
        draw_chance(axes, matrix.reference("chance", name))
        runs = [
            run for run in matrix.runs_of(titles[title]) if breakdown.of(name, "difficulty", run)
        ]
        shown += runs
        for i, run in enumerate(runs):
            points = [
                (part.middle, part.estimate)
                for part in breakdown.of(name, "difficulty", run)
                if part.middle is not None
            ]
            colour = series_colour(run.train_set, matrix.train_sets())
            _draw_points(axes, points, colour, i / max(1, len(runs) - 1) - 0.5)
        what = DIFFICULTIES.get(breakdown.numbers.get(name, matrix.tasks[name]), "difficulty")
        axes.set_xlabel(what, fontsize=SMALL, color=MUTED)
        axes.set_ylabel("accuracy in %", fontsize=SMALL, color=MUTED)
    if key:
        legend(figure, colours_of(shown, matrix.train_sets()))
    return figure


def _draw_points(
    axes: Axes, points: Sequence[tuple[float, Estimate]], colour: str, side: float
) -> None:
    """Values with intervals, moved a little to one side so that runs do not hide each other."""
    places = [x for x, _ in points]
    step = 0.02 * (max(places) - min(places)) * side
    values, lows, highs = zip(*(in_percent(estimate) for _, estimate in points), strict=True)
    below = [value - low for value, low in zip(values, lows, strict=True)]
    above = [high - value for value, high in zip(values, highs, strict=True)]
    axes.errorbar([x + step for x in places], values, yerr=[below, above], color=colour,
                  marker="o", markersize=3, linewidth=1.4, elinewidth=0.8)  # fmt: skip


def draw_roses(confusions: Mapping[str, Confusion], key: bool = True) -> Figure:
    """What questions of each direction were answered with: a rose for each title.

    A petal points where the right answer does; its parts, from the centre, are the shares of right
    answers, of the neighbouring sector, of other directions, and of those that could not be read.

    Args:
        key: Whether the figure explains its colours.
    """
    figure, drawn = panels(list(confusions), 5, 2.0, 2.15, projection="polar")
    for axes, title in drawn:
        _draw_rose(axes, confusions[title])
    if key:
        handles = [Patch(facecolor=colour) for colour in ROSE_PARTS.values()]
        columns = 2 if len(confusions) == 1 else 4
        figure.legend(handles, list(ROSE_PARTS), loc="outside lower center", ncols=columns,
                      frameon=False, fontsize=SMALL, labelcolor=INK)  # fmt: skip
    return figure


def _draw_rose(axes: Axes, confusion: Confusion) -> None:
    present = [name for name in DIRECTIONS if name in confusion]
    width = math.radians(40 if len(present) > 4 else 80)
    for name in present:
        angle = math.radians(45 * DIRECTIONS.index(name))
        bottom = 0.0
        for part, share in rose_parts(name, confusion[name]).items():
            axes.bar(angle, share, width, bottom=bottom, color=ROSE_PARTS[part], edgecolor=SURFACE,
                     linewidth=0.6)  # fmt: skip
            bottom += share
    axes.set_axisbelow(True)
    axes.set_ylim(0, 1)
    axes.set_yticks([0.5, 1], [])
    arrows = ("→", "↗", "↑", "↖", "←", "↙", "↓", "↘")
    axes.set_xticks([math.radians(45 * i) for i in range(8)], arrows)
    axes.tick_params(labelsize=NORMAL, colors=MUTED, pad=-3)
    axes.grid(color=LINE, linewidth=0.6)
    axes.spines["polar"].set_color(LINE)


def rose_parts(target: str, answers: Mapping[str, float]) -> dict[str, float]:
    """The shares of the answers to questions of one direction, by how far off they are."""
    parts = dict.fromkeys(ROSE_PARTS, 0.0)
    for answer, share in answers.items():
        if answer not in DIRECTIONS:
            parts[UNREAD] += share
            continue
        steps = abs(DIRECTIONS.index(answer) - DIRECTIONS.index(target))
        off = min(steps, len(DIRECTIONS) - steps)
        parts["right" if off == 0 else "next sector" if off == 1 else "further off"] += share
    return parts


def draw_cells(confusions: Mapping[str, Confusion]) -> Figure:
    """Share right in per cent by the cell that was the right answer: a 3 x 3 map for each title."""
    figure, drawn = panels(list(confusions), 5, 2.0, 2.05)
    for axes, title in drawn:
        confusion = confusions[title]
        for i, cell in enumerate(CELLS):
            row, column = divmod(i, 3)
            share = confusion[cell].get(cell, 0.0) if cell in confusion else None
            # A transparent colour, not a mixed one: it suits a dark page too.
            corner = (column + 0.02, row + 0.02)
            axes.add_patch(
                Rectangle(corner, 0.96, 0.96, facecolor=HEAT, alpha=share or 0.0, linewidth=0)
            )
            axes.add_patch(Rectangle(corner, 0.96, 0.96, fill=False, edgecolor=LINE, linewidth=0.6))
            axes.text(column + 0.5, row + 0.5, "–" if share is None else f"{100 * share:.0f}",
                      ha="center", va="center", fontsize=NORMAL, color=INK)  # fmt: skip
        axes.set(xlim=(0, 3), ylim=(0, 3), aspect="equal")
        axes.set_axis_off()
    return figure
