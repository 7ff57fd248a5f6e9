"""The command line: one subcommand per step of the workflow, each usable by hand."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from functools import cache

from sparkle import __version__
from sparkle.commands import cluster, data, inspect, look, models, planning, provenance, results
from sparkle.commands.common import replayable
from sparkle.commands.recipes import words_of
from sparkle.errors import SparkleError
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.writing import run_recorded


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = argparse.ArgumentParser(prog="sparkle", description=__doc__)
    parser.add_argument("--version", action="version", version=f"sparkle {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser.set_defaults(read_recipe=read_recipe)
    for module in (inspect, data, look, models, results, planning, provenance, cluster):
        module.register(commands)
    return parser


def run(arguments: argparse.Namespace, words: Sequence[str]) -> int:
    """Run a subcommand and return its exit status; a step leaves its record beside its outputs."""
    recipe = arguments.recipe(arguments) if getattr(arguments, "recipe", None) else None
    if recipe is None:
        return arguments.run(arguments) or 0
    arguments.made_with = recipe.made_with
    run_recorded(recipe, replayable(arguments, words, recipe), lambda: arguments.run(arguments))
    return 0


def read_step(shell: str) -> tuple[Recipe, list[str]] | None:
    """What a rule's shell command makes depends on, and its words for a record; None: no step."""
    words = words_of(shell)
    if words is None:
        return None
    arguments = _parser().parse_args(words)
    if arguments.recipe is None:
        return None
    recipe: Recipe = arguments.recipe(arguments)
    return recipe, replayable(arguments, words, recipe)


def read_recipe(words: Sequence[str]) -> Recipe | None:
    """What a step depends on, by the words of a record; None if they are no step's of today."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            arguments = _parser().parse_args(list(words))
        return arguments.recipe(arguments) if arguments.recipe else None
    except (SystemExit, SparkleError, OSError):
        return None


_parser = cache(build_parser)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Faults the user can mend become a message; status 2.

    A subcommand that compares returns 1 where something does not match.
    """
    arguments = build_parser().parse_args(argv)
    try:
        return run(arguments, sys.argv[1:] if argv is None else argv)
    except SparkleError as error:
        print(f"sparkle: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sparkle: interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
