"""A finished experiment that is made in seconds: real data, answers, scores and tables; no model.

Its rows are the oracle and one model ``mini`` whose answers are those of chance. The records are
made here, from the files, as steps of the workflow make theirs.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from sparkle.config.base import Settings
from sparkle.datasets.card import write_merged_card
from sparkle.datasets.merge import merge_evaluation
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.synthesis import synthesize
from sparkle.experiment import Experiment
from sparkle.files import canonical_json, text_hash, write_json, write_text
from sparkle.inference.reference import answer_by_reference
from sparkle.provenance.record import Record, hash_of, stamp_of, write_record
from sparkle.scoring.comparisons import compare, over_seeds, write_comparisons
from sparkle.scoring.score import score
from sparkle.scoring.tables import build_matrix, notes_of, write_tables

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
    frozen = experiment.config.model_dump(mode="json")
    write_text(results / "config.yaml", yaml.safe_dump(frozen, sort_keys=False))
    note(results, "config", "freeze-config", {}, [], ["config.yaml"], experiment.config)
    for name in SETS:
        _make_set(results, experiment, name)
    sets = [f"data/evaluation/{name}.parquet" for name in SETS]
    _make_base(results, experiment)
    for row, reference in zip(ROWS, ("oracle", "chance"), strict=True):
        _make_row(results, experiment, row, reference, sets)
    _make_tables(results)
    return results


def _make_set(results: Path, experiment: Experiment, name: str) -> None:
    source, subject = experiment.evaluation_source(name), {"evaluation_set": name}
    shards, data = f"data/shards/evaluation/{name}", f"data/evaluation/{name}"
    synthesize(source, results / shards, report=lambda _: None)
    made = [f"{shards}/job-000.json", f"{shards}/shard-00000.parquet"]
    note(results, f"{shards}/job-000", "synthesize", subject, [], made, source)
    merge_evaluation([results / made[0]], results / f"{data}.parquet")
    write_merged_card(open_dataset(results / f"{data}.parquet"))
    outputs = [f"{data}.parquet", f"{data}.json", f"{data}.md"]
    note(results, data, "merge-evaluation", subject, made, outputs)


def _make_base(results: Path, experiment: Experiment) -> None:
    base = results / "models/mini/base"
    base.mkdir(parents=True)
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(bytes(range(256)) * 8)
    write_json(results / "models/mini/base.json", {"identity": hash_of(base), "path": "base"})
    made = ["models/mini/base.json", "models/mini/base"]
    settings = experiment.pretraining("mini")
    note(results, "models/mini/base", "pretrain", {"model": "mini"}, [], made, settings)


def _make_row(
    results: Path, experiment: Experiment, row: str, reference: str, sets: list[str]
) -> None:
    paths = [results / name for name in sets]
    answer_by_reference(reference, paths, results / "predictions" / row)
    answers = [f"predictions/{row}/{name}.parquet" for name in SETS]
    if row.startswith("mini"):
        read = ["models/mini/base.json", "models/mini/base", *sets]
        settings: Settings | None = experiment.inference("mini")
        note(results, f"predictions/{row}/record", "infer", {"model": "mini"}, read, answers,
             settings)  # fmt: skip
    else:
        subject = {"reference": reference}
        note(results, f"predictions/{row}/record", "reference", subject, sets, answers)
    for name, path in zip(SETS, paths, strict=True):
        score(results / f"predictions/{row}/{name}.parquet", path,
              results / f"scores/{row}/{name}.parquet")  # fmt: skip
    scores = [f"scores/{row}/{name}.parquet" for name in SETS]
    command = [
        "sparkle", "score", "--predictions", f"{{results}}/predictions/{row}",
        "--evaluation-sets", *(f"{{results}}/{name}" for name in sets),
        "--output", f"{{results}}/scores/{row}",
    ]  # fmt: skip
    note(results, f"scores/{row}/record", "score", {"row": row}, [*answers, *sets], scores,
         command=command)  # fmt: skip


def _make_tables(results: Path) -> None:
    files = {
        ("oracle" if row.startswith("oracle") else "mini", "none", 0): {
            name: results / f"scores/{row}/{name}.parquet" for name in SETS
        }
        for row in ROWS
    }
    matrix = build_matrix(files)
    write_tables(matrix, results / "tables", notes_of(files))
    write_comparisons(compare(files, {}), over_seeds(matrix), results / "tables")
    read = [f"scores/{row}/{name}.parquet" for row in ROWS for name in SETS]
    made = [f"tables/{path.name}" for path in sorted((results / "tables").iterdir())]
    command = [
        "sparkle", "tables", "--scores", "{results}/scores", "--rows", *ROWS,
        "--evaluation-sets", *SETS, "--output", "{results}/tables", "--baselines",
    ]  # fmt: skip
    note(results, "tables/record", "tables", {}, read, made, command=command)


def note(
    results: Path,
    name: str,
    step: str,
    subject: dict[str, str],
    inputs: list[str],
    outputs: list[str],
    settings: Settings | None = None,
    command: list[str] | None = None,
    **changes: Any,
) -> Record:
    """Write the record of a job from the files as they lie there."""
    name = f"{name}.json" if name.endswith("record") else f"{name}.record.json"
    chosen = settings.model_dump(mode="json") if settings is not None else {}
    read = {each: hash_of(results / each) for each in inputs}
    values: dict[str, Any] = {
        "name": name, "step": step, "subject": subject,
        "identity": text_hash(canonical_json([step, chosen, read])), "inputs": read,
        "outputs": {each: hash_of(results / each) for each in outputs},
        "stamps": {each: stamp_of(results / each) for each in outputs},
        "varies": {}, "settings": chosen, "command": command or ["sparkle", step],
        "code": "0" * 16, "modules": {}, "commit": "1" * 40, "dirty": False,
        "packages": {}, "seeds": {"data": 1}, "host": {"system": "Linux", "cpus": 2},
        "device": "cpu", "slurm_job": None, "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:00:02+00:00", "peak_memory_mb": 100,
    }  # fmt: skip
    record = Record(**{**values, **changes})
    write_record(results / name, record)
    return record


def copy_experiment(results: Path, folder: Path) -> Path:
    """A copy that a test may spoil; times of change are kept."""
    return Path(shutil.copytree(results, folder / "results"))
