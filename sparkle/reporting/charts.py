"""Drawing the matrix: the heat map, and slopes from before to after training."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from sparkle.reporting.axes import (
    NORMAL,
    SMALL,
    draw_chance,
    in_percent,
    leave_out_of_layout,
    panels,
    percent_axis,
    spread,
    wrapped,
)
from sparkle.reporting.matrix import BASE, Estimate, Matrix, Run, bounds
from sparkle.reporting.palette import HEAT, INK, LINE, MUTED, SURFACE, series_colour

_HEAT = LinearSegmentedColormap.from_list("heat", [SURFACE, HEAT])
_HEADING = 13
"""Characters that fit over a column of the heat map."""
_LEAST_COLUMNS, _CAPTION = 3, 17
"""Columns whose room the heat map takes at least, and characters of its caption for each."""
_LABEL_GAP = 8.5
"""Least distance of two labels beside a slope, in points of accuracy, for the usual height."""
_SLOPE_HEIGHT = 2.0

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


def draw_heat_map(matrix: Matrix) -> Figure:
    """Accuracy of every run on every evaluation set, in per cent with its interval."""
    lines = run_lines(matrix, references=True)
    sets = matrix.evaluation_sets
    longest = max(len(text) for text, run in lines if run is not None)
    columns = max(len(sets), _LEAST_COLUMNS)
    stars = " *\u00a0differs from the base, p < 0.05 (Holm)." if matrix.significance else ""
    caption = textwrap.fill(
        f"Accuracy in % with 95 % interval. Corner mark: trained on this capability.{stars}",
        _CAPTION * columns,
    )
    height = 1.5 + 0.38 * len(lines) + 0.13 * caption.count("\n")
    figure = Figure(figsize=(0.9 + 0.075 * longest + 1.05 * columns, height), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, columns), ylim=(len(lines), 0))
    axes.xaxis.tick_top()
    axes.set_xticks([i + 0.5 for i in range(len(sets))], [wrapped(name, _HEADING) for name in sets])
    _label_lines(axes, lines)
    for row, (_, run) in enumerate(lines):
        for column, name in enumerate(sets):
            if run is not None:
                _draw_cell(axes, column, row, matrix, run, name)
    leave_out_of_layout(axes)
    axes.tick_params(length=0, labelsize=NORMAL, colors=INK)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(caption, fontsize=SMALL, color=MUTED, loc="left", labelpad=8)
    axes.xaxis.label.set_horizontalalignment("left")
    return figure


def _draw_cell(axes: Axes, column: int, row: int, matrix: Matrix, run: Run, name: str) -> None:
    estimate = matrix.get(run, name)
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
    star = "*" if matrix.is_significant(run, name) else ""
    axes.text(centre, row + 0.36, f"{100 * estimate.value:.1f}{star}", fontsize=NORMAL, color=INK,
              ha="center", va="center")  # fmt: skip
    axes.text(centre, row + 0.73, f"{100 * low:.0f}–{100 * high:.0f}", fontsize=6.5, color=INK,
              ha="center", va="center")  # fmt: skip
    if matrix.trains(run, name):
        right, top = column + 0.965, row + 0.08
        corner = [(right - 0.07, top), (right, top), (right, top + 0.19)]
        axes.add_patch(Polygon(corner, facecolor=INK, linewidth=0))


def _label_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Name the runs on the left; models, whose names may be long, over their runs."""
    runs = [(i + 0.5, text) for i, (text, run) in enumerate(lines) if run is not None]
    axes.set_yticks([place for place, _ in runs], [text for _, text in runs])
    for i, (text, run) in enumerate(lines):
        if run is None:
            axes.text(0.0, i + 0.62, text, fontsize=SMALL + 0.5, color=INK, fontweight="bold",
                      va="center", transform=axes.get_yaxis_transform())  # fmt: skip


def changed_models(matrix: Matrix) -> tuple[str, ...]:
    """The models that were evaluated both before and after training."""
    return tuple(
        model
        for model in matrix.models()
        if {run.is_base for run in matrix.runs_of(model)} == {True, False}
    )


def draw_slopes(
    matrix: Matrix, models: Sequence[str], evaluation_sets: Sequence[str], columns: int = 3
) -> Figure:
    """Accuracy before and after training: a panel per model and evaluation set, a line per run.

    Both ends have their 95 % interval; chance is dashed in a band of its own.
    """
    places = {
        f"{name}, {model}" if len(models) > 1 else name: (model, name)
        for model in models
        for name in evaluation_sets
    }
    runs = [run for model in models for run in matrix.runs_of(model)]
    most = max(len(matrix.runs_of(model)) for model in models)
    longest = max(len(run.label) for run in runs)
    height = max(_SLOPE_HEIGHT, 0.17 * most)
    figure, drawn = panels(list(places), columns, 1.9 + 0.062 * (longest + 6), height + 0.45)
    for axes, title in drawn:
        model, name = places[title]
        percent_axis(axes)
        room = 0.12 + 0.058 * (longest + 6)
        draw_chance(axes, matrix.reference("chance", name), until=1.2 / (1.22 + room))
        _draw_slopes(axes, matrix, model, name, _LABEL_GAP * _SLOPE_HEIGHT / height)
        axes.set_xlim(-0.12, 1.1 + room)
        axes.set_xticks([0, 1], ["before", "after"])
        leave_out_of_layout(axes)
    return figure


def _draw_slopes(axes: Axes, matrix: Matrix, model: str, name: str, gap: float) -> None:
    tuned = [
        (run, estimate)
        for run in matrix.runs_of(model)
        if not run.is_base and (estimate := matrix.get(run, name)) is not None
    ]
    base = matrix.get(Run(model, BASE), name)
    if base is not None:
        _draw_point(axes, 0.0, base, MUTED)
    elif tuned:
        axes.text(-0.08, 50, "not measured", fontsize=SMALL, color=MUTED, va="bottom")
    heights = spread([100 * estimate.value for _, estimate in tuned], gap, 0.0, 101.0)
    for i, ((run, estimate), height) in enumerate(zip(tuned, heights, strict=True)):
        colour = series_colour(run.train_set, matrix.train_sets())
        place = 1.0 + 0.05 * (i / max(1, len(tuned) - 1) - 0.5) * min(4, len(tuned) - 1)
        trained = matrix.trains(run, name)
        if base is not None:
            axes.plot([0, place], [100 * base.value, 100 * estimate.value], color=colour,
                      linewidth=2.2 if trained else 1.1)  # fmt: skip
        _draw_point(axes, place, estimate, colour)
        star = "*" if matrix.is_significant(run, name) else ""
        mark = " •" if trained else ""
        axes.annotate(
            f"{100 * estimate.value:.0f}{star} {run.label}{mark}", (place, 100 * estimate.value),
            (1.2, height), fontsize=SMALL, color=INK, va="center",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 1,
                        "shrinkB": 3, "relpos": (0, 0.5)},
        )  # fmt: skip
    if not tuned:
        axes.text(1.0, 50, "not measured", fontsize=SMALL, color=MUTED, ha="center")


def _draw_point(axes: Axes, place: float, estimate: Estimate, colour: str) -> None:
    value, low, high = in_percent(estimate)
    axes.errorbar([place], [value], yerr=[[value - low], [high - value]], color=colour, fmt="o",
                  markersize=4, elinewidth=1, capsize=2, capthick=1)  # fmt: skip
