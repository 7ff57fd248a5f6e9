"""Subcommands for clusters: what runs, and whether the cluster is as expected."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Iterator
from pathlib import Path

from sparkle.cluster import check, nodes, slurm
from sparkle.cluster.status import (
    PlannedJob,
    Status,
    counts_by_rule,
    last_lines,
    place,
    read_status,
)
from sparkle.commands.common import DEFAULT_CONFIG, Commands, add_command
from sparkle.commands.progress import progress_text
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment

_MARKS = {True: "ok  ", False: "FAIL", None: "?   "}


def register(commands: Commands) -> None:
    """Add the subcommands of clusters."""
    parser = add_command(
        commands,
        "status",
        _status,
        "what runs where, what waits, what failed and why, GPU hours, time left",
        "--results results",
    )
    parser.add_argument(
        "--results", type=Path, default=Path("results"), help="results folder (default: results)"
    )
    parser.add_argument(
        "--lines", type=int, default=5, help="lines of the log of a failed job (default: 5)"
    )
    _register_check(commands)


def _register_check(commands: Commands) -> None:
    """The subcommands ``cluster check`` and, for its jobs, ``cluster probe``."""
    parser = add_command(
        commands,
        "cluster",
        _check,
        "look at a cluster before using it",
        "check --profile profiles/slurm --config config/paper.yaml",
    )
    inner = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    parser = add_command(
        inner,
        "check",
        _check,
        "compare partitions, GPUs, account, files and environment with the profile and the config",
        "--profile profiles/slurm --config config/paper.yaml",
    )
    parser.epilog = (parser.epilog or "").replace("sparkle check", "sparkle cluster check")
    parser.add_argument("--profile", type=Path, default=Path("profiles/slurm"), help="the profile")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="config file")
    parser.add_argument("--no-jobs", action="store_true", help="run no small job on each partition")
    parser.add_argument(
        "--wait", type=int, default=10, help="minutes to wait for such a job (default: 10)"
    )
    parser = inner.add_parser("probe", help="what a node is; run by 'check' inside a job")
    parser.add_argument("--output", type=Path, required=True)
    parser.set_defaults(run=lambda arguments: nodes.probe(arguments.output))


# Check ----------------------------------------------------------------------------------------


def _check(arguments: argparse.Namespace) -> None:
    failed = 0
    for finding in _findings(arguments):
        print(f"{_MARKS[finding.ok]} {finding.text}", flush=True)
        if finding.ok is False:
            failed += 1
            print(f"     Hint: {finding.hint}", flush=True)
    if failed:
        raise SparkleError(
            f"The cluster is not as {arguments.profile} and {arguments.config} expect:"
            f" {failed} of the above.",
            "Follow the hints; docs/cluster.md has recipes.",
        )
    print("The cluster is as expected.")


def _findings(arguments: argparse.Namespace) -> Iterator[check.Finding]:
    profile = check.read_profile(arguments.profile)
    experiment = Experiment.load(arguments.config)
    wishes = check.wishes(profile, experiment)
    slurm.run("sbatch", "--version")
    yield check.check_environment_variable()
    yield check.check_status_command(profile)
    yield check.check_account(wishes[0].account)
    for wish in wishes:
        yield from check.check_offers(wish)
    if not arguments.no_jobs:
        partitions = {(wish.partition, wish.needs.gpus > 0): wish for wish in wishes}
        for wish in partitions.values():
            results = Path(experiment.config.results)
            yield from nodes.check_node(wish, results, arguments.wait)


# Status ---------------------------------------------------------------------------------------


def _status(arguments: argparse.Namespace) -> None:
    status = read_status(arguments.results)
    print("\n".join(status_lines(status, arguments.lines)))


def status_lines(status: Status, log_lines: int = 5) -> Iterator[str]:
    """The state of an experiment as text."""
    driver = status.driver
    if driver is not None and driver.alive:
        yield f"Run by {place(driver)}."
    elif driver is not None:
        yield f"Was run by {place(driver)}, which has ended; start it again to go on."
    else:
        yield "Not being run."
    if status.slurm:
        yield f"Slurm cannot be asked: {status.slurm}"
    states = ("done", "running", "waiting", "failed", "to come")
    counts = ", ".join(f"{status.count(state)} {state}" for state in states)
    yield f"{len(status.jobs)} jobs: {counts}."
    for state in ("running", "waiting", "failed"):
        jobs = [job for job in status.jobs if job.state == state]
        if jobs:
            yield f"\n{state}:"
        for job in jobs:
            yield f"  {job.title}{_where(job)}"
            if state == "running":
                yield from (f"      {line}" for line in _progress(job))
            elif state == "failed":
                yield from _why(job, log_lines)
    coming = counts_by_rule(status, "to come")
    if coming:
        yield "\nto come: " + ", ".join(f"{count} {rule}" for rule, count in coming.items())
    yield f"\nGPU hours used on the cluster: {status.gpu_hours:.2f}"
    yield _time_left(status)


def _where(job: PlannedJob) -> str:
    queued = job.queued
    if queued is None:
        return ""
    if job.state == "waiting":
        return f"   Slurm job {queued.id} in '{queued.partition}', waits for: {queued.reason}"
    limit = "" if queued.limit is None else f" of {_duration(queued.limit)}"
    return f"   Slurm job {queued.id} on {queued.nodes}, {_duration(queued.elapsed)}{limit}"


def _progress(job: PlannedJob) -> list[str]:
    texts = [progress_text(line) for line in last_lines(job.log, 50)]
    return [text for text in texts if text][-1:]


def _why(job: PlannedJob, count: int) -> Iterator[str]:
    log = job.log if last_lines(job.log, 1) else job.slurm_log
    yield f"      log: {log}"
    for line in last_lines(log, count):
        yield f"      | {line[:160]}"


def _time_left(status: Status) -> str:
    left = status.count("running") + status.count("waiting") + status.count("to come")
    if not left:
        return "Nothing is left to do." if not status.count("failed") else "Only failures are left."
    at_once = max(1, status.count("running"))
    text = f"Work left: about {_duration(status.seconds_left)} of jobs"
    text += f", {_duration(status.seconds_left / at_once)} with {at_once} at a time"
    if status.unknown:
        text += f"; and {status.unknown} jobs of which no benchmark tells yet"
    return text + "."


def _duration(seconds: float) -> str:
    return str(datetime.timedelta(seconds=round(seconds)))
