"""The command line: one subcommand per step of the workflow, each usable by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sparkle import __version__
from sparkle.commands import cluster, data, inspect, look, models, provenance, results
from sparkle.errors import SparkleError


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands."""
    parser = argparse.ArgumentParser(prog="sparkle", description=__doc__)
    parser.add_argument("--version", action="version", version=f"sparkle {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (inspect, data, look, models, results, provenance, cluster):
        module.register(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand. Faults the user can mend become a message; status 2.

    A subcommand that compares returns 1 where something does not match.
    """
    arguments = build_parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except SparkleError as error:
        print(f"sparkle: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sparkle: interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
