"""A throw-away Slurm on one machine: own config, munge key, sockets and ports; virtual nodes.

    python -m tests.slurm.cluster /tmp/slurm      start one by hand; Ctrl-C stops it

It needs Debian's packages ``munge slurmctld slurmd slurm-client`` and root, and touches nothing of
a Slurm that the machine may have otherwise. GPUs are device nodes without a device behind them.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

# On a slow machine: how many times as long the tests wait for what must happen.
PATIENCE = float(os.environ.get("SPARKLE_TEST_PATIENCE", "1"))
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo")
_CLIENTS = ("sbatch", "srun", "squeue", "scontrol", "scancel", "sinfo", "sacct", "sacctmgr")
_SYSTEM = "/usr/local/sbin:/usr/sbin:/sbin:"

# Two CPU nodes and two GPU nodes. `spot` lies over the GPU nodes, and `gpu` preempts it.
_CONFIG = """\
ClusterName=sparkle-test
SlurmctldHost={host}({address})
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_min_interval=200000
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completions.txt
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=2
JobAcctGatherParams=OverMemoryKill
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MinJobAge=7200
KillWait={kill_wait}
SlurmdTimeout={node_timeout}
InactiveLimit=0
ReturnToService=2
GresTypes=gpu
NodeName=cpu[1-2] NodeAddr={address} NodeHostname={host} Port={port1},{port2} \
CPUs=4 RealMemory=20000 State=UNKNOWN
NodeName=gpu[1-2] NodeAddr={address} NodeHostname={host} Port={port3},{port4} \
CPUs=4 RealMemory=20000 Gres=gpu:2 State=UNKNOWN
PartitionName=cpu Nodes=cpu[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=gpu Nodes=gpu[1-2] MaxTime=INFINITE State=UP PriorityTier=10
PartitionName=spot Nodes=gpu[1-2] MaxTime=INFINITE State=UP PriorityTier=1 GraceTime={grace}
"""
_NODES = ("cpu1", "cpu2", "gpu1", "gpu2")


def what_is_missing() -> str:
    """Why no Slurm can be started here, in words; empty if one can."""
    path = _SYSTEM + os.environ.get("PATH", "")
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        return (
            f"Slurm is not installed ({', '.join(missing)}):"
            " apt-get install munge slurmctld slurmd slurm-client"
        )
    return "" if os.geteuid() == 0 else "only root can start a Slurm of its own"


class Cluster:
    """A running Slurm; use it as a context manager.

    Args:
        folder: New folder for its config, sockets, state and logs. Its path must be short (the
            sockets' names have a limit of 108 bytes).
        kill_wait: Seconds between SIGTERM and SIGKILL of a job that ends by force.
        grace: Seconds that a preempted job of the partition `spot` is given.
        node_timeout: Seconds after which a silent node is down.
    """

    def __init__(
        self, folder: Path, *, kill_wait: int = 30, grace: int = 60, node_timeout: int = 15
    ) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._values = {"kill_wait": kill_wait, "grace": grace, "node_timeout": node_timeout}

    def __enter__(self) -> Cluster:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._configure()
        try:
            self._start_munge()
            self._start("slurmctld", "slurmctld", "-D", "-i", "-f", str(self.config))
            for node in _NODES:
                self.start_node(node)
            self.wait(lambda: set(self.query("sinfo", "-hN", "-o", "%T").split()) == {"idle"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if "slurmctld" in self.processes:
            subprocess.run(["scancel", "--state=PENDING,RUNNING,SUSPENDED", "-u", "root"],
                           env=self.environment, capture_output=True)  # fmt: skip
            deadline = time.monotonic() + 10
            while self.query("squeue", "-h") and time.monotonic() < deadline:
                time.sleep(0.2)
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    # Parts ------------------------------------------------------------------------------------

    @property
    def config(self) -> Path:
        return self.folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which Slurm's programs talk to this cluster."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("SLURM_", "SBATCH_"))}
        path = f"{self.folder}/bin:{_SYSTEM}{clean.get('PATH', '')}"
        return {**clean, "SLURM_CONF": str(self.config), "PATH": path}

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._start(node, "slurmd", "-D", "-N", node, "-f", str(self.config))

    def kill_node(self, node: str) -> None:
        """Let a node vanish: its daemon and all that its jobs are, by SIGKILL."""
        daemon = self.processes.pop(node)
        daemon.kill()
        daemon.wait()
        log = str(self.folder / f"slurmd-{node}.log")
        for process in Path("/proc").glob("[0-9]*"):
            if process.name != str(os.getpid()) and log in _open_files(process):
                _kill_tree(int(process.name))  # the daemons of job steps write to the node's log

    def kill_controller(self) -> None:
        """Let the controller vanish, so that squeue and its like fail."""
        process = self.processes.pop("slurmctld")
        process.kill()
        process.wait()

    def kill_leftovers(self) -> list[str]:
        """Command lines of the processes that know this cluster, its jobs' and its own, killed."""
        left = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if f"{self.folder}/".encode() not in (process / "environ").read_bytes():
                    continue
                left.append((process / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
            _kill(int(process.name))
        return [command.replace("\0", " ") for command in left]

    def start_controller(self) -> None:
        """Start the controller again, from its saved state."""
        self._start("slurmctld", "slurmctld", "-D", "-f", str(self.config))

    def _start(self, name: str, *command: str) -> None:
        log = open(self.folder / f"{name}.out", "ab")  # noqa: SIM115
        self.processes[name] = subprocess.Popen(
            command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()

    def _start_munge(self) -> None:
        folder = self.folder
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        self._start(
            "munged", "munged", "--foreground", "--force", f"--socket={folder}/munge.socket",
            f"--key-file={key}", f"--pid-file={folder}/munge.pid",
            f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed",
        )  # fmt: skip
        self.wait(lambda: (folder / "munge.socket").exists())

    def _configure(self) -> None:
        folder = self.folder
        for name in ("state", *(f"spool-{node}" for node in _NODES)):
            (folder / name).mkdir(exist_ok=True)
        ports = _free_ports(5)
        self.config.write_text(
            _CONFIG.format(
                folder=folder,
                host=socket.gethostname(),
                address="127.0.0.1",
                controller_port=ports[0],
                **{f"port{number}": port for number, port in enumerate(ports[1:], 1)},
                **self._values,
            )
        )
        lines = []
        for node in ("gpu1", "gpu2"):
            for number in range(2):
                device = folder / f"{node}-device{number}"
                os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
                lines.append(f"NodeName={node} Name=gpu File={device}")
        (folder / "gres.conf").write_text("\n".join(lines) + "\n")
        self._wrap_programs()

    def _wrap_programs(self) -> None:
        """Programs that know the config: the job step of the Slurm plugin drops SLURM_CONF."""
        (self.folder / "bin").mkdir(exist_ok=True)
        for name in _CLIENTS:
            program = shutil.which(name, path=_SYSTEM + os.environ.get("PATH", ""))
            wrapper = self.folder / "bin" / name
            text = f'#!/bin/sh\nSLURM_CONF={self.config} exec {program} "$@"\n'
            wrapper.write_text(text)
            wrapper.chmod(0o755)

    # Questions --------------------------------------------------------------------------------

    def query(self, *command: str) -> str:
        """Output of one of Slurm's programs; empty if it fails."""
        run = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        return run.stdout.strip() if run.returncode == 0 else ""

    def jobs(self, states: str = "all") -> list[dict[str, str]]:
        """Jobs that the controller still knows (for two hours after their end)."""
        keys = ("id", "state", "partition", "node", "gres", "comment", "cpus", "memory", "name")
        layout = "%i|%T|%P|%N|%b|%k|%C|%m|%j"
        text = self.query("squeue", "-h", f"--states={states}", "-o", layout)
        return [dict(zip(keys, line.split("|"), strict=True)) for line in text.splitlines()]

    def gpus(self, job: str) -> int:
        """GPUs that a job was given, by the controller's record of it."""
        record = self.query("scontrol", "--details", "show", "job", job)
        return sum(int(count) for count in re.findall(r"JOB_GRES=gpu:(\d+)", record))

    def active(self) -> list[dict[str, str]]:
        """Jobs that wait or run."""
        return self.jobs("PENDING,RUNNING,COMPLETING,CONFIGURING,SUSPENDED")

    def completions(self) -> list[dict[str, str]]:
        """Slurm's own record of every job that has ended, oldest first."""
        path = self.folder / "completions.txt"
        lines = path.read_text().splitlines() if path.exists() else []
        return [dict(w.split("=", 1) for w in line.split() if "=" in w) for line in lines]

    def wait(self, done: object, seconds: float = 60) -> None:
        """Wait until the function ``done`` returns something true."""
        assert callable(done)
        seconds *= PATIENCE
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s; logs are in {self.folder}")
            time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _open_files(process: Path) -> set[str]:
    try:
        return {os.readlink(link) for link in (process / "fd").iterdir()}
    except OSError:
        return set()


def _kill_tree(pid: int) -> None:
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True)
    _kill(pid)
    for child in children.stdout.split():
        _kill_tree(int(child))


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def main() -> None:
    """Start a cluster in a new folder and keep it until Ctrl-C."""
    if what_is_missing():
        sys.exit(what_is_missing())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Cluster(Path(sys.argv[1])) as cluster:
        print(f"export SLURM_CONF={cluster.config}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main()
