"""The report: one HTML file that needs nothing else, neither files beside it nor a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.reporting.breakdown import ScoreFiles
from sparkle.reporting.breakdown_charts import (
    ROSE_PARTS,
    draw_cells,
    draw_difficulty,
    draw_roses,
)
from sparkle.reporting.charts import draw_slopes
from sparkle.reporting.costs import Costs, duration
from sparkle.reporting.curve_charts import draw_scaling, draw_training, scaling_lines
from sparkle.reporting.curves import Curve
from sparkle.reporting.figures import inline_svg
from sparkle.reporting.gallery import build_gallery
from sparkle.reporting.material import Material
from sparkle.reporting.matrix import Matrix
from sparkle.reporting.origins import origins
from sparkle.reporting.page import embedded_json, environment, resource
from sparkle.reporting.palette import PAGE_VARIABLES
from sparkle.reporting.story import (
    asked_in,
    chance_text,
    range_text,
    tiles,
    what_came_out,
    what_was_done,
)
from sparkle.reporting.summary import (
    VERDICTS,
    group_means,
    headline,
    interval,
    percent,
    signed,
    summarise,
    warnings,
)
from sparkle.reporting.tables import cell_title, column_groups, heat_blocks, metric_tables

ANSWERS = 20_000
"""Answers that the browser of answers holds at most."""
_VERDICT_TEXT = {
    "better": "Better than base",
    "unclear": "No clear change",
    "worse": "Worse than base",
}


def write_report(
    *,
    material: Material,
    scores: ScoreFiles,
    evaluation_sets: Mapping[str, Path],
    config_yaml: str,
    path: Path,
    title: str,
    answers: int = ANSWERS,
    notes: Mapping[str, Sequence[str]] | None = None,
    results: Path | None = None,
    costs: Costs | None = None,
) -> None:
    """Write the report to ``path``.

    Args:
        material: The numbers, see :func:`sparkle.reporting.material.read_material`.
        scores: Score tables by (model, train set, seed) and evaluation set; may be partial.
        evaluation_sets: Evaluation datasets by name; a set without one has no browser.
        config_yaml: The resolved configuration, shown as it is.
        answers: Answers that can be looked at in the page, of all runs together; 0 for none.
        notes: What must be known of an evaluation set, such as corrected labels.
        results: The results folder, for the records of where models come from.
        costs: Times and GPU hours of the steps.

    Raises:
        SparkleError: A table is missing, empty or malformed, or a picture cannot be read.
    """
    if answers < 0:
        raise SparkleError(f"The number of answers shown is {answers}.", "Give 0 or more.")
    matrix = material.matrix
    script = "\n".join(resource(name) for name in ("script.js.j2", "gallery.js.j2"))
    lines = scaling_lines(matrix, material.train_images)
    text = _environment().get_template("report.html.j2").render(
        title=title,
        # Style and script are our own files, not input.
        style=Markup(resource("style.css.j2") + resource("report.css.j2")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        matrix=matrix,
        what_was_done=what_was_done(matrix, material.train_images),
        what_came_out=what_came_out(matrix),
        tiles=tiles(matrix),
        asked=asked_in(matrix),
        warnings=warnings(matrix),
        summaries=[(model, summarise(matrix, model)) for model in matrix.models()],
        verdicts=VERDICTS,
        verdict_text=_VERDICT_TEXT,
        column_groups=column_groups(matrix),
        heat_blocks=heat_blocks(matrix),
        metric_tables=metric_tables(matrix),
        slopes=_slopes(matrix),
        scaling=_scaling(matrix, lines),
        difficulties=_difficulties(material),
        classes=_classes(material),
        rose_parts={part: PAGE_VARIABLES[colour] for part, colour in ROSE_PARTS.items()},
        losses=_curves(matrix, material.losses, "loss"),
        rewards=_curves(matrix, material.rewards, "reward"),
        gallery=build_gallery(matrix, evaluation_sets, scores, answers),
        origins=embedded_json(origins(matrix, scores, evaluation_sets, results)),
        costs=costs,
        notes=notes or {},
        config_yaml=config_yaml,
    )  # fmt: skip
    write_text(path, text + "\n")


def _environment() -> Environment:
    shared = environment()
    for function in (
        percent, signed, interval, headline, group_means, chance_text, range_text, cell_title,
        duration,
    ):  # fmt: skip
        shared.filters[function.__name__] = function
    return shared


def _slopes(matrix: Matrix) -> list[tuple[str, list[Markup]]]:
    """By model, one small figure per evaluation set, so that they wrap on a narrow screen."""
    return [
        (model, [
            inline_svg(
                draw_slopes(matrix, [model], [name]), f"b{i}-{j}",
                f"Accuracy of {model} on {name} before and after training; the numbers are in the"
                " matrix.",
            )
            for j, name in enumerate(matrix.evaluation_sets)
        ])
        for i, model in enumerate(matrix.models())
    ]  # fmt: skip


def _scaling(matrix: Matrix, lines: Sequence[Any]) -> list[Markup]:
    return [
        inline_svg(
            draw_scaling(matrix, lines, [name]), f"n{i}",
            f"Accuracy on {name} by number of training images.",
        )
        for i, name in enumerate(matrix.evaluation_sets)
        if lines
    ]  # fmt: skip


def _difficulties(material: Material) -> list[Markup]:
    matrix, breakdown = material.matrix, material.breakdown
    return [
        inline_svg(
            draw_difficulty(matrix, breakdown, name), f"d{i}",
            f"Accuracy on {name} by difficulty of the question.",
        )
        for i, name in enumerate(matrix.evaluation_sets)
        if breakdown.of(name, "difficulty")
    ]  # fmt: skip


def _classes(material: Material) -> list[tuple[str, bool, list[Markup]]]:
    """(evaluation set, whether they are roses, one figure per run so that they wrap)."""
    matrix, confusions = material.matrix, material.breakdown.confusions
    several, found = len(matrix.models()) > 1, []
    for i, name in enumerate(matrix.evaluation_sets):
        rose = matrix.tasks[name] == "direction"
        draw = draw_roses if rose else draw_cells
        figures = [
            inline_svg(
                draw({run: confusions[run, name]}, several), f"e{i}-{j}",
                f"Answers of {run.model}, {run.label}, on {name} by the right answer.",
            )
            for j, run in enumerate(matrix.runs)
            if (run, name) in confusions
        ]  # fmt: skip
        if figures:
            found.append((name, rose, figures))
    return found


def _curves(matrix: Matrix, curves: Sequence[Curve], quantity: str) -> list[Markup]:
    models = dict.fromkeys(curve.model for curve in curves)
    return [
        inline_svg(
            draw_training([c for c in curves if c.model == model], matrix.train_sets(), quantity),
            f"{quantity[0]}{i}", f"Training {quantity} of {model or 'all runs'} by step.",
        )
        for i, model in enumerate(models)
    ]  # fmt: skip
