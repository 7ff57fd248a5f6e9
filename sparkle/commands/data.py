"""Subcommands that make data."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparkle.commands import recipes, settings
from sparkle.commands.common import Commands, add_command, add_settings
from sparkle.datasets.card import write_merged_card
from sparkle.datasets.exports import FORMATS, export_dataset
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.external.dataset import read_items, write_benchmark


def register(commands: Commands) -> None:
    """Add the data subcommands."""
    _register_synthesize(commands)
    _register_merges(commands)
    _register_use(commands)


def _register_synthesize(commands: Commands) -> None:
    """The subcommand that makes shards."""
    parser = add_command(
        commands,
        "synthesize",
        _synthesize,
        "draw scenes, render them, ask questions, and write Parquet shards",
        "--source basic --output results/data/shards/training/basic",
        recipes.with_own_code(_synthesize, recipes.synthesize),
    )
    add_settings(parser, "source")
    parser.add_argument("--job", type=int, default=0, help="number of this job, from 0")
    parser.add_argument("--jobs", type=int, default=1, help="jobs that share the shards")
    parser.add_argument(
        "--processes", type=int, default=1, help="shards made side by side; no influence on them"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the shards")


def _register_merges(commands: Commands) -> None:
    """Subcommands that make datasets of shards or files."""
    parser = add_command(
        commands,
        "merge-training",
        _merge_training,
        "merge shards into the training dataset of one train set",
        "--train-set direction --sources results/data/shards/training/basic"
        " --output results/data/training/direction",
        recipes.with_own_code(_merge_training, recipes.merge_training),
    )
    add_settings(parser, "train-set")
    parser.add_argument(
        "--sources", type=Path, nargs="+", required=True, help="folders of shards, or job manifests"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the dataset")

    parser = add_command(
        commands,
        "merge-evaluation",
        _merge_evaluation,
        "merge shards into one evaluation dataset",
        "--sources results/data/shards/evaluation/direction"
        " --output results/data/evaluation/direction.parquet",
        recipes.with_own_code(_merge_evaluation, recipes.merge_evaluation),
    )
    parser.add_argument(
        "--sources", type=Path, nargs="+", required=True, help="folder of shards, or job manifests"
    )
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")

    parser = add_command(
        commands,
        "read-benchmark",
        _read_benchmark,
        "check the files of a benchmark and write an evaluation dataset from them",
        "--evaluation-set whatsup_a --output results/data/evaluation/whatsup_a.parquet",
        recipes.with_own_code(_read_benchmark, recipes.read_benchmark),
    )
    add_settings(parser, "evaluation-set")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")


def _register_use(commands: Commands) -> None:
    """Subcommands that compare datasets and hand them on."""
    parser = add_command(
        commands,
        "check-leaks",
        _check_leaks,
        "make sure that no tested scene occurs in training",
        "--training results/data/training/*/manifest.json"
        " --evaluation results/data/evaluation/*.json --output results/data/leaks.json",
        recipes.with_own_code(_check_leaks, recipes.check_leaks),
    )
    parser.add_argument("--training", type=Path, nargs="*", default=[], help="training manifests")
    parser.add_argument("--evaluation", type=Path, nargs="+", help="evaluation manifests")
    parser.add_argument("--output", type=Path, required=True, help="JSON report to write")

    parser = add_command(
        commands,
        "export",
        _export,
        "write a merged dataset for ms-swift, Hugging Face, WebDataset, or as PNG and JSON lines",
        "--dataset results/data/training/full --format huggingface --output exports/full",
    )
    parser.add_argument(
        "--dataset",
        type=Path,
        required=True,
        help="folder of a train set, or file of an evaluation set",
    )
    parser.add_argument("--format", required=True, help=f"one of: {', '.join(FORMATS)}")
    parser.add_argument("--output", type=Path, required=True, help="folder to make")


def _synthesize(arguments: argparse.Namespace) -> None:
    synthesize(
        settings.source(arguments),
        arguments.output,
        job=arguments.job,
        jobs=arguments.jobs,
        processes=arguments.processes,
        made_with=arguments.made_with,
    )


def _merge_training(arguments: argparse.Namespace) -> None:
    sources = settings.job_manifests(arguments.sources)
    manifest = merge_training(settings.merge(arguments), sources, arguments.output)
    write_merged_card(open_dataset(arguments.output))
    print(f"{manifest['questions']} questions, {manifest['conversations']} conversations")


def _merge_evaluation(arguments: argparse.Namespace) -> None:
    sources = settings.job_manifests(arguments.sources)
    if len(sources) != 1:
        raise SparkleError(
            f"An evaluation set has one source, not {len(sources)}.", "Give one folder of shards."
        )
    manifest = merge_evaluation(sources[0], arguments.output)
    write_merged_card(open_dataset(arguments.output))
    print(f"{manifest['questions']} questions")


def _read_benchmark(arguments: argparse.Namespace) -> list[Path]:
    chosen = settings.benchmark(arguments)
    items = read_items(chosen)
    manifest = write_benchmark(chosen, arguments.output, items)
    print(f"{manifest['items']} items, {manifest['questions']} questions")
    for note in manifest["notes"]:
        print(f"note: {note}")
    return sorted({item.image for item in items if isinstance(item.image, Path)})


def _check_leaks(arguments: argparse.Namespace) -> None:
    check_leaks(arguments.training, arguments.evaluation, arguments.output)
    print(f"no leak: {len(arguments.training)} x {len(arguments.evaluation)} datasets compared")


def _export(arguments: argparse.Namespace) -> None:
    record = export_dataset(open_dataset(arguments.dataset), arguments.format, arguments.output)
    print(f"{record['rows']} rows in {arguments.output}; its README.md tells how to load them")
