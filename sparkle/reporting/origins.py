"""Where each number comes from: hashes, versions and files behind the cells of the matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from sparkle.datasets.parquet import read_table
from sparkle.files import text_hash
from sparkle.reporting.breakdown import ScoreFiles
from sparkle.reporting.matrix import REFERENCES, Matrix
from sparkle.scoring.score import SCORE_SCHEMA

Facts = list[tuple[str, str]]
"""Names and values, in reading order."""
BySeed = dict[int, Facts]

_CELL_COLUMNS = ["task", "task_version", "parser_version", "prompt_hash", "dataset_hash"]
_SAID_OF_RECORDS = {
    "identity": "identity of the job", "base": "base weights hash", "weights": "weights hash",
    "code": "code fingerprint", "commit": "git commit", "device": "device", "seeds": "seeds",
    "slurm_job": "Slurm job", "ended": "made at", "reused": "taken from the store", "path": "path",
}  # fmt: skip
"""What is told of a record, in this order, and by which name."""
_LONGEST = 200


def origins(
    matrix: Matrix,
    scores: ScoreFiles,
    evaluation_sets: Mapping[str, Path],
    results: Path | None = None,
) -> dict[str, dict[str, Facts]]:
    """What is known of every row, evaluation set and cell.

    Args:
        results: The results folder, where the records of models lie; None where there is none.

    Returns:
        ``rows`` by ``model/train_set``, ``sets`` by name, ``cells`` by ``model/train_set|set``.

    Raises:
        SparkleError: A score table is missing or malformed.
    """
    cells: dict[str, BySeed] = {}
    rows: dict[str, BySeed] = {}
    for (model, train_set, seed), files in sorted(scores.items()):
        row = f"{model}/{train_set}"
        own = rows.setdefault(row, {}).setdefault(seed, [])
        if results is not None and model not in REFERENCES:
            own += _model_facts(results, row, seed)
        for name, path in files.items():
            cells.setdefault(f"{row}|{name}", {})[seed] = list(_cell_facts(path, results))
    sets = {
        name: [("file", _shown(path, results)), *_recorded(path)]
        for name, path in evaluation_sets.items()
        if name in matrix.evaluation_sets and path.exists()
    }
    return {
        "rows": {row: _seeds(by_seed) + _over_seeds(by_seed) for row, by_seed in rows.items()},
        "sets": sets,
        "cells": {cell: _over_seeds(by_seed) for cell, by_seed in cells.items()},
    }


def _seeds(by_seed: BySeed) -> Facts:
    seeds = [str(seed) for seed in by_seed if seed]
    return [("training seed" + "s" * (len(seeds) > 1), ", ".join(seeds))] if seeds else []


def _over_seeds(by_seed: BySeed) -> Facts:
    """What is the same for all seeds once; after that what each seed has of its own."""
    first, *others = by_seed.values()
    shared = [fact for fact in first if all(fact in other for other in others)]
    return shared + [
        (f"seed {seed}: {name}", value)
        for seed, facts in by_seed.items()
        for name, value in facts
        if (name, value) not in shared
    ]


def _cell_facts(path: Path, results: Path | None) -> Iterator[tuple[str, str]]:
    """What the score table itself says, and the files of the cell."""
    table = read_table(path, SCORE_SCHEMA, columns=_CELL_COLUMNS)
    for column, name in (
        ("task", "task"), ("task_version", "task version"), ("parser_version", "parser version"),
        ("dataset_hash", "dataset hash"),
    ):  # fmt: skip
        values = [str(v) for v in pc.unique(table[column]).to_pylist() if v is not None]
        if values:
            yield name, ", ".join(values)
    hashes = [each for each in table["prompt_hash"].to_pylist() if each]
    if hashes:
        yield "prompt hash", f"{text_hash(' '.join(hashes))} (over {len(hashes)} prompts)"
    yield "scores", _shown(path, results)
    yield from ((f"scores, {name}", value) for name, value in _recorded(path))
    if results is None or not path.is_relative_to(results / "scores"):
        return
    predictions = results / "predictions" / path.relative_to(results / "scores")
    if predictions.exists():
        yield "predictions", _shown(predictions, results)
        yield from ((f"predictions, {name}", value) for name, value in _recorded(predictions))


def _model_facts(results: Path, row: str, seed: int) -> Iterator[tuple[str, str]]:
    model, train_set = row.rsplit("/", 1)
    weights = results / "models" / model / train_set / f"seed{seed}" / "weights"
    base = results / "models" / model / "base.json"
    known = _json(base)
    if known and not weights.parent.exists():
        yield "weights hash", str(known.get("identity", "unknown"))
    yield from _recorded(weights if weights.parent.exists() else base)
    if weights.parent.exists():
        yield "weights", _shown(weights, results)
        yield "train set", f"{results.name}/data/training/{train_set}"


def _recorded(artefact: Path) -> Iterator[tuple[str, str]]:
    """What the record beside an artefact says of how it was made; nothing where there is none."""
    record = record_of(artefact)
    made = record.get("outputs")
    for name, value in (made if isinstance(made, dict) else {}).items():
        if name.endswith("/weights"):
            yield "weights hash", str(value)
    for key, name in _SAID_OF_RECORDS.items():
        value = record.get(key)
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items())
        if value not in (None, ""):
            dirty = " (with changes)" if key == "commit" and record.get("dirty") else ""
            yield name, f"{value}{dirty}"[:_LONGEST]


def record_of(artefact: Path) -> dict[str, Any]:
    """The record of the job that made a file or folder; empty where none is found.

    It is ``NAME.record.json`` beside ``NAME.*``, or ``record.json`` in the same folder. One that
    lists what its job made must name the artefact.
    """
    folder = artefact.parent
    first = artefact.with_name(f"{artefact.stem}.record.json")
    for path in (first, folder / "record.json", *sorted(folder.glob("*.record.json"))):
        record = _json(path)
        made = record.get("outputs")
        if record and (made is None or any(Path(name).name == artefact.name for name in made)):
            return record
    return {}


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where the file is missing or no object, for the page can do without."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown(path: Path, results: Path | None) -> str:
    """A path from the results folder on, so that no folder above it is told."""
    if results is not None and path.is_relative_to(results):
        return str(Path(results.name, path.relative_to(results)))
    return path.name
