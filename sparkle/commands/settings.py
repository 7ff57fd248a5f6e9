"""The settings of each step, from its command line: given as JSON, or taken from a config."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sparkle.commands.common import json_of, required, settings_of
from sparkle.config.base import Settings
from sparkle.config.inference import EndpointModel, VariantModel
from sparkle.config.load import parse
from sparkle.config.models import EmbeddedModel, FolderModel, HubModel
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import job_files
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.external.registry import get_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.settings import EndpointSettings, InferenceSettings
from sparkle.training.settings import FinetuneSettings, PretrainingSettings


class LocatedModel(Settings):
    """A model that is not made here: a folder, or a name on a hub."""

    name: str
    model: FolderModel | HubModel


def source(arguments: argparse.Namespace) -> SourceSettings:
    """Of ``synthesize``."""

    def from_config(experiment: Experiment) -> SourceSettings:
        training = experiment.training_sources()
        name = required(arguments, "source", [*training, *experiment.synthetic_sets])
        return training[name] if name in training else experiment.evaluation_source(name)

    return settings_of(arguments, SourceSettings, from_config)


def merge(arguments: argparse.Namespace) -> TrainingMergeSettings:
    """Of ``merge-training``."""
    return settings_of(
        arguments,
        TrainingMergeSettings,
        lambda e: e.training_merge(required(arguments, "train-set", e.train_sets)),
    )


def benchmark(arguments: argparse.Namespace) -> BenchmarkSettings:
    """Of ``read-benchmark``."""
    return settings_of(
        arguments,
        BenchmarkSettings,
        lambda e: e.benchmark(required(arguments, "evaluation-set", e.benchmark_sets)),
    )


def questions_file(chosen: BenchmarkSettings) -> Path:
    """The file of a benchmark's questions."""
    default = get_benchmark(chosen.chosen.benchmark).file
    return chosen.root / (chosen.chosen.file or default)


def pretraining(arguments: argparse.Namespace) -> PretrainingSettings:
    """Of ``pretrain`` and ``unpack-model``."""
    return settings_of(
        arguments,
        PretrainingSettings,
        lambda e: e.pretraining(required(arguments, "model", e.models)),
    )


def located(arguments: argparse.Namespace) -> LocatedModel:
    """Of ``locate-model``."""

    def from_config(experiment: Experiment) -> LocatedModel:
        name = required(arguments, "model", experiment.models)
        model = experiment.model(name)
        if isinstance(model, EmbeddedModel):
            raise SparkleError(
                f"--model: '{name}' is an embedded model.", "Use unpack-model or pretrain for it."
            )
        if isinstance(model, VariantModel | EndpointModel):
            raise SparkleError(f"--model: '{name}' has no weights of its own.", "Name another.")
        return LocatedModel(name=name, model=model)

    return settings_of(arguments, LocatedModel, from_config)


def finetuning(arguments: argparse.Namespace) -> FinetuneSettings:
    """Of ``finetune``."""

    def from_config(experiment: Experiment) -> FinetuneSettings:
        model = required(arguments, "model", experiment.models)
        train_set = required(arguments, "train-set", experiment.train_sets)
        return experiment.finetune(model, train_set, arguments.seed)

    return settings_of(arguments, FinetuneSettings, from_config)


def inference(arguments: argparse.Namespace) -> InferenceSettings:
    """Of ``infer``."""
    return settings_of(
        arguments,
        InferenceSettings,
        lambda e: e.inference(required(arguments, "model", e.models)),
    )


def endpoint(arguments: argparse.Namespace) -> tuple[EndpointModel, EndpointSettings]:
    """Of ``ask-endpoint``: the endpoint with its limits, and what its answers depend on."""
    if arguments.settings is None:
        experiment = Experiment.load(arguments.config)
        return experiment.endpoint(required(arguments, "model", experiment.models))
    if arguments.endpoint is None:
        raise SparkleError("--endpoint is missing.", "Use --config instead of --settings.")
    text = json_of(arguments.settings, "--settings")
    chosen = parse(EndpointSettings, text, "--settings")
    return parse(EndpointModel, json_of(arguments.endpoint, "--endpoint"), "--endpoint"), chosen


def whole_config(arguments: argparse.Namespace) -> dict[str, Any]:
    """Of ``freeze-config``: all that has influence on results, with all defaults."""
    if arguments.settings:
        experiment = Experiment.from_mapping(json.loads(arguments.settings), "--settings")
    else:
        experiment = Experiment.load(arguments.config)
    return experiment.config.model_dump(mode="json", exclude=WITHOUT_INFLUENCE)


WITHOUT_INFLUENCE = {"resources", "store"}
"""Sections of a config that say how something is made, not what."""


def curves(arguments: argparse.Namespace) -> dict[str, Path]:
    """Of ``report``: row -> where its loss curve is, if it has one."""
    models = arguments.results / "models"
    return {row: models / row / "training.csv" for row in arguments.rows}


def job_manifests(paths: list[Path]) -> list[list[Path]]:
    """Job manifests grouped by source. A folder stands for all manifests in it."""
    grouped: dict[Path, list[Path]] = {}
    for path in paths:
        found = job_files(path) if path.is_dir() else [path]
        grouped.setdefault(found[0].parent, []).extend(found)
    return list(grouped.values())
