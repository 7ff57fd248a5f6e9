"""How long a run takes that finds nothing to do: of the default experiment, and of 1,000 shards.

The artefacts are stand-ins of a few bytes with records as the steps write them: judging them is
what a finished experiment costs, as files are told to be unchanged by size and time.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
_ARGUMENTS = ["--snakefile", str(ROOT / "Snakefile"), "--cores", "2", "--quiet"]
_ROUNDS = 3


def main() -> None:
    default = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    images = default["training_data"]["images"]
    for shards, jobs in ((3, 1), (1000, 10), (1000, 1000)):
        config = json.loads(json.dumps(default))
        config["synthesis"] = {"images_per_shard": -(-images // shards), "jobs": jobs}
        wall, cpu, count = _measure(config)
        print(
            f"{shards:5} shards of training images in {jobs:4} jobs, {count:5} records:"
            f" {wall:5.1f} s wall, {cpu:5.1f} s CPU"
        )


def _measure(config: dict[str, Any]) -> tuple[float, float, int]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "config.yaml")
        file.write_text(yaml.safe_dump(config))
        there = ["--directory", folder, "--configfile", str(file)]
        made = [sys.executable, "-m", "benchmarks.reruns", *_ARGUMENTS, "-n", *there]
        subprocess.run(made, check=True, cwd=ROOT, capture_output=True)
        walls, cpus = [], []
        for _ in range(_ROUNDS + 1):  # the first reads what Snakemake has touched, as in a real run
            before, start = _cpu(), time.perf_counter()
            command = [sys.executable, "-m", "snakemake", *_ARGUMENTS, *there]
            run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            assert run.returncode == 0, run.stderr[-2000:]
            assert not Path(folder, "logs").exists(), "something ran"
            walls.append(time.perf_counter() - start)
            cpus.append(_cpu() - before)
        records = len(list(Path(folder, "results").rglob("*record.json")))
        return min(walls[1:]), min(cpus[1:]), records


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _stand_in() -> None:
    """Snakemake's dry run, but with outputs and records made for every job of the DAG."""
    from snakemake import cli

    from sparkle.cluster import judgement
    from sparkle.provenance.writing import run_recorded

    def make_all(dag: Any, read: judgement.Read, *_: Any) -> set[Any]:
        dag.update_jobids()
        for job in (job for level in dag.toposorted() for job in level):
            step = read(str(job.shellcmd or ""))
            if step is not None:
                _make_outputs(job)
                recipe, words = read(str(job.shellcmd)) or step
                run_recorded(recipe, words, lambda recipe=recipe: _complete(recipe.outputs()))
        return set()

    os.environ.pop("SPARKLE_STORE", None)
    judgement._decide = make_all
    cli.main(sys.argv[1:])


def _make_outputs(job: Any) -> None:
    """What later steps look into before they run; all else is a stand-in."""
    settings = json.loads(job.params.get("settings") or "{}")
    for output in map(Path, job.output):
        output.parent.mkdir(parents=True, exist_ok=True)
        if "data_synthesize" in job.rule.name:
            count = -(-settings["images"] // settings["images_per_shard"])
            own = range(int(output.stem[-3:]), count, int(job.params.get("jobs") or 1))
            shards = [{"file": f"shard-{n:05d}.parquet"} for n in own]
            _complete([output.parent / shard["file"] for shard in shards])
            output.write_text(json.dumps({"shards": shards}))
        elif output.name == "base.json":
            output.write_text(json.dumps({"path": "base", "identity": "0"}))
        elif output.name == "manifest.json":
            output.write_text(json.dumps({"files": {"data/part-00000.parquet": "0"}}))
        elif output.suffix == ".json":
            output.write_text(json.dumps({"by_kind": {"direction/direction": 1}}))
        elif output.suffix:
            output.write_text("stand-in")
        else:
            _complete([output / "model.safetensors"])


def _complete(outputs: list[Path]) -> None:
    for path in outputs:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("stand-in")


if __name__ == "__main__":
    _stand_in()
