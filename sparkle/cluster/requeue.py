"""A job that was asked to end, and has kept what it has, goes back into Slurm's queue."""

from __future__ import annotations

import os
from collections.abc import Callable

from sparkle.cluster import slurm
from sparkle.errors import SparkleError, Stopped


def requeue(stopped: Stopped, report: Callable[[str], None] = print) -> bool:
    """Put the Slurm job that this process runs in back into the queue; True if that was done.

    Done before a time limit or a preemption, which leave the job in the state RUNNING while they
    ask it to end, and only if it progressed, so that no job comes back forever. Not done for a
    cancelled job, nor outside of Slurm: then Snakemake or the user decides what comes next.
    """
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or not stopped.progressed:
        return False
    try:
        state = slurm.run("squeue", "--noheader", "--job", job, "--format", "%T").strip()
        if state != "RUNNING":
            report(f"Slurm job {job} is {state or 'unknown'}: it is not put back into the queue")
            return False
        slurm.run("scontrol", "requeue", job)
    except SparkleError as error:
        report(f"Slurm job {job} cannot be put back into the queue: {error.message}")
        return False
    report(f"Slurm job {job} is put back into the queue")
    return True
