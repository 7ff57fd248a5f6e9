"""Subcommands that make, fetch and train models, and ask them."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from sparkle.cluster.requeue import requeue
from sparkle.commands import recipes, settings
from sparkle.commands.common import Commands, add_command, add_settings
from sparkle.commands.progress import reporter
from sparkle.commands.room import lack_of_room_named
from sparkle.config.models import BASE_TRAIN_SET, FolderModel
from sparkle.errors import SparkleError, Stopped
from sparkle.inference.infer import Subject, infer
from sparkle.inference.reference import answer_by_reference
from sparkle.models.references import BaseModel, check_folder, fetch, read_base, write_base
from sparkle.provenance.hashes import known_hash
from sparkle.swift import Devices
from sparkle.training.finetune import finetune
from sparkle.training.pretraining import pretrain, unpack_shipped


def register(commands: Commands) -> None:
    """Add the model subcommands."""
    _register_base_models(commands)
    _register_finetune(commands)
    _register_infer(commands)
    _register_other_answers(commands)


def _register_base_models(commands: Commands) -> None:
    """Subcommands that put base weights in place."""
    parser = add_command(
        commands,
        "pretrain",
        _pretrain,
        "build the embedded model and teach it to see",
        "--model sparkle-tiny --output results/models/sparkle-tiny/base",
        recipes.with_own_code(_pretrain, recipes.pretrain),
    )
    _add_model_output(parser)
    _add_work(parser)

    parser = add_command(
        commands,
        "unpack-model",
        _unpack,
        "put the shipped weights of the embedded model in place",
        "--model sparkle-tiny --output results/models/sparkle-tiny/base",
        recipes.with_own_code(_unpack, recipes.unpack_model),
    )
    _add_model_output(parser)

    parser = add_command(
        commands,
        "locate-model",
        _locate,
        "check a model folder, or download a model from its hub",
        "--config config/paper.yaml --model qwen2.5-vl-7b"
        " --output results/models/qwen2.5-vl-7b/base",
        recipes.with_own_code(_locate, recipes.locate_model),
    )
    _add_model_output(parser)


def _register_finetune(commands: Commands) -> None:
    """The subcommand that fine-tunes."""
    parser = add_command(
        commands,
        "finetune",
        _finetune,
        "fine-tune a model on a train set with ms-swift, going on where it was interrupted",
        "--model sparkle-tiny --train-set direction"
        " --base results/models/sparkle-tiny/base.json --dataset results/data/training/direction"
        " --output results/models/sparkle-tiny/direction/seed1",
        recipes.with_own_code(_finetune, recipes.finetune),
    )
    add_settings(parser, "model", "train-set")
    parser.add_argument("--seed", type=int, default=1, help="seed of the training")
    parser.add_argument("--base", type=Path, required=True, help="base.json of the model")
    parser.add_argument("--dataset", type=Path, required=True, help="folder of the dataset")
    parser.add_argument(
        "--start", type=Path, help="output folder of a fine-tuning whose weights to start from"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    _add_work(parser)
    parser.add_argument("--nodes", type=int, default=1, help="nodes of the Slurm job (default: 1)")


def _register_infer(commands: Commands) -> None:
    """The subcommand that asks a model with weights."""
    parser = add_command(
        commands,
        "infer",
        _infer,
        "answer evaluation sets with ms-swift, keeping answers already given",
        "--model sparkle-tiny --base results/models/sparkle-tiny/base.json"
        " --tuned results/models/sparkle-tiny/direction/seed1"
        " --evaluation-sets results/data/evaluation/*.parquet --output predictions",
        recipes.with_own_code(_infer, recipes.infer),
    )
    add_settings(parser, "model")
    parser.add_argument("--base", type=Path, required=True, help="base.json of the model")
    parser.add_argument("--tuned", type=Path, help="output folder of a fine-tuning")
    _add_sets(parser)
    _add_work(parser)


def _register_other_answers(commands: Commands) -> None:
    """Subcommands that get answers without weights."""
    parser = add_command(
        commands,
        "ask-endpoint",
        _ask_endpoint,
        "answer evaluation sets with an OpenAI-compatible endpoint, keeping answers already given",
        "--config mine.yaml --model hosted --evaluation-sets results/data/evaluation/*.parquet"
        " --output predictions",
        recipes.with_own_code(_ask_endpoint, recipes.ask_endpoint),
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
        recipes.with_own_code(_reference, recipes.reference),
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


def _pretrain(arguments: argparse.Namespace) -> None:
    report = reporter(arguments.log, arguments.output)
    with _requeued_if_stopped(report):
        pretrain(
            settings.pretraining(arguments),
            output=arguments.output,
            work=arguments.work,
            threads=arguments.threads,
            made_with=arguments.made_with,
            report=report,
        )


def _unpack(arguments: argparse.Namespace) -> None:
    if arguments.model is None:
        raise SparkleError("--model is missing.", "Name the embedded model.")
    unpack_shipped(settings.pretraining(arguments), name=arguments.model, output=arguments.output)


def _locate(arguments: argparse.Namespace) -> None:
    located = settings.located(arguments)
    reference = arguments.output.with_suffix(".json")
    if isinstance(located.model, FolderModel):
        folder = check_folder(Path(located.model.path), f"models.{located.name}.path")
        base = write_base(reference, folder)
    else:
        base = fetch(
            located.model.id,
            revision=located.model.revision,
            hub=located.model.hub,
            reference=reference,
        )
    print(f"{located.name}: {base.identity}")


def _finetune(arguments: argparse.Namespace) -> None:
    chosen = settings.finetuning(arguments)
    start = None
    if arguments.start is not None:
        weights = arguments.start / "weights"
        start = BaseModel(str(weights), known_hash(weights))
    report = reporter(arguments.log, arguments.output)
    with _requeued_if_stopped(report), lack_of_room_named(arguments.work):
        finetune(
            chosen,
            base=read_base(arguments.base),
            dataset=arguments.dataset,
            output=arguments.output,
            work=arguments.work / "training",
            start=start,
            threads=arguments.threads,
            devices=Devices(arguments.gpus, arguments.nodes),
            made_with=arguments.made_with,
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
    chosen = settings.inference(arguments)
    base = read_base(arguments.base)
    subject = Subject(base.path, None, base.identity)
    if arguments.tuned is not None:
        weights = arguments.tuned / "weights"
        subject = Subject(base.path, weights, f"{base.identity}+{known_hash(weights)}")
    report = reporter(arguments.log, arguments.output)
    asked_to_end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_end.set())
    with _requeued_if_stopped(report), lack_of_room_named(arguments.work):
        infer(
            chosen,
            subject,
            arguments.evaluation_sets,
            arguments.output,
            work=arguments.work / "inference",
            threads=arguments.threads,
            gpus=arguments.gpus,
            made_with=arguments.made_with,
            report=report,
            asked_to_end=asked_to_end.is_set,
        )


def _ask_endpoint(arguments: argparse.Namespace) -> None:
    from sparkle.inference.endpoint import answer_by_endpoint  # brings an HTTP client

    endpoint, chosen = settings.endpoint(arguments)
    used = answer_by_endpoint(
        endpoint,
        chosen,
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
