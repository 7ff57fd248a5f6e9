"""Which jobs of a workflow have to run, and why: judged by the records beside their outputs.

Snakemake's own knowledge (times of files, its metadata) plays no part: what ran is told by records
alone, so a lost ``.snakemake`` folder, outputs that came while no main process lived, and files
that were only touched make no difference.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sparkle import fingerprint
from sparkle.cluster.internals import before_building, run_just
from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.provenance import store as artefacts
from sparkle.provenance.hashes import Hashes
from sparkle.provenance.judging import Verdict, judge
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.record import Record, locate, name_of
from sparkle.provenance.writing import draft

HASHES = "work/hashes.json"
CODE = "work/code.json"

Read = Callable[[str], tuple[Recipe, list[str]] | None]
"""Shell command of a job -> what its outputs depend on, and its words; None if it is no step."""


@dataclass(frozen=True)
class JobPlan:
    """A job that is to run.

    Attributes:
        why: ``changed``: for its own ``reasons``; ``lost``: only to bring back outputs that are
            missing or altered, and will be what they were but for those that vary; ``stored``: its
            outputs are in the store; ``after``: something that it reads is made anew, and if that
            comes out the same, nothing is computed where there is a store.
    """

    job: Any
    why: str
    reasons: tuple[str, ...]


@dataclass
class Judgement:
    """What :func:`judge_jobs` found.

    Attributes:
        plans: What is to run, in an order in which it can.
        taken: Jobs whose outputs have been taken from the store.
    """

    plans: list[JobPlan] = field(default_factory=list)
    taken: list[Any] = field(default_factory=list)

    @property
    def jobs(self) -> set[Any]:
        return {plan.job for plan in self.plans}


class Judge:
    """Judges jobs one after the other, each after those that it depends on."""

    def __init__(self, read: Read, results: Path, store: Path | None, *, dry: bool) -> None:
        self._read, self._results, self._store, self._dry = read, results, store, dry
        self._hashes = Hashes(results / HASHES)
        self._unknown: set[str] = set()  # files that may come to be other than they are
        fingerprint.load(results / CODE)

    def judge_jobs(
        self, jobs: Iterable[Any], reads: Callable[[Any], Iterable[str]], forced: set[Any]
    ) -> Judgement:
        """Judge ``jobs``, which come in an order in which they can run.

        Args:
            reads: Job -> what it reads of what other jobs make.
            forced: Jobs that the user wants to run in any case.
        """
        found = Judgement()
        for job in jobs:
            after = any(os.path.abspath(name) in self._unknown for name in reads(job))
            plan = self._judge(job, after, job in forced, found)
            if plan is not None:
                found.plans.append(plan)
        with contextlib.suppress(OSError, SparkleError):  # only faster the next time
            if (self._results / HASHES).parent.is_dir():
                self._hashes.save()
                write_text(self._results / CODE, fingerprint.dump())
        return found

    def _judge(self, job: Any, after: bool, forced: bool, found: Judgement) -> JobPlan | None:
        try:
            step = self._read(str(job.shellcmd or ""))
            if step is None:
                return None
            recipe, words = step
            verdict = judge(recipe, self._hashes)
        except (SparkleError, ModuleNotFoundError) as error:
            self._open(job.output)
            return JobPlan(job, "changed", (str(error).splitlines()[0],))
        if verdict.waiting and not after:
            verdict = replace(verdict, reasons=(*verdict.reasons, *verdict.waiting))
        if not (verdict.reasons or after or forced):
            return None
        if after or forced or verdict.hashes is None:
            self._open(job.output)
            if forced:
                self._forget(recipe, verdict)
                return JobPlan(job, "changed", ("asked for", *verdict.reasons))
            return JobPlan(job, "changed" if verdict.reasons else "after", verdict.reasons)
        identity = recipe.identity(verdict.hashes)
        outputs = self._in_store(recipe, words, identity, verdict)
        if outputs is not None and not self._dry:
            self._promise(outputs, recipe)
            found.taken.append(job)
            return None
        if outputs is not None:
            self._promise(outputs, recipe)
            return JobPlan(job, "stored", verdict.reasons)
        record = verdict.record
        if verdict.lost and record and record.identity == identity:
            sure = {n: sha for n, sha in record.outputs.items() if n not in record.varies}
            self._promise(sure, recipe)
            self._open(str(locate(name, recipe.results)) for name in record.varies)
            return JobPlan(job, "lost", verdict.reasons)
        self._open(job.output)
        return JobPlan(job, "changed", verdict.reasons)

    def _in_store(
        self, recipe: Recipe, words: list[str], identity: str, verdict: Verdict
    ) -> dict[str, str] | None:
        """Outputs that the store has, put into place unless this is a dry run."""
        if self._store is None or not recipe.stored:
            return None
        if self._dry:
            record = artefacts.find(self._store, identity)
            if record is None:
                return None
            moved = _moved(record, recipe)
            places = [locate(name, recipe.results) for name in moved]
            artefacts.foresee(self._store, record, places)
            return moved
        like = draft(recipe, words, verdict.hashes or {})
        taken = artefacts.take(self._store, identity, recipe.record, like)
        return None if taken is None else taken.outputs

    def _forget(self, recipe: Recipe, verdict: Verdict) -> None:
        """What the user wants to run anew is not to come from the store."""
        if not self._dry and self._store is not None and verdict.hashes is not None:
            artefacts.drop(self._store, recipe.identity(verdict.hashes))

    def _open(self, files: Iterable[str]) -> None:
        self._unknown.update(os.path.abspath(name) for name in files)

    def _promise(self, outputs: dict[str, str], recipe: Recipe) -> None:
        for name, sha256 in outputs.items():
            self._hashes.promise(locate(name, recipe.results), sha256)


def _moved(record: Record, recipe: Recipe) -> dict[str, str]:
    """The outputs of a record by the names that they would have beside the record of ``recipe``."""
    folder = Path(record.name).parent
    return {
        name_of(recipe.folder / Path(name).relative_to(folder), recipe.results): sha256
        for name, sha256 in record.outputs.items()
    }


def restrict(dag: Any, wanted: set[Any]) -> None:
    """Leave of the jobs that Snakemake would run those that are wanted, and targets above them."""
    chosen = set(dag.needrun_jobs(exclude_finished=False))
    running = {job for job in wanted if not dag.finished(job)}
    # Snakemake does not look at a job behind one that runs, and drops it if it only waits for that
    # one (`ancient`), though it may have reasons of its own.
    for job in running - chosen:
        dag.reason(job).forced = True
    for job in chosen - running:
        if job.is_norun and any(other in running for other in dag.dependencies[job]):
            running.add(job)
        else:
            dag.reason(job).clear()
    run_just(dag, running)


@dataclass(frozen=True)
class Judged:
    """What can be asked about a job that is about to start, when what it reads is there.

    Attributes:
        settled: Whether nothing has to be computed: its outputs hold, as what it reads came out
            the same, or have been taken from the store.
        made_with: Hash of the code and packages that it would be made with.
    """

    settled: Callable[[Any], bool]
    made_with: Callable[[Any], str]


def judged(workflow: Any, read: Read, results: Path, store: Path | None, *, dry: bool) -> Judged:
    """Let the records decide which jobs of a workflow run, once its DAG is there."""
    asked_for: set[Any] = set()

    def decide_by_records(dag: Any) -> None:
        update = dag.update_needrun
        decided: list[set[Any]] = []

        async def update_judged(create_inventory: bool = False) -> None:
            if not decided:
                asked_for.update(_asked_for(dag))
                decided.append(_decide(dag, read, results, store, dry, asked_for))
                workflow.iocache.clear()
            await update(create_inventory=create_inventory)
            restrict(dag, decided[0])

        dag.update_needrun = update_judged

    before_building(workflow, decide_by_records)

    def settled(job: Any) -> bool:
        if job in asked_for:
            return False
        judgement = Judge(read, results, store, dry=False).judge_jobs([job], lambda _: (), set())
        return not judgement.plans

    def made_with(job: Any) -> str:
        step = read(str(job.shellcmd or ""))
        return step[0].made_with if step else ""

    return Judged(settled, made_with)


def _asked_for(dag: Any) -> set[Any]:
    """Jobs that the user wants to run in any case."""
    return {
        job
        for job in dag.jobs
        if job.rule in dag.forcerules or not dag.forcefiles.isdisjoint(job.output)
    }


def _decide(
    dag: Any, read: Read, results: Path, store: Path | None, dry: bool, forced: set[Any]
) -> set[Any]:
    from sparkle.cluster.planning import announce

    dag.update_jobids()  # a job cannot tell its shell command without
    jobs = [job for level in dag.toposorted() for job in level]
    judgement = Judge(read, results, store, dry=dry).judge_jobs(
        jobs, lambda job: _reads(dag, job), forced
    )
    dag.forcefiles.update(output for job in judgement.jobs for output in job.output)
    announce(judgement, os.environ.get("SPARKLE_PLAN"))
    return judgement.jobs


def _reads(dag: Any, job: Any) -> list[str]:
    """What a job reads of what other jobs make; what it only waits for is marked ``ancient``."""
    found = (file for files in dag.dependencies[job].values() for file in files)
    return [str(file) for file in found if not file.is_ancient]
