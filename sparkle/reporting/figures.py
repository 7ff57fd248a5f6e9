"""Figures as files, and as SVG to stand inside a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from sparkle.files import atomic_path
from sparkle.reporting.breakdown_charts import draw_cells, draw_difficulty, draw_roses
from sparkle.reporting.charts import changed_models, draw_heat_map, draw_slopes
from sparkle.reporting.curve_charts import draw_scaling, draw_training, scaling_lines
from sparkle.reporting.material import Material
from sparkle.reporting.matrix import Matrix, Run
from sparkle.reporting.palette import PAGE_VARIABLES

_PNG_DPI = 160
# No date, no version: equal inputs must give equal bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
_DROPPED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>|<!--.*?-->| xmlns(:\w+)?=\"[^\"]*\"",
    re.DOTALL,
)
_SIZE = re.compile(r'<svg width="([\d.]+)pt" height="[\d.]+pt"')
_TEXT_FONT = re.compile(r"font: (?:(\w+) )?([\d.]+px) [^;\"]*")


def write_figures(material: Material, folder: Path) -> list[Path]:
    """Write the figures into ``folder``, each as SVG and PNG.

    They are ``matrix`` (heat map), and as far as there are numbers for them ``before_after``
    (slopes), ``scaling``, ``training`` (loss), ``reward``, and for each evaluation set
    ``directions_SET`` (roses), ``cells_SET`` and ``difficulty_SET``.

    Returns:
        The files written, in the order above.
    """
    return [
        _write_figure(figure, folder / f"{name}.{kind}", kind)
        for name, figure in _figures(material)
        for kind in ("svg", "png")
    ]


def _figures(material: Material) -> Iterator[tuple[str, Figure]]:
    matrix, breakdown = material.matrix, material.breakdown
    yield "matrix", draw_heat_map(matrix)
    changed = changed_models(matrix)
    if changed:
        yield "before_after", draw_slopes(matrix, changed, matrix.evaluation_sets)
    lines = scaling_lines(matrix, material.train_images)
    if lines:
        yield "scaling", draw_scaling(matrix, lines, matrix.evaluation_sets)
    if material.losses:
        yield "training", draw_training(material.losses, matrix.train_sets(), "loss")
    if material.rewards:
        yield "reward", draw_training(material.rewards, matrix.train_sets(), "reward")
    for name in matrix.evaluation_sets:
        confusions = {
            _title(matrix, run): breakdown.confusions[run, name]
            for run in matrix.runs
            if (run, name) in breakdown.confusions
        }
        if confusions and matrix.tasks[name] == "direction":
            yield f"directions_{name}", draw_roses(confusions)
        elif confusions:
            yield f"cells_{name}", draw_cells(confusions)
        models = breakdown.models_by_difficulty(name)
        if models:
            yield f"difficulty_{name}", draw_difficulty(matrix, breakdown, name, models)


def _title(matrix: Matrix, run: Run) -> str:
    """What to call a run beside all others."""
    if len(matrix.models()) == 1:
        return run.label
    return run.model if matrix.is_untrained(run.model) else f"{run.label}, {run.model}"


def _write_figure(figure: Figure, path: Path, kind: str) -> Path:
    with atomic_path(path) as temporary:
        temporary.write_bytes(_render(figure, kind, fonttype="path"))
    return path


def _render(figure: Figure, kind: str, fonttype: str) -> bytes:
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "sparkle", "svg.fonttype": fonttype}):
        figure.savefig(buffer, format=kind, dpi=_PNG_DPI, metadata=_METADATA[kind])
    return buffer.getvalue()


def inline_svg(figure: Figure, prefix: str, label: str) -> Markup:
    """The figure as an ``<svg>`` element for a page.

    Its colours become the page's variables, its texts stay texts, its ids get ``prefix`` so that
    several figures can share a page, and it loads nothing.

    Args:
        label: What the figure shows, for readers who do not see it.
    """
    # A transparent ground lets the page's own colour through.
    figure.patch.set_visible(False)
    for axes in figure.axes:
        axes.patch.set_visible(False)
    text = _DROPPED.sub("", _render(figure, "svg", fonttype="none").decode())
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = text.replace("url(#", f"url(#{prefix}-").replace('href="#', f'href="#{prefix}-')
    for colour, variable in PAGE_VARIABLES.items():
        text = text.replace(colour, variable)
    text = _TEXT_FONT.sub(_page_font, text)
    opening = f'<svg role="img" aria-label="{escape(label)}" style="max-width:\\1pt"'
    return Markup(_SIZE.sub(opening, text, count=1).strip())


def _page_font(match: re.Match[str]) -> str:
    weight = match.group(1) or "normal"
    return f"font-weight: {weight}; font-size: {match.group(2)}"
