"""How ms-swift is called: its environment, its command lines, its options."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from sparkle.config.models import SwiftValue

# Reserving memory once instead of mapping it for each tensor: about a third more steps per second
# on the CPU with glibc; other systems ignore the variables.
_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def swift_environment(*, offline: bool, threads: int, gpus: int, work: Path) -> dict[str, str]:
    """The environment of an ms-swift process.

    Args:
        offline: Forbid every look-up on a model hub.
        threads: Threads of the numerical libraries.
        gpus: GPUs granted to the job; more than one starts a process for each.
        work: Folder for caches that must not be shared between jobs.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    environment["HF_DATASETS_CACHE"] = str((work / "datasets").resolve())
    environment["PYTHONUNBUFFERED"] = "1"
    for name in ("NPROC_PER_NODE", "NNODES", "NODE_RANK", "MASTER_PORT"):
        environment.pop(name, None)
    if offline:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
            environment[name] = "1"
        environment["MODELSCOPE_CACHE"] = str((work / "modelscope").resolve())
    if gpus == 0:
        environment["CUDA_VISIBLE_DEVICES"] = ""
        environment.update(_MALLOC)
    elif gpus > 1:
        environment["NPROC_PER_NODE"] = str(gpus)
        environment["MASTER_PORT"] = str(_free_port())
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def swift_command(command: str, options: Mapping[str, SwiftValue]) -> list[str]:
    """Argument list of ``swift COMMAND`` on one device, run by this very Python.

    It is the module that ``swift COMMAND`` would start as a further process: without that one in
    between, signals reach the training.
    """
    return [sys.executable, "-m", f"swift.cli.{command}", *to_arguments(options)]


def to_arguments(options: Mapping[str, SwiftValue]) -> list[str]:
    """Options as an argument list: lists spread out, mappings as JSON, None left out."""
    arguments: list[str] = []
    for name, value in options.items():
        if value is None:
            continue
        arguments.append(f"--{name}")
        if isinstance(value, bool):
            arguments.append("true" if value else "false")
        elif isinstance(value, list):
            arguments += [str(item) for item in value]
        elif isinstance(value, dict):
            arguments.append(json.dumps(value))
        else:
            arguments.append(str(value))
    return arguments
