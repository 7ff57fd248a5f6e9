"""What Slurm costs: the small experiment through profiles/slurm and on this machine, by turns.

    python -m tests.slurm.overhead --times 2 --polling 20

Needs what the tests of this folder need. Prints a table of seconds from the start of the main
process to its end, and on Slurm also how many of them came after the end of the last job.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from tests.slurm.cluster import Cluster, what_is_missing
from tests.slurm.experiment import Experiment


def on_slurm(experiment: Experiment, polling: int) -> dict[str, object]:
    """Run through the profile, asking Slurm every ``polling`` seconds."""
    before = time.time()
    # After the option that the experiment gives for the sake of the tests' speed.
    run = experiment.run("--slurm-init-seconds-before-status-checks", str(polling))
    after = time.time()
    if run.returncode:
        sys.exit(run.stdout[-3000:])
    ends = [
        datetime.datetime.fromisoformat(job["EndTime"]).timestamp()
        for job in experiment.cluster.completions()
        if job["Name"] == experiment.name()
    ]
    return {
        "where": f"Slurm, asked every {polling} s",
        "seconds": after - before,
        "after the last job": after - max(ends),
        "jobs": len(ends),
    }


def here(experiment: Experiment) -> dict[str, object]:
    """Run on this machine."""
    before = time.time()
    run = experiment.run_here()
    if run.returncode:
        sys.exit(run.stdout[-3000:] + run.stderr[-3000:])
    return {"where": "this machine, two cores", "seconds": time.time() - before}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2, help="runs of each kind")
    parser.add_argument("--polling", type=int, nargs="+", default=[2, 20], help="seconds")
    arguments = parser.parse_args()
    if what_is_missing():
        sys.exit(what_is_missing())
    rows = []
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as name:
        folder = Path(name)
        with Cluster(folder / "c") as cluster:
            for number in range(arguments.times):
                local = Experiment(folder / f"here{number}", cluster)
                local.prepare()
                rows.append(here(local))
                print(rows[-1], flush=True)
                for polling in arguments.polling:
                    remote = Experiment(folder / f"slurm{number}-{polling}", cluster)
                    remote.prepare()
                    rows.append(on_slurm(remote, polling))
                    print(rows[-1], flush=True)
    table = pd.DataFrame(rows).groupby("where").agg(["min", "max"]).round(1)
    print(table.to_string())


if __name__ == "__main__":
    main()
