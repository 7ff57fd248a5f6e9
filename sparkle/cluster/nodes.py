"""Whether the nodes of a cluster are as the steps need them: found out by a small job on each."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sparkle import __version__
from sparkle.cluster import slurm
from sparkle.cluster.check import Finding, Wish
from sparkle.errors import SparkleError
from sparkle.files import make_folder, read_json, write_json

_OPTIONAL = ("deepspeed", "flash_attn", "vllm", "sglang", "lmdeploy")


def check_node(wish: Wish, results: Path, minutes: int) -> Iterator[Finding]:
    """Run a job on the partition of a wish: does it see our files and our environment?

    Args:
        results: The results folder, into which the job writes for a moment.
        minutes: How long to wait for the job.
    """
    token = uuid.uuid4().hex
    answer = (results / "work" / f".probe-{token}.json").resolve()
    make_folder(answer.parent)
    command = ["srun", "--ntasks=1", "--time=5", f"--job-name=sparkle-check-{token[:8]}"]
    command += [f"--partition={wish.partition}"] if wish.partition else []
    command += [f"--account={wish.account}"] if wish.account else []
    gpu = f"gpu:{wish.kind}:1" if wish.kind else "gpu:1"
    command += [f"--gres={gpu}"] if wish.needs.gpus else []
    command += [sys.executable, "-m", "sparkle", "cluster", "probe", "--output", str(answer)]
    try:
        slurm.run(*command, seconds=60.0 * minutes)
        values = read_json(answer)
    except SparkleError as error:
        yield Finding(
            False,
            f"{wish.step}: a small job on '{wish.partition}' writes into {results}:"
            f" {error.message}",
            "Results and environment must lie on a file system that the nodes share.",
        )
        return
    finally:
        answer.unlink(missing_ok=True)
    node = values["node"]
    yield Finding(True, f"{wish.step}: node {node} writes into {results}")
    yield Finding(
        values["version"] == __version__ and values["folder"] == _package(),
        f"{wish.step}: node {node} runs this package ({values['folder']})",
        "The environment must be the same on the nodes: put it on the shared file system.",
    )
    yield from judge_node(wish, values)


def judge_node(wish: Wish, values: dict[str, Any]) -> Iterator[Finding]:
    """Compare what a node told about itself (see :func:`describe`) with what a step needs there."""
    node = values["node"]
    for module in wish.modules:
        yield Finding(
            module in values["modules"],
            f"{wish.step}: node {node} has the Python module {module}, which the config asks for",
            f"pip install {module.replace('_', '-')} into the environment, or change the config.",
        )
    if not wish.needs.gpus:
        return
    kind = f" ({values['device']})" if values["device"] else ""
    yield Finding(
        values["gpus"] > 0,
        f"{wish.step}: PyTorch sees {values['gpus']} GPUs on node {node}{kind}",
        "Install PyTorch for the driver of the nodes; compare `nvidia-smi` there.",
    )
    if wish.precision == "bfloat16" and values["gpus"]:
        yield Finding(
            values["bfloat16"],
            f"{wish.step}: the GPU of node {node} computes in bfloat16",
            f"Set {wish.step}.precision to float16 in the config, or choose newer GPUs.",
        )


def probe(output: Path) -> None:
    """Write what this node is; run by :func:`check_node` inside a job."""
    write_json(output, describe())


def describe() -> dict[str, Any]:
    """This node: its name, this package, its GPUs, and the optional modules that are there."""
    import torch

    gpus = torch.cuda.device_count()
    return {
        "node": os.environ.get("SLURMD_NODENAME", socket.gethostname()),
        "version": __version__,
        "folder": _package(),
        "gpus": gpus,
        "device": torch.cuda.get_device_name(0) if gpus else "",
        "bfloat16": bool(gpus) and torch.cuda.is_bf16_supported(including_emulation=False),
        "modules": [name for name in _OPTIONAL if importlib.util.find_spec(name)],
    }


def _package() -> str:
    return str(Path(__file__).resolve().parent.parent)
