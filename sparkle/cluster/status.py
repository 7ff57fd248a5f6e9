"""What an experiment is doing: from the plan, the journal, Slurm, the logs and the benchmarks."""

from __future__ import annotations

import csv
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkle.cluster import slurm
from sparkle.cluster.driver import Driver, read_driver
from sparkle.cluster.journal import Entry, read_entries
from sparkle.cluster.slurm import QueuedJob
from sparkle.cluster.supervise import DRIVER, JOURNAL, PLAN
from sparkle.errors import SparkleError
from sparkle.files import read_json

_BENCHMARKS = Path("benchmarks/runs")


@dataclass(frozen=True)
class PlannedJob:
    """A job of the last run, and how far it is.

    Attributes:
        state: ``done``, ``running``, ``waiting`` (in Slurm's queue), ``failed`` or ``to come``.
        queued: What Slurm says about it, on a cluster.
        expected: Seconds that jobs of its rule took so far, or None if none has ended yet.
    """

    rule: str
    wildcards: dict[str, str]
    log: Path | None
    gpus: int
    local: bool
    state: str
    queued: QueuedJob | None = None
    slurm_log: Path | None = None
    expected: float | None = None

    @property
    def title(self) -> str:
        return " ".join([self.rule, *self.wildcards.values()])


@dataclass(frozen=True)
class Status:
    """The state of an experiment.

    Attributes:
        gpu_hours: Hours of GPUs used by this results folder's jobs on the cluster, failed ones too.
        seconds_left: Work that remains, in seconds of jobs, as far as benchmarks tell.
        unknown: Remaining jobs of which no benchmark tells.
        slurm: Why Slurm could not be asked; empty if it could, or need not be.
    """

    driver: Driver | None
    jobs: list[PlannedJob] = field(default_factory=list)
    gpu_hours: float = 0.0
    seconds_left: float = 0.0
    unknown: int = 0
    slurm: str = ""

    def count(self, state: str) -> int:
        return sum(job.state == state for job in self.jobs)


def read_status(results: Path) -> Status:
    """Read the state of the experiment in ``results``, from the folder Snakemake is started in.

    Raises:
        SparkleError: Nothing has been started with these results.
    """
    plan = results / PLAN
    if not plan.exists():
        raise SparkleError(
            f"No run has been started with the results folder {results}.",
            "Name the folder with --results, from the folder in which Snakemake is started.",
        )
    driver = read_driver(results / DRIVER)
    entries = read_entries(results / JOURNAL)
    queued, fault = _queued(results, entries)
    started = plan.stat().st_mtime
    jobs = [
        _planned(values, started, entries, queued, driver) for values in read_json(plan)["jobs"]
    ]
    left = [job for job in jobs if job.state != "done"]
    return Status(
        driver,
        jobs,
        _gpu_hours(entries, queued),
        sum(_left(job) for job in left),
        sum(job.expected is None and not job.local for job in left),
        fault,
    )


def _queued(results: Path, entries: list[Entry]) -> tuple[dict[str, QueuedJob], str]:
    """Slurm's active jobs by comment. Nothing is asked if nothing was ever submitted."""
    if not entries:
        return {}, ""
    try:
        name = read_json(results / PLAN)["name"]
        return {job.comment: job for job in slurm.queue(name) if job.active}, ""
    except SparkleError as error:
        return {}, error.message


def _planned(
    values: dict[str, Any],
    started: float,
    entries: list[Entry],
    queued: dict[str, QueuedJob],
    driver: Driver | None,
) -> PlannedJob:
    comment = values["comment"]
    mine = [entry for entry in entries if entry.comment == comment]
    log = Path(values["log"][0]) if values["log"] else None
    job = queued.get(comment)
    begun = log is not None and log.exists() and log.stat().st_mtime >= started
    if job is not None:
        state = "running" if job.state in ("RUNNING", "COMPLETING") else "waiting"
    elif _are_new(values["outputs"], started):
        state = "done"
    elif mine and mine[-1].event in ("failed", "cancelled") and mine[-1].time >= started:
        state = "failed"
    elif begun and not mine:
        state = "running" if driver is not None and driver.alive else "failed"
    else:
        state = "to come"
    return PlannedJob(
        values["rule"],
        values["wildcards"],
        log,
        values["gpus"],
        values["local"],
        state,
        job,
        Path(mine[-1].log) if mine and mine[-1].log else None,
        expected_seconds(sorted((_BENCHMARKS / values["rule"]).glob("*.tsv"))),
    )


def _are_new(outputs: list[str], started: float) -> bool:
    paths = [Path(output) for output in outputs]
    return all(path.exists() and path.stat().st_mtime >= started for path in paths)


def expected_seconds(benchmarks: Sequence[Path]) -> float | None:
    """Mean seconds of jobs by their benchmark files, or None if there are none."""
    found = []
    for path in benchmarks:
        with open(path, newline="") as handle:
            found += [float(row["s"]) for row in csv.DictReader(handle, delimiter="\t")]
    return sum(found) / len(found) if found else None


def _left(job: PlannedJob) -> float:
    if job.expected is None:
        return 0.0
    elapsed = job.queued.elapsed if job.queued else 0.0
    return max(0.0, job.expected - elapsed)


def _gpu_hours(entries: list[Entry], queued: dict[str, QueuedJob]) -> float:
    ended = sum(entry.gpus * entry.seconds for entry in entries)
    gpus = {entry.id: entry.gpus for entry in entries if entry.event in ("submitted", "adopted")}
    running = sum(gpus.get(job.id, 0) * job.elapsed for job in queued.values())
    return (ended + running) / 3600


def last_lines(log: Path | None, count: int = 5) -> list[str]:
    """The last lines of a log that are not empty; none if there is no log."""
    if log is None or not log.is_file():
        return []
    with open(log, "rb") as handle:
        handle.seek(0, 2)
        handle.seek(max(0, handle.tell() - 20_000))
        text = handle.read().decode(errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]


def counts_by_rule(status: Status, state: str) -> Counter[str]:
    """How many jobs of each rule are in a state."""
    return Counter(job.rule for job in status.jobs if job.state == state)


def place(driver: Driver) -> str:
    """Where a driver runs, in words."""
    here = " (this machine)" if driver.host == socket.gethostname() else ""
    return f"process {driver.pid} on {driver.host}{here}"
