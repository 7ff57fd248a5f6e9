"""What scores, tables and the report depend on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from sparkle.commands import settings
from sparkle.commands.recipes.parts import (
    PAGES,
    SCORING,
    STATISTICS,
    cell_of,
    inputs_of,
    modules_of_sets,
    score_inputs,
)
from sparkle.fingerprint import code_of
from sparkle.provenance.recipe import Input, Recipe
from sparkle.provenance.store import present


def score(arguments: argparse.Namespace) -> Recipe:
    sets: Sequence[Path] = arguments.evaluation_sets
    answers = [Input(f"predictions/{p.name}", arguments.predictions / p.name) for p in sets]
    return Recipe(
        step="score",
        subject=cell_of(arguments.output),
        folder=arguments.output,
        tree="scores/*/*/*",
        inputs=(*answers, *(Input(f"sets/{path.name}", path) for path in sets)),
        outputs=lambda: [arguments.output / path.name for path in sets],
        code=code_of("sparkle.scoring.score.score", *modules_of_sets(sets)),
        packages=SCORING,
    )


def tables(arguments: argparse.Namespace) -> Recipe:
    names = ("matrix.csv", "matrix.parquet", "matrix.md", "comparisons.csv", "comparisons.md",
             "seeds.csv")  # fmt: skip
    return Recipe(
        step="tables",
        folder=arguments.output,
        tree="tables",
        options={
            "rows": arguments.rows,
            "evaluation_sets": arguments.evaluation_sets,
            "baselines": arguments.baselines,
        },
        inputs=score_inputs(arguments.scores, arguments),
        outputs=lambda: [arguments.output / name for name in names],
        code=code_of(
            "sparkle.scoring.tables",
            "sparkle.scoring.comparisons",
            *modules_of_sets(
                arguments.scores.parent / "data" / "evaluation" / f"{name}.parquet"
                for name in arguments.evaluation_sets
            ),
        ),
        packages=STATISTICS,
    )


def report(arguments: argparse.Namespace) -> Recipe:
    results: Path = arguments.results
    read = [
        arguments.config_file or results / "config.yaml",
        results / "tables" / "matrix.csv",
        results / "tables" / "comparisons.csv",
    ]
    sets = [
        results / "data" / "evaluation" / f"{name}.parquet" for name in arguments.evaluation_sets
    ]
    curves = [path for path in settings.curves(arguments).values() if present(path).exists()]
    return Recipe(
        step="report",
        folder=results,
        stem="report",
        tree="",
        options={
            "rows": arguments.rows,
            "evaluation_sets": arguments.evaluation_sets,
            "gpus": arguments.gpus,
            "answers": arguments.answers,
            "cost_per_gpu_hour": arguments.cost_per_gpu_hour,
        },
        inputs=(
            *inputs_of(read, levels=1),
            *inputs_of(sets, levels=3),
            *inputs_of(curves, levels=4),
            *score_inputs(results / "scores", arguments),
        ),
        outputs=lambda: [
            results / "report.html",
            results / "tables" / "matrix.tex",
            results / "tables" / "breakdown.csv",
            *sorted((results / "figures").iterdir()),
        ],
        varies={"report.html": "it tells how long the steps took, and when models were made"},
        code=code_of(
            "sparkle.reporting.report.write_report",
            "sparkle.reporting.figures.write_figures",
            "sparkle.reporting.latex.latex_matrix",
            "sparkle.reporting.breakdown.write_breakdown",
            "sparkle.reporting.costs.sum_up",
        ),
        packages=PAGES,
    )


def freeze_config(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    return Recipe(
        step="freeze-config",
        folder=output.parent,
        stem=output.stem,
        tree="",
        settings=settings.whole_config(arguments),
        outputs=lambda: [output],
        code={},
        packages=("pyyaml",),
    )
