"""Parquet shards: written atomically, verified on every read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.columns import SHARD_SCHEMA
from sparkle.datasets.settings import SourceSettings
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, file_hash, read_json, write_json

# Pictures are compressed already and differ all, as scenes do: neither compression nor a dictionary
# would gain anything, and a minimum and maximum of bytes tells nothing.
_REPEATED = [
    "questions.list.element." + name
    for name in ("task", "kind", "form", "prompt", "answer", "target", "subject")
] + ["questions.list.element.options.list.element"]


@dataclass(frozen=True)
class ShardInfo:
    """What a manifest says of one shard."""

    file: str
    rows: int
    sha256: str


def write_shard(path: Path, tables: Iterable[pa.Table], identity: str) -> ShardInfo:
    """Write tables as one Parquet file, one row group each, and a note of what it is beside it."""
    rows = 0
    with atomic_path(path) as temporary:
        with pq.ParquetWriter(temporary, SHARD_SCHEMA, **_writer_options()) as writer:
            for table in tables:
                writer.write_table(table)
                rows += table.num_rows
        info = ShardInfo(path.name, rows, file_hash(temporary))
    write_json(_note(path), {**asdict(info), "identity": identity})
    return info


def _writer_options() -> dict[str, Any]:
    names = [*_REPEATED, "scene", "scene_hash", "index", "questions.list.element.difficulty"]
    return {
        "compression": {**dict.fromkeys(names, "zstd"), "image": "none"},
        "use_dictionary": _REPEATED,
        "write_statistics": ["index"],
    }


def kept_shard(path: Path, identity: str) -> ShardInfo | None:
    """The shard at ``path`` if it is as it was written, with these settings; else None."""
    if not (path.exists() and _note(path).exists()):
        return None
    note = read_json(_note(path))
    if note.pop("identity") != identity or note["sha256"] != file_hash(path):
        return None
    return ShardInfo(**note)


def _note(path: Path) -> Path:
    return path.with_suffix(".json")


def write_job_manifest(
    folder: Path, job: int, settings: SourceSettings, shards: list[ShardInfo]
) -> None:
    """Write ``job-JOB.json``: the settings and the shards with row counts and hashes."""
    write_json(
        folder / f"job-{job:03d}.json",
        {
            "settings": settings.model_dump(mode="json"),
            "identity": settings.identity(),
            "shards": [asdict(shard) for shard in shards],
        },
    )


def read_shards(manifests: Sequence[Path]) -> Iterator[pa.Table]:
    """The tables of all shards that the job manifests of one source list, in shard order.

    Raises:
        SparkleError: A shard is missing, altered, truncated, or made with other settings, or the
            manifests do not list each image of the source once.
    """
    parts = [(path.parent, read_json(path)) for path in manifests]
    identities = {part["identity"] for _, part in parts}
    if len(identities) != 1:
        raise SparkleError(
            f"The manifests {', '.join(map(str, manifests))} were made with different settings.",
            "Delete their folder and run synthesis again.",
        )
    listed = {folder / shard["file"]: shard for folder, part in parts for shard in part["shards"]}
    images = source_settings(manifests).images
    rows = sum(shard["rows"] for shard in listed.values())
    if rows != images:
        raise SparkleError(
            f"The job manifests in {manifests[0].parent} list {rows} of {images} images.",
            "Run the jobs of this source that are missing.",
        )
    for path in sorted(listed):
        yield _read_shard(path, listed[path])


def _read_shard(path: Path, expected: dict[str, Any]) -> pa.Table:
    hint = f"Delete {path} and its job manifest and run again: only that shard is made anew."
    if not path.exists():
        raise SparkleError(f"The shard {path} is missing.", hint)
    if file_hash(path) != expected["sha256"]:
        raise SparkleError(f"The shard {path} is truncated or was altered (hash differs).", hint)
    table = pq.read_table(path)
    if table.num_rows != expected["rows"] or not table.schema.equals(SHARD_SCHEMA):
        raise SparkleError(f"The shard {path} has other rows or columns than listed.", hint)
    return table


def source_settings(manifests: Sequence[Path]) -> SourceSettings:
    """The settings that the first job manifest carries."""
    return SourceSettings.model_validate(read_json(manifests[0])["settings"])
