"""The figures of the report: small ones, of one set and one model each, so that they wrap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sparkle.reporting.axes import colours_of
from sparkle.reporting.breakdown_charts import ROSE_PARTS, draw_cells, draw_difficulty, draw_roses
from sparkle.reporting.charts import changed_models, draw_slopes
from sparkle.reporting.curve_charts import (
    draw_scaling,
    draw_training,
    scaling_key,
    scaling_lines,
    training_key,
)
from sparkle.reporting.curves import Curve
from sparkle.reporting.figures import inline_svg
from sparkle.reporting.material import Material
from sparkle.reporting.matrix import Matrix
from sparkle.reporting.palette import PAGE_VARIABLES

ByModel = list[tuple[str, list[Markup]]]
_UNTRAINED = "Not fine-tuned"


def page_figures(material: Material) -> dict[str, Any]:
    """What the template draws, by the name that it has there.

    Colours are explained beside the figures, once for all of a section: ``*_key`` has the colour
    of the page by what it stands for.
    """
    matrix = material.matrix
    lines = scaling_lines(matrix, material.train_images)
    curves = (*material.losses, *material.rewards)
    return {
        "slopes": _slopes(matrix),
        "scaling": [
            inline_svg(
                draw_scaling(matrix, lines, [name], key=False), f"n{i}",
                f"Accuracy on {name} by number of training images.",
            )
            for i, name in enumerate(matrix.evaluation_sets)
            if lines
        ],
        "scaling_key": _on_page(scaling_key(matrix, lines)),
        "difficulties": _difficulties(material),
        "run_key": _on_page(colours_of(matrix.runs, matrix.train_sets())),
        "classes": _classes(material),
        "rose_key": _on_page(ROSE_PARTS),
        "losses": _curves(matrix, material.losses, "loss"),
        "rewards": _curves(matrix, material.rewards, "reward"),
        "training_key": _on_page(training_key(curves, matrix.train_sets())),
    }  # fmt: skip


def _on_page(colours: Mapping[str, str]) -> dict[str, str]:
    return {name: PAGE_VARIABLES[colour] for name, colour in colours.items()}


def _slopes(matrix: Matrix) -> ByModel:
    return [
        (model, [
            inline_svg(
                draw_slopes(matrix, [model], [name]), f"b{i}-{j}",
                f"Accuracy of {model} on {name} before and after training; the numbers are in the"
                " matrix.",
            )
            for j, name in enumerate(matrix.evaluation_sets)
        ])
        for i, model in enumerate(changed_models(matrix))
    ]  # fmt: skip


def _difficulties(material: Material) -> ByModel:
    matrix, breakdown = material.matrix, material.breakdown
    found = []
    for i, model in enumerate(matrix.models()):
        figures = [
            inline_svg(
                draw_difficulty(matrix, breakdown, name, [model], key=False), f"d{i}-{j}",
                f"Accuracy of {model} on {name} by difficulty of the question.",
            )
            for j, name in enumerate(matrix.evaluation_sets)
            if model in breakdown.models_by_difficulty(name)
        ]  # fmt: skip
        if figures:
            found.append((model, figures))
    return found


def _classes(material: Material) -> list[tuple[str, bool, ByModel]]:
    """(evaluation set, whether they are roses, and for each model a figure per run).

    Models that were not fine-tuned stand together, each under its own name.
    """
    matrix, confusions = material.matrix, material.breakdown.confusions
    found = []
    for i, name in enumerate(matrix.evaluation_sets):
        rose = matrix.tasks[name] == "direction"
        by_model: dict[str, list[Markup]] = {}
        for j, run in enumerate(matrix.runs):
            if (run, name) in confusions:
                alone = len(matrix.models()) > 1 and matrix.is_untrained(run.model)
                own = {run.model if alone else run.label: confusions[run, name]}
                figure = draw_roses(own, key=False) if rose else draw_cells(own)
                text = f"Answers of {run.model}, {run.label}, on {name} by the right answer."
                group = by_model.setdefault(_UNTRAINED if alone else run.model, [])
                group.append(inline_svg(figure, f"e{i}-{j}", text))
        if by_model:
            found.append((name, rose, list(by_model.items())))
    return found


def _curves(matrix: Matrix, curves: Sequence[Curve], quantity: str) -> list[Markup]:
    models = dict.fromkeys(curve.model for curve in curves)
    return [
        inline_svg(
            draw_training(
                [c for c in curves if c.model == model], matrix.train_sets(), quantity, key=False
            ),
            f"{quantity[0]}{i}", f"Training {quantity} of {model or 'all runs'} by step.",
        )
        for i, model in enumerate(models)
    ]  # fmt: skip
