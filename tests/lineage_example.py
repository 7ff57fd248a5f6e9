"""A finished experiment that is made in seconds: real data, answers, scores and tables; no model.

Its rows are the oracle and one model ``mini`` whose answers are those of chance. All steps that
need no model are run as the workflow runs them, and leave their records.
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from typing import Any

import yaml

from sparkle.cli import main
from sparkle.config.base import Settings
from sparkle.experiment import Experiment
from sparkle.files import canonical_json, text_hash, write_json
from sparkle.inference.reference import answer_by_reference
from sparkle.provenance.record import Record, hash_of, stamp_of, write_record

ROOT = Path(__file__).parent.parent
SETS = ("direction", "spp")
ROWS = ("oracle/none/seed0", "mini/none/seed0")


def config(results: str = "results", **changes: Any) -> dict[str, Any]:
    """The miniature experiment with two evaluation sets and no fine-tuning."""
    data: dict[str, Any] = yaml.safe_load((ROOT / "tests/miniature.yaml").read_text())
    data["results"] = results
    data["matrix"] = {"train_sets": ["none"], "references": ["oracle"]}
    data["evaluation_sets"] = {name: data["evaluation_sets"][name] for name in SETS}
    return {**data, **changes}


def make_experiment(folder: Path, **changes: Any) -> Path:
    """Make the experiment in ``folder/results``; returns that folder."""
    results = folder / "results"
    experiment = Experiment.from_mapping(config(**changes))
    step("freeze-config", "--settings", as_settings(experiment.config),
         "--output", results / "config.yaml")  # fmt: skip
    for name in SETS:
        shards = results / f"data/shards/evaluation/{name}"
        settings = as_settings(experiment.evaluation_source(name))
        step("synthesize", "--settings", settings, "--output", shards)
        step("merge-evaluation", "--sources", shards / "job-000.json",
             "--output", results / f"data/evaluation/{name}.parquet")  # fmt: skip
    sets = [results / f"data/evaluation/{name}.parquet" for name in SETS]
    oracle, mini = (results / f"predictions/{row}" for row in ROWS)
    step("reference", "--name", "oracle", "--evaluation-sets", *sets, "--output", oracle)
    _make_mini(results, experiment, sets, mini)
    for row in ROWS:
        step("score", "--predictions", results / f"predictions/{row}",
             "--evaluation-sets", *sets, "--output", results / f"scores/{row}")  # fmt: skip
    step("tables", "--scores", results / "scores", "--rows", *ROWS, "--evaluation-sets", *SETS,
         "--output", results / "tables", "--baselines")  # fmt: skip
    return results


def step(*words: object) -> None:
    """Run a step as the workflow does, quietly; it leaves its record."""
    with contextlib.redirect_stdout(io.StringIO()):
        assert main([str(word) for word in words]) == 0


def as_settings(settings: Settings) -> str:
    return canonical_json(settings.model_dump(mode="json"))


def _make_mini(results: Path, experiment: Experiment, sets: list[Path], output: Path) -> None:
    """The base model, which is none, and its answers, with records made by hand."""
    base = results / "models/mini/base"
    base.mkdir(parents=True)
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    write_json(results / "models/mini/base.json", {"identity": hash_of(base), "path": "base"})
    made = ["models/mini/base.json", "models/mini/base"]
    settings = experiment.pretraining("mini")
    note(results, "models/mini/base.record.json", "pretrain", {"model": "mini"}, [], made, settings)
    answer_by_reference("chance", sets, output)
    read = ["models/mini/base", *(path.relative_to(results).as_posix() for path in sets)]
    answers = [f"predictions/{ROWS[1]}/{name}.parquet" for name in SETS]
    subject = {"model": "mini", "train_set": "none", "seed": "0"}
    note(results, f"predictions/{ROWS[1]}/record.json", "infer", subject, read, answers,
         experiment.inference("mini"))  # fmt: skip


def note(
    results: Path,
    name: str,
    step: str,
    subject: dict[str, str],
    inputs: list[str],
    outputs: list[str],
    settings: Settings,
) -> Record:
    """Write the record of a job from the files as they lie there."""
    chosen = settings.model_dump(mode="json")
    read = {each: hash_of(results / each) for each in inputs}
    values: dict[str, Any] = {
        "name": name, "step": step, "subject": subject,
        "identity": text_hash(canonical_json([step, chosen, read])), "inputs": read,
        "outputs": {each: hash_of(results / each) for each in outputs},
        "stamps": {each: stamp_of(results / each) for each in outputs},
        "varies": {}, "settings": chosen, "command": ["sparkle", step],
        "code": "0" * 16, "modules": {}, "commit": "1" * 40, "dirty": False,
        "packages": {}, "seeds": {"data": 1}, "host": {"system": "Linux", "cpus": 2},
        "device": "cpu", "slurm_job": None, "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:00:02+00:00", "peak_memory_mb": 100,
    }  # fmt: skip
    record = Record(**values)
    write_record(results / name, record)
    return record


def copy_experiment(results: Path, folder: Path) -> Path:
    """A copy that a test may spoil; times of change are kept."""
    return Path(shutil.copytree(results, folder / "results"))
