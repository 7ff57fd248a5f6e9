"""Questions to Slurm, by its command line programs."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkle.errors import SparkleError

ACTIVE = frozenset(
    (
        "PENDING",
        "RUNNING",
        "CONFIGURING",
        "COMPLETING",
        "SUSPENDED",
        "REQUEUED",
        "REQUEUE_FED",
        "REQUEUE_HOLD",
        "RESIZING",
        "RESV_DEL_HOLD",
        "SIGNALING",
        "SPECIAL_EXIT",
        "STAGE_OUT",
        "STOPPED",
    )
)
"""States of jobs that have not ended."""

_LAYOUT = "%i|%T|%P|%N|%b|%M|%l|%r|%j|%k"
_SECONDS = 60.0
# The words of Slurm's own daemon only: a step may speak of the memory of its GPU.
_OUT_OF_MEMORY = re.compile(r"^slurmstepd.*(?:memory limit|oom.kill)", re.IGNORECASE)


@dataclass(frozen=True)
class QueuedJob:
    """A job that Slurm knows. Times are in seconds; an unlimited job has no limit."""

    id: str
    state: str
    partition: str
    nodes: str
    gres: str
    elapsed: float
    limit: float | None
    reason: str
    name: str
    comment: str

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def held_after_failed_launch(self) -> bool:
        """Whether Slurm holds the job back because it could not be started on its node."""
        reason = self.reason.lower().replace("_", " ")
        return self.state == "PENDING" and reason.startswith("launch failed")


def run(*command: str, seconds: float = _SECONDS) -> str:
    """Output of one of Slurm's programs.

    Raises:
        SparkleError: It is not installed, fails, or does not answer in time.
    """
    hint = "Is this a login node of the cluster, and does 'sinfo' work here?"
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except FileNotFoundError:
        raise SparkleError(f"Slurm's program '{command[0]}' is not installed.", hint) from None
    except subprocess.TimeoutExpired:
        raise SparkleError(f"'{command[0]}' did not answer in {seconds:.0f} s.", hint) from None
    if done.returncode:
        raise SparkleError(f"'{' '.join(command)}' failed: {done.stderr.strip()}", hint)
    return done.stdout


def queue(name: str) -> list[QueuedJob]:
    """All jobs of a name that Slurm still knows, ended ones too.

    Raises:
        SparkleError: Slurm does not answer.
    """
    text = run("squeue", "--noheader", "--states=all", "--name", name, "--format", _LAYOUT)
    return [parse_line(line) for line in text.splitlines() if line.strip()]


def parse_line(line: str) -> QueuedJob:
    """One line of squeue's output in our layout."""
    identity, state, partition, nodes, gres, elapsed, limit, reason, name, comment = (
        part.strip() for part in line.split("|", 9)
    )
    return QueuedJob(
        identity,
        state,
        partition,
        nodes,
        gres,
        seconds_of(elapsed) or 0.0,
        seconds_of(limit),
        reason,
        name,
        comment,
    )


def seconds_of(text: str) -> float | None:
    """Seconds of a duration as Slurm writes it ([days-][hours:]minutes:seconds), or None."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if match is None:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def gpus_of(gres: str) -> int:
    """GPUs in a GRES such as ``gres:gpu:a100:2`` or ``gpu:1`` (per node); 0 when there are none."""
    found = re.findall(r"gpu(?::[A-Za-z][\w.-]*)?(?::(\d+))?", gres)
    return sum(int(count or 1) for count in found)


def ran_out_of_memory(log: Path) -> bool:
    """Whether Slurm ended a job for its use of memory; its log says so where its state does not."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(_OUT_OF_MEMORY.search(line) for line in lines)


def cancel(jobs: Sequence[QueuedJob], name: str, *, seconds: float = 120.0) -> bool:
    """Cancel jobs and wait until none of them runs; False if some still do after ``seconds``.

    Raises:
        SparkleError: Slurm does not answer.
    """
    if not jobs:
        return True
    ids = {job.id for job in jobs}
    run("scancel", *sorted(ids))
    deadline = time.monotonic() + seconds
    while any(job.active and job.id in ids for job in queue(name)):
        if time.monotonic() > deadline:
            return False
        time.sleep(1.0)
    return True
