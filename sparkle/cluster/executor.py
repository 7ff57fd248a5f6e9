"""Snakemake's Slurm executor, made to survive: it finds its jobs again after the driver died.

It is a subclass of the executor of snakemake-executor-plugin-slurm, which still submits. Different
are: the name of the jobs, which stays the same for an experiment; how states are asked for; and
that jobs of an earlier driver are taken over instead of being submitted a second time.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snakemake.io import is_flagged
from snakemake_executor_plugin_slurm import Executor as SlurmExecutor
from snakemake_executor_plugin_slurm.utils import get_job_wildcards
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo

from sparkle.cluster import slurm
from sparkle.cluster.clocks import bring_back, present_of
from sparkle.cluster.frozen import snakefile
from sparkle.cluster.journal import Entry, read_entries, write_entry
from sparkle.cluster.slurm import QueuedJob
from sparkle.cluster.supervise import slurm_comment
from sparkle.errors import SparkleError
from sparkle.files import canonical_json, text_hash

# After so many checks a job that Slurm no longer knows, or may put back into the queue, is judged.
_PATIENCE = 3
_MAY_COME_BACK = ("NODE_FAIL", "PREEMPTED", "BOOT_FAIL")
_HINTS = {
    "TIMEOUT": "it did not end in its time; the next attempt gets more. Raise 'minutes' of the"
    " step under 'resources' of the config if that does not suffice",
    "OUT_OF_MEMORY": "it needed more memory than it asked for; the next attempt gets more. Raise"
    " 'memory_mb' of the step under 'resources' of the config if that does not suffice",
    "CANCELLED": "somebody cancelled it, or Slurm ended it for its use of memory",
    "NODE_FAIL": "its node failed",
    "LAUNCH_FAILED": "Slurm could not start it and held it back; it was cancelled. 'sinfo -R' tells"
    " of nodes that Slurm took out of service",
    "PREEMPTED": "a job of higher priority took its place",
}


@dataclass(frozen=True)
class Context:
    """What the executor is told.

    Attributes:
        name: Name of all jobs of the experiment.
        code: Frozen code that the jobs run.
        journal: File for the journal.
        settled: Job -> whether nothing has to be computed for it.
        made_with: Job -> hash of the code and packages that it would be made with.
    """

    name: str
    code: Path
    journal: Path
    settled: Callable[[Any], bool]
    made_with: Callable[[Any], str]

    def key(self, job: Any) -> str:
        """Hash over all that the outputs of a job depend on."""
        return "" if job.is_group() else text_hash(f"{job_key(job)} {self.made_with(job)}")


class SupervisedExecutor(SlurmExecutor):
    """Submits jobs that run frozen code, takes over jobs of an earlier driver, keeps a journal."""

    context: Context  # set by the subclass that supervise() makes

    def __post_init__(self, test_mode: bool = False) -> None:
        super().__post_init__(test_mode)
        self.run_uuid = self.context.name
        self.logger.info(f"Jobs are called {self.run_uuid}: squeue --name {self.run_uuid}")
        self._missing: dict[str, int] = {}
        self._before: dict[str, dict[str, int]] = {}
        self._silent = False
        self._leftovers = self._find_leftovers()

    def get_snakefile(self) -> str:
        """Jobs read the frozen Snakefile."""
        return str(snakefile(self.context.code))

    # Jobs of an earlier driver ----------------------------------------------------------------

    def _find_leftovers(self) -> dict[Any, QueuedJob]:
        """Jobs of the DAG that an earlier driver has submitted already. Others are cancelled."""
        known = slurm.queue(self.context.name)
        journal = read_entries(self.context.journal)
        wanted = {slurm_comment(job): job for job in self.dag.needrun_jobs() if not job.is_group()}
        keys = {entry.id: entry.key for entry in journal if entry.event == "submitted"}
        ended = {entry.id for entry in journal if entry.event in ("failed", "succeeded")}
        found: dict[Any, QueuedJob] = {}
        unwanted: list[QueuedJob] = []
        for queued in sorted(known, key=lambda queued: int(queued.id.split("_")[0])):
            if not queued.active and (queued.state != "COMPLETED" or queued.id in ended):
                continue
            job = wanted.get(queued.comment)
            same = (
                job is not None
                and self._is_ready(job)
                and keys.get(queued.id) == self.context.key(job)
            )
            if same and job not in found:
                found[job] = queued
            elif queued.active:
                unwanted.append(queued)
        self._cancel(unwanted)
        for job, queued in found.items():
            self.logger.info(
                f"Slurm job {queued.id} ({queued.state}) of an earlier run is taken over:"
                f" {slurm_comment(job)}"
            )
        return found

    def _is_ready(self, job: Any) -> bool:
        """Whether nothing that the job depends on is made anew."""
        return not any(self.dag.needrun(other) for other in self.dag.dependencies[job])

    def _cancel(self, jobs: list[QueuedJob]) -> None:
        if not jobs:
            return
        names = ", ".join(f"{job.id} ({job.comment})" for job in jobs)
        self.logger.info(f"Cancelling jobs of an earlier run that no longer fit: {names}")
        if not slurm.cancel(jobs, self.context.name):
            raise SparkleError(
                f"Slurm jobs of an earlier run do not end: {names}.",
                "They wrote what is to be made anew; wait for them, or ask for help, then start"
                " again.",
            )
        for job in jobs:
            self._note("cancelled", job.id, comment=job.comment, seconds=job.elapsed)

    def run_job(self, job: Any) -> None:
        """Take the job over if it is in the queue already, else submit it, if it has to run."""
        queued = self._leftovers.pop(job, None)
        if queued is None and not job.is_group() and self.context.settled(job):
            self.logger.info(f"Nothing is to be computed, so not submitted: {slurm_comment(job)}")
            self.report_job_success(SubmittedJobInfo(job))
            return
        if queued is None:
            super().run_job(job)
            return
        log = self.slurm_logdir / f"rule_{job.name}" / get_job_wildcards(job) / f"{queued.id}.log"
        aux = {"slurm_logfile": log, "adopted": queued.state}
        self._report_job_submission_threadsafe(SubmittedJobInfo(job, queued.id, aux))

    def report_job_submission(self, job_info: SubmittedJobInfo, register_job: bool = True) -> None:
        """Note the job and what its outputs were before it."""
        job, identity = job_info.job, str(job_info.external_jobid)
        adopted = (job_info.aux or {}).get("adopted")
        if adopted in (None, "PENDING"):
            self._before[identity] = _times(job.output)
        self._note(
            "adopted" if adopted else "submitted",
            identity,
            comment=slurm_comment(job),
            key=self.context.key(job),
            gpus=_gpus(job),
            log=str((job_info.aux or {}).get("slurm_logfile", "")),
        )
        super().report_job_submission(job_info, register_job=register_job)

    # States -----------------------------------------------------------------------------------

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncIterator[SubmittedJobInfo]:
        """Report what has ended and hand on what has not."""
        seconds = self.workflow.executor_settings.init_seconds_before_status_checks
        self.next_seconds_between_status_checks = seconds
        known = await self._states() if active_jobs else {}
        for job_info in active_jobs:
            if known is None or not self._ended(job_info, known.get(str(job_info.external_jobid))):
                yield job_info

    async def _states(self) -> dict[str, QueuedJob] | None:
        """What Slurm knows, or None if it does not answer: then the jobs simply go on."""
        async with self.status_rate_limiter:
            try:
                jobs = await asyncio.to_thread(slurm.queue, self.context.name)
            except SparkleError as error:
                if not self._silent:
                    self.logger.warning(f"{error.message} The jobs go on; Slurm is asked again.")
                self._silent = True
                return None
        if self._silent:
            self.logger.warning("Slurm answers again.")
        self._silent = False
        return {job.id: job for job in jobs}

    def _ended(self, job_info: SubmittedJobInfo, queued: QueuedJob | None) -> bool:
        """Report the job if it has ended."""
        identity = str(job_info.external_jobid)
        if queued is None or queued.state in _MAY_COME_BACK:
            self._missing[identity] = self._missing.get(identity, 0) + 1
            if self._missing[identity] < _PATIENCE:
                return False
        else:
            self._missing.pop(identity, None)
        if queued is None:
            self._judge_by_outputs(job_info)
            return True
        if queued.held_after_failed_launch:
            # It would wait for somebody to release it; a new attempt may go to another node.
            self._give_up(job_info, queued)
            return True
        if queued.active:
            return False
        if queued.state == "COMPLETED":
            self._succeed(job_info, queued.elapsed)
        else:
            self._fail(job_info, queued)
        return True

    def _judge_by_outputs(self, job_info: SubmittedJobInfo) -> None:
        """Slurm has forgotten the job: a successful one has left all of its outputs, and new."""
        identity = str(job_info.external_jobid)
        before, now = self._before.get(identity, {}), _times(job_info.job.output)
        if all(time >= 0 and time != before.get(name) for name, time in now.items()):
            self._succeed(job_info, 0.0)
            return
        self._note("failed", identity, comment=slurm_comment(job_info.job), state="FORGOTTEN")
        self.report_job_error(job_info, msg=f"Slurm no longer knows job {identity}. ")

    def _succeed(self, job_info: SubmittedJobInfo, seconds: float) -> None:
        self._note_end("succeeded", job_info, "COMPLETED", seconds)
        outputs = [Path(str(output)) for output in job_info.job.output]
        with contextlib.suppress(OSError):
            late = bring_back(outputs, present_of(self.context.journal.parent))
            if late:
                self.logger.warning("The clock of its node is ahead: set the times of its files.")
        self.report_job_success(job_info)

    def _give_up(self, job_info: SubmittedJobInfo, queued: QueuedJob) -> None:
        try:
            slurm.run("scancel", queued.id)
        except SparkleError as error:
            self.logger.warning(f"Slurm job {queued.id} cannot be cancelled: {error.message}")
        self._fail(job_info, dataclasses.replace(queued, state="LAUNCH_FAILED"))

    def _fail(self, job_info: SubmittedJobInfo, queued: QueuedJob) -> None:
        self._note_end("failed", job_info, queued.state, queued.elapsed)
        log = (job_info.aux or {}).get("slurm_logfile")
        if log and slurm.ran_out_of_memory(Path(log)):
            hint = _HINTS["OUT_OF_MEMORY"]
        else:
            hint = _HINTS.get(queued.state, "its log tells why")
        self.report_job_error(
            job_info,
            msg=f"Slurm job {queued.id} ended as {queued.state}: {hint}. ",
            aux_logs=[str(log)] if log else [],
        )

    def _note_end(self, event: str, info: SubmittedJobInfo, state: str, seconds: float) -> None:
        self._note(
            event,
            str(info.external_jobid),
            comment=slurm_comment(info.job),
            state=state,
            gpus=_gpus(info.job),
            seconds=seconds,
            log=str((info.aux or {}).get("slurm_logfile", "")),
        )

    def _note(self, event: str, identity: str, **values: Any) -> None:
        try:
            write_entry(self.context.journal, Entry(event, identity, **values))
        except OSError as error:
            self.logger.warning(f"The journal {self.context.journal} cannot be written: {error}")


def job_key(job: Any) -> str:
    """Hash over what the outputs of a job depend on: command, params, and its very input files."""
    inputs = [name for name in job.input if not is_flagged(name, "ancient")]
    values = {
        "rule": job.rule.name,
        "wildcards": {name: str(value) for name, value in job.wildcards.items()},
        "shell": str(job.rule.shellcmd),
        "params": {name: str(value) for name, value in job.params.items()},
        "inputs": {name: [time, _size(name)] for name, time in _times(inputs).items()},
    }
    return text_hash(canonical_json(values))


def _times(names: Any) -> dict[str, int]:
    """Modification time of each file in nanoseconds; -1 where there is none."""
    found = {}
    for name in names:
        try:
            found[str(name)] = Path(name).stat().st_mtime_ns
        except OSError:
            found[str(name)] = -1
    return found


def _size(name: str) -> int:
    path = Path(name)
    return path.stat().st_size if path.is_file() else -1


def _gpus(job: Any) -> int:
    nodes = int(job.resources.get("nodes") or 1)
    return int(job.resources.get("gpu") or 0) or nodes * slurm.gpus_of(
        str(job.resources.get("gres") or "")
    )
