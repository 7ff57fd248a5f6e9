"""Drawing curves: training loss and reward by step, accuracy by number of training images."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sparkle.reporting.axes import (
    SEED_DASHES,
    SMALL,
    draw_chance,
    in_percent,
    legend,
    panels,
    percent_axis,
    quiet,
)
from sparkle.reporting.curves import Curve
from sparkle.reporting.matrix import Estimate, Matrix, Run, trained_tasks
from sparkle.reporting.palette import GREY, INK, MUTED, SERIES, series_colour

_SIZE_IN_NAME = re.compile(r"[-_]?(?:images)?\d+[kK]?(?=$|[-_])")


@dataclass(frozen=True)
class Line:
    """Runs of one model that differ in the number of training images: one line of a figure."""

    model: str
    name: str
    runs: tuple[tuple[int, Run], ...]


def draw_training(
    curves: Sequence[Curve],
    train_sets: Sequence[str],
    quantity: str,
    columns: int = 3,
    key: bool = True,
) -> Figure:
    """Training loss (or reward) by step: a panel per model, a colour per train set, a dash per
    seed.

    Args:
        key: Whether the figure explains its colours.
    """
    models = list(dict.fromkeys(curve.model for curve in curves))
    names = list(dict.fromkeys([*train_sets, *(curve.train_set for curve in curves)]))
    figure, drawn = panels(models, columns, 3.6, 2.4)
    for axes, model in drawn:
        own = [curve for curve in curves if curve.model == model]
        _draw_curves(axes, own, names)
        if quantity == "loss" and all(min(curve.values) >= 0 for curve in own):
            axes.set_ylim(bottom=0)
        axes.set_xlabel("training step", fontsize=SMALL, color=MUTED)
        axes.set_ylabel(quantity, fontsize=SMALL, color=MUTED)
        quiet(axes, grid="y")
    if key:
        legend(figure, training_key(curves, train_sets))
    return figure


def training_key(curves: Sequence[Curve], train_sets: Sequence[str]) -> dict[str, str]:
    """The colour of each train set that was trained."""
    names = list(dict.fromkeys([*train_sets, *(curve.train_set for curve in curves)]))
    used = [name for name in names if any(curve.train_set == name for curve in curves)]
    return {name: series_colour(name, names) for name in used}


def _draw_curves(axes: Axes, curves: Sequence[Curve], names: Sequence[str]) -> None:
    seeds = sorted({curve.seed for curve in curves})
    for curve in curves:
        colour = series_colour(curve.train_set, names)
        dash = SEED_DASHES[seeds.index(curve.seed) % len(SEED_DASHES)]
        if curve.smooth != curve.values:
            axes.plot(curve.steps, curve.values, color=colour, linewidth=0.7, alpha=0.3)
        axes.plot(curve.steps, curve.smooth, color=colour, linewidth=1.5, linestyle=dash)


def scaling_lines(matrix: Matrix, train_images: Mapping[str, int]) -> list[Line]:
    """The runs that differ only in the number of training images, as far as can be told.

    Train sets belong together when they train the same tasks and their names are the same but for
    a number, such as ``full_100`` and ``full_1000``. Lines of a single point are left out.
    """
    found: dict[tuple[str, tuple[str, ...], str], dict[int, Run]] = {}
    for run in matrix.runs:
        if run.train_set in train_images and not run.is_base:
            tasks = tuple(sorted(trained_tasks(run.train_set, matrix.capabilities)))
            stem = _SIZE_IN_NAME.sub("", run.train_set)
            points = found.setdefault((run.model, tasks, stem), {})
            points.setdefault(train_images[run.train_set], run)
    return [
        Line(model, stem or "+".join(tasks), tuple(sorted(points.items(), key=lambda p: p[0])))
        for (model, tasks, stem), points in found.items()
        if len(points) > 1
    ]


def scaling_key(matrix: Matrix, lines: Sequence[Line]) -> dict[str, str]:
    """The colour of each line, in their order; that of the base where it is drawn."""
    models, names = {line.model for line in lines}, {line.name for line in lines}
    labels = [
        line.name if len(models) == 1 else line.model if len(names) == 1
        else f"{line.model}, {line.name}" for line in lines
    ]  # fmt: skip
    colours = {label: SERIES[i % len(SERIES)] for i, label in enumerate(labels)}
    return {**colours, "base": GREY} if _bases(matrix, lines) else colours


def _bases(matrix: Matrix, lines: Sequence[Line]) -> list[Run]:
    """The base to draw: that of the only model, if it was evaluated."""
    models = {line.model for line in lines}
    return [run for run in matrix.runs if run.is_base and {run.model} == models]


def draw_scaling(
    matrix: Matrix,
    lines: Sequence[Line],
    evaluation_sets: Sequence[str],
    columns: int = 3,
    key: bool = True,
) -> Figure:
    """Accuracy by number of training images, on a logarithmic axis, a panel per evaluation set.

    Args:
        key: Whether the figure explains its colours.
    """
    colours = scaling_key(matrix, lines)
    figure, drawn = panels(evaluation_sets, columns, 3.0, 2.5)
    for axes, name in drawn:
        percent_axis(axes)
        draw_chance(axes, matrix.reference("chance", name))
        for base in _bases(matrix, lines):
            estimate = matrix.get(base, name)
            if estimate is not None:
                axes.axhline(100 * estimate.value, color=GREY, linewidth=1.2)
        for line, colour in zip(lines, colours.values(), strict=False):
            points = [(x, e) for x, run in line.runs if (e := matrix.get(run, name)) is not None]
            _draw_band(axes, points, colour)
        axes.set_xscale("log")
        sizes = sorted({x for line in lines for x, _ in line.runs})
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("training images", fontsize=SMALL, color=MUTED)
    if key:
        legend(figure, colours)
    return figure


def _draw_band(axes: Axes, points: Sequence[tuple[float, Estimate]], colour: str) -> None:
    """A line through values, with their intervals."""
    if not points:
        return
    places = [x for x, _ in points]
    values, lows, highs = zip(*(in_percent(estimate) for _, estimate in points), strict=True)
    axes.fill_between(places, lows, highs, color=colour, alpha=0.16, linewidth=0)
    axes.plot(places, values, color=colour, linewidth=1.7, marker="o", markersize=3.5,
              markeredgecolor=INK, markeredgewidth=0.3)  # fmt: skip
