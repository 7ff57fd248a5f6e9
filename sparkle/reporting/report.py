"""The report: one HTML file that needs nothing else, neither files beside it nor a network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.reporting.breakdown import ScoreFiles
from sparkle.reporting.costs import Costs, duration
from sparkle.reporting.gallery import build_gallery
from sparkle.reporting.material import Material
from sparkle.reporting.origins import origins
from sparkle.reporting.page import embedded_json, environment, resource
from sparkle.reporting.page_figures import page_figures
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
        summaries=[(m, found) for m in matrix.models() if (found := summarise(matrix, m))],
        verdicts=VERDICTS,
        verdict_text=_VERDICT_TEXT,
        column_groups=column_groups(matrix),
        heat_blocks=heat_blocks(matrix),
        metric_tables=metric_tables(matrix),
        **page_figures(material),
        gallery=build_gallery(matrix, evaluation_sets, scores, answers),
        origins=embedded_json(origins(matrix, scores, evaluation_sets, results)),
        costs=costs,
        notes=notes or {},
        config_yaml=config_yaml,
    )  # fmt: skip
    write_text(path, text + "\n")


def parts(name: str) -> list[str]:
    """A name in parts between which a line may be broken."""
    return re.split(r"(?<=[_-])", name)


def _environment() -> Environment:
    shared = environment()
    for function in (
        percent, signed, interval, headline, group_means, chance_text, range_text, cell_title,
        duration, parts,
    ):  # fmt: skip
        shared.filters[function.__name__] = function
    return shared
