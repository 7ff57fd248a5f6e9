"""Subcommands that score, tabulate and report."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import yaml

from sparkle.commands import recipes, settings
from sparkle.commands.common import DEFAULT_CONFIG, Commands, add_command
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import write_text
from sparkle.scoring.comparisons import (
    compare,
    means_as_markdown,
    over_scenes,
    over_seeds,
    write_comparisons,
)
from sparkle.scoring.score import score
from sparkle.scoring.tables import Row, build_matrix, notes_of, write_tables


def register(commands: Commands) -> None:
    """Add the result subcommands."""
    parser = add_command(
        commands,
        "score",
        _score,
        "judge predictions with each task's parser and verifier",
        "--predictions results/predictions/sparkle-tiny/direction/seed1"
        " --evaluation-sets results/data/evaluation/*.parquet --output scores",
        recipes.with_own_code(_score, recipes.score),
    )
    parser.add_argument("--predictions", type=Path, required=True, help="folder of predictions")
    parser.add_argument(
        "--evaluation-sets", type=Path, nargs="+", required=True, help="evaluation datasets"
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the scores")

    parser = add_command(
        commands,
        "tables",
        _tables,
        "gather all scores into one matrix (CSV, Parquet, Markdown)",
        "--scores results/scores --rows sparkle-tiny/none/seed0 oracle/none/seed0"
        " --evaluation-sets direction distance --output results/tables",
        recipes.with_own_code(_tables, recipes.tables),
    )
    parser.add_argument("--scores", type=Path, required=True, help="folder of all scores")
    _add_rows(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    parser.add_argument(
        "--baselines", nargs="*", default=[], metavar="MODEL=MODEL",
        help="rows to compare with another model than their own base",
    )  # fmt: skip

    parser = add_command(
        commands,
        "report",
        _report,
        "draw the figures and write the report",
        "--results results --rows sparkle-tiny/none/seed0 --evaluation-sets direction",
        recipes.with_own_code(_report, recipes.report),
    )
    parser.add_argument("--results", type=Path, required=True, help="results folder")
    _add_rows(parser)
    parser.add_argument(
        "--config-file", type=Path, help="resolved config (default: RESULTS/config.yaml)"
    )

    parser = add_command(
        commands,
        "freeze-config",
        _freeze,
        "write the resolved config with all defaults, but for what has no influence on results",
        "--output results/config.yaml",
        recipes.with_own_code(_freeze, recipes.freeze_config),
    )
    parser.add_argument("--settings", metavar="JSON", help="the config as JSON, as rules pass it")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="config file")
    parser.add_argument("--output", type=Path, required=True, help="YAML file to write")


def _add_rows(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rows", nargs="+", required=True, metavar="MODEL/TRAIN_SET/seedN", help="rows, in order"
    )
    parser.add_argument("--evaluation-sets", nargs="+", required=True, help="names, in order")


def _score(arguments: argparse.Namespace) -> None:
    for path in arguments.evaluation_sets:
        frame = score(arguments.predictions / path.name, path, arguments.output / path.name)
        print(f"{path.stem}: {int(frame['correct'].sum())}/{len(frame)} correct")


def parse_rows(rows: list[str]) -> list[Row]:
    """Rows of the form MODEL/TRAIN_SET/seedN as (model, train set, seed)."""
    found = []
    for row in rows:
        parts = row.split("/")
        if len(parts) != 3 or not parts[2].removeprefix("seed").isdigit():
            raise SparkleError(f"--rows: '{row}' is no MODEL/TRAIN_SET/seedN.", "Write it so.")
        found.append((parts[0], parts[1], int(parts[2].removeprefix("seed"))))
    return found


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        model, equals, base = text.partition("=")
        if not (model and equals and base):
            raise SparkleError(f"--baselines: '{text}' is no MODEL=MODEL.", "Write it so.")
        found[model] = base
    return found


def score_files(folder: Path, rows: list[Row], sets: list[str]) -> dict[Row, dict[str, Path]]:
    """The score file of every row and evaluation set."""
    return {
        row: {name: folder / row[0] / row[1] / f"seed{row[2]}" / f"{name}.parquet" for name in sets}
        for row in rows
    }


def _tables(arguments: argparse.Namespace) -> None:
    files: Mapping[Row, Mapping[str, Path]] = score_files(
        arguments.scores, parse_rows(arguments.rows), arguments.evaluation_sets
    )
    matrix = build_matrix(files)
    comparisons = compare(files, _pairs(arguments.baselines))
    seeds = over_seeds(matrix)
    means = means_as_markdown(seeds, over_scenes(files), comparisons, arguments.evaluation_sets)
    write_tables(matrix, arguments.output, notes_of(files), means)
    write_comparisons(comparisons, seeds, arguments.output)
    print((arguments.output / "matrix.md").read_text(encoding="utf-8"))


def _report(arguments: argparse.Namespace) -> None:
    from sparkle.reporting.figures import write_figures
    from sparkle.reporting.report import write_report

    results: Path = arguments.results
    rows = parse_rows(arguments.rows)
    curves = {row: path for row, path in settings.curves(arguments).items() if path.exists()}
    matrix = results / "tables" / "matrix.csv"
    config_file = arguments.config_file or results / "config.yaml"
    config = Experiment.load(config_file).config
    capabilities = {name: train_set.capabilities for name, train_set in config.train_sets.items()}
    write_figures(matrix, curves, results / "figures", capabilities)
    write_report(
        matrix_csv=matrix,
        scores=score_files(results / "scores", rows, arguments.evaluation_sets),
        evaluation_sets={
            name: results / "data" / "evaluation" / f"{name}.parquet"
            for name in arguments.evaluation_sets
        },
        training_csvs=curves,
        config_yaml=config_file.read_text(encoding="utf-8"),
        capabilities=capabilities,
        path=results / "report.html",
        title=f"Sparkle: {config.name}",
        comparisons_csv=results / "tables" / "comparisons.csv",
        notes=notes_of(score_files(results / "scores", rows, arguments.evaluation_sets)),
    )
    print(f"report: {results / 'report.html'}")


def _freeze(arguments: argparse.Namespace) -> None:
    text = yaml.safe_dump(settings.whole_config(arguments), sort_keys=False, allow_unicode=True)
    write_text(arguments.output, text)
