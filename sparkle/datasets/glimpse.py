"""A few rows of any dataset - shards, train set, evaluation set - without reading the rest."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.conversations import IMAGE_MARK
from sparkle.datasets.examples import image_id
from sparkle.datasets.merged import Merged, open_dataset
from sparkle.datasets.scenes_index import read_scenes
from sparkle.datasets.shards import job_files, listed_shards, source_settings
from sparkle.errors import SparkleError
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import Scene, scene_from_json, scene_of


@dataclass(frozen=True)
class Asked:
    """One question with its answer.

    Attributes:
        target: The answer in canonical form; in train sets, which do not keep it, the answer.
        task: Its task and ``kind``; None in train sets.
        subject: What the question is about; empty in train sets.
    """

    prompt: str
    answer: str
    target: str
    task: str | None = None
    kind: str | None = None
    subject: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """One picture with its questions. ``scene`` is None for a picture from a benchmark's files."""

    id: str
    image: bytes
    scene: Scene | None
    questions: tuple[Asked, ...]


@dataclass(frozen=True)
class Glimpse:
    """Some rows of a dataset of ``total`` rows, in order; ``unit`` says what a row is."""

    name: str
    role: str
    total: int
    unit: str
    shown: tuple[Shown, ...]


def glimpse(path: Path, count: int, seed: int = 0) -> Glimpse:
    """Choose ``count`` rows at random by ``seed``; all of them where there are fewer.

    Args:
        path: Folder of a train set, file of an evaluation set, or folder of shards.

    Raises:
        SparkleError: ``count`` is below 1, there is no dataset, or it cannot be read.
    """
    if count < 1:
        raise SparkleError(f"{count} rows are none.", "Ask for 1 or more.")
    if path.is_dir() and next(path.glob("job-*.json"), None):
        return _of_shards(path, count, seed)
    dataset = open_dataset(path)
    numbers = _choice(dataset.name, dataset.rows, count, seed)
    rows = rows_at(list(dataset.files), numbers)
    if dataset.role == "evaluation":
        shown = tuple(_of_question(row) for row in rows)
        return Glimpse(dataset.name, "evaluation set", dataset.rows, "questions", shown)
    shown = _of_conversations(dataset, rows)
    return Glimpse(dataset.name, "train set", dataset.rows, "conversations", shown)


def _choice(name: str, total: int, count: int, seed: int) -> list[int]:
    rng = item_generator(seed, f"glimpse/{name}", 0)
    return sorted(rng.choice(total, min(count, total), replace=False).tolist())


def rows_at(files: Sequence[Path], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Rows by their number over consecutive Parquet files; reads only their row groups.

    Args:
        numbers: Row numbers from 0, ascending.
    """
    rows: list[dict[str, Any]] = []
    start = 0
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    end = start + file.metadata.row_group(group).num_rows
                    inside = [number - start for number in numbers if start <= number < end]
                    if inside:
                        rows += file.read_row_group(group).take(inside).to_pylist()
                    start = end
        except (OSError, pa.ArrowException) as error:
            raise SparkleError(
                f"{path} is no readable Parquet file ({error}).",
                "Run the step that makes it again.",
            ) from None
    return rows


def _of_shards(folder: Path, count: int, seed: int) -> Glimpse:
    manifests = job_files(folder)
    name = source_settings(manifests).source
    shards = listed_shards(manifests)
    total = sum(shard.rows for shard in shards)
    rows = rows_at([shard.path for shard in shards], _choice(name, total, count, seed))
    shown = tuple(
        Shown(
            f"{name}/{row['index']:08d}",
            row["image"],
            scene_from_json(row["scene"]),
            tuple(_asked(question) for question in row["questions"]),
        )
        for row in rows
    )
    return Glimpse(name, "shards", total, "images", shown)


def _of_question(row: dict[str, Any]) -> Shown:
    return Shown(row["id"], row["image"], scene_of(row["scene"]), (_asked(row),))


def _asked(row: dict[str, Any]) -> Asked:
    return Asked(
        row["prompt"], row["answer"], row["target"], row["task"], row["kind"],
        json.loads(row["subject"]),
    )  # fmt: skip


def _of_conversations(dataset: Merged, rows: list[dict[str, Any]]) -> tuple[Shown, ...]:
    assert dataset.scenes is not None  # only evaluation sets may have none
    ids = [image_id(row["images"][0]["path"] or "") for row in rows]
    scenes = read_scenes(dataset.scenes, set(ids))
    missing = [name for name in ids if name not in scenes]
    if missing:
        raise SparkleError(
            f"{dataset.scenes} does not hold the scene of {missing[0]}.", "Merge the dataset again."
        )
    return tuple(
        Shown(name, row["images"][0]["bytes"], scene_from_json(scenes[name]), _turns(row))
        for name, row in zip(ids, rows, strict=True)
    )


def _turns(row: dict[str, Any]) -> tuple[Asked, ...]:
    texts = [message["content"].removeprefix(IMAGE_MARK) for message in row["messages"]]
    pairs = itertools.zip_longest(texts[::2], texts[1::2], fillvalue="")
    return tuple(Asked(prompt, answer, answer) for prompt, answer in pairs)
