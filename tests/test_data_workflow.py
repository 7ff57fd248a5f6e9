"""The data part of the workflow: a damaged shard is made anew by running again, and only that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sparkle.files import read_json

ROOT = Path(__file__).parent.parent
TARGETS = (
    "results/data/training/full/manifest.json",
    "results/data/training/direction/manifest.json",
    "results/data/leaks.json",
    "results/data/distributions.html",
)

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(ROOT / "tests/miniature.yaml")]
    command += ["--cores", "2", "--scheduler", "greedy", "--show-failed-logs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_damaged_shard_is_noticed_and_only_it_is_made_anew(tmp_path: Path) -> None:
    first = snakemake(tmp_path)
    assert first.returncode == 0, first.stderr[-4000:]
    data = tmp_path / "results/data"
    assert all(entry["shared"] == 0 for entry in read_json(data / "leaks.json")["pairs"])
    assert (data / "training/full/README.md").exists() and (data / "evaluation/spp.md").exists()
    manifest = read_json(data / "training/full/manifest.json")
    shards = {
        path: path.stat().st_mtime_ns for path in data.glob("shards/training/basic/*.parquet")
    }
    broken = data / "shards/training/basic/shard-00001.parquet"
    whole = broken.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2])
    for name in ("full", "direction"):
        (data / f"training/{name}/manifest.json").unlink()

    foreseen = snakemake(tmp_path, "--dry-run")
    assert "data_synthesize_training" in foreseen.stdout + foreseen.stderr

    # Its record tells that the shard was altered, so its job runs before anything reads it.
    second = snakemake(tmp_path)
    assert second.returncode == 0, second.stderr[-4000:]
    assert broken.read_bytes() == whole
    changed = [path for path, stamp in shards.items() if path.stat().st_mtime_ns != stamp]
    assert changed == [broken]
    assert read_json(data / "training/full/manifest.json") == manifest
    third = snakemake(tmp_path, "--dry-run")
    assert "Nothing to be done" in third.stdout + third.stderr
