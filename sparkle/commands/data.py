"""Subcommands that make data."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparkle.commands.common import Commands, add_command, add_settings, required, settings_of
from sparkle.datasets.card import write_merged_card
from sparkle.datasets.exports import FORMATS, export_dataset
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import job_files
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.external.dataset import write_benchmark
from sparkle.external.settings import BenchmarkSettings


def register(commands: Commands) -> None:
    """Add the data subcommands."""
    parser = add_command(
        commands,
        "synthesize",
        _synthesize,
        "draw scenes, render them, ask questions, and write Parquet shards",
        "--source basic --output results/data/shards/training/basic",
    )
    add_settings(parser, "source")
    parser.add_argument("--job", type=int, default=0, help="number of this job, from 0")
    parser.add_argument("--jobs", type=int, default=1, help="jobs that share the shards")
    parser.add_argument(
        "--processes", type=int, default=1, help="shards made side by side; no influence on them"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the shards")

    parser = add_command(
        commands,
        "merge-training",
        _merge_training,
        "merge shards into the training dataset of one train set",
        "--train-set direction --sources results/data/shards/training/basic"
        " --output results/data/training/direction",
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
    )
    add_settings(parser, "evaluation-set")
    parser.add_argument("--output", type=Path, required=True, help="Parquet file to write")

    parser = add_command(
        commands,
        "check-leaks",
        _check_leaks,
        "make sure that no tested scene occurs in training",
        "--training results/data/training/*/manifest.json"
        " --evaluation results/data/evaluation/*.json --output results/data/leaks.json",
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
    def from_config(experiment: Experiment) -> SourceSettings:
        training = experiment.training_sources()
        name = required(arguments, "source", [*training, *experiment.synthetic_sets])
        return training[name] if name in training else experiment.evaluation_source(name)

    settings = settings_of(arguments, SourceSettings, from_config)
    synthesize(
        settings,
        arguments.output,
        job=arguments.job,
        jobs=arguments.jobs,
        processes=arguments.processes,
    )


def _merge_training(arguments: argparse.Namespace) -> None:
    def from_config(experiment: Experiment) -> TrainingMergeSettings:
        return experiment.training_merge(required(arguments, "train-set", experiment.train_sets))

    settings = settings_of(arguments, TrainingMergeSettings, from_config)
    manifest = merge_training(settings, job_manifests(arguments.sources), arguments.output)
    write_merged_card(open_dataset(arguments.output))
    print(f"{manifest['questions']} questions, {manifest['conversations']} conversations")


def _merge_evaluation(arguments: argparse.Namespace) -> None:
    sources = job_manifests(arguments.sources)
    if len(sources) != 1:
        raise SparkleError(
            f"An evaluation set has one source, not {len(sources)}.", "Give one folder of shards."
        )
    manifest = merge_evaluation(sources[0], arguments.output)
    write_merged_card(open_dataset(arguments.output))
    print(f"{manifest['questions']} questions")


def _read_benchmark(arguments: argparse.Namespace) -> None:
    def from_config(experiment: Experiment) -> BenchmarkSettings:
        known = experiment.benchmark_sets
        return experiment.benchmark(required(arguments, "evaluation-set", known))

    settings = settings_of(arguments, BenchmarkSettings, from_config)
    manifest = write_benchmark(settings, arguments.output)
    print(f"{manifest['items']} items, {manifest['questions']} questions")
    for note in manifest["notes"]:
        print(f"note: {note}")


def _check_leaks(arguments: argparse.Namespace) -> None:
    check_leaks(arguments.training, arguments.evaluation, arguments.output)
    print(f"no leak: {len(arguments.training)} x {len(arguments.evaluation)} datasets compared")


def _export(arguments: argparse.Namespace) -> None:
    record = export_dataset(open_dataset(arguments.dataset), arguments.format, arguments.output)
    print(f"{record['rows']} rows in {arguments.output}; its README.md tells how to load them")


def job_manifests(paths: list[Path]) -> list[list[Path]]:
    """Job manifests grouped by source. A folder stands for all manifests in it."""
    grouped: dict[Path, list[Path]] = {}
    for path in paths:
        found = job_files(path) if path.is_dir() else [path]
        grouped.setdefault(found[0].parent, []).extend(found)
    return list(grouped.values())
