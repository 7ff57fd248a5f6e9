"""Figures as files, and as SVG to stand inside a page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from sparkle.files import atomic_path
from sparkle.reporting.charts import draw_bars, draw_curves, draw_heat_map
from sparkle.reporting.curves import read_curves
from sparkle.reporting.matrix import Capabilities, read_matrix
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


def write_figures(
    matrix_csv: Path,
    training_csvs: Mapping[str, Path],
    folder: Path,
    capabilities: Capabilities | None = None,
) -> list[Path]:
    """Write the figures into ``folder``, each as SVG and PNG.

    They are ``matrix`` (heat map), ``before_after`` (bars) and, where there is a training log,
    ``training`` (loss curves).

    Args:
        training_csvs: Training logs by label ``model/train_set/seed``; may be empty.
        capabilities: Tasks that each train set trains, for the marks; read off its name if absent.

    Returns:
        The files written, in the order above.

    Raises:
        SparkleError: A table is missing, empty or malformed.
    """
    matrix = read_matrix(matrix_csv, capabilities)
    curves = read_curves(training_csvs)
    figures = {
        "matrix": draw_heat_map(matrix),
        "before_after": draw_bars(matrix, matrix.evaluation_sets),
    }
    if curves:
        figures["training"] = draw_curves(curves, matrix.train_sets())
    return [
        _write_figure(figure, folder / f"{name}.{kind}", kind)
        for name, figure in figures.items()
        for kind in ("svg", "png")
    ]


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
