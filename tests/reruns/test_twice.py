"""Two runs from clean: every artefact is the same, byte for byte, or a record says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparkle.provenance.record import Record, read_record
from tests.conftest import MINIATURE, run_snakemake

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def records(folder: Path) -> dict[str, Record]:
    """Output -> the record of the job that made it."""
    results = folder / "results"
    paths = [*results.rglob("record.json"), *results.rglob("*.record.json")]
    found = [read_record(p) for p in paths if "work" not in p.relative_to(results).parts]
    return {name: record for record in found for name in record.outputs}


def unexplained(first: dict[str, Record], second: dict[str, Record]) -> list[str]:
    """Outputs that differ although neither they nor anything that they were made from varies."""
    varying = {name for name, record in first.items() if name in record.varies}
    waiting = True
    while waiting:  # what was made from what varies may vary too
        made = {name for name, record in first.items() if varying & record.inputs.keys()}
        waiting = not made <= varying
        varying |= made
    differing = {n for n, record in first.items() if record.outputs[n] != second[n].outputs[n]}
    return sorted(differing - varying)


def test_two_runs_from_clean(finished_miniature: Path, tmp_path: Path) -> None:
    run = run_snakemake(tmp_path, MINIATURE)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    first, second = records(finished_miniature), records(tmp_path)
    assert first.keys() == second.keys() and len(first) > 50
    assert not any(record.reused for record in second.values())
    assert not unexplained(first, second)
    weights = [name for name in first if name.endswith("/weights")]
    assert len(weights) == 2
    for name in [*weights, "models/mini/base", "data/leaks.json", "data/distributions.html"]:
        assert first[name].outputs[name] == second[name].outputs[name], name
