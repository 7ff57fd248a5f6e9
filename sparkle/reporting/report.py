"""The report: one HTML file that needs nothing else, neither files beside it nor a network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.reporting.charts import draw_bars, draw_curves
from sparkle.reporting.curves import Curve, read_curves
from sparkle.reporting.figures import inline_svg
from sparkle.reporting.gallery import OUTCOMES, Gallery, ScoreFiles, build_gallery
from sparkle.reporting.matrix import Capabilities, Matrix, read_matrix, read_significance
from sparkle.reporting.page import environment, resource
from sparkle.reporting.summary import (
    VERDICTS,
    RunSummary,
    group_means,
    headline,
    interval,
    percent,
    question_counts,
    signed,
    summarise,
    warnings,
)
from sparkle.reporting.tables import column_groups, heat_blocks, metric_tables

_VERDICT_TEXT = {
    "better": "Better than base",
    "unclear": "No clear change",
    "worse": "Worse than base",
}


def write_report(
    *,
    matrix_csv: Path,
    scores: ScoreFiles,
    evaluation_sets: Mapping[str, Path],
    training_csvs: Mapping[str, Path],
    config_yaml: str,
    path: Path,
    title: str,
    samples_per_set: int = 6,
    capabilities: Capabilities | None = None,
    comparisons_csv: Path | None = None,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Write the report to ``path``.

    Args:
        scores: Score tables by (model, train set, seed) and evaluation set; may be partial.
        evaluation_sets: Evaluation datasets by name; a set without one has no gallery.
        training_csvs: Training logs by label ``model/train_set/seed``; may be empty.
        config_yaml: The resolved configuration, shown as it is.
        samples_per_set: Questions shown per evaluation set, 0 for none.
        capabilities: Tasks that each train set trains, for the marks; read off its name if absent.
        comparisons_csv: Rows against their baselines; without it the matrix has no stars.
        notes: What must be known of an evaluation set, such as corrected labels.

    Raises:
        SparkleError: A table is missing, empty or malformed.
    """
    if samples_per_set < 0:
        raise SparkleError(f"samples_per_set is {samples_per_set}.", "Give 0 or more.")
    matrix = read_matrix(matrix_csv, capabilities)
    if comparisons_csv is not None:
        matrix = replace(matrix, significance=read_significance(comparisons_csv))
    script = resource("script.js.j2")
    text = _environment().from_string(resource("template.html.j2")).render(
        title=title,
        style=Markup(resource("style.css.j2")),  # style and script are our own files, not input
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        matrix=matrix,
        counts=question_counts(matrix, matrix.evaluation_sets),
        warnings=warnings(matrix),
        headline=headline,
        group_means=group_means,
        summaries=_summaries(matrix),
        verdicts=VERDICTS,
        verdict_text=_VERDICT_TEXT,
        column_groups=column_groups(matrix),
        heat_blocks=heat_blocks(matrix),
        metric_tables=metric_tables(matrix),
        bars=_bars(matrix),
        curves=_curves(matrix, read_curves(training_csvs)),
        galleries=_galleries(matrix, evaluation_sets, scores, samples_per_set),
        outcomes=OUTCOMES,
        notes=notes or {},
        config_yaml=config_yaml,
    )  # fmt: skip
    write_text(path, text + "\n")


def _environment() -> Environment:
    shared = environment()
    shared.filters["percent"] = percent
    shared.filters["signed"] = signed
    shared.filters["interval"] = interval
    return shared


def _summaries(matrix: Matrix) -> list[tuple[str, list[RunSummary]]]:
    return [(model, summarise(matrix, model)) for model in matrix.models()]


def _bars(matrix: Matrix) -> list[Markup]:
    """One small figure per evaluation set, so that they wrap on a narrow screen."""
    return [
        inline_svg(
            draw_bars(matrix, [name]), f"b{i}",
            f"Accuracy on {name} before and after training; the numbers are in the matrix.",
        )
        for i, name in enumerate(matrix.evaluation_sets)
    ]  # fmt: skip


def _curves(matrix: Matrix, curves: list[Curve]) -> list[Markup]:
    models = dict.fromkeys(curve.model for curve in curves)
    return [
        inline_svg(
            draw_curves([c for c in curves if c.model == model], matrix.train_sets()), f"c{i}",
            f"Training loss of {model or 'all runs'} by step.",
        )
        for i, model in enumerate(models)
    ]  # fmt: skip


def _galleries(
    matrix: Matrix, evaluation_sets: Mapping[str, Path], scores: ScoreFiles, count: int
) -> list[Gallery]:
    found = (
        build_gallery(matrix, name, evaluation_sets[name], scores, count)
        for name in matrix.evaluation_sets
        if count and name in evaluation_sets
    )
    return [gallery for gallery in found if gallery is not None]
