"""What the outputs of the steps that make and train models depend on."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparkle.commands import settings
from sparkle.commands.recipes.parts import (
    DRAWING,
    THREADS,
    TIMING,
    TRAINING,
    base_weights,
    cell_of,
    is_parallel,
    modules_of_sets,
    task_modules,
    training_data,
    values_of,
)
from sparkle.config.models import FolderModel
from sparkle.files import TIMES, folder_hash
from sparkle.fingerprint import code_of
from sparkle.models.shipped import SHIPPED_WEIGHTS
from sparkle.provenance.recipe import Input, Recipe
from sparkle.swift import Devices


def unpack_model(arguments: argparse.Namespace) -> Recipe:
    recipe = settings.pretraining(arguments)
    shipped = SHIPPED_WEIGHTS / str(arguments.model)
    weights = folder_hash(shipped) if shipped.is_dir() else "none"
    return dataclasses.replace(
        _base(arguments, "unpack-model", values_of(recipe)),
        code={
            **code_of("sparkle.training.pretraining.unpack_shipped"),
            f"sparkle/models/shipped/{arguments.model}": weights,
        },
        seeds={"pretraining": recipe.seed},
    )


def pretrain(arguments: argparse.Namespace) -> Recipe:
    recipe = settings.pretraining(arguments)
    return dataclasses.replace(
        _base(arguments, "pretrain", values_of(recipe)),
        code=code_of(
            "sparkle.training.pretraining.pretrain",
            "sparkle.models.embedded.build_embedded",
            "sparkle.training.vision.teach_vision",
            *task_modules(["perception"]),
        ),
        packages=tuple(sorted({*DRAWING, *TRAINING})),
        varies={"*": THREADS} if is_parallel(arguments) else {},
        seeds={"pretraining": recipe.seed},
        gpus=arguments.gpus,
        stored=True,
    )


def locate_model(arguments: argparse.Namespace) -> Recipe:
    located = settings.located(arguments)
    reference = arguments.output.with_suffix(".json")
    folder = isinstance(located.model, FolderModel) and Path(located.model.path)
    return dataclasses.replace(
        _base(arguments, "locate-model", values_of(located)),
        inputs=(Input("base", folder),) if folder else (),
        outputs=lambda: [reference],
        code=code_of("sparkle.models.references.write_base", "sparkle.models.references.fetch"),
        varies={} if folder else {"*": "a name on a hub may come to stand for something else"},
    )


def _base(arguments: argparse.Namespace, step: str, values: Mapping[str, Any]) -> Recipe:
    output: Path = arguments.output
    return Recipe(
        step=step,
        subject={"model": output.parent.name},
        folder=output.parent,
        stem=output.name,
        tree="models/*",
        settings=values,
        outputs=lambda: [output.with_suffix(".json"), output],
        code={},
    )


def finetune(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.finetuning(arguments)
    output: Path = arguments.output
    start = () if arguments.start is None else (Input("start", arguments.start / "weights"),)
    code, packages = code_of("sparkle.training.finetune.finetune"), [*TRAINING]
    if chosen.training.algorithm == "grpo":
        modules = ("sparkle.training.plugin", "sparkle.training.rewards")
        verifiers = modules_of_sets([arguments.dataset / "manifest.json"])
        code = {**code, **code_of(*modules, *verifiers)}
        packages.append("trl")
    return Recipe(
        step="finetune",
        subject=cell_of(output),
        folder=output,
        tree="models/*/*/*",
        settings=values_of(chosen),
        inputs=(base_weights(arguments.base), *start, *training_data(arguments.dataset)),
        outputs=lambda: [output / name for name in ("weights", "training.csv", TIMES)],
        code=code,
        packages=tuple(packages),
        varies={**TIMING, **({"*": THREADS} if is_parallel(arguments) else {})},
        seeds={"training": chosen.seed},
        # Each process takes a batch of its own, so their number changes the result.
        options={"processes": Devices(arguments.gpus, arguments.nodes).processes},
        gpus=arguments.gpus,
        stored=True,
    )
