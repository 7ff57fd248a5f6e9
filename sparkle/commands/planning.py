"""Subcommands about reruns: what would run, why and at what cost; and what is in the store."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from sparkle.cluster.planning import from_json, plan_lines
from sparkle.commands.common import DEFAULT_CONFIG, Commands, add_command
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.provenance.store import drop, entries

_LINES_OF_ERROR = 20


def register(commands: Commands) -> None:
    """Add the subcommands about reruns."""
    parser = add_command(
        commands,
        "plan",
        _plan,
        "print what would run, why, and what it will cost by earlier benchmarks",
        "--config config/config.yaml",
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="config file")
    parser.add_argument(
        "--snakefile", type=Path, default=Path("Snakefile"), help="the Snakefile (default: here)"
    )
    parser.add_argument("--profile", type=Path, help="a profile, such as profiles/slurm")
    parser.add_argument("--json", action="store_true", help="as JSON, a job each")
    parser.add_argument("targets", nargs="*", help="files or rules to ask for (default: all)")

    parser = add_command(
        commands,
        "store",
        _store,
        "list the artefacts that are kept for further experiments, or remove unused ones",
        "--config config/config.yaml --prune",
    )
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="config file")
    parser.add_argument(
        "--prune", action="store_true", help="remove what no results folder holds any more"
    )


def _plan(arguments: argparse.Namespace) -> None:
    Experiment.load(arguments.config)  # faults of the config are told in our own words
    if not arguments.snakefile.is_file():
        raise SparkleError(
            f"There is no {arguments.snakefile} here.",
            "Start the command where you start Snakemake, or name the file with --snakefile.",
        )
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder, "plan.json")
        command = [sys.executable, "-m", "snakemake", *arguments.targets, "--dry-run"]
        command += ["--quiet", "--snakefile", str(arguments.snakefile)]
        command += ["--configfile", str(arguments.config)]
        command += ["--profile", str(arguments.profile)] if arguments.profile else []
        environment = {**os.environ, "SPARKLE_PLAN": str(plan)}
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
        if run.returncode or not plan.exists():
            said = (run.stdout + run.stderr).strip().splitlines()[-_LINES_OF_ERROR:]
            raise SparkleError(
                "Snakemake could not plan the run:\n" + "\n".join(said), "Mend the cause first."
            )
        data = json.loads(plan.read_text(encoding="utf-8"))
    if arguments.json:
        print(json.dumps(data["jobs"], indent=2))
    else:
        print("\n".join(plan_lines(from_json(data))))


def _store(arguments: argparse.Namespace) -> None:
    store = Experiment.load(arguments.config).config.store
    if store is None:
        raise SparkleError("This config has 'store: null': nothing is kept.", "Name a folder.")
    found = list(entries(Path(store)))
    for entry in found:
        what = "/".join(filter(None, entry.record.subject.values()))
        state = "used" if entry.used else "unused"
        print(f"{state}  {entry.bytes / 2**20:9.1f} MB  {entry.record.step} {what}")
    unused = [entry for entry in found if not entry.used]
    size = sum(entry.bytes for entry in unused) / 2**20
    if arguments.prune:
        for entry in unused:
            drop(Path(store), entry.record.identity)
        print(f"{len(unused)} unused artefacts removed from {store}: {size:.1f} MB.")
    else:
        print(f"{len(found)} artefacts in {store}; {len(unused)} unused: {size:.1f} MB.")
