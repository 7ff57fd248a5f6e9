"""Subcommands that show what is in datasets."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparkle.commands import recipes
from sparkle.commands.common import Commands, add_command
from sparkle.datasets.glimpse import glimpse
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.statistics import (
    Statistics,
    describe_evaluation,
    describe_shards,
    describe_training,
)
from sparkle.errors import SparkleError

_DATASET = "folder of a train set, file of an evaluation set, or folder of shards"


def register(commands: Commands) -> None:
    """Add the looking subcommands."""
    parser = add_command(
        commands,
        "describe",
        _describe,
        "report how answers, places and difficulty are distributed, as one page and JSON",
        "--datasets results/data/training/full results/data/evaluation/direction.parquet"
        " --output distributions.html",
        recipes.with_own_code(_describe, recipes.describe),
    )
    parser.add_argument("--datasets", type=Path, nargs="+", required=True, help=_DATASET)
    parser.add_argument(
        "--shards",
        type=Path,
        help="folder of the train sets' shards (default: ../../shards/training from the train set)",
    )
    parser.add_argument("--title", default="Distributions", help="title of the page")
    parser.add_argument("--output", type=Path, required=True, help="HTML file to write")

    parser = add_command(
        commands,
        "preview",
        _preview,
        "draw a contact sheet: pictures with questions and answers, routes drawn over",
        "--dataset results/data/evaluation/spp.parquet --output preview/spp",
    )
    parser.add_argument("--dataset", type=Path, required=True, help=_DATASET)
    parser.add_argument("--count", type=int, default=12, help="pictures to show (default: 12)")
    parser.add_argument("--columns", type=int, default=4, help="pictures in a row (default: 4)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other pictures")
    parser.add_argument(
        "--output", type=Path, required=True, help="OUTPUT.png and OUTPUT.html are written"
    )


def _preview(arguments: argparse.Namespace) -> None:
    from sparkle.reporting.preview import write_preview

    if arguments.columns < 1 or arguments.seed < 0:
        raise SparkleError("--columns must be 1 or more, --seed 0 or more.", "Leave them out.")
    seen = glimpse(arguments.dataset, arguments.count, arguments.seed)
    files = write_preview(seen, arguments.output, arguments.columns)
    print(f"{len(seen.shown)} of {seen.total} {seen.unit}: " + ", ".join(map(str, files)))


def _describe(arguments: argparse.Namespace) -> None:
    from sparkle.reporting.distributions import write_distributions

    statistics = [_statistics(path, arguments.shards) for path in arguments.datasets]
    write_distributions(statistics, arguments.output, arguments.title)
    print(f"{len(statistics)} datasets described in {arguments.output}")


def _statistics(path: Path, shards: Path | None) -> Statistics:
    if path.is_dir() and next(path.glob("job-*.json"), None):
        return describe_shards(path)
    dataset = open_dataset(path)
    if dataset.role == "evaluation":
        return describe_evaluation(dataset)
    return describe_training(dataset, shards or path.parent.parent / "shards" / "training")
