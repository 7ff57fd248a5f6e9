"""All that is used of Snakemake without being promised by it, in one place, checked before use.

What Snakemake offers to choose jobs (forcing files and rules, ``until``, ``omit-from``) can add
jobs and cut off branches, but cannot say that just these jobs run: it adds what follows a job that
runs, and drops a job behind one that runs if it only waits for it. So its own choice is replaced
when it has been made. As of Snakemake 9.27.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sparkle.errors import SparkleError

_JOBS, _WAITING, _COUNT, _BUILD = "_needrun", "_n_until_ready", "_len", "_build_dag"


def before_building(workflow: Any, prepare: Callable[[Any], None]) -> None:
    """Call ``prepare`` with the DAG of a workflow, before Snakemake chooses jobs.

    Raises:
        SparkleError: This version of Snakemake works otherwise inside; also when it is built.
    """
    _require(workflow, _BUILD)
    build = getattr(workflow, _BUILD)

    def prepared() -> Any:
        _require(workflow.dag, _JOBS, _WAITING, _COUNT)
        prepare(workflow.dag)
        return build()

    setattr(workflow, _BUILD, prepared)


def run_just(dag: Any, jobs: set[Any]) -> None:
    """Let just ``jobs``, none of which is finished, be what a DAG has still to run."""
    chosen, waiting = getattr(dag, _JOBS), getattr(dag, _WAITING)
    chosen.clear()
    chosen.update(jobs)
    waiting.clear()  # job -> how many of the jobs that it needs have still to run
    for job in jobs:
        waiting[job] = sum(other in jobs for other in dag.dependencies[job])
    setattr(dag, _COUNT, len(jobs.union(dag.finished_jobs)))


def _require(part: Any, *names: str) -> None:
    lacking = [name for name in names if not hasattr(part, name)]
    if lacking:
        import snakemake

        version = getattr(snakemake, "__version__", "of unknown version")
        raise SparkleError(
            f"Snakemake {version} has no {type(part).__name__}.{lacking[0]}: which jobs run cannot"
            " be decided by the records.",
            "Install the version that envs/requirements.lock names.",
        )
