"""Where jobs go, and that an experiment on Slurm ends as it does on one machine."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.slurm.experiment import ROOT, Experiment

pytestmark = [pytest.mark.slurm, pytest.mark.quick]

# rule -> (partition, GPUs, memory of the first attempt, jobs)
PLACES = {
    "data_synthesize_training": ("cpu", "0", "1500M", "2"),
    "data_synthesize_evaluation": ("cpu", "0", "1500M", "2"),
    "training_finetune": ("gpu", "1", "4000M", "1"),
    "inference_base": ("gpu", "1", "4000M", "1"),
    "inference_tuned": ("gpu", "1", "4000M", "1"),
}


def test_each_rule_runs_where_the_profile_says(reference: Experiment) -> None:
    """The table is printed at the end of the tests."""
    table = reference.placement()
    seen = {row["rule"]: tuple(row[k] for k in ("partition", "GPUs", "memory", "jobs"))
            for row in table}  # fmt: skip
    assert seen == PLACES and len(table) == len(PLACES)
    assert {row["state"] for row in table} == {"COMPLETED"}
    assert all(node.startswith(row["partition"]) for row in table
               for node in row["nodes"].split(","))  # fmt: skip


def test_jobs_are_few(reference: Experiment) -> None:
    # Two of training data, one per evaluation set, one fine-tuning, two of inference; the small
    # steps ran where Snakemake ran.
    assert len(reference.jobs()) == 7


def test_the_check_compares_the_cluster_with_profile_and_config(reference: Experiment) -> None:
    command = ("cluster", "check", "--profile", str(ROOT / "profiles/slurm"))
    run = reference.sparkle(*command, "--config", str(reference.config), "--no-jobs")
    assert run.returncode == 0 and "The cluster is as expected" in run.stdout, run.stdout
    # With jobs on the nodes it finds out that the GPUs of this cluster are none.
    run = reference.sparkle(*command, "--config", str(reference.config))
    failed = [line for line in run.stdout.splitlines() if line.startswith("FAIL")]
    assert run.returncode == 2 and len(failed) == 1, run.stdout + run.stderr
    assert "PyTorch sees 0 GPUs on node gpu" in failed[0]
    assert "node cpu1 runs this package" in run.stdout
    assert not list((reference.folder / "results/work").glob(".probe*"))


def test_nothing_is_left_and_nothing_is_done_again(reference: Experiment) -> None:
    assert not (reference.folder / "results/work/driver.json").exists()
    assert not list((reference.folder / ".snakemake/locks").glob("*"))
    run = reference.run("--dry-run")
    assert "Nothing to be done" in run.stdout


def test_slurm_changes_no_result(reference: Experiment) -> None:
    local = Experiment(reference.folder.parent / "local", reference.cluster)
    local.prepare()
    run = local.run_here()
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert local.contents() == reference.contents()


def test_the_matrix_has_all_rows(reference: Experiment) -> None:
    matrix = pd.read_csv(reference.folder / "results/tables/matrix.csv")
    assert set(matrix["model"]) == {"oracle", "chance", "sparkle-tiny"}
    assert set(matrix["train_set"]) == {"none", "direction"}
