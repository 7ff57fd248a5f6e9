"""How config, code and packages of today differ from those that records name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sparkle.datasets.settings import SourceSettings
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.provenance.changes import changes
from sparkle.provenance.environment import versions
from sparkle.provenance.judging import code_changes
from sparkle.provenance.lineage import Lineage, label
from sparkle.provenance.recipe import Recipe, without_home
from sparkle.provenance.record import Record, located

CONFIG = "config.yaml"


@dataclass(frozen=True)
class Drift:
    """One thing that is not as it was when a job ran.

    Attributes:
        kind: ``config``, ``code`` or ``package``.
        what: The key, file or package, with what it was and is.
        jobs: Steps that were run with the old one.
    """

    kind: str
    what: str
    jobs: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether the steps would run again: another package does not mean another result."""
        return self.kind != "package"

    def __str__(self) -> str:
        steps = list(dict.fromkeys(job.split()[0] for job in self.jobs))
        return f"{self.kind}: {self.what} (used by {', '.join(steps)})"


Read = Callable[[Sequence[str]], Recipe | None]
"""Words of a command line after ``sparkle`` -> what its outputs depend on; None if that cannot be
told."""


def no_recipe(_: Sequence[str]) -> Recipe | None:
    """Reads no command line: code is then not compared."""
    return None


def drift_of(lineage: Lineage, records: Sequence[Record], read: Read = no_recipe) -> list[Drift]:
    """What differs between some records and the results' config, this code, these packages."""
    found: dict[tuple[str, str], list[str]] = {}
    experiment = _experiment(lineage.results)
    for record in records:
        for kind, what in [
            *(("config", each) for each in _config(record, experiment)),
            *(("code", each) for each in _code(record, lineage.results, read)),
            *(("package", each) for each in _packages(record)),
        ]:
            found.setdefault((kind, what), []).append(label(record))
    return [Drift(kind, what, tuple(jobs)) for (kind, what), jobs in found.items()]


def _experiment(results: Path) -> Experiment | None:
    path = results / CONFIG
    return Experiment.load(path) if path.is_file() else None


def _config(record: Record, experiment: Experiment | None) -> list[str]:
    if experiment is None:
        return []
    try:
        now = settings_now(record, experiment)
    except (SparkleError, KeyError):
        return [f"{CONFIG} has no {label(record)} any more"]
    if now is None:
        return []
    # Beside them, a record has options of the command line.
    used = {key: value for key, value in record.settings.items() if key in now}
    return [str(each) for each in changes(used, now)]


def settings_now(record: Record, experiment: Experiment) -> dict[str, Any] | None:
    """The settings that the experiment gives a step; None for one that depends on none."""
    provider = _PROVIDERS.get(record.step)
    if provider is None:
        return None
    values: dict[str, Any] = without_home(provider(experiment, record).model_dump(mode="json"))
    return values


def _source(experiment: Experiment, record: Record) -> SourceSettings:
    source = record.subject["source"]
    if record.settings["role"] == "training":
        return experiment.training_sources()[source]
    return experiment.evaluation_source(source)


def _cell(record: Record) -> tuple[str, str, int]:
    subject = record.subject
    return subject["model"], subject["train_set"], int(subject["seed"])


_PROVIDERS: dict[str, Callable[[Experiment, Record], BaseModel]] = {
    "synthesize": _source,
    "read-benchmark": lambda e, r: e.benchmark(r.subject["evaluation_set"]),
    "merge-training": lambda e, r: e.training_merge(r.subject["train_set"]),
    "unpack-model": lambda e, r: e.pretraining(r.subject["model"]),
    "pretrain": lambda e, r: e.pretraining(r.subject["model"]),
    "finetune": lambda e, r: e.finetune(*_cell(r)),
    "infer": lambda e, r: e.inference(r.subject["model"]),
    "ask-endpoint": lambda e, r: e.endpoint(r.subject["model"])[1],
}


def _code(record: Record, results: Path, read: Read) -> list[str]:
    words = [located(word, results) for word in record.command[1:]]
    recipe = read(words)
    return [] if recipe is None else list(dict.fromkeys(code_changes(record.modules, recipe.code)))


def _packages(record: Record) -> list[str]:
    return [str(each) for each in changes(record.packages, versions(tuple(record.packages)))]
