"""One run of the small experiment on the throw-away Slurm, and ways to disturb it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import yaml

from sparkle.files import folder_hash
from tests.slurm.cluster import PATIENCE, Cluster

ROOT = Path(__file__).parent.parent.parent
MODEL = "sparkle-tiny"
TUNED = f"{MODEL}/direction/seed1"
RECORD = f"results/models/{TUNED}/record.json"
CURVE = f"results/models/{TUNED}/training.csv"
ANSWERS = f"results/predictions/{TUNED}/tsp.parquet"
TRAINING = "rule_training_finetune"


class Experiment:
    """An experiment in a folder of its own, driven by Snakemake through ``profiles/slurm``."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder = folder
        self.cluster = cluster
        self.code = ROOT
        self.profile: Path | None = None
        self.mains: list[subprocess.Popen[str]] = []

    def prepare(self) -> None:
        """Write the config: the small experiment with the shipped model of the default config."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = yaml.safe_load((ROOT / "tests/slurm/experiment.yaml").read_text())
        default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
        config["models"] = default["models"]
        self.config.write_text(yaml.safe_dump(config))

    def own_code(self) -> Path:
        """Let it run a copy of the code, which a test can edit; returns its folder."""
        self.code = self.folder / "code"
        self.code.mkdir()
        for part in ("rules", "sparkle", "profiles"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, self.code / part, ignore=ignored)
        shutil.copy2(ROOT / "Snakefile", self.code)
        return self.code

    def change_training(self, **resources: str) -> None:
        """Let fine-tuning ask for something else, in a copy of the profile.

        Not by --set-resources: on the command line that replaces all of the profile's.
        """
        self.profile = self.folder / "profile"
        self.profile.mkdir()
        values = yaml.safe_load((self.code / "profiles/slurm/config.yaml").read_text())
        values["set-resources"]["training_finetune"].update(resources)
        (self.profile / "config.yaml").write_text(yaml.safe_dump(values))

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    # Running ----------------------------------------------------------------------------------

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a main process; its output goes to ``main-N.log`` in the folder."""
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", str(self.code / "Snakefile"),
            "--directory", str(self.folder), "--configfile", str(self.config),
            "--profile", str(self.profile or self.code / "profiles/slurm"),
            "--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "15", *arguments,
        ]  # fmt: skip
        log = open(self.folder / f"main-{len(self.mains)}.log", "w")  # noqa: SIM115
        environment = {**self.cluster.environment, "PYTHONPATH": str(self.code)}
        main = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, text=True, cwd=self.folder,
            env=environment, start_new_session=True,
        )  # fmt: skip
        log.close()
        self.mains.append(main)
        return main

    def finish(self, main: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        """Wait for a main process; its output is that of its log."""
        code = main.wait(900 * PATIENCE)
        return subprocess.CompletedProcess(main.args, code, self.output(main), "")

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.finish(self.start(*arguments))

    def run_here(self) -> subprocess.CompletedProcess[str]:
        """The same experiment without Slurm, on two cores of this machine."""
        command = [
            sys.executable, "-m", "snakemake", "--snakefile", str(self.code / "Snakefile"),
            "--directory", str(self.folder), "--configfile", str(self.config), "--cores", "2",
            "--scheduler", "greedy", "--config",
            'resources={"training":{"gpus":0},"inference":{"gpus":0}}',
        ]  # fmt: skip
        return subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, start_new_session=True
        )

    def sparkle(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of Sparkle, in the folder of the experiment, on the cluster."""
        environment = {**self.cluster.environment, "PYTHONPATH": str(self.code)}
        del environment["SLURM_CONF"]  # as at a real site: the programs know it
        command = [sys.executable, "-m", "sparkle", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=self.folder, env=environment
        )

    def output(self, main: subprocess.Popen[str]) -> str:
        return (self.folder / f"main-{self.mains.index(main)}.log").read_text()

    def stop(self) -> None:
        """End the main processes and the jobs; raises an error if a process outlives them."""
        for main in self.mains:
            if main.poll() is None:
                os.killpg(main.pid, signal.SIGKILL)
                main.wait()
        for job in self.jobs(active=True):
            subprocess.run(["scancel", job["id"]], env=self.cluster.environment)
        with contextlib.suppress(TimeoutError):
            self.cluster.wait(lambda: not self.processes(), 60)
        left = {process: _command(process) for process in self.processes()}
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        assert not left, f"processes without a job: {left}"

    # Looking ----------------------------------------------------------------------------------

    def jobs(self, rule: str = "", active: bool = False) -> list[dict[str, str]]:
        """This experiment's jobs that Slurm knows."""
        known = self.cluster.active() if active else self.cluster.jobs()
        name = self.name()
        return [job for job in known if job["name"] == name and job["comment"].startswith(rule)]

    def name(self) -> str:
        from sparkle.cluster.supervise import job_name

        return job_name("slurm-test", self.folder / "results")

    def running(self, rule: str = TRAINING) -> str:
        """Number of the running job of a rule; waits for it."""
        self.cluster.wait(lambda: self._running(rule), 200)
        return self._running(rule)

    def _running(self, rule: str) -> str:
        return next((j["id"] for j in self.jobs(rule, active=True) if j["state"] == "RUNNING"), "")

    def step(self) -> int:
        """The last step that the training has logged, over all attempts."""
        logs = list(self.folder.glob("results/work/training/*/output/logging.jsonl"))
        lines = [line for log in logs for line in log.read_text().splitlines() if '"loss"' in line]
        return int(json.loads(lines[-1])["global_step/max_steps"].split("/")[0]) if lines else 0

    def wait_for_step(self, step: int) -> None:
        self.cluster.wait(lambda: self.step() >= step, 300)

    def processes(self, *words: str) -> list[int]:
        """Processes of this experiment whose command line has all of the words."""
        found = []
        for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
            try:
                folder = os.readlink(f"/proc/{process}/cwd")
            except OSError:
                continue
            command = _command(process)
            if folder == str(self.folder) and all(word in command for word in words):
                found.append(process)
        return found

    def kill(self, *words: str, seconds: float = 200) -> None:
        """SIGKILL to the processes that have all of the words in their command line."""
        self.cluster.wait(lambda: self.processes(*words), seconds)
        for process in self.processes(*words):
            os.kill(process, signal.SIGKILL)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Hold the training, so that it cannot end before what is done to it has its effect."""
        trainers = self.processes("swift.cli.sft")
        for process in trainers:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in trainers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGCONT)

    def hurry(self, job: str) -> None:
        """Let a job that was put back into the queue start without Slurm's two minutes of wait."""
        self.cluster.query("scontrol", "update", f"JobId={job}", "StartTime=now")

    def until(self, main: subprocess.Popen[str], act: Callable[[], object]) -> None:
        """Do something every second while a main process runs."""
        while main.poll() is None:
            act()
            time.sleep(1)

    def placement(self) -> list[dict[str, str]]:
        """Where jobs ran, one row for each rule and place, from Slurm's own records."""
        rows: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for job in self.jobs():
            rule = job["comment"].removeprefix("rule_").split("_wildcards_")[0]
            gpus = str(self.cluster.gpus(job["id"]))
            place = (rule, job["partition"], gpus, job["cpus"], job["memory"], job["state"])
            rows.setdefault(place, []).append(job)
        keys = ("rule", "partition", "GPUs", "CPUs", "memory", "state")
        return [
            {
                **dict(zip(keys, place, strict=True)),
                "jobs": str(len(jobs)),
                "nodes": ",".join(sorted({job["node"] for job in jobs})),
            }
            for place, jobs in sorted(rows.items())
        ]

    # Comparing --------------------------------------------------------------------------------

    def contents(self) -> dict[str, object]:
        """What must be the same after any disturbance: weights, answers, scores, the matrix."""
        results = self.folder / "results"
        found: dict[str, object] = {"weights": folder_hash(results / f"models/{TUNED}/weights")}
        for path in sorted(results.glob("data/training/*/manifest.json")):
            found[str(path.relative_to(results))] = path.read_text()
        for path in sorted(results.glob("predictions/*/*/*/*.parquet")):
            frame = pd.read_parquet(path)[["id", "response"]]
            found[str(path.relative_to(results))] = frame.to_csv(index=False)
        for path in sorted(results.glob("tables/*.csv")):
            found[str(path.relative_to(results))] = path.read_text()
        return found


def _command(process: int) -> list[str]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []


def random_steps(count: int) -> list[int]:
    """So many steps at which a training of 64 updates is struck, in rising order."""
    return sorted(random.Random(4).sample(range(5, 60), count))
