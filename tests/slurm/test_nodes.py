"""Fine-tuning on several nodes: two processes that PyTorch's launcher starts through Slurm."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from tests.slurm.experiment import CURVE, TRAINING, Experiment

pytestmark = pytest.mark.slurm


@pytest.fixture
def distributed(untrained: Experiment) -> Experiment:
    """One process on each of two nodes; they exchange gradients by gloo, as there is no GPU."""
    config = yaml.safe_load(untrained.config.read_text())
    config["resources"]["training"]["nodes"] = 2
    config["training"]["swift"].update(use_cpu=True, ddp_backend="gloo")
    untrained.config.write_text(yaml.safe_dump(config))
    return untrained


def test_two_nodes_train_one_model(distributed: Experiment) -> None:
    main = distributed.start(CURVE)
    distributed.wait_for_step(6)
    job = distributed.running()
    # As before a time limit: Slurm signals the steps of the job, on both nodes.
    distributed.cluster.query("scancel", "--signal=TERM", job)
    distributed.until(main, lambda: distributed.hurry(job))
    run = distributed.finish(main)
    assert run.returncode == 0, run.stdout[-6000:]
    jobs = distributed.jobs(TRAINING)
    assert [(j["id"], j["node"], j["state"]) for j in jobs] == [(job, "gpu[1-2]", "COMPLETED")]
    assert distributed.cluster.gpus(job) == 2
    log = next((distributed.folder / "logs/training_finetune").glob("*.log")).read_text()
    assert "going on from checkpoint-" in log  # that of the second time
    assert "Restarts=1" in distributed.cluster.query("scontrol", "show", "job", job)
    # 64 pictures in 4 epochs, 4 at a time on each of the two: half the updates of one process.
    assert pd.read_csv(distributed.folder / CURVE)["step"].max() == 32
    assert not distributed.jobs(active=True)
