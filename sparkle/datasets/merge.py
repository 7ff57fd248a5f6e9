"""Merge: shards -> one dataset per train set and per evaluation set.

A training dataset is a folder of Parquet files with the columns ``images`` (list of
{bytes, path}) and ``messages`` (list of {role, content}), which ms-swift loads as it is. An
evaluation dataset is one Parquet file with a row per question, and all that scoring needs.
Images are never decoded.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.settings import TrainingMergeSettings
from sparkle.datasets.shards import read_shards, source_settings
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, file_hash, write_json
from sparkle.scenes.randomness import item_generator
from sparkle.tasks.base import Question

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
_MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
TRAINING_SCHEMA = pa.schema(
    [
        ("images", pa.list_(_IMAGE)),
        ("messages", pa.list_(_MESSAGE)),
    ]
)
EVALUATION_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("image", pa.binary()),
        ("scene", pa.string()),
        ("scene_hash", pa.string()),
        ("task", pa.string()),
        ("kind", pa.string()),
        ("form", pa.string()),
        ("prompt", pa.string()),
        ("answer", pa.string()),
        ("target", pa.string()),
        ("options", pa.list_(pa.string())),
        ("subject", pa.string()),
        ("difficulty", pa.float64()),
    ]
)
_ROW_GROUP = 1000


def merge_training(
    settings: TrainingMergeSettings, sources: Sequence[Sequence[Path]], folder: Path
) -> dict[str, Any]:
    """Write ``folder/data/part-00000.parquet`` and ``folder/manifest.json``.

    Args:
        sources: For each image source the job manifests of its shards.

    Returns:
        The manifest: counts per task and kind, conversations, hashes.
    """
    rows: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    scenes: set[str] = set()
    for manifests in sources:
        name = source_settings(manifests).source
        for table in read_shards(manifests):
            for row in table.to_pylist():
                wanted = [q for q in row["questions"] if _belongs(q, settings.capabilities)]
                counts.update(f"{q['task']}/{q['kind']}" for q in wanted)
                rows += _conversations(settings, f"{name}/{row['index']:08d}", row, wanted)
                scenes.add(row["scene_hash"])
    if not rows:
        raise SparkleError(
            f"The train set '{settings.train_set}' is empty: no record of"
            f" {', '.join(settings.capabilities)} in its sources.",
            "Check 'training_data' (images, margins) and the capabilities of the train set.",
        )
    order = item_generator(settings.seed, f"order/{settings.train_set}", 0).permutation(len(rows))
    table = pa.Table.from_pylist([rows[i] for i in order], schema=TRAINING_SCHEMA)
    path = folder / "data" / "part-00000.parquet"
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=_ROW_GROUP)
    manifest = {
        "name": settings.train_set,
        "conversations": len(rows),
        "questions": sum(counts.values()),
        "images": len(scenes),
        "by_kind": dict(sorted(counts.items())),
        "settings": settings.model_dump(mode="json"),
        "files": {"data/part-00000.parquet": file_hash(path)},
        "scene_hashes": sorted(scenes),
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def _belongs(question: dict[str, Any], capabilities: tuple[str, ...]) -> bool:
    """Whether a record is part of a train set.

    A train set with the capability ``description`` has that one long text per image, instead of
    the description that each other capability has of its own (as published: 17 records an image).
    """
    if question["task"] not in capabilities:
        return False
    return question["kind"] != "description" or "description" not in capabilities


def _conversations(
    settings: TrainingMergeSettings, item: str, row: dict[str, Any], questions: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    rng = item_generator(settings.seed, f"turns/{settings.train_set}/{item}", 0)
    questions = [questions[i] for i in rng.permutation(len(questions))]
    size = settings.questions_per_conversation
    step = max(1, len(questions)) if size == "all" else size
    chunks = [questions[i : i + step] for i in range(0, len(questions), step)]
    return [_conversation(row["image"], chunk) for chunk in chunks]


def _conversation(image: bytes, questions: list[dict[str, Any]]) -> dict[str, Any]:
    messages = []
    for turn, question in enumerate(questions):
        prefix = "<image>" if turn == 0 else ""
        messages.append({"role": "user", "content": prefix + question["prompt"]})
        messages.append({"role": "assistant", "content": question["answer"]})
    return {"images": [{"bytes": image, "path": None}], "messages": messages}


def question_from_row(row: Mapping[str, Any]) -> Question:
    """The question of one row of an evaluation dataset."""
    difficulty = row["difficulty"]
    known = difficulty is not None and not math.isnan(difficulty)
    return Question(
        task=row["task"],
        kind=row["kind"],
        form=row["form"],
        prompt=row["prompt"],
        answer=row["answer"],
        target=row["target"],
        options=tuple(row["options"]),
        subject=json.loads(row["subject"]),
        difficulty=difficulty if known else None,
    )


def merge_evaluation(manifests: Sequence[Path], path: Path) -> dict[str, Any]:
    """Write one evaluation dataset to ``path`` and its manifest beside it (``.json``)."""
    name = source_settings(manifests).source
    rows = []
    for table in read_shards(manifests):
        for row in table.to_pylist():
            (question,) = row.pop("questions")
            item = {"id": f"{name}/{row.pop('index'):06d}"}
            rows.append({**item, **row, **question})
    table = pa.Table.from_pylist(rows, schema=EVALUATION_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", row_group_size=_ROW_GROUP)
    manifest = {
        "name": name,
        "questions": len(rows),
        "by_kind": dict(sorted(Counter(f"{row['task']}/{row['kind']}" for row in rows).items())),
        "file": path.name,
        "sha256": file_hash(path),
        "scene_hashes": sorted({row["scene_hash"] for row in rows}),
    }
    write_json(path.with_suffix(".json"), manifest)
    return manifest
