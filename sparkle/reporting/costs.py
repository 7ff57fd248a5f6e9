"""Run time, GPU hours and cost of the steps of an experiment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.reporting.matrix import number, read_tsv

STEPS = {
    "data_synthesize_training": ("Synthesis of training data", "synthesis"),
    "data_synthesize_evaluation": ("Synthesis of evaluation sets", "synthesis"),
    "model_pretrain": ("Pre-training of embedded models", "training"),
    "training_finetune": ("Fine-tuning", "training"),
    "inference_base": ("Inference, base models", "inference"),
    "inference_tuned": ("Inference, tuned models", "inference"),
}
"""Rules whose time is taken: their name for people, and the section of ``resources``."""
_HINT = "Delete the file; the step writes it when it runs again."


@dataclass(frozen=True)
class JobTime:
    """One job: ``seconds`` of wall time, ``memory_mb`` at its peak (None if not known)."""

    rule: str
    name: str
    seconds: float
    memory_mb: float | None
    gpus: int


@dataclass(frozen=True)
class StepCost:
    """All jobs of a step. ``gpu_hours`` is wall time times GPUs held, failed attempts included
    where the cluster's journal tells of them."""

    name: str
    jobs: int
    seconds: float
    longest: float
    memory_mb: float | None
    gpu_hours: float


@dataclass(frozen=True)
class Costs:
    """The steps, and what a GPU hour costs (None: no price is set)."""

    steps: tuple[StepCost, ...]
    per_gpu_hour: float | None = None
    currency: str = ""
    slurm: bool = False

    @property
    def gpu_hours(self) -> float:
        return sum(step.gpu_hours for step in self.steps)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.steps)

    def price(self, gpu_hours: float) -> str:
        """The cost of so many GPU hours as text; empty without a price."""
        if self.per_gpu_hour is None:
            return ""
        return f"{gpu_hours * self.per_gpu_hour:,.2f} {self.currency}".strip()


def read_job_times(
    folder: Path, gpus: Mapping[str, int], names: Mapping[str, Collection[str]]
) -> list[JobTime]:
    """The benchmark files that Snakemake wrote, ``folder/RULE/NAME.tsv``.

    Args:
        gpus: GPUs of a job by section of ``resources``.
        names: Names that belong to this experiment, by rule; all of a rule that is not given.

    Raises:
        SparkleError: A file is malformed.
    """
    found = []
    for rule, (_, section) in STEPS.items():
        for path in sorted((folder / rule).glob("*.tsv")):
            if path.stem in names.get(rule, (path.stem,)):
                found.append(_read(path, rule, gpus.get(section, 0)))
    return found


def _read(path: Path, rule: str, gpus: int) -> JobTime:
    rows = read_tsv(path, ("s", "max_rss"), _HINT)
    try:
        seconds = number(rows[0]["s"])
        memory = None if rows[0]["max_rss"] in ("-", "NA") else number(rows[0]["max_rss"])
    except (IndexError, ValueError) as error:
        raise SparkleError(f"{path} has no time ({error}).", _HINT) from None
    return JobTime(rule, path.stem, seconds or 0.0, memory, gpus)


def sum_up(
    jobs: Iterable[JobTime],
    on_cluster: Mapping[str, float] | None = None,
    per_gpu_hour: float | None = None,
    currency: str = "",
) -> Costs:
    """The costs by step.

    Args:
        on_cluster: GPU hours by rule as the cluster's journal has them; they replace time x GPUs.

    Raises:
        SparkleError: The price is negative.
    """
    if per_gpu_hour is not None and per_gpu_hour < 0:
        raise SparkleError(f"A GPU hour cannot cost {per_gpu_hour}.", "Give 0 or more.")
    listed = list(jobs)
    journal = on_cluster or {}
    steps = []
    for rule, (name, _) in STEPS.items():
        own = [job for job in listed if job.rule == rule]
        if not own and rule not in journal:
            continue
        memory = [job.memory_mb for job in own if job.memory_mb is not None]
        held = sum(job.seconds * job.gpus for job in own) / 3600
        steps.append(StepCost(
            name, len(own), sum(job.seconds for job in own),
            max((job.seconds for job in own), default=0.0), max(memory, default=None),
            journal.get(rule, held),
        ))  # fmt: skip
    return Costs(tuple(steps), per_gpu_hour, currency, slurm=bool(journal))


def duration(seconds: float) -> str:
    """A time for people, such as ``2 h 05 min``, ``3 min 20 s`` or ``12 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
