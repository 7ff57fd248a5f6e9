"""Fine-tuning by ms-swift: run it, resume it, and put finished weights in place."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.datasets.integrity import verify_files
from sparkle.errors import SparkleError, Stopped
from sparkle.files import (
    TIMES,
    atomic_path,
    canonical_json,
    exclusive,
    read_json,
    text_hash,
    write_json,
    write_text,
)
from sparkle.models.references import BaseModel
from sparkle.swift import (
    CPU,
    LAUNCHER,
    Devices,
    check_granted,
    scratch,
    swift_command,
    swift_environment,
)
from sparkle.training.arguments import command_of, training_options
from sparkle.training.curve import read_curve, read_times
from sparkle.training.settings import FinetuneSettings

_NOT_WEIGHTS = (
    "optimizer*",
    "pytorch_model_fsdp*",
    "scheduler.pt",
    "scaler.pt",
    "rng_state*.pth",
    "trainer_state.json",
    "training_args.bin",
    "args.json",
    "global_step*",
    "latest",
    "zero_to_fp32.py",
)
_DONE = "done.json"
_STOP_SECONDS = 60


def finetune(
    settings: FinetuneSettings,
    *,
    base: BaseModel,
    dataset: Path,
    output: Path,
    work: Path,
    start: BaseModel | None = None,
    threads: int = 1,
    devices: Devices = CPU,
    made_with: str = "",
    report: Callable[[str], None] = print,
) -> Path:
    """Train, or finish an interrupted training, and write the results to ``output``.

    Checkpoints live in ``work/KEY``, where KEY hashes everything that changes the result: so an
    interrupted run goes on, and a changed one never meets old checkpoints.

    Args:
        dataset: Folder with ``manifest.json`` and ``data/``, as made by the merge.
        output: Gets ``weights/`` (a model folder, or adapters), ``training.csv``, ``times.json``,
            each under its final name only when complete.
        start: Tuned weights to start from, instead of the base weights.
        made_with: Hash of code and packages, with which alone a training may go on.
        report: Called with each line of ms-swift's output.

    Raises:
        SparkleError: The dataset is damaged, or ms-swift failed or left no finished checkpoint.
    """
    files: dict[str, Any] = read_json(dataset / "manifest.json")["files"]
    run = work / _key(settings, base, start, files, devices, made_with)
    with exclusive(run, report) as lock:
        # An earlier ms-swift may have ended well after the process that had started it was killed.
        if not (run / _DONE).exists() and _is_finished(run / "output"):
            report("the interrupted training had reached its end")
            _mark_done(run)
        if not (run / _DONE).exists():
            verify_files(dataset, files)
            _train(settings, base, start, dataset / "data", run, threads, devices, report, lock)
        return _deliver(run, output)


def _key(
    settings: FinetuneSettings,
    base: BaseModel,
    start: BaseModel | None,
    files: dict[str, Any],
    devices: Devices,
    made_with: str,
) -> str:
    """A hash of everything that changes the result."""
    identity = {
        "settings": settings.model_dump(mode="json"),
        "base": base.identity,
        "data": files,
        # Each process takes a batch of its own, so their number changes the result.
        "processes": devices.processes,
        "made_with": made_with,
    }
    if start is not None:
        identity["start"] = start.identity
    return text_hash(canonical_json(identity))


def _train(
    settings: FinetuneSettings,
    base: BaseModel,
    start: BaseModel | None,
    data: Path,
    run: Path,
    threads: int,
    devices: Devices,
    report: Callable[[str], None],
    lock: int,
) -> None:
    """Run ms-swift in the folder ``run`` to the end, from its last checkpoint if it has one."""
    checkpoint = last_checkpoint(run / "output")
    check_granted(devices)
    if checkpoint is not None:
        report(f"going on from {checkpoint.name}")
    options = training_options(
        settings,
        model=base.path,
        dataset=data,
        output=run / "output",
        gpus=devices.gpus,
        checkpoint=checkpoint,
        start=None if start is None else Path(start.path),
    )
    environment = swift_environment(
        offline=settings.offline,
        threads=max(1, threads // max(1, devices.gpus)),  # shared by the processes
        gpus=devices.gpus,
        work=run,
        nodes=devices.nodes,
    )
    # The lock goes to ms-swift too: should only this process be killed, nobody else writes to the
    # folder before ms-swift has noticed and ended.
    command = swift_command(command_of(settings.training), options, devices)
    stopped = run_swift(command, environment, report, keep_open=[lock])
    if stopped and not _is_finished(run / "output"):
        raise _stopped(checkpoint, last_checkpoint(run / "output"))
    _mark_done(run)
    _clear_caches(run)


def _mark_done(run: Path) -> None:
    write_json(run / _DONE, {"checkpoint": _finished(run / "output").name})


def _clear_caches(run: Path) -> None:
    for cache in ("datasets", "modelscope"):
        shutil.rmtree(run / cache, ignore_errors=True)
    local = scratch()
    if local is not None:
        shutil.rmtree(local, ignore_errors=True)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete ``checkpoint-N`` below ``folder``, or None.

    A checkpoint that was being written when the process died lacks its trainer state, which is
    written last; it is passed over.
    """
    found = [p for p in folder.glob("checkpoint-*") if (p / "trainer_state.json").is_file()]
    whole = [p for p in found if _is_json(p / "trainer_state.json")]
    return max(whole, key=lambda p: int(p.name.split("-")[1]), default=None)


def _is_json(path: Path) -> bool:
    try:
        read_json(path)
    except SparkleError:
        return False
    return True


def _is_finished(folder: Path) -> bool:
    checkpoint = last_checkpoint(folder)
    if checkpoint is None:
        return False
    state: dict[str, Any] = read_json(checkpoint / "trainer_state.json")
    return bool(state["global_step"] >= state["max_steps"])


def _stopped(before: Path | None, after: Path | None) -> Stopped:
    where = f"{after.name} is kept" if after else "it had not begun"
    progressed = after is not None and (before is None or after.name != before.name)
    return Stopped(f"The training was asked to end: {where}.", progressed=progressed)


def _finished(folder: Path) -> Path:
    checkpoint = last_checkpoint(folder)
    if checkpoint is None or not _is_finished(folder):
        raise SparkleError(
            f"ms-swift ended without a finished checkpoint in {folder}.",
            "Read the log of this step; run again to go on from the last checkpoint.",
        )
    return checkpoint


def run_swift(
    command: list[str],
    environment: dict[str, str],
    report: Callable[[str], None],
    *,
    keep_open: Sequence[int] = (),
) -> bool:
    """Run ms-swift, passing each line of its output on; True if it was asked to end.

    SIGTERM, which Slurm sends before a time limit, a preemption or a cancellation, is handed on:
    the training writes a checkpoint and ends. The process gets a group of its own, which is ended
    with this one, so that Ctrl-C leaves no training behind.

    Raises:
        SparkleError: ms-swift failed.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        pass_fds=keep_open,
    )
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        if not stopped:
            _signal_trainers(process.pid, command[2:3] == [LAUNCHER])
        stopped.append(number)

    previous = signal.signal(signal.SIGTERM, stop)
    last: deque[str] = deque(maxlen=15)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            line = line.rstrip().rsplit("\r", 1)[-1]
            if line:
                last.append(line)
                report(line)
        code = process.wait()
    except BaseException:
        _end(process, command[2:3] == [LAUNCHER])
        raise
    finally:
        signal.signal(signal.SIGTERM, previous)
    if code and not stopped:
        raise SparkleError(
            f"ms-swift failed with status {code}. Its last lines:\n" + "\n".join(last),
            "Often the cause is an option under 'swift:' that this version does not know, or too"
            " little memory (lower batch_size, raise gradient_accumulation).",
        )
    return bool(stopped)


def _signal_trainers(leader: int, launcher: bool) -> None:
    """SIGTERM to what trains: the process itself, or, if it is a launcher, those it launched."""
    launched: list[int] = []
    if launcher:
        children = Path(f"/proc/{leader}/task/{leader}/children")
        with contextlib.suppress(OSError):
            launched = [int(child) for child in children.read_text().split()]
    for child in launched or [leader]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)


def _end(process: subprocess.Popen[str], launcher: bool) -> None:
    """End the group: a checkpoint is still written, unless that takes too long."""
    _signal_trainers(process.pid, launcher)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _deliver(run: Path, output: Path) -> Path:
    checkpoint = run / "output" / read_json(run / _DONE)["checkpoint"]
    weights = output / "weights"
    if not [*checkpoint.glob("*.safetensors"), *checkpoint.glob("*model*.bin")]:
        raise SparkleError(
            f"{checkpoint} holds the parts of each process, but no whole weights.",
            "With FSDP ask for 'state_dict_type: FULL_STATE_DICT', as docs/cluster.md shows.",
        )
    with atomic_path(weights) as temporary:
        shutil.copytree(checkpoint, temporary, ignore=shutil.ignore_patterns(*_NOT_WEIGHTS))
    log = run / "output" / "logging.jsonl"
    curve: pd.DataFrame = read_curve(log)
    write_text(output / "training.csv", curve.to_csv(index=False))
    write_json(output / TIMES, read_times(log))
    return weights
