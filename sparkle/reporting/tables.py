"""The tables of the report, as plain values for the template."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sparkle.reporting.matrix import ACCURACY, BASE, Estimate, Matrix, Run, bounds
from sparkle.reporting.summary import interval, percent, seeds_text, signed

_METRIC_NAMES = {
    "accuracy": "Accuracy",
    "parse_rate": "Answers that could be read",
    "accuracy_parsed": "Accuracy among those read",
    "valid_rate": "Valid routes",
    "exact_match_rate": "Exact match",
    "mean_optimality_gap": "Mean excess length",
    "mean_absolute_error": "Mean absolute error",
    "optimal_rate": "Optimal routes",
    "within_tolerance_rate": "Within the tolerance",
    "item_accuracy": "Items with all questions right",
    "pair_accuracy": "Pairs of pictures all right",
    "set_accuracy": "Sets of pictures all right",
    "mean_vqa_accuracy": "Agreement with annotators",
}
_IN_PERCENT = re.compile(
    r".*accuracy.*|.*_rate|mean_optimality_gap|(?:relation|category|subject)_.*"
)


@dataclass(frozen=True)
class Cell:
    """One number of a table. ``share`` in 0..1 sets the heat; ``tip`` says it all in words."""

    text: str
    range: str = ""
    share: float | None = None
    trained: bool = False
    tip: str = "not measured"
    run: Run | None = None
    evaluation_set: str = ""


@dataclass(frozen=True)
class Row:
    """One run and its cells, one per column."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Block:
    """The rows of one model, or the references."""

    name: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class MetricTable:
    """All measures on one evaluation set; ``columns`` names them."""

    evaluation_set: str
    columns: tuple[str, ...]
    blocks: tuple[Block, ...]


def column_groups(matrix: Matrix) -> list[tuple[str, int]]:
    """Group headings of the columns with the number of columns each spans."""
    spans: dict[str, int] = {}
    for name in matrix.evaluation_sets:
        spans[matrix.group(name)] = spans.get(matrix.group(name), 0) + 1
    return list(spans.items())


def heat_blocks(matrix: Matrix) -> list[Block]:
    """Accuracy of every run on every evaluation set."""
    return _blocks(
        matrix,
        lambda run: tuple(_heat_cell(matrix, run, name) for name in matrix.evaluation_sets),
    )


def metric_tables(matrix: Matrix) -> list[MetricTable]:
    """The further measures, one table per evaluation set that has any."""
    tables = []
    for name in matrix.evaluation_sets:
        metrics = [
            metric
            for metric in matrix.metrics
            if any(matrix.get(run, name, metric) for run in (*matrix.runs, *matrix.references))
        ]
        if metrics and metrics != [ACCURACY]:
            names = tuple(_METRIC_NAMES.get(m, m.replace("_", " ")) for m in metrics)
            tables.append(MetricTable(name, names, tuple(_metric_blocks(matrix, name, metrics))))
    return tables


def _metric_blocks(matrix: Matrix, name: str, metrics: list[str]) -> list[Block]:
    return _blocks(
        matrix, lambda run: tuple(_metric_cell(matrix.get(run, name, m), m) for m in metrics)
    )


def _blocks(matrix: Matrix, cells: Callable[[Run], tuple[Cell, ...]]) -> list[Block]:
    blocks = [
        Block(model, tuple(Row(run.label, cells(run)) for run in matrix.runs_of(model)))
        for model in matrix.models()
    ]
    if matrix.references:
        rows = tuple(Row(run.label, cells(run)) for run in matrix.references)
        blocks.append(Block("references", rows))
    return blocks


def _heat_cell(matrix: Matrix, run: Run, name: str) -> Cell:
    estimate = matrix.get(run, name)
    if estimate is None:
        return Cell("–", tip=f"{_who(run)} on {name}: not measured", run=run, evaluation_set=name)
    low, high = bounds(estimate)
    trained = matrix.trains(run, name)
    parts = [f"{_who(run)} on {name}: {percent(estimate.value)}"]
    if interval(estimate):
        parts.append(f"95 % interval {interval(estimate)}")
    parts.append(f"n = {estimate.n}")
    parts.append(seeds_text(estimate))
    base = matrix.get(Run(run.model, BASE), name)
    if base is not None and not run.is_base:
        parts.append(f"{signed(100 * (estimate.value - base.value))} points against base")
    parts.append("trained on this capability" if trained else "")
    p_value = matrix.significance.get((run, name))
    if p_value is not None:
        parts.append(f"p = {p_value:.2g} against the baseline after Holm's correction")
    star = "*" if matrix.is_significant(run, name) else ""
    return Cell(
        text=f"{100 * estimate.value:.1f}{star}",
        range=f"{100 * low:.0f}–{100 * high:.0f}" if interval(estimate) else "",
        share=min(max(estimate.value, 0.0), 1.0),
        trained=trained,
        tip="; ".join(part for part in parts if part),
        run=run,
        evaluation_set=name,
    )


def cell_title(cell: Cell) -> str:
    """What a cell is about, such as ``sparkle-tiny, full on tsp``."""
    return f"{_who(cell.run)} on {cell.evaluation_set}" if cell.run else ""


def _who(run: Run) -> str:
    return run.label if run.label == run.model else f"{run.model}, {run.label}"


def _metric_cell(estimate: Estimate | None, metric: str) -> Cell:
    if estimate is None:
        return Cell("–")
    if _IN_PERCENT.fullmatch(metric):
        return Cell(percent(estimate.value), interval(estimate))
    if estimate.low is None or estimate.high is None:
        return Cell(f"{estimate.value:.3g}")
    return Cell(f"{estimate.value:.3g}", f"{estimate.low:.3g} to {estimate.high:.3g}")
