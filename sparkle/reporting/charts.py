"""Drawing: the heat map, before/after bars and training curves as matplotlib figures."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle

from sparkle.reporting.curves import Curve
from sparkle.reporting.matrix import Estimate, Matrix, Run, bounds
from sparkle.reporting.palette import GREY, HEAT, INK, LINE, MUTED, SURFACE, series_colour

_HEAT = LinearSegmentedColormap.from_list("heat", [SURFACE, HEAT])
_SMALL, _NORMAL = 7.5, 9.0
_SEED_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1, 1, 1)))
_HEADING = 13
"""Characters that fit over a column of the heat map."""
_BAR_LIMIT = 119.0
"""Right end of the bars' axis in per cent; beyond 100 there is room for the figures."""

Line = tuple[str, Run | None]
"""One line of a figure with runs: its text and its run, or None for a model's heading."""


def run_lines(matrix: Matrix, references: bool) -> list[Line]:
    """Lines of a figure from top to bottom; each model's runs under its name."""
    lines: list[Line] = []
    for model in matrix.models():
        lines.append((model, None))
        lines += [(run.label, run) for run in matrix.runs_of(model)]
    if references and matrix.references:
        lines.append(("references", None))
        lines += [(run.label, run) for run in matrix.references]
    return lines


def _longest(lines: Sequence[Line]) -> int:
    """Characters of the longest label on the left."""
    return max(len(text) for text, run in lines if run is not None)


def draw_heat_map(matrix: Matrix) -> Figure:
    """Accuracy of every run on every evaluation set, in per cent with its interval."""
    lines = run_lines(matrix, references=True)
    sets = matrix.evaluation_sets
    longest = _longest(lines)
    figure = Figure(
        figsize=(0.9 + 0.075 * longest + 1.05 * len(sets), 1.5 + 0.38 * len(lines)),
        layout="constrained",
    )
    axes = figure.subplots()
    axes.set(xlim=(0, len(sets)), ylim=(len(lines), 0))
    axes.xaxis.tick_top()
    axes.set_xticks([i + 0.5 for i in range(len(sets))], [_wrapped(name) for name in sets])
    _label_lines(axes, lines)
    for row, (_, run) in enumerate(lines):
        for column, name in enumerate(sets):
            if run is not None:
                _draw_cell(axes, column, row, matrix.get(run, name), matrix.trains(run, name))
    _leave_out_of_layout(axes)
    axes.tick_params(length=0, labelsize=_NORMAL, colors=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(
        "Accuracy in % with 95 % interval. Corner mark: trained on this capability.",
        fontsize=_SMALL, color=MUTED, loc="left", labelpad=8,
    )  # fmt: skip
    return figure


def _draw_cell(axes: Axes, column: int, row: int, estimate: Estimate | None, trained: bool) -> None:
    fill = LINE if estimate is None else _HEAT(estimate.value)
    axes.add_patch(
        Rectangle((column + 0.015, row + 0.025), 0.97, 0.95, facecolor=fill, edgecolor=LINE,
                  linewidth=0.6, alpha=0.4 if estimate is None else 1.0)
    )  # fmt: skip
    if estimate is None:
        axes.text(column + 0.5, row + 0.5, "–", ha="center", va="center", color=MUTED)
        return
    low, high = bounds(estimate)
    centre = column + 0.5
    axes.text(centre, row + 0.36, f"{100 * estimate.value:.1f}", fontsize=_NORMAL, color=INK,
              ha="center", va="center")  # fmt: skip
    axes.text(centre, row + 0.73, f"{100 * low:.0f}–{100 * high:.0f}", fontsize=6.5, color=INK,
              ha="center", va="center")  # fmt: skip
    if trained:
        right, top = column + 0.965, row + 0.08
        corner = [(right - 0.07, top), (right, top), (right, top + 0.19)]
        axes.add_patch(Polygon(corner, facecolor=INK, linewidth=0))


def _label_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Name the runs on the left; models, whose names may be long, over their runs."""
    runs = [(i + 0.5, text) for i, (text, run) in enumerate(lines) if run is not None]
    axes.set_yticks([place for place, _ in runs], [text for _, text in runs])
    for i, (text, run) in enumerate(lines):
        if run is None:
            axes.text(0.0, i + 0.62, text, fontsize=_SMALL + 0.5, color=INK, fontweight="bold",
                      va="center", transform=axes.get_yaxis_transform())  # fmt: skip


def _wrapped(name: str) -> str:
    """A column heading broken at separators, so that neighbours do not touch."""
    lines = [""]
    for word in re.split(r"(?<=[_-])", name):
        if lines[-1] and len(lines[-1] + word) > _HEADING:
            lines.append("")
        lines[-1] += word
    return "\n".join(lines)


def draw_bars(matrix: Matrix, evaluation_sets: Sequence[str], columns: int = 4) -> Figure:
    """Accuracy of base and tuned models, a panel per evaluation set, chance as a dashed line."""
    lines = run_lines(matrix, references=False)
    if len(matrix.models()) == 1:
        lines = lines[1:]
    rows, columns = _panels(len(evaluation_sets), columns)
    longest = _longest(lines)
    figure = Figure(
        figsize=(0.3 + 0.07 * longest + 2.5 * columns, rows * (0.75 + 0.2 * len(lines))),
        layout="constrained",
    )
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes in panels[::columns]:
        _label_lines(axes, lines)
    for axes, name in zip(panels, evaluation_sets, strict=False):
        axes.set_title(name, fontsize=_NORMAL, color=INK, loc="left", fontweight="bold")
        _draw_chance(axes, matrix.reference("chance", name), lines)
        _draw_runs(axes, matrix, lines, name)
        axes.set(xlim=(0, _BAR_LIMIT), ylim=(len(lines), 0))
        axes.set_xticks([0, 25, 50, 75, 100])
        _leave_out_of_layout(axes)
        _quiet(axes, grid="x")
    for axes in panels[len(evaluation_sets) :]:
        axes.set_visible(False)
    return figure


def _panels(count: int, most: int) -> tuple[int, int]:
    """Rows and columns for ``count`` panels, at most ``most`` abreast, the rows evenly filled."""
    rows = math.ceil(count / most)
    return rows, math.ceil(count / rows)


def _draw_chance(axes: Axes, chance: Estimate | None, lines: Sequence[Line]) -> None:
    """Chance behind the runs, with gaps for the models' names."""
    if chance is None:
        return
    value, low, high = (100 * share for share in (chance.value, *bounds(chance)))
    heads = [i for i, (_, run) in enumerate(lines) if run is None]
    tops = [head + 1 for head in heads] or [0]
    for top, bottom in zip(tops, [*heads[1:], len(lines)], strict=True):
        axes.fill_betweenx([top, bottom], low, high, color=GREY, alpha=0.22, linewidth=0)
        axes.plot([value, value], [top, bottom], color=MUTED, linewidth=1, linestyle=(0, (4, 2)))


def _draw_runs(axes: Axes, matrix: Matrix, lines: Sequence[Line], evaluation_set: str) -> None:
    """One bar per run, its interval, and its value as text behind the interval."""
    bars = []
    for row, (_, run) in enumerate(lines):
        estimate = None if run is None else matrix.get(run, evaluation_set)
        if run is not None and estimate is not None:
            value, low, high = (100 * share for share in (estimate.value, *bounds(estimate)))
            colour = series_colour(run.train_set, matrix.train_sets())
            bars.append((row + 0.5, value, value - low, high - value, colour))
            mark = " •" if matrix.trains(run, evaluation_set) else ""
            axes.text(high + 2, row + 0.5, f"{value:.0f}{mark}", fontsize=_SMALL, color=INK,
                      va="center")  # fmt: skip
        elif run is not None:
            axes.text(1.5, row + 0.5, "not measured", fontsize=_SMALL, color=MUTED, va="center")
    if bars:
        places, values, below, above, colours = zip(*bars, strict=True)
        axes.barh(places, values, height=0.66, color=colours)
        axes.errorbar(values, places, xerr=[below, above], color=INK, fmt="none", elinewidth=1,
                      capsize=2, capthick=1)  # fmt: skip


def _leave_out_of_layout(axes: Axes) -> None:
    """What lies inside the frame cannot push it; measuring it all would take most of the time."""
    for artist in (*axes.texts, *axes.patches, *axes.lines, *axes.collections):
        artist.set_in_layout(False)


def draw_curves(curves: Sequence[Curve], train_sets: Sequence[str], columns: int = 3) -> Figure:
    """Training loss by step: a panel per model, a colour per train set, a dash per seed."""
    models = list(dict.fromkeys(curve.model for curve in curves))
    names = list(dict.fromkeys([*train_sets, *(curve.train_set for curve in curves)]))
    rows, columns = _panels(len(models), columns)
    figure = Figure(figsize=(0.3 + 3.4 * columns, 0.5 + 2.2 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, model in zip(panels, models, strict=False):
        _draw_losses(axes, [curve for curve in curves if curve.model == model], names)
        axes.set_title(model, fontsize=_NORMAL, color=INK, loc="left", fontweight="bold")
        axes.set_xlabel("training step", fontsize=_SMALL, color=MUTED)
        axes.set_ylabel("loss", fontsize=_SMALL, color=MUTED)
        _quiet(axes, grid="y")
    for axes in panels[len(models) :]:
        axes.set_visible(False)
    used = [name for name in names if any(curve.train_set == name for curve in curves)]
    handles = [Line2D([], [], color=series_colour(name, names), linewidth=2) for name in used]
    figure.legend(handles, used, loc="outside lower center", ncols=min(4, len(used)),
                  frameon=False, fontsize=_SMALL, labelcolor=INK)  # fmt: skip
    return figure


def _draw_losses(axes: Axes, curves: Sequence[Curve], names: Sequence[str]) -> None:
    seeds = sorted({curve.seed for curve in curves})
    for curve in curves:
        colour = series_colour(curve.train_set, names)
        dash = _SEED_DASHES[seeds.index(curve.seed) % len(_SEED_DASHES)]
        if curve.smooth != curve.losses:
            axes.plot(curve.steps, curve.losses, color=colour, linewidth=0.7, alpha=0.3)
        axes.plot(curve.steps, curve.smooth, color=colour, linewidth=1.5, linestyle=dash)
    axes.set_ylim(bottom=0)


def _quiet(axes: Axes, grid: str) -> None:
    """Faint grid on one axis, no frame, small muted numbers."""
    axes.set_axisbelow(True)
    (axes.xaxis if grid == "x" else axes.yaxis).grid(True, color=LINE, linewidth=0.8)
    axes.tick_params(length=0, labelsize=_SMALL, colors=MUTED)
    axes.tick_params(axis="y", labelcolor=INK if grid == "x" else MUTED)
    for spine in axes.spines.values():
        spine.set_visible(False)
