"""What a run is going to do, why, and what it will cost, said before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from sparkle.cluster.judgement import JobPlan, Judgement
from sparkle.cluster.status import expected_seconds
from sparkle.files import write_json
from sparkle.provenance.judging import summary

_BENCHMARKS = Path("benchmarks/runs")
_JOBS_SHOWN = 8
_WHY = {
    "lost": "brought back as it was",
    "stored": "taken from the store",
    "after": "only if what it reads comes out different",
}


@dataclass(frozen=True)
class Planned:
    """One job that is to run.

    Attributes:
        what: Its wildcards.
        why: See :class:`sparkle.cluster.judgement.JobPlan`.
        seconds: What it took before, or jobs of its rule on average; None if nothing tells.
    """

    rule: str
    what: str
    why: str
    reasons: tuple[str, ...]
    seconds: float | None
    gpus: int
    local: bool


def planned(plan: JobPlan) -> Planned:
    """A job's plan with what it is likely to take."""
    job = plan.job
    own = [Path(str(job.benchmark))] if job.benchmark else []
    seconds = expected_seconds(own) if own and own[0].exists() else None
    if seconds is None:
        seconds = expected_seconds(sorted((_BENCHMARKS / job.rule.name).glob("*.tsv")))
    nodes = int(job.resources.get("nodes") or 1)
    gpus = int(job.resources.get("gpu") or 0)
    gres = str(job.resources.get("gres") or "").rpartition(":")[2]
    return Planned(
        rule=job.rule.name,
        what="/".join(str(value) for value in job.wildcards),
        why=plan.why,
        reasons=plan.reasons,
        seconds=seconds,
        gpus=gpus or (nodes * int(gres) if gres.isdigit() else 0),
        local=bool(job.is_local),
    )


def announce(judgement: Judgement, target: str | None) -> None:
    """Write the plan to the file ``target``, for ``sparkle plan``; without one, do nothing."""
    if target:
        jobs = [asdict(planned(plan)) for plan in judgement.plans]
        write_json(Path(target), {"jobs": jobs})


def plan_lines(jobs: Sequence[Planned]) -> Iterator[str]:
    """The plan as text, grouped by rule."""
    if not jobs:
        yield "Nothing is to be done: all artefacts are what they would be if they were made now."
        return
    sure = [job for job in jobs if job.why in ("changed", "lost")]
    maybe = [job for job in jobs if job.why == "after"]
    stored = len(jobs) - len(sure) - len(maybe)
    yield (
        f"{len(sure)} jobs are to run, {len(maybe)} if what they read comes out different,"
        f" {stored} come from the store."
    )
    for rule, members in groupby(sorted(jobs, key=lambda j: _order(jobs, j)), lambda job: job.rule):
        yield from _rule_lines(rule, list(members))
    yield ""
    yield from _cost_lines(sure, maybe)


def _order(jobs: Sequence[Planned], job: Planned) -> int:
    return next(place for place, other in enumerate(jobs) if other.rule == job.rule)


def _rule_lines(rule: str, jobs: list[Planned]) -> Iterator[str]:
    yield f"\n{rule}: {len(jobs)} job{'s' * (len(jobs) > 1)}{_each(jobs)}"
    texts: dict[str, list[str]] = {}
    for job in jobs:
        why = summary(job.reasons)
        note = _WHY.get(job.why, "")
        text = f"{why} ({note})" if why and note else why or note
        texts.setdefault(text, []).append(job.what)
    for text, names in texts.items():
        shown = ", ".join(filter(None, names[:_JOBS_SHOWN]))
        more = f" and {len(names) - _JOBS_SHOWN} more" if len(names) > _JOBS_SHOWN else ""
        yield f"  {shown}{more}: {text}" if shown else f"  {text}"


def _each(jobs: list[Planned]) -> str:
    known = [job.seconds for job in jobs if job.seconds is not None]
    return f", about {_duration(sum(known) / len(known))} each" if known else ""


def _cost_lines(sure: list[Planned], maybe: list[Planned]) -> Iterator[str]:
    for jobs, name in ((sure, "To run"), (maybe, "If inputs differ, further")):
        known = [job for job in jobs if job.seconds is not None]
        if jobs:
            hours = sum(job.gpus * (job.seconds or 0.0) for job in known) / 3600
            text = f"{name}: {_duration(sum(job.seconds or 0.0 for job in known))} of jobs"
            yield f"{text}, {hours:.2f} GPU hours, by earlier benchmarks."
    open_jobs = [job for job in [*sure, *maybe] if job.seconds is None and not job.local]
    if open_jobs:
        yield f"{len(open_jobs)} jobs of which no benchmark tells are not in these numbers."


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def from_json(data: Mapping[str, Any]) -> list[Planned]:
    """The jobs of a plan that :func:`announce` has written."""
    return [Planned(**{**job, "reasons": tuple(job["reasons"])}) for job in data["jobs"]]
