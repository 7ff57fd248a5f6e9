"""What the figures share: their type sizes, quiet axes, panels, and labels that keep apart."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sparkle.reporting.matrix import Estimate, Run, bounds
from sparkle.reporting.palette import GREY, INK, LINE, MUTED, series_colour

SMALL, NORMAL = 7.5, 9.0
_TITLE_CHARACTER, _CHARACTER = 0.085, 0.066
"""Width of a character of a title, and of one in small type, in inches."""
_HANDLE, _LEGEND_LINE = 0.52, 0.17
"""Width of what stands before a name in a legend, and height of its line, in inches."""
SEED_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1, 1, 1)))


def panels(
    names: Sequence[str], columns: int, width: float, height: float, projection: str | None = None
) -> tuple[Figure, Iterator[tuple[Axes, str]]]:
    """A figure with a titled panel per name, at most ``columns`` abreast, in even rows.

    ``width`` and ``height`` are those of a panel in inches.
    """
    rows = math.ceil(len(names) / columns)
    columns = math.ceil(len(names) / rows)
    titles = [wrapped(name, int(width / _TITLE_CHARACTER)) for name in names]
    height += 0.15 * max(title.count("\n") for title in titles)
    figure = Figure(figsize=(width * columns, 0.15 + height * rows), layout="constrained")
    drawn = figure.subplots(
        rows, columns, squeeze=False, subplot_kw={"projection": projection}
    ).ravel()
    for axes in drawn[len(names) :]:
        axes.set_visible(False)
    for axes, title in zip(drawn, titles, strict=False):
        axes.set_title(title, fontsize=NORMAL, color=INK, loc="left", fontweight="bold")
    return figure, zip(drawn, names, strict=False)


def wrapped(text: str, most: int) -> str:
    """Text broken into lines of at most ``most`` characters, where it can be: after commas first,
    then after hyphens, underscores and blanks."""
    if len(text) <= most:
        return text
    if ", " in text:
        return "\n".join(wrapped(part, most) for part in re.split(r"(?<=,) ", text))
    lines = [""]
    for word in re.split(r"(?<=[_\- ])", text):
        if lines[-1] and len((lines[-1] + word).rstrip()) > most:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines)


def quiet(axes: Axes, grid: str) -> None:
    """Faint grid on one axis, no frame, small muted numbers."""
    axes.set_axisbelow(True)
    (axes.xaxis if grid == "x" else axes.yaxis).grid(True, color=LINE, linewidth=0.8)
    axes.tick_params(length=0, labelsize=SMALL, colors=MUTED)
    for spine in axes.spines.values():
        spine.set_visible(False)


def leave_out_of_layout(axes: Axes) -> None:
    """What lies inside the frame cannot push it; measuring it all would take most of the time."""
    for artist in (*axes.texts, *axes.patches, *axes.lines, *axes.collections):
        artist.set_in_layout(False)


def percent_axis(axes: Axes) -> None:
    """Accuracy from 0 to 100 % upwards."""
    axes.set_ylim(-3, 104)
    axes.set_yticks([0, 25, 50, 75, 100])
    quiet(axes, grid="y")


def draw_chance(axes: Axes, chance: Estimate | None, until: float = 1.0) -> None:
    """Random answers as a dashed line in their interval, to a share ``until`` of the width."""
    if chance is None:
        return
    value, low, high = in_percent(chance)
    axes.axhspan(low, high, xmax=until, color=GREY, alpha=0.22, linewidth=0)
    axes.axhline(value, xmax=until, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))


def in_percent(estimate: Estimate) -> tuple[float, float, float]:
    """Value and interval in per cent."""
    low, high = bounds(estimate)
    return 100 * estimate.value, 100 * low, 100 * high


def colours_of(runs: Sequence[Run], train_sets: Sequence[str]) -> dict[str, str]:
    """The colour of each run by its label, once for runs of several models that have the same."""
    return {run.label: series_colour(run.train_set, train_sets) for run in runs}


def legend(figure: Figure, colours: dict[str, str]) -> None:
    """Names with their colours under the figure, in as many columns as its width has room for."""
    width = figure.get_figwidth()
    names = [wrapped(name, int((width - _HANDLE) / _CHARACTER)) for name in colours]
    widest = max(len(line) for name in names for line in name.split("\n"))
    most = max(1, int(width / (_HANDLE + _CHARACTER * widest)))
    rows = math.ceil(len(names) / most)
    columns = math.ceil(len(names) / rows)
    lines = rows * max(1 + name.count("\n") for name in names)
    figure.set_figheight(figure.get_figheight() + _LEGEND_LINE * (lines - 1))
    handles = [Line2D([], [], color=colour, linewidth=2) for colour in colours.values()]
    figure.legend(handles, names, loc="outside lower center", ncols=columns,
                  frameon=False, fontsize=SMALL, labelcolor=INK)  # fmt: skip


def spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels as near to ``values`` as ``gap`` and the range allow, in their order.

    Least squares under the order (pool adjacent violators) after the gaps are taken out.
    """
    order = np.argsort(values, kind="stable")
    wanted = np.asarray(values, dtype=float)[order] - gap * np.arange(len(values))
    blocks: list[tuple[float, int]] = []
    for value in wanted:
        blocks.append((float(value), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, n), (b, m) = blocks[-2:]
            blocks[-2:] = [((a * n + b * m) / (n + m), n + m)]
    most = max(low, high - gap * (len(values) - 1))
    level = np.clip(np.repeat([b for b, _ in blocks], [n for _, n in blocks]), low, most)
    places = np.empty(len(values))
    places[order] = level + gap * np.arange(len(values))
    return [float(place) for place in places]
