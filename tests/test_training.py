"""Training: the arguments of ms-swift, checkpoints, the loss curve, delivery of weights."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from sparkle.config.training import TrainingConfig
from sparkle.errors import SparkleError
from sparkle.swift import (
    LAUNCHER,
    Devices,
    check_granted,
    swift_command,
    swift_environment,
    to_arguments,
)
from sparkle.training import finetune as module
from sparkle.training.arguments import training_options
from sparkle.training.curve import read_curve, read_times
from sparkle.training.finetune import last_checkpoint, run_swift
from sparkle.training.settings import FinetuneSettings


def options(
    checkpoint: Path | None = None, gpus: int = 0, start: Path | None = None, **training: Any
) -> dict[str, Any]:
    settings = FinetuneSettings(
        training=TrainingConfig(**training), seed=7, swift={"model_type": "llava1_5_hf"}
    )
    return training_options(
        settings,
        model="base",
        dataset=Path("data"),
        output=Path("out"),
        gpus=gpus,
        checkpoint=checkpoint,
        start=start,
    )


def test_the_seed_orders_data_and_weights() -> None:
    assert options()["seed"] == options()["data_seed"] == 7


def test_any_option_of_swift_can_be_given_and_wins() -> None:
    found = options(learning_rate=0.5, swift={"learning_rate": 0.25, "deepspeed": "zero2"})
    assert found["learning_rate"] == 0.25 and found["deepspeed"] == "zero2"
    assert found["model_type"] == "llava1_5_hf"


def test_only_adapters_have_a_rank() -> None:
    assert "lora_rank" not in options(method="full")
    assert options(method="lora", lora_rank=3)["lora_rank"] == 3


def test_a_full_run_resumes_from_the_weights_of_its_checkpoint() -> None:
    # ms-swift would otherwise go on from the base weights, with no more than a warning.
    checkpoint = Path("out/checkpoint-5")
    full, lora = options(checkpoint, method="full"), options(checkpoint, method="lora")
    assert full["resume_from_checkpoint"] == lora["resume_from_checkpoint"] == str(checkpoint)
    assert full["model"] == str(checkpoint) and lora["model"] == "base"


def test_a_start_is_a_model_or_adapters_until_there_is_a_checkpoint() -> None:
    start, checkpoint = Path("tuned/weights"), Path("out/checkpoint-5")
    assert options(start=start, method="full")["model"] == str(start)
    lora = options(start=start, method="lora")
    assert (lora["model"], lora["adapters"]) == ("base", [str(start)])
    assert options(checkpoint, start=start, method="full")["model"] == str(checkpoint)
    assert "adapters" not in options(checkpoint, start=start, method="lora")


def test_grpo_asks_for_the_rewards_that_have_a_weight() -> None:
    grpo = {"rewards": {"correct": 1, "format": 0.2}, "generations": 4, "beta": 0}
    found = options(algorithm="grpo", grpo=grpo, method="full")
    assert found["reward_funcs"] == ["sparkle_correct", "sparkle_format"]
    assert found["reward_weights"] == [1.0, 0.2]
    assert found["num_generations"] == 4 and "ref_model" not in found
    assert Path(found["external_plugins"][0]).is_file()
    assert "rlhf_type" not in options(algorithm="sft")


def test_grpo_keeps_close_to_its_start_also_after_a_resume() -> None:
    start, checkpoint = Path("tuned/weights"), Path("out/checkpoint-5")
    full = options(checkpoint, start=start, algorithm="grpo", method="full")
    assert (full["model"], full["ref_model"]) == (str(checkpoint), str(start))
    lora = options(checkpoint, start=start, algorithm="grpo", method="lora")
    assert lora["ref_adapters"] == [str(start)]


def test_the_curve_of_a_reinforcement_learning_has_its_rewards(tmp_path: Path) -> None:
    log = tmp_path / "logging.jsonl"
    entry = {"loss": 0.0, "global_step/max_steps": "1/2", "reward": 0.6}
    log.write_text(json.dumps({**entry, "rewards/SparkleCorrect/mean": 0.5}) + "\n")
    curve = read_curve(log)
    assert curve[["reward", "reward_correct"]].to_numpy().tolist() == [[0.6, 0.5]]
    assert "reward_valid" not in curve


def test_the_cpu_is_asked_for_only_without_gpus() -> None:
    assert options(gpus=0)["use_cpu"] is True
    assert "use_cpu" not in options(gpus=2)


def test_arguments_are_a_list_and_never_a_shell_string() -> None:
    found = to_arguments({"a": True, "b": ["x y", 2], "c": {"k": 1}, "d": None, "e": 1e-4})
    assert found == ["--a", "true", "--b", "x y", "2", "--c", '{"k": 1}', "--e", "0.0001"]
    assert swift_command("sft", {})[0] == sys.executable


def test_one_process_per_gpu() -> None:
    single = swift_command("sft", {}, Devices(gpus=1))
    several = swift_command("sft", {}, Devices(gpus=4))
    assert LAUNCHER not in single and single[2] == "swift.cli.sft"
    assert several[several.index("--nproc_per_node") + 1] == "4"
    # No port is fixed: the launcher finds one itself.
    assert "--standalone" in several and not any("port" in word for word in several)


def test_nodes_of_a_job_meet_at_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    command = swift_command("sft", {"seed": 1}, Devices(gpus=2, nodes=3))
    assert command[:4] == ["srun", "--overlap", "--nodes", "3"]
    host, port = command[command.index("--rdzv_endpoint") + 1].split(":")
    assert host == socket.gethostname() and int(port) > 1023
    assert command[command.index("--rdzv_id") + 1] == "17"
    assert command[-2:] == ["--seed", "1"]


def test_several_nodes_need_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    with pytest.raises(SparkleError, match="no Slurm job"):
        swift_command("sft", {}, Devices(gpus=2, nodes=2))


def test_fewer_gpus_than_asked_for_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    check_granted(Devices(gpus=2))
    check_granted(Devices())
    with pytest.raises(SparkleError, match="3 GPUs per node are asked for, but 2 were granted"):
        check_granted(Devices(gpus=3))


def test_caches_go_to_the_nodes_own_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISK", str(tmp_path))
    monkeypatch.setenv("SPARKLE_SCRATCH", "$DISK")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    environment = swift_environment(offline=True, threads=1, gpus=0, work=tmp_path / "work")
    assert environment["HF_DATASETS_CACHE"] == str(tmp_path / "sparkle-17/datasets")
    monkeypatch.setenv("SPARKLE_SCRATCH", "$DISK/none")
    with pytest.raises(SparkleError, match="no writable folder"):
        swift_environment(offline=True, threads=1, gpus=0, work=tmp_path)


def test_a_training_that_is_asked_to_end_may_still_write(tmp_path: Path) -> None:
    code = (
        "import os, signal, time\n"
        "def end(*_): os.write(1, b'checkpoint written\\n'); os._exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if line == "ready":
            os.kill(os.getpid(), signal.SIGTERM)

    assert run_swift([sys.executable, "-c", code], {}, report)
    assert lines == ["ready", "checkpoint written"]


def test_no_hub_is_asked_for_a_local_model(tmp_path: Path) -> None:
    offline = swift_environment(offline=True, threads=1, gpus=0, work=tmp_path)
    assert offline["HF_HUB_OFFLINE"] == "1" and offline["OMP_NUM_THREADS"] == "1"


def checkpoint(folder: Path, step: int, state: str) -> Path:
    path = folder / f"checkpoint-{step}"
    path.mkdir(parents=True)
    (path / "trainer_state.json").write_text(state)
    return path


def test_the_last_whole_checkpoint_is_taken(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    checkpoint(tmp_path, 9, "{}")
    expected = checkpoint(tmp_path, 10, "{}")
    checkpoint(tmp_path, 11, '{"global_st')  # cut off while it was written
    (tmp_path / "checkpoint-12").mkdir()
    assert last_checkpoint(tmp_path) == expected


def test_a_run_that_ends_early_is_an_error(tmp_path: Path) -> None:
    checkpoint(tmp_path, 5, json.dumps({"global_step": 5, "max_steps": 9}))
    with pytest.raises(SparkleError, match="without a finished checkpoint"):
        module._finished(tmp_path)


def log_line(step: int, loss: float) -> str:
    return json.dumps(
        {"loss": loss, "global_step/max_steps": f"{step}/4", "epoch": 1, "elapsed_time": "1m 2s"}
    )


def test_parts_of_weights_are_not_delivered(tmp_path: Path) -> None:
    checkpoint = tmp_path / "output/checkpoint-3"
    (checkpoint / "pytorch_model_fsdp_0").mkdir(parents=True)
    (checkpoint / "optimizer.bin").write_text("")
    (tmp_path / "done.json").write_text('{"checkpoint": "checkpoint-3"}')
    with pytest.raises(SparkleError, match="no whole weights") as found:
        module._deliver(tmp_path, tmp_path / "model")
    assert "FULL_STATE_DICT" in found.value.hint
    assert not (tmp_path / "model").exists()


def test_the_curve_counts_repeated_steps_once_and_survives_a_cut_line(tmp_path: Path) -> None:
    log = tmp_path / "logging.jsonl"
    lines = [log_line(1, 3.0), log_line(2, 2.0), log_line(3, 9.0), log_line(3, 1.0), '{"loss": 1']
    log.write_text("\n".join(lines))
    curve = read_curve(log)
    assert curve["step"].tolist() == [1, 2, 3]
    assert curve["loss"].tolist() == [3.0, 2.0, 1.0]
    assert "seconds" not in curve


def test_the_times_count_all_starts(tmp_path: Path) -> None:
    log = tmp_path / "logging.jsonl"
    steps = [(1, "2s"), (5, "10s"), (3, "1m 2s"), (7, "1m 4s")]  # resumed behind step 2
    lines = [json.loads(log_line(step, 1.0)) | {"elapsed_time": time} for step, time in steps]
    log.write_text("\n".join(map(json.dumps, lines)))
    assert read_times(log) == {"steps": 7, "seconds": 74.0, "steps_per_second": 2.0}
    log.write_text(log_line(1, 1.0))
    assert read_times(log)["steps_per_second"] is None
    assert read_times(tmp_path / "none.jsonl")["steps"] == 0


def test_an_empty_log_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="holds no step"):
        read_curve(tmp_path / "none.jsonl")


def test_a_failed_process_is_reported_with_its_last_lines() -> None:
    code = "print('first'); print('out of memory'); raise SystemExit(3)"
    lines: list[str] = []
    with pytest.raises(SparkleError, match="status 3(.|\n)*out of memory"):
        run_swift([sys.executable, "-c", code], {}, lines.append)
    assert lines == ["first", "out of memory"]
