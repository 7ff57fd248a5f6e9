"""The shipped experiments in miniature: all of their data, and a part of their training."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from shrink import shrunk

from sparkle.experiment import Experiment

ROOT = Path(__file__).parent.parent
# Config -> train sets of its matrix that are trained here; all others only get their data.
TRAINED = {
    "paper.yaml": ["none", "full"],
    "ablation-capabilities.yaml": ["direction-localization-no-numbers"],
    "scaling.yaml": ["full"],
    "controls.yaml": ["none", "composite", "full-shuffled", "full-text-only"],
    "geometry.yaml": ["generator"],
    "grpo.yaml": ["direction", "direction-grpo"],
}


def snakemake(folder: Path, config: dict[str, Any], *arguments: str) -> None:
    """Run a config to the end, in its own folder."""
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(folder / "config.yaml")]
    command += ["--cores", "2", "--scheduler", "greedy", "--show-failed-logs", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]


@pytest.mark.parametrize("name", TRAINED)
def test_the_miniature_keeps_the_structure(name: str) -> None:
    whole, small = (
        Experiment.load(ROOT / "config" / name),
        Experiment.from_mapping(shrunk(name)),
    )
    assert small.evaluation_sets == whole.evaluation_sets
    for train_set in set(small.train_sets) & set(whole.train_sets):
        one, other = (e.config.train_sets[train_set] for e in (small, whole))
        assert (one.capabilities, one.control) == (other.capabilities, other.control)
        assert small.sources_of(train_set) == whole.sources_of(train_set)
    assert {type(small.model(m)).__name__ for m in small.models} >= {
        type(whole.model(m)).__name__ for m in whole.models if whole.base_of(m) != m
    }


def test_the_ablation_has_all_subsets_with_and_without_numbers() -> None:
    experiment = Experiment.load(ROOT / "config/ablation-capabilities.yaml")
    rows = {
        (frozenset(experiment.config.train_sets[t].capabilities), experiment.data_of(t).numbers)
        for t in experiment.train_sets
    }
    assert len(rows) == len(experiment.train_sets) == 14
    assert set(experiment.training_sources()) == {"basic", "basic-direction-no-numbers"}


def test_the_sizes_of_scaling_share_their_pictures() -> None:
    experiment = Experiment.load(ROOT / "config/scaling.yaml")
    sizes = [experiment.training_merge(name).images for name in experiment.train_sets]
    assert sizes == [100, 200, 400, 800, 2000, 5000, 10000]
    (source,) = experiment.training_sources().values()
    assert source.images == 10000


@pytest.mark.workflow
@pytest.mark.parametrize("name", TRAINED)
def test_it_runs_in_miniature(name: str, tmp_path: Path) -> None:
    snakemake(tmp_path, shrunk(name), "results/data/leaks.json")
    leaks = json.loads((tmp_path / "results/data/leaks.json").read_text())
    assert not any(pair["shared"] for pair in leaks["pairs"])
    config = shrunk(name, train_sets=TRAINED[name])
    snakemake(tmp_path, config)
    check_results(tmp_path, Experiment.from_mapping(config))


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_its_whole_matrix_runs_in_miniature(name: str, tmp_path: Path) -> None:
    snakemake(tmp_path, shrunk(name))
    check_results(tmp_path, Experiment.from_mapping(shrunk(name)))


def check_results(folder: Path, experiment: Experiment) -> None:
    matrix = pd.read_csv(folder / "results/tables/matrix.csv")
    rows = {tuple(row) for row in matrix[["model", "train_set", "seed"]].to_numpy().tolist()}
    cells = experiment.cells() + experiment.reference_cells()
    assert rows == {(cell.model, cell.train_set, cell.seed) for cell in cells}
    oracle = matrix[(matrix["model"] == "oracle") & (matrix["metric"] == "accuracy")]
    assert (oracle["value"] == 1.0).all() and len(oracle) == len(experiment.evaluation_sets)
    assert (folder / "results/report.html").stat().st_size > 0
    for cell in experiment.trained_cells():
        curve = pd.read_csv(folder / "results/models" / cell.folder / "training.csv")
        rewarded = experiment.training_of(cell.train_set).algorithm == "grpo"
        assert ("reward" in curve) == rewarded
