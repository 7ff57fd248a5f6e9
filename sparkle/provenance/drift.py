"""How config, code and packages of today differ from those that records name."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sparkle.datasets.settings import SourceSettings
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.provenance.changes import ABSENT, changes
from sparkle.provenance.lineage import Lineage, label
from sparkle.provenance.record import Record

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


def drift_of(lineage: Lineage, records: Sequence[Record]) -> list[Drift]:
    """What differs between some records and the results' config, this code, these packages."""
    found: dict[tuple[str, str], list[str]] = {}
    experiment = _experiment(lineage.results)
    for record in records:
        for kind, what in [
            *(("config", each) for each in _config(record, experiment)),
            *(("code", each) for each in _code(record)),
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
    return [] if now is None else [str(each) for each in changes(record.settings, now)]


def settings_now(record: Record, experiment: Experiment) -> dict[str, Any] | None:
    """The settings that the experiment gives a step; None for one that depends on none."""
    provider = _PROVIDERS.get(record.step)
    if provider is None or not record.settings:
        return None
    return provider(experiment, record.subject).model_dump(mode="json")


def _source(experiment: Experiment, subject: dict[str, str]) -> SourceSettings:
    if "source" in subject:
        return experiment.training_sources()[subject["source"]]
    return experiment.evaluation_source(subject["evaluation_set"])


_PROVIDERS: dict[str, Callable[[Experiment, dict[str, str]], BaseModel]] = {
    "synthesize": _source,
    "read-benchmark": lambda e, s: e.benchmark(s["evaluation_set"]),
    "merge-training": lambda e, s: e.training_merge(s["train_set"]),
    "unpack-model": lambda e, s: e.pretraining(s["model"]),
    "pretrain": lambda e, s: e.pretraining(s["model"]),
    "finetune": lambda e, s: e.finetune(s["model"], s["train_set"], int(s["seed"])),
    "infer": lambda e, s: e.inference(s["model"]),
    "ask-endpoint": lambda e, s: e.endpoint(s["model"])[1],
    "freeze-config": lambda e, s: e.config,
}


def _code(record: Record) -> list[str]:
    found = []
    for name, digest in record.modules.items():
        now = _module_hash(name)
        if now != digest:
            found.append(f"{name} {'is gone' if now is None else 'has changed'}")
    return found


def _module_hash(name: str) -> str | None:
    from sparkle.fingerprint import _tree

    try:
        return _tree(name.removesuffix(".py").replace("/", "."))[0]
    except ModuleNotFoundError:
        return None


def _packages(record: Record) -> list[str]:
    now = {name: _version(name) for name in record.packages}
    return [str(each) for each in changes(record.packages, now)]


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ABSENT
