"""How ms-swift is called: its environment, its command lines, its options."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkle.config.training import SwiftValue
from sparkle.errors import SparkleError

LAUNCHER = "torch.distributed.run"

# What Slurm tells a process of its job; the rest is of the step that the process is in.
_OF_THE_JOB = {"SLURM_JOB_ID", "SLURM_CONF", "SLURM_CLUSTER_NAME"}

# Reserving memory once instead of mapping it for each tensor: about a third more steps per second
# on the CPU with glibc; other systems ignore the variables.
_MALLOC = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


@dataclass(frozen=True)
class Devices:
    """Where a step runs: so many GPUs on each of so many nodes; no GPU means the CPU."""

    gpus: int = 0
    nodes: int = 1

    @property
    def processes(self) -> int:
        """Processes of a distributed training, one for each GPU."""
        return max(1, self.gpus) * self.nodes


CPU = Devices()


def swift_environment(
    *, offline: bool, threads: int, gpus: int, work: Path, nodes: int = 1
) -> dict[str, str]:
    """The environment of an ms-swift process.

    Args:
        offline: Forbid every look-up on a model hub.
        threads: Threads of the numerical libraries.
        gpus: GPUs granted to the job.
        work: Folder for caches that must not be shared between jobs; those that may vanish with
            the job go to the node's own disk instead, if there is one: see :func:`scratch`.
        nodes: Nodes of the job.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}
    environment["HF_DATASETS_CACHE"] = str((scratch() or work).resolve() / "datasets")
    environment["PYTHONUNBUFFERED"] = "1"
    # How long PyTorch's launcher lets its processes write their checkpoints when it is asked to
    # end, instead of half a minute: as long as the profile has Slurm wait.
    environment.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", "120")
    for name in ("NPROC_PER_NODE", "NNODES", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"):
        environment.pop(name, None)
    if offline:
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
            environment[name] = "1"
        environment["MODELSCOPE_CACHE"] = str((work / "modelscope").resolve())
    if gpus == 0:
        environment["CUDA_VISIBLE_DEVICES"] = ""
        environment.update(_MALLOC)
    if nodes > 1:
        # This process runs in a step of one node. The step over all nodes must not inherit that.
        step = {name for name in environment if name.startswith(("SLURM_", "SRUN_"))}
        for name in step - _OF_THE_JOB:
            environment.pop(name)
    return environment


def scratch() -> Path | None:
    """A folder of this job on the node's own disk, or None.

    The variable SPARKLE_SCRATCH names where, other variables in it count as on the node: such as
    ``/scratch/$USER`` or ``$TMPDIR``.

    Raises:
        SparkleError: It is set, but is no folder that can be written.
    """
    text = os.environ.get("SPARKLE_SCRATCH")
    if not text:
        return None
    parent = Path(os.path.expandvars(text))
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise SparkleError(
            f"SPARKLE_SCRATCH is {text}, which is no writable folder on this node ({parent}).",
            "Name a folder that every node has, or unset the variable.",
        )
    folder = parent / f"sparkle-{os.environ.get('SLURM_JOB_ID') or os.getpid()}"
    folder.mkdir(exist_ok=True)
    return folder


def swift_command(
    command: str, options: Mapping[str, SwiftValue], devices: Devices = CPU
) -> list[str]:
    """Argument list of ``swift COMMAND``, run by this very Python on the given devices.

    On one device it is the module that ``swift COMMAND`` would start as a further process: without
    that one in between, signals reach the training. On several GPUs it is PyTorch's launcher with
    a rendezvous that finds a free port itself; on several nodes Slurm starts one launcher on each
    node of the job, and they meet at the node where this process runs.
    """
    arguments = to_arguments(options)
    module = f"swift.cli.{command}"
    if devices.processes == 1:
        return [sys.executable, "-m", module, *arguments]
    launcher = [sys.executable, "-m", LAUNCHER, "--nproc_per_node", str(max(1, devices.gpus))]
    if devices.nodes == 1:
        return [*launcher, "--standalone", "-m", module, *arguments]
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        raise SparkleError(
            f"{devices.nodes} nodes are asked for, but this is no Slurm job.",
            "Set resources.training.nodes to 1, or run on a Slurm cluster.",
        )
    nodes = str(devices.nodes)
    step = ["srun", "--overlap", "--nodes", nodes, "--ntasks", nodes, "--ntasks-per-node", "1"]
    step += ["--gres", f"gpu:{devices.gpus}"] if devices.gpus else []
    # All of the job's cores for each launcher; and when one fails, the others do not wait for it.
    step += ["--cpu-bind", "none", "--kill-on-bad-exit=1"]
    meeting = f"{socket.gethostname()}:{_free_port()}"
    launcher += ["--nnodes", nodes, "--rdzv_backend", "c10d", "--rdzv_endpoint", meeting]
    return [*step, *launcher, "--rdzv_id", job, "-m", module, *arguments]


def check_granted(devices: Devices) -> None:
    """Compare the GPUs that the job was given, where that is said, with those asked for.

    Raises:
        SparkleError: They are fewer.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not devices.gpus or visible is None:
        return
    granted = len([name for name in visible.split(",") if name.strip()])
    if granted < devices.gpus:
        raise SparkleError(
            f"{devices.gpus} GPUs per node are asked for, but {granted} were granted"
            f" (CUDA_VISIBLE_DEVICES={visible}).",
            "Compare resources.*.gpus in the config with the partition and GPU kind of the"
            " profile: 'sparkle cluster check' does.",
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


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
