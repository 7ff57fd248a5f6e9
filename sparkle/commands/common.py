"""What the subcommands share: how they are registered and where settings come from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sparkle.config.base import Settings
from sparkle.config.load import parse
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import canonical_json
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.writing import plain_command

Chosen = TypeVar("Chosen", bound=Settings)
Commands = argparse._SubParsersAction  # the public name for it does not exist

DEFAULT_CONFIG = Path("config/config.yaml")


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], Iterable[Path] | int | None],
    summary: str,
    example: str,
    recipe: Callable[[argparse.Namespace], Any] | None = None,
) -> argparse.ArgumentParser:
    """Register a subcommand with its help text and an example.

    Args:
        run: Does it; of a step it may return further files that it has read, of others the exit
            status.
        recipe: What the outputs of a step depend on; such a step leaves a record of itself.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[:1].upper() + summary[1:] + ".",
        epilog=f"example:\n  sparkle {name} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, recipe=recipe)
    return parser


def add_settings(parser: argparse.ArgumentParser, *names: str) -> None:
    """Options that say what to do: ``--settings`` (rules) or ``--config`` and names (by hand)."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--settings", metavar="JSON", help="settings of this step, as rules pass")
    group.add_argument(
        "--config",
        type=Path,
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help=f"config to take the settings from (default: {DEFAULT_CONFIG})",
    )
    for name in names:
        parser.add_argument(f"--{name}", help=f"{name.replace('-', ' ')} of the config")


def settings_of(
    arguments: argparse.Namespace,
    model: type[Chosen],
    provider: Callable[[Experiment], Chosen],
) -> Chosen:
    """The settings given as JSON, or those that ``provider`` takes from the config."""
    if arguments.settings is None:
        return provider(Experiment.load(arguments.config))
    return parse(model, json_of(arguments.settings, "--settings"), "--settings")


def json_of(text: str, option: str) -> Any:
    """The value of an option that is JSON."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SparkleError(f"{option} is no JSON ({error}).", "Use --config instead.") from None


def required(arguments: argparse.Namespace, name: str, known: list[str]) -> str:
    """The value of an option that is needed with ``--config``, checked against known names."""
    value = getattr(arguments, name.replace("-", "_"))
    if value is None:
        raise SparkleError(f"--{name} is missing.", f"One of: {', '.join(known)}.")
    if value not in known:
        raise SparkleError(f"--{name}: '{value}' is not known.", f"One of: {', '.join(known)}.")
    return str(value)


def replayable(arguments: argparse.Namespace, words: Sequence[str], recipe: Recipe) -> list[str]:
    """The command line of a step as its record has it: settings as JSON, files by name."""
    words = [part for word in words for part in _split_option(word)]
    if getattr(arguments, "settings", "") is None and recipe.settings:
        if "--config" in words:
            place = words.index("--config")
            del words[place : place + 2]
        words += ["--settings", canonical_json(dict(recipe.settings))]
    lists = [v if isinstance(v, list) else [v] for v in vars(arguments).values()]
    paths = [value for values in lists for value in values if isinstance(value, Path)]
    return plain_command(words, recipe, paths)


def _split_option(word: str) -> list[str]:
    option, equals, value = word.partition("=")
    return [option, value] if equals and option.startswith("--") else [word]
