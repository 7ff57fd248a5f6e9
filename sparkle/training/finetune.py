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
from sparkle.training.curve import read_curve
from sparkle.training.settings import FinetuneSettings

_NOT_WEIGHTS = (
    "optimizer.pt",
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
        output: Gets ``weights/`` (a model folder, or adapters) and ``training.csv``, each under
            its final name only when complete.
        start: Tuned weights to start from, instead of the base weights.
        made_with: Hash of code and packages, with which alone a training may go on.
