"""Merge: shards -> the dataset of a train set, or of an evaluation set.

A training dataset is a folder of Parquet files with the columns ``images`` (list of
{bytes, path}; the path is the image's id) and ``messages`` (list of {role, content}), which
ms-swift loads as it is. An evaluation dataset is one Parquet file with a row per question, and all
that scoring needs. Images are never decoded, and memory does not grow with their number.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkle.datasets.controls import AnswerShuffle, blanked
from sparkle.datasets.conversations import (
    MESSAGE,
    Wanted,
    build_conversations,
    thin_out,
    turn_order,
    wanted_questions,
)
from sparkle.datasets.parquet import gathered, regrouped, write_tables
from sparkle.datasets.scenes_index import ScenesWriter, scenes_writer
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import read_shards, source_settings
from sparkle.datasets.spool import Spool
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, canonical_json, file_hash, write_json
from sparkle.scenes.randomness import item_generator
from sparkle.tasks.base import Question

_IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
TRAINING_SCHEMA = pa.schema(
    [
        ("images", pa.list_(_IMAGE)),
        ("messages", pa.list_(MESSAGE)),
    ]
)
VERIFIABLE_SCHEMA = TRAINING_SCHEMA.append(pa.field("verify", pa.string()))
"""Training by reinforcement: with the question and its scene as JSON, see :func:`verifiers`."""
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
REPEATING = ["messages.list.element.role", "messages.list.element.content"]
"""Columns worth a dictionary. Images are not: looking for repetitions would only cost time."""
_REPEATING = ["task", "kind", "form", "prompt", "answer", "target", "options.list.element"]
PART_BYTES = 64 << 20
"""Images and texts of one part file, before compression; a merge holds one part in memory."""
_SPOOL_BYTES = 16 << 20
_GROUP_BYTES = 8 << 20
_GROUP_ROWS = 1000


@dataclass
class _Census:
    """What the first pass over the shards counts."""

    images: int = 0
    questions: int = 0
    bytes: int = 0
    conversations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, table: pa.Table, wanted: Wanted, size: int | Literal["all"]) -> None:
        count = wanted.conversations(size)
        self.conversations += int(count.sum())
        self.images += len(table)
        self.questions += len(wanted.questions)
        self.kinds.update(kind_counts(wanted.questions))
        self.bytes += int(count @ pc.binary_length(table["image"]).to_numpy())
        for name in ("prompt", "answer"):
            lengths = pc.binary_length(wanted.questions.field(name))
            self.bytes += pc.sum(lengths).as_py() or 0


def merge_training(
    settings: TrainingMergeSettings, sources: Sequence[Sequence[Path]], folder: Path
) -> dict[str, Any]:
    """Write ``folder/data/part-*.parquet``, ``folder/scenes.parquet`` and ``folder/manifest.json``.

    Two passes over the shards: the first verifies and counts, the second writes the conversations
    in a random order of all of them, which depends on seed and train set alone.

    Args:
        sources: For each image source the job manifests of its shards.

    Returns:
        The manifest: counts per task and kind, conversations, settings, hashes of the files.

    Raises:
        SparkleError: A shard is damaged, no record is wanted, or the disk is full.
    """
    census, shuffle = _Census(), None
    if settings.control == "shuffled_labels":
        shuffle = AnswerShuffle(settings.seed, settings.train_set)
    named = [(source_settings(manifests), manifests) for manifests in sources]
    scenes = folder / "scenes.parquet"
    with scenes_writer(scenes) as index:
        for source, manifests in named:
            for table in read_shards(manifests):
                table = _limited(table, settings)
                wanted = chosen_questions(settings, source.source, table)
                if shuffle is not None:
                    shuffle.collect(wanted)
                census.add(table, wanted, settings.questions_per_conversation)
                index.add(source.source, table)
        if not census.questions:
            raise SparkleError(
                f"The train set '{settings.train_set}' is empty: no record of"
                f" {', '.join(settings.capabilities)} in its sources.",
                "Check 'training_data' (images, margins) and the capabilities of the train set.",
            )
    with atomic_path(folder / "data") as data:
        data.mkdir()
        _write_parts(settings, named, census, shuffle, data)
    files = sorted((folder / "data").glob("*.parquet"))
    manifest = {
        "name": settings.train_set,
        "conversations": census.conversations,
        "questions": census.questions,
        "images": census.images,
        "by_kind": dict(sorted(census.kinds.items())),
        "settings": settings.model_dump(mode="json"),
        "sources": {source.source: described(source) for source, _ in named},
        "files": {f"data/{path.name}": file_hash(path) for path in files},
        "scenes": {"file": scenes.name, "sha256": file_hash(scenes)},
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def described(source: SourceSettings) -> dict[str, Any]:
    """What a manifest says of a source: all but how its making was divided."""
    return source.model_dump(mode="json", exclude={"images_per_shard"})


def kind_counts(questions: pa.StructArray) -> dict[str, int]:
    """Number of questions by ``task/kind``."""
    names = pc.binary_join_element_wise(questions.field("task"), questions.field("kind"), "/")
    counted = names.value_counts()
    values, counts = (counted.field(name).to_pylist() for name in ("values", "counts"))
    return dict(zip(values, counts, strict=True))


def _limited(table: pa.Table, settings: TrainingMergeSettings) -> pa.Table:
    """The rows of the images that a train set uses: the first so many of a source."""
    if settings.images is None:
        return table
    return table.filter(pc.less(table["index"], settings.images))


def chosen_questions(settings: TrainingMergeSettings, source: str, table: pa.Table) -> Wanted:
    """The questions of a source's shard rows (with their index) that a merge takes."""
    wanted = wanted_questions(table, settings.capabilities)
    stream = f"shares/{settings.train_set}/{source}"
    index = table["index"].to_numpy()[wanted.row]
    return thin_out(wanted, settings.shares, settings.seed, stream, index)


def _write_parts(
    settings: TrainingMergeSettings,
    sources: Sequence[tuple[SourceSettings, Sequence[Path]]],
    census: _Census,
    shuffle: AnswerShuffle | None,
    folder: Path,
) -> None:
    schema = VERIFIABLE_SCHEMA if settings.verifiable else TRAINING_SCHEMA
    count = census.conversations
    rows = -(-count // max(1, round(census.bytes / PART_BYTES)))
    parts = -(-count // rows)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".spool-") as spool_folder:
        spool = Spool(Path(spool_folder), parts, rows)
        _fill(settings, sources, _positions(settings, count), shuffle, spool)
        group = max(1, min(_GROUP_ROWS, _GROUP_BYTES * count // max(1, census.bytes)))
        for part in range(parts):
            path = folder / f"part-{part:05d}.parquet"
            write_tables(path, schema, spool.take(part, group, schema), REPEATING)


def _positions(settings: TrainingMergeSettings, count: int) -> np.ndarray:
    """The final position of each conversation, uint32, shape (count,)."""
    if count >= 2**32:
        raise SparkleError(
            f"The train set '{settings.train_set}' has {count} conversations; 2**32 - 1 is the"
            " most.",
            "Lower training_data.images or raise training_data.questions_per_conversation.",
        )
    numbers = np.arange(count, dtype=np.uint32)
    order = item_generator(settings.seed, f"order/{settings.train_set}", 0).permutation(numbers)
    positions = np.empty_like(order)
    positions[order] = numbers
    return positions


def _fill(
    settings: TrainingMergeSettings,
    sources: Sequence[tuple[SourceSettings, Sequence[Path]]],
    positions: np.ndarray,
    shuffle: AnswerShuffle | None,
    spool: Spool,
) -> None:
    size, done = settings.questions_per_conversation, 0
    for source, manifests in sources:
        columns = ["index", "image", "questions"] + ["scene"] * settings.verifiable
        stream = f"turns/{settings.train_set}/{source.source}"
        for table in gathered(read_shards(manifests, columns, verify=False), _SPOOL_BYTES):
            table = _limited(table, settings)
            if settings.control == "text_only":
                table = blanked(table, source.render.size)
            wanted = chosen_questions(settings, source.source, table)
            if shuffle is not None:
                wanted = shuffle.exchange(wanted)
            index = table["index"].to_numpy()
            order = turn_order(settings.seed, stream, index[wanted.row], wanted.row)
            image_of, messages = build_conversations(wanted, order, size)
            own = positions[done : done + len(messages)]
            done += len(messages)
            names = item_ids(source.source, table["index"], 8, ".png")
            verify = verifiers(table, wanted, order) if settings.verifiable else None
            spool.add(table["image"].combine_chunks(), names, image_of, own, messages, verify)


def verifiers(table: pa.Table, wanted: Wanted, order: np.ndarray) -> pa.Array:
    """Each question as JSON, with its scene: a row of an evaluation dataset but for the picture.

    Args:
        table: Shard rows, with their scenes.
        order: Order of the questions, each a conversation of its own.
    """
    scenes = table["scene"].take(pa.array(wanted.row[order])).to_pylist()
    questions = wanted.questions.take(pa.array(order)).to_pylist()
    rows = (question | {"scene": scene} for question, scene in zip(questions, scenes, strict=True))
    return pa.array([canonical_json(row) for row in rows], pa.string())


def item_ids(source: str, index: pa.ChunkedArray, digits: int, ending: str = "") -> pa.Array:
    """Ids such as ``basic/00000017.png`` for the given numbers."""
    numbers = pc.utf8_lpad(index.cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(f"{source}/", numbers, ending, "").combine_chunks()


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
    """Write one evaluation dataset to ``path`` and its manifest beside it (``.json``).

    Its scene index goes to ``scenes/`` beside it.

    Raises:
        SparkleError: A shard is damaged, an image has not exactly one question, or the disk is
            full.
    """
    source = source_settings(manifests)
    scenes = path.parent / "scenes" / path.name
    kinds: Counter[str] = Counter()

    def rows(index: ScenesWriter) -> Iterator[pa.Table]:
        for table in read_shards(manifests):
            index.add(source.source, table)
            flat = evaluation_rows(source.source, table)
            kinds.update(kind_counts(table["questions"].combine_chunks().flatten()))
            yield flat

    with scenes_writer(scenes) as index, atomic_path(path) as temporary:
        tables = regrouped(rows(index), _GROUP_ROWS)
        count = write_tables(temporary, EVALUATION_SCHEMA, tables, _REPEATING)
    manifest = {
        "name": source.source,
        "questions": count,
        "by_kind": dict(sorted(kinds.items())),
        "source": described(source),
        "file": path.name,
        "sha256": file_hash(path),
        "scenes": {"file": f"scenes/{scenes.name}", "sha256": file_hash(scenes)},
    }
    write_json(path.with_suffix(".json"), manifest)
    return manifest


def evaluation_rows(name: str, table: pa.Table) -> pa.Table:
    """Shard rows with one question each, as rows of an evaluation dataset."""
    questions = table["questions"].combine_chunks()
    if pc.any(pc.not_equal(pc.list_value_length(questions), 1)).as_py():
        raise SparkleError(
            f"The shards of '{name}' do not have exactly one question per image.",
            "They are no evaluation set: give the folder of one.",
        )
    flat = pc.list_flatten(questions)
    asked = {kind.name: flat.field(kind.name) for kind in flat.type}
    columns = {"id": item_ids(name, table["index"], 6), **asked}
    for column in ("image", "scene", "scene_hash"):
        columns[column] = table[column]
    return pa.table([columns[key] for key in EVALUATION_SCHEMA.names], schema=EVALUATION_SCHEMA)
