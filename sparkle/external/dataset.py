"""Write the evaluation dataset of a benchmark: the columns that inference and scoring know."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.config.evaluation import BenchmarkForm
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.errors import SparkleError
from sparkle.external.asking import ask
from sparkle.external.base import Item
from sparkle.external.files import check_images
from sparkle.external.registry import form_of, get_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.files import atomic_path, file_hash, write_json
from sparkle.scenes.randomness import item_generator

_ROW_GROUP = 200
NOTES = b"sparkle.notes"
"""Key of the notes in the metadata of the Parquet file."""


def read_items(settings: BenchmarkSettings) -> list[Item]:
    """The checked items of a set, and its sample of them where it has a limit.

    Raises:
        SparkleError: Files or images are missing or malformed, or the form does not exist.
    """
    benchmark = get_benchmark(settings.chosen.benchmark)
    form_of(settings)
    items = benchmark.read(settings)
    check_images((item.image for item in items), settings.key, benchmark.source)
    repeated = [key for key, count in Counter(item.key for item in items).items() if count > 1]
    if repeated:
        raise SparkleError(
            f"{settings.key}: the id {repeated[0][:80]!r} occurs more than once"
            f" ({len(repeated)} such ids).",
            "Every question needs an id of its own.",
        )
    return _sample(items, settings)


def _sample(items: list[Item], settings: BenchmarkSettings) -> list[Item]:
    """Whole sets, in a random order of sets, until the limit is reached."""
    limit = settings.chosen.limit
    if limit is None or limit >= len(items):
        return items
    sets: dict[str, list[Item]] = {}
    for item in items:
        sets.setdefault(item.labels.get("set", item.key), []).append(item)
    names = sorted(sets)
    stream = f"sample/{settings.chosen.benchmark}"
    kept: set[str] = set()
    for place in item_generator(settings.seed, stream, 0).permutation(len(names)):
        members = sets[names[place]]
        if kept and len(kept) + len(members) > limit:
            break
        kept.update(item.key for item in members)
    return [item for item in items if item.key in kept]


def write_benchmark(
    settings: BenchmarkSettings, path: Path, items: list[Item] | None = None
) -> dict[str, Any]:
    """Write the evaluation dataset ``path`` and its manifest beside it (``.json``).

    Args:
        items: What :func:`read_items` has found, if it has been called already.
    """
    items = read_items(settings) if items is None else items
    benchmark = get_benchmark(settings.chosen.benchmark)
    notes = benchmark.notes(settings)
    counts: Counter[str] = Counter()
    pictures: set[str] = set()
    schema = EVALUATION_SCHEMA.with_metadata({NOTES: json.dumps(notes).encode()})
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for batch in _batches(items, settings, form_of(settings)):
            counts.update(f"{row['task']}/{row['kind']}" for row in batch)
            pictures.update(row["scene_hash"] for row in batch)
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    manifest = {
        "name": settings.name,
        "benchmark": settings.chosen.benchmark,
        "benchmark_version": benchmark.version,
        "items": len(items),
        "questions": sum(counts.values()),
        "by_kind": dict(sorted(counts.items())),
        "notes": notes,
        "file": path.name,
        "sha256": file_hash(path),
        "scene_hashes": sorted(pictures),
    }
    write_json(path.with_suffix(".json"), manifest)
    return manifest


def _batches(
    items: Sequence[Item], settings: BenchmarkSettings, form: BenchmarkForm
) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    pictures = {item.key: item.image for item in items}
    for row in ask(items, settings, form):
        image = pictures[json.loads(row["subject"])["item"]]
        data = image if isinstance(image, bytes) else image.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:16]
        batch.append({**row, "image": data, "scene_hash": f"picture-{digest}"})
        if len(batch) == _ROW_GROUP:
            yield batch
            batch = []
    if batch:
        yield batch


def read_notes(path: Path) -> list[str]:
    """The notes in a Parquet file that was made here, or handed on from one; else none."""
    metadata = pq.read_schema(path).metadata or {}
    found: list[str] = json.loads(metadata.get(NOTES, b"[]"))
    return found
