"""A reinforcement learning that is killed goes on where it was, with the same draws and rewards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from shrink import shrunk

from sparkle.files import file_hash

ROOT = Path(__file__).parent.parent
MODEL, TRAIN_SET = "sparkle-tiny", "direction-grpo"
UPDATES = 12

pytestmark = pytest.mark.workflow


def config() -> dict[str, Any]:
    """config/grpo.yaml in miniature, its GRPO alone: some updates from the shipped weights."""
    small = shrunk("grpo.yaml", train_sets=["none", TRAIN_SET])
    small["training_data"]["images"] = 64
    chosen = small["train_sets"][TRAIN_SET]
    del chosen["start_from"]
    chosen["training"].update(batch_size=16, learning_rate=1e-3, save_steps=3)
    chosen["training"]["swift"] = {"max_steps": UPDATES}
    chosen["training"]["grpo"]["temperature"] = 1.5
    return small


def sparkle(*words: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sparkle", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, **options
    )


def finished(*words: object) -> str:
    """What a subcommand that succeeds says."""
    process = sparkle(*words)
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output[-3000:]
    return output


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the config, the base model and the dataset."""
    folder = tmp_path_factory.mktemp("grpo")
    (folder / "config.yaml").write_text(yaml.safe_dump(config(), sort_keys=False))
    chosen = ("--config", folder / "config.yaml")
    finished("locate-model", *chosen, "--model", MODEL, "--output", folder / "base")
    finished("synthesize", *chosen, "--source", "basic", "--output", folder / "shards")
    finished("merge-training", *chosen, "--train-set", TRAIN_SET, "--sources", folder / "shards",
             "--output", folder / "data")  # fmt: skip
    return folder


def training(material: Path, folder: Path) -> tuple[object, ...]:
    """The command that trains into ``folder``."""
    return (
        "finetune", "--config", material / "config.yaml", "--model", MODEL,
        "--train-set", TRAIN_SET, "--seed", 1, "--base", material / "base.json",
        "--dataset", material / "data", "--output", folder / "output", "--work", folder / "work",
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """End a training and the ms-swift that it has started, as a machine that fails would."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert children
    for one in (process.pid, *map(int, children)):
        os.kill(one, signal.SIGKILL)
    process.communicate(timeout=60)


def test_a_killed_grpo_ends_with_the_weights_of_an_undisturbed_one(
    material: Path, tmp_path: Path
) -> None:
    finished(*training(material, tmp_path / "whole"))
    process = sparkle(*training(material, tmp_path / "killed"))
    limit = time.monotonic() + 300
    # At the first of four checkpoints: there are updates to do again, and others to come.
    pattern = "killed/work/training/*/output/checkpoint-*/trainer_state.json"
    while not list(tmp_path.glob(pattern)):
        assert process.poll() is None and time.monotonic() < limit, process.communicate()[0]
        time.sleep(0.02)
    kill(process)
    (log,) = tmp_path.glob("killed/work/training/*/output/logging.jsonl")
    assert len(log.read_text().splitlines()) < UPDATES
    assert not (tmp_path / "killed/output/weights").exists()

    again = finished(*training(material, tmp_path / "killed"))
    assert "going on from checkpoint-" in again
    # To begin anew would give the same weights too: the first update was made once.
    assert log.read_text().count(f'"1/{UPDATES}"') == 1

    curves = [pd.read_csv(tmp_path / run / "output/training.csv") for run in ("whole", "killed")]
    pd.testing.assert_frame_equal(*curves)
    assert curves[0]["step"].tolist() == list(range(1, UPDATES + 1))
    assert (curves[0]["reward_std"] > 0).any(), "no answer was better than another: nothing learned"
    weights = [
        file_hash(folder / "model.safetensors")
        for folder in (
            tmp_path / "whole/output/weights",
            tmp_path / "killed/output/weights",
            ROOT / "sparkle/models/shipped/sparkle-tiny",
        )
    ]
    assert weights[0] == weights[1] != weights[2]
