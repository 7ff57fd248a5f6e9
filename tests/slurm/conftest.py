"""A Slurm for all tests of this folder, and an experiment on it that was not disturbed."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.slurm.cluster import Cluster, what_is_missing
from tests.slurm.experiment import Experiment

AFTER_TRAINING = (
    "predictions/sparkle-tiny/direction",
    "scores/sparkle-tiny/direction",
    "tables",
    "figures",
    "report.html",
    "work/inference",
    "work/jobs.jsonl",
)

_PLACEMENT: list[str] = []


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if what_is_missing():
        pytest.skip(what_is_missing())
    # SIGTERM ends this as Ctrl-C does, so that no daemon is left.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Sockets have short paths: not below pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    try:
        with Cluster(folder) as running:
            yield running
        left = running.kill_leftovers()
        assert not left, f"processes outlive the cluster: {left}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def reference(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Experiment]:
    """The whole experiment, run on Slurm without a disturbance."""
    experiment = Experiment(tmp_path_factory.mktemp("reference"), cluster)
    experiment.prepare()
    try:
        run = experiment.run()
        assert run.returncode == 0, run.stdout[-6000:]
        _PLACEMENT.append(pd.DataFrame(experiment.placement()).to_markdown(index=False))
        yield experiment
    finally:
        experiment.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show where Slurm ran the jobs of the undisturbed experiment."""
    for table in _PLACEMENT:
        terminalreporter.section("where the jobs ran, from Slurm's records")
        terminalreporter.write_line(table)


@pytest.fixture
def untrained(reference: Experiment, tmp_path: Path) -> Iterator[Experiment]:
    """The experiment with its data made, before the fine-tuning; no job is left at the end."""
    yield from _without(reference, tmp_path, "models/sparkle-tiny/direction", "work/training")


@pytest.fixture
def unanswered(reference: Experiment, tmp_path: Path) -> Iterator[Experiment]:
    """The experiment with its model tuned, before that is asked."""
    yield from _without(reference, tmp_path)


@pytest.fixture
def unsynthesized(cluster: Cluster, tmp_path: Path) -> Iterator[Experiment]:
    """The experiment before anything is made."""
    experiment = Experiment(tmp_path / "e", cluster)
    experiment.prepare()
    yield experiment
    experiment.stop()


def _without(reference: Experiment, folder: Path, *parts: str) -> Iterator[Experiment]:
    experiment = Experiment(folder / "e", reference.cluster)
    shutil.copytree(reference.folder, experiment.folder, symlinks=True)
    for part in (*parts, *AFTER_TRAINING):
        path = experiment.folder / "results" / part
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    yield experiment
    experiment.stop()
