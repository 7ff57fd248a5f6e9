"""Fixtures shared by the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
MINIATURE = ROOT / "tests/miniature.yaml"


def run_snakemake(folder: Path, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Snakemake with this checkout's rules, started in ``folder``."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(config), "--cores", "2"]
    command += ["--scheduler", "greedy", "--show-failed-logs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def miniature() -> dict[str, Any]:
    """The config of the miniature experiment as a fresh mapping."""
    data: dict[str, Any] = yaml.safe_load(MINIATURE.read_text())
    return data


@pytest.fixture(scope="session")
def finished_miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished miniature experiment, made once; not to be changed.

    SPARKLE_MINIATURE may name one that is there already, which is brought up to date.
    """
    known = os.environ.get("SPARKLE_MINIATURE")
    folder = Path(known) if known else tmp_path_factory.mktemp("miniature")
    run = run_snakemake(folder, MINIATURE)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return folder
