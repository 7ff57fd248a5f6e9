"""Where jobs go, and that an experiment on Slurm ends as it does on one machine."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from tests.slurm.experiment import ROOT, Experiment

pytestmark = pytest.mark.slurm

# rule -> (partition, GPUs, memory in MB of the first attempt)
PLACES = {
    "data_synthesize_training": ("cpu", 0, 1500),
    "data_synthesize_evaluation": ("cpu", 0, 1500),
    "training_finetune": ("gpu", 1, 4000),
    "inference_base": ("gpu", 1, 4000),
    "inference_tuned": ("gpu", 1, 4000),
}


def test_each_rule_runs_where_the_profile_says(reference: Experiment) -> None:
    seen = {}
    for job in reference.jobs():
        rule = job["comment"].removeprefix("rule_").split("_wildcards_")[0]
        record = reference.cluster.query("scontrol", "-d", "show", "job", job["id"])
        granted = 1 if "GRES=gpu:1(IDX:" in record else 0
        assert job["state"] == "COMPLETED" and job["node"].startswith(job["partition"])
        seen[rule] = (job["partition"], granted, int(job["memory"].removesuffix("M")))
    assert seen == PLACES


def test_jobs_are_few(reference: Experiment) -> None:
    # Two of training data, one per evaluation set, one fine-tuning, two of inference; the small
    # steps ran where Snakemake ran.
    assert len(reference.jobs()) == 7


def test_nothing_is_left_and_nothing_is_done_again(reference: Experiment) -> None:
    assert not (reference.folder / "results/work/driver.json").exists()
    assert not list((reference.folder / ".snakemake/locks").glob("*"))
    run = reference.run("--dry-run")
    assert "Nothing to be done" in run.stdout


def test_slurm_changes_no_result(reference: Experiment) -> None:
    local = Experiment(reference.folder.parent / "local", reference.cluster)
    local.prepare()
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
        "--directory", str(local.folder), "--configfile", str(local.config), "--cores", "2",
        "--scheduler", "greedy", "--config",
        'resources={"training":{"gpus":0},"inference":{"gpus":0}}',
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, text=True, cwd=local.folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert local.contents() == reference.contents()


def test_the_matrix_has_all_rows(reference: Experiment) -> None:
    matrix = pd.read_csv(reference.folder / "results/tables/matrix.csv")
    assert set(matrix["model"]) == {"oracle", "chance", "sparkle-tiny"}
    assert set(matrix["train_set"]) == {"none", "direction"}
