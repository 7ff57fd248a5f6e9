"""Subcommands that make, fetch and train models, and ask them."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from sparkle.cluster.requeue import requeue
from sparkle.commands.common import (
    Commands,
    add_command,
    add_settings,
    json_of,
    required,
    settings_of,
)
from sparkle.commands.progress import reporter
from sparkle.commands.room import lack_of_room_named
from sparkle.config.base import Settings
from sparkle.config.inference import EndpointModel, VariantModel
from sparkle.config.load import parse
from sparkle.config.models import BASE_TRAIN_SET, EmbeddedModel, FolderModel, HubModel
from sparkle.errors import SparkleError, Stopped
from sparkle.experiment import Experiment
from sparkle.files import read_json
from sparkle.inference.infer import Subject, infer
from sparkle.inference.reference import answer_by_reference
from sparkle.inference.settings import EndpointSettings, InferenceSettings
from sparkle.models.references import check_folder, fetch, read_base, write_base
from sparkle.swift import Devices
from sparkle.training.finetune import finetune
from sparkle.training.pretraining import pretrain, unpack_shipped
from sparkle.training.settings import FinetuneSettings, PretrainingSettings


class LocatedModel(Settings):
    """A model that is not made here: a folder, or a name on a hub."""

    name: str
    model: FolderModel | HubModel


def register(commands: Commands) -> None:
    """Add the model subcommands."""
    parser = add_command(
        commands,
        "pretrain",
        _pretrain,
        "build the embedded model and teach it to see",
        "--model sparkle-tiny --output results/models/sparkle-tiny/base",
    )
    _add_model_output(parser)
    _add_work(parser)

    parser = add_command(
        commands,
        "unpack-model",
        _unpack,
        "put the shipped weights of the embedded model in place",
        "--model sparkle-tiny --output results/models/sparkle-tiny/base",
    )
    _add_model_output(parser)

    parser = add_command(
        commands,
        "locate-model",
        _locate,
        "check a model folder, or download a model from its hub",
        "--config config/paper.yaml --model qwen2.5-vl-7b"
        " --output results/models/qwen2.5-vl-7b/base",
    )
    _add_model_output(parser)

    parser = add_command(
        commands,
        "finetune",
        _finetune,
        "fine-tune a model on a train set with ms-swift, going on where it was interrupted",
        "--model sparkle-tiny --train-set direction"
        " --base results/models/sparkle-tiny/base.json --dataset results/data/training/direction"
        " --output results/models/sparkle-tiny/direction/seed1",
    )
    add_settings(parser, "model", "train-set")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training")
    parser.add_argument("--base", type=Path, required=True, help="base.json of the model")
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the dataset")
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    _add_work(parser)
    parser.add_argument("--nodes", type=int, default=1, help="nodes of the Slurm job (default: 1)")

    parser = add_command(
        commands,
        "infer",
        _infer,
        "answer evaluation sets with ms-swift, keeping answers already given",
        "--model sparkle-tiny --base results/models/sparkle-tiny/base.json"
        " --tuned results/models/sparkle-tiny/direction/seed1"
        " --evaluation-sets results/data/evaluation/*.parquet --output predictions",
    )
    add_settings(parser, "model")
    parser.add_argument("--base", type=Path, required=True, help="base.json of the model")
    parser.add_argument("--tuned", type=Path, help="output folder of a fine-tuning")
    _add_sets(parser)
    _add_work(parser)

    parser = add_command(
        commands,
        "ask-endpoint",
        _ask_endpoint,
        "answer evaluation sets with an OpenAI-compatible endpoint, keeping answers already given",
        "--config mine.yaml --model hosted --evaluation-sets results/data/evaluation/*.parquet"
        " --output predictions",
    )
    add_settings(parser, "model")
    parser.add_argument(
        "--endpoint", metavar="JSON", help="the endpoint with its limits, as rules pass it"
    )
    _add_sets(parser)
    _add_work(parser)

    parser = add_command(
        commands,
        "reference",
        _reference,
        "answer evaluation sets by the oracle, by chance, or by the most frequent answer",
        "--name oracle --evaluation-sets results/data/evaluation/*.parquet --output predictions",
    )
    parser.add_argument("--name", required=True, help="oracle, chance or most_frequent")
    _add_sets(parser)


def _add_model_output(parser: argparse.ArgumentParser) -> None:
    add_settings(parser, "model")
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the weights; OUTPUT.json names it"
    )


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("results/work"),
        help="folder for checkpoints and partial answers (default: results/work)",
    )
    parser.add_argument("--threads", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs per node; 0 = CPU (default: 0)")
    parser.add_argument(
        "--log", type=Path, help="file for all output; the screen then shows progress only"
    )


def _add_sets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evaluation-sets", type=Path, nargs="+", required=True, help="evaluation datasets"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the predictions")


def _pretraining(arguments: argparse.Namespace) -> PretrainingSettings:
    return settings_of(
        arguments,
        PretrainingSettings,
        lambda experiment: experiment.pretraining(required(arguments, "model", experiment.models)),
    )


def _pretrain(arguments: argparse.Namespace) -> None:
    settings = _pretraining(arguments)
    report = reporter(arguments.log, arguments.output)
    with _requeued_if_stopped(report):
        pretrain(
            settings,
            output=arguments.output,
            work=arguments.work,
            threads=arguments.threads,
            report=report,
        )


def _unpack(arguments: argparse.Namespace) -> None:
    if arguments.model is None:
        raise SparkleError("--model is missing.", "Name the embedded model.")
    unpack_shipped(_pretraining(arguments), name=arguments.model, output=arguments.output)


def _locate(arguments: argparse.Namespace) -> None:
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

    settings = settings_of(arguments, LocatedModel, from_config)
    reference = arguments.output.with_suffix(".json")
    if isinstance(settings.model, FolderModel):
        folder = check_folder(Path(settings.model.path), f"models.{settings.name}.path")
        base = write_base(reference, folder)
    else:
        base = fetch(
            settings.model.id,
            revision=settings.model.revision,
            hub=settings.model.hub,
            reference=reference,
        )
    print(f"{settings.name}: {base.identity}")


def _finetune(arguments: argparse.Namespace) -> None:
    def from_config(experiment: Experiment) -> FinetuneSettings:
        model = required(arguments, "model", experiment.models)
        train_set = required(arguments, "train-set", experiment.train_sets)
        return experiment.finetune(model, train_set, arguments.seed)

    settings = settings_of(arguments, FinetuneSettings, from_config)
    report = reporter(arguments.log, arguments.output)
    with _requeued_if_stopped(report), lack_of_room_named(arguments.work):
        finetune(
            settings,
            base=read_base(arguments.base),
            dataset=arguments.dataset,
            output=arguments.output,
            work=arguments.work / "training",
            threads=arguments.threads,
            devices=Devices(arguments.gpus, arguments.nodes),
            report=report,
        )


@contextlib.contextmanager
def _requeued_if_stopped(report: Callable[[str], None]) -> Iterator[None]:
    """On a cluster a step that was asked to end goes back into the queue."""
    try:
        yield
    except Stopped as stopped:
        report(str(stopped))
        requeue(stopped, report)
        raise


def _infer(arguments: argparse.Namespace) -> None:
    settings = settings_of(
        arguments,
        InferenceSettings,
        lambda experiment: experiment.inference(required(arguments, "model", experiment.models)),
    )
    base = read_base(arguments.base)
    subject = Subject(base.path, None, base.identity)
    if arguments.tuned is not None:
        record = read_json(arguments.tuned / "record.json")
        weights = arguments.tuned / "weights"
        subject = Subject(base.path, weights, f"{base.identity}+{record['weights']}")
    report = reporter(arguments.log, arguments.output)
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    with _requeued_if_stopped(report), lack_of_room_named(arguments.work):
        infer(
            settings,
            subject,
            arguments.evaluation_sets,
            arguments.output,
            work=arguments.work / "inference",
            threads=arguments.threads,
            gpus=arguments.gpus,
            report=report,
            asked_to_end=asked_to_end.is_set,
        )


def _ask_endpoint(arguments: argparse.Namespace) -> None:
    from sparkle.inference.endpoint import answer_by_endpoint  # brings an HTTP client

    if arguments.settings is None:
        experiment = Experiment.load(arguments.config)
        name = required(arguments, "model", experiment.models)
        endpoint, settings = experiment.endpoint(name)
    else:
        if arguments.endpoint is None:
            raise SparkleError("--endpoint is missing.", "Use --config instead of --settings.")
        text = json_of(arguments.settings, "--settings")
        settings = parse(EndpointSettings, text, "--settings")
        endpoint = parse(EndpointModel, json_of(arguments.endpoint, "--endpoint"), "--endpoint")
    used = answer_by_endpoint(
        endpoint,
        settings,
        arguments.evaluation_sets,
        arguments.output,
        work=arguments.work / "inference",
        report=reporter(arguments.log, arguments.output),
    )
    print(
        f"{used.questions} answers, {used.prompt_tokens} + {used.completion_tokens} tokens,"
        f" {used.money:.4f} in money"
    )


def _reference(arguments: argparse.Namespace) -> None:
    answer_by_reference(arguments.name, arguments.evaluation_sets, arguments.output)
    print(f"{arguments.name}/{BASE_TRAIN_SET}: {len(arguments.evaluation_sets)} sets answered")
