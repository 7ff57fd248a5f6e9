"""What the Snakefile calls so that a run survives: see :func:`supervise`."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparkle.cluster.clocks import bring_back_all, present_of
from sparkle.cluster.driver import drive, remove_stale_locks
from sparkle.cluster.ending import end_on_sigterm
from sparkle.cluster.frozen import freeze_code, freeze_config, prune
from sparkle.cluster.judgement import Judged, Read, judged
from sparkle.errors import SparkleError
from sparkle.files import make_folder, text_hash, write_json
from sparkle.provenance.environment import COMMIT, git_state

DRIVER = "work/driver.json"
JOURNAL = "work/jobs.jsonl"
PLAN = "work/plan.json"
_FROZEN = "work/frozen"


def supervise(
    workflow: Any, *, root: Path, results: Path, name: str, read: Read, store: Path | None
) -> None:
    """Let records decide what runs, and a run be the only driver, with frozen code, of its results.

    Called while the Snakefile is read; takes effect when jobs are about to be run, or shown by a
    dry run, not for a report and the like, nor in jobs; but these too end on SIGTERM.

    Args:
        workflow: Snakemake's workflow object.
        root: Folder of the Snakefile, the rules and this package.
        results: The results folder, as the config names it.
        name: The experiment's name.
        read: Shell command of a job -> what its outputs depend on.
        store: Folder of the store of artefacts, or None.
    """
    end_on_sigterm()
    if not workflow.is_main_process:
        return
    execute = workflow.execute

    def supervised(*args: Any, executor_plugin: Any, **options: Any) -> Any:
        settings = executor_plugin.common_settings
        if settings.touch_exec:
            return execute(*args, executor_plugin=executor_plugin, **options)
        # Records tell what is finished; Snakemake's marks of what was cut off add nothing.
        workflow.execution_settings.ignore_incomplete = True
        with _errors_as_messages(), contextlib.ExitStack() as run:
            jobs = judged(workflow, read, results, store, dry=settings.dryrun_exec)
            if not settings.dryrun_exec:
                run.enter_context(drive(results / DRIVER))
                remove_stale_locks(Path(".snakemake/locks"), results)
                bring_back_all(results, present_of(results))
                code = _freeze(workflow, root, results / _FROZEN)
                if executor_plugin.name == "slurm":
                    executor_plugin = _supervised_plugin(executor_plugin, code, results, name, jobs)
            return execute(*args, executor_plugin=executor_plugin, **options)

    workflow.execute = supervised


def job_name(name: str, results: Path) -> str:
    """Name of all Slurm jobs of an experiment: the same for every run with these results."""
    short = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:30]
    return f"sparkle-{short}-{text_hash(str(results.resolve()), 8)}"


def write_plan(workflow: Any, results: Path, name: str) -> None:
    """Write which jobs a run is going to do, for ``sparkle status``."""
    jobs = [
        {
            "rule": job.rule.name,
            "wildcards": {key: str(value) for key, value in job.wildcards.items()},
            "comment": slurm_comment(job),
            "outputs": [str(output) for output in job.output],
            "log": [str(log) for log in job.log],
            "gpus": int(job.resources.get("gpu") or 0),
            "local": bool(job.is_local),
        }
        for job in workflow.dag.needrun_jobs()
    ]
    write_json(results / PLAN, {"name": job_name(name, results), "jobs": jobs})


def slurm_comment(job: Any) -> str:
    """What the plugin has Slurm show as the comment of a job: its rule and wildcards."""
    wildcards = "_".join(job.wildcards).replace("/", "_") if job.wildcards else ""
    return f"rule_{job.name}_wildcards_{wildcards}" if wildcards else f"rule_{job.name}"


def _freeze(workflow: Any, root: Path, store: Path) -> Path:
    make_folder(store)
    code = freeze_code(root, store)
    commit, dirty = git_state(root / "sparkle")
    write_json(code / COMMIT, {"commit": commit, "dirty": dirty})
    prune(store)
    workflow.config_settings.configfiles = [freeze_config(workflow.globals["config"], store)]
    # Local jobs import the frozen package too: first on the path, and nothing from where we stand.
    live = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in live if path and Path(path).resolve() != root.resolve()]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(code), *others])
    os.environ["PYTHONSAFEPATH"] = "1"
    return code


def _supervised_plugin(plugin: Any, code: Path, results: Path, name: str, jobs: Judged) -> Any:
    from sparkle.cluster.executor import Context, SupervisedExecutor

    journal = (results / JOURNAL).resolve()
    context = Context(job_name(name, results), code, journal, jobs.settled, jobs.made_with)
    executor = type("Executor", (SupervisedExecutor,), {"context": context})
    return dataclasses.replace(plugin, executor=executor)


@contextlib.contextmanager
def _errors_as_messages() -> Iterator[None]:
    from snakemake.exceptions import WorkflowError

    try:
        yield
    except SparkleError as error:
        raise WorkflowError(str(error)) from None
