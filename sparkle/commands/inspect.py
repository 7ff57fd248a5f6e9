"""Subcommands that look at a config and at what there is, without running anything."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sparkle.commands.common import DEFAULT_CONFIG, Commands, add_command
from sparkle.config.inference import EndpointModel
from sparkle.config.models import Config, EmbeddedModel, FolderModel
from sparkle.experiment import Experiment, check_scenes
from sparkle.external.dataset import read_items
from sparkle.external.registry import all_benchmarks
from sparkle.files import make_folder, write_text
from sparkle.inference.infer import check_backend
from sparkle.models.references import check_folder
from sparkle.tasks import all_tasks
from sparkle.training.shipped import shipped_start, shipped_weights


def register(commands: Commands) -> None:
    """Add the inspecting subcommands."""
    parser = add_command(
        commands,
        "check",
        _check,
        "check a config, its folders and its models before anything runs",
        "--config config/config.yaml",
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="config file")

    add_command(commands, "tasks", _tasks, "list the registered tasks", "")

    add_command(
        commands, "benchmarks", _benchmarks, "list the benchmarks that can be read from files", ""
    )

    parser = add_command(
        commands,
        "schema",
        _schema,
        "write the JSON schema of the config, for editors",
        "--output config/schema.json",
    )
    parser.add_argument("--output", type=Path, required=True, help="file to write")


def _check(arguments: argparse.Namespace) -> None:
    experiment = Experiment.load(arguments.config)
    make_folder(Path(experiment.config.results))
    if any(not isinstance(experiment.model(name), EndpointModel) for name in experiment.models):
        check_backend(experiment.config.inference.backend)
    for name in experiment.models:
        _check_model(experiment, name)
    check_scenes(experiment)
    for name in experiment.benchmark_sets:
        items = read_items(experiment.benchmark(name))
        print(f"evaluation_sets.{name}: {len(items)} items, every picture present")
    cells, sets = experiment.cells(), experiment.evaluation_sets
    print(
        f"{arguments.config} is valid: {len(experiment.models)} models,"
        f" {len(experiment.trained_cells())} fine-tunings, {len(cells)} x {len(sets)} evaluations."
    )


def _check_model(experiment: Experiment, name: str) -> None:
    """Look for what a model is made from: its folder, shipped weights, or the key of a server."""
    model = experiment.model(name)
    if isinstance(model, FolderModel):
        check_folder(Path(model.path), f"models.{name}.path")
    if isinstance(model, EmbeddedModel):
        recipe = experiment.pretraining(name)
        if model.weights == "shipped":
            shipped_weights(recipe, name)
        elif recipe.start is not None:
            shipped_start(recipe, recipe.start, f"models.{name}.pretraining.start")
    if isinstance(model, EndpointModel):
        from sparkle.inference.endpoint import headers_of  # brings an HTTP client

        headers_of(model)


def _tasks(arguments: argparse.Namespace) -> None:
    for name, task in all_tasks().items():
        options = ", ".join(task.Options.model_fields) or "-"
        print(f"{name:14} v{task.version}  {task.summary}; options: {options}")


def _benchmarks(arguments: argparse.Namespace) -> None:
    for name, benchmark in all_benchmarks().items():
        print(f"{name:17} {benchmark.summary}; forms: {', '.join(benchmark.forms)}")
        print(f"{'':17} from {benchmark.source}")


def schema_text() -> str:
    """The JSON schema of the config as text."""
    schema = Config.model_json_schema()
    # A config that extends another one may leave out what that one has.
    schema["anyOf"] = [{"required": schema.pop("required")}, {"required": ["extends"]}]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _schema(arguments: argparse.Namespace) -> None:
    write_text(arguments.output, schema_text())
