"""What the outputs of the steps that ask models depend on."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparkle.commands import settings
from sparkle.commands.recipes.parts import (
    ANSWERING,
    DATA,
    THREADS,
    TIMING,
    base_weights,
    cell_of,
    is_parallel,
    modules_of_sets,
    values_of,
)
from sparkle.files import TIMES
from sparkle.fingerprint import code_of
from sparkle.provenance.recipe import Input, Recipe


def infer(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.inference(arguments)
    backend = chosen.inference.backend
    tuned = () if arguments.tuned is None else (Input("tuned", arguments.tuned / "weights"),)
    unused = [] if chosen.prompting.style == "few_shot" else ["sparkle.inference.examples"]
    recipe = _answers(
        arguments, "infer", values_of(chosen), THREADS if is_parallel(arguments) else None
    )
    return dataclasses.replace(
        recipe,
        inputs=(base_weights(arguments.base), *tuned, *recipe.inputs),
        outputs=lambda: [*_predictions(arguments), arguments.output / TIMES],
        code=code_of("sparkle.inference.infer.infer", without=unused),
        packages=ANSWERING if backend == "transformers" else tuple(sorted({*ANSWERING, backend})),
        gpus=arguments.gpus,
        stored=True,
    )


def ask_endpoint(arguments: argparse.Namespace) -> Recipe:
    _, chosen = settings.endpoint(arguments)
    recipe = _answers(
        arguments, "ask-endpoint", values_of(chosen), "an endpoint may answer otherwise"
    )
    usage = arguments.output / "usage.json"
    unused = [] if chosen.prompting.style == "few_shot" else ["sparkle.inference.examples"]
    return dataclasses.replace(
        recipe,
        outputs=lambda: [*_predictions(arguments), arguments.output / TIMES, usage],
        code=code_of("sparkle.inference.endpoint.answer_by_endpoint", without=unused),
        packages=("pillow", "pyarrow"),
        stored=True,
    )


def reference(arguments: argparse.Namespace) -> Recipe:
    recipe = _answers(arguments, "reference", {}, None)
    return dataclasses.replace(
        recipe,
        options={"name": arguments.name},
        code=code_of(
            "sparkle.inference.reference.answer_by_reference",
            *modules_of_sets(arguments.evaluation_sets),
        ),
        packages=DATA,
    )


def _answers(
    arguments: argparse.Namespace, step: str, values: Mapping[str, Any], varies: str | None
) -> Recipe:
    return Recipe(
        step=step,
        subject=cell_of(arguments.output),
        folder=arguments.output,
        tree="predictions/*/*/*",
        settings=values,
        inputs=tuple(Input(f"sets/{path.name}", path) for path in arguments.evaluation_sets),
        outputs=lambda: _predictions(arguments),
        code={},
        varies={**TIMING, **({"*": varies} if varies else {})},
    )


def _predictions(arguments: argparse.Namespace) -> list[Path]:
    return [arguments.output / path.name for path in arguments.evaluation_sets]
