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
_BATCH_BYTES = 16 << 20
"""Uncompressed bytes of rows that are read at a time."""


@dataclass(frozen=True)
class ShardInfo:
    """What a manifest says of one shard."""

    file: str
    rows: int
    sha256: str


class DamagedShardError(SparkleError):
    """A shard is not what its job manifest says; the manifest has been withdrawn."""


def write_shard(path: Path, tables: Iterable[pa.Table], identity: str) -> ShardInfo:
    """Write tables as one Parquet file, one row group each, and a note of what it is beside it.

    Two writers of the same shard do no harm: the file takes its name in one step, and who comes
    second keeps the intact shard that is there. Should their bytes differ (other deflate
    libraries) and the two meet between file and note, the shard counts as damaged and is made anew.
    """
    rows = 0
    try:
        with atomic_path(path) as temporary:
            with pq.ParquetWriter(temporary, SHARD_SCHEMA, **_writer_options()) as writer:
                for table in tables:
                    writer.write_table(table)
                    rows += table.num_rows
            info = ShardInfo(path.name, rows, file_hash(temporary))
            others = kept_shard(path, identity)
            if others is not None:
                raise _AlreadyThere(others)
    except _AlreadyThere as there:
        return there.info
    write_json(_note(path), {**asdict(info), "identity": identity})
    return info


def _writer_options() -> dict[str, Any]:
    names = [*_REPEATED, "scene", "scene_hash", "index", "questions.list.element.difficulty"]
    return {
        "compression": {**dict.fromkeys(names, "zstd"), "image": "none"},
        "use_dictionary": _REPEATED,
        "write_statistics": ["index"],
    }


class _AlreadyThere(Exception):
    """Another writer has finished the same shard in the meantime."""

    def __init__(self, info: ShardInfo) -> None:
        super().__init__(info.file)
        self.info = info


def kept_shard(path: Path, identity: str) -> ShardInfo | None:
    """The shard at ``path`` if it is as it was written, with these settings; else None."""
    try:
        note = read_json(_note(path))
        whole = note.pop("identity") == identity and note["sha256"] == file_hash(path)
        return ShardInfo(**note) if whole else None
    except (SparkleError, FileNotFoundError, KeyError, TypeError, AttributeError):
        return None  # no shard, no note, or a note that is none


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


@dataclass(frozen=True)
class Listed:
    """A shard as a job manifest lists it."""

    path: Path
    rows: int
    sha256: str
    manifest: Path


def listed_shards(manifests: Sequence[Path]) -> list[Listed]:
    """The shards that the job manifests of one source list, in shard order.

    Raises:
        SparkleError: A manifest is missing or unreadable, they were made with different
            settings, or they do not list each image of the source once.
    """
    parts = [(path, read_json(path)) for path in manifests]
    try:
        identities = {part["identity"] for _, part in parts}
        found = {
            path.parent / shard["file"]: Listed(
                path.parent / shard["file"], shard["rows"], shard["sha256"], path
            )
            for path, part in parts
            for shard in part["shards"]
        }
        images = int(parts[0][1]["settings"]["images"])
    except (KeyError, TypeError):
        raise SparkleError(
            f"{', '.join(map(str, manifests))}: no manifest of a synthesis job.",
            "Give the folder of shards, or its job-*.json files.",
        ) from None
    if len(identities) != 1:
        raise SparkleError(
            f"The manifests {', '.join(map(str, manifests))} were made with different settings.",
            "Delete their folder and run synthesis again.",
        )
    rows = sum(shard.rows for shard in found.values())
    if rows != images:
        raise SparkleError(
            f"The job manifests in {manifests[0].parent} list {rows} of {images} images.",
            "Run the jobs of this source that are missing.",
        )
    return [found[path] for path in sorted(found)]


def verify_shards(shards: Sequence[Listed]) -> None:
    """Compare every shard with its manifest: content hash, rows, columns.

    Raises:
        DamagedShardError: A shard is missing, altered or truncated. Its job manifest is withdrawn,
            so that running again makes exactly that shard anew.
    """
    for shard in shards:
        fault = _fault(shard)
        if fault is not None:
            raise DamagedShardError(f"The shard {shard.path} {fault}.", _withdraw(shard.manifest))


def _fault(shard: Listed) -> str | None:
    if not shard.path.exists():
        return "is missing"
    if file_hash(shard.path) != shard.sha256:
        return "is truncated or was altered (hash differs)"
    try:
        with pq.ParquetFile(shard.path) as file:
            if file.metadata.num_rows == shard.rows and file.schema_arrow.equals(SHARD_SCHEMA):
                return None
            return "has other rows or columns than listed"
    except (OSError, pa.ArrowException) as error:
        return f"is no readable Parquet file ({error})"


def _withdraw(manifest: Path) -> str:
    """Remove a job manifest, whose job then runs again; returns the hint."""
    try:
        manifest.unlink(missing_ok=True)
    except OSError:
        return f"Delete {manifest} and run again: only that shard is made anew."
    return (
        f"Run again ({manifest.name} has been withdrawn, so that its job runs): only that shard is"
        " made anew. By hand: 'sparkle synthesize' into the same folder."
    )


def read_shards(
    manifests: Sequence[Path], columns: Sequence[str] | None = None, verify: bool = True
) -> Iterator[pa.Table]:
    """Rows of all shards that the job manifests of one source list, in the order of the images.

    Tables hold about 16 MiB of rows each, however large the shards are.

    Args:
        columns: Columns to read, as Parquet names them (``questions.list.element.task``).
        verify: False where the shards have just been verified by an earlier pass.

    Raises:
        SparkleError: See :func:`listed_shards` and :func:`verify_shards`.
    """
    shards = listed_shards(manifests)
    for shard in shards:
        if verify:
            verify_shards([shard])
        with pq.ParquetFile(shard.path) as file:
            yield from tables_of(file, columns)


def tables_of(file: pq.ParquetFile, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The rows of an open Parquet file in tables of about 16 MiB: some row groups each.

    Not ``iter_batches``, which keeps all that it has read until it has come to the end.
    """
    waiting: list[int] = []
    size = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number).total_byte_size
        if waiting and size + group > _BATCH_BYTES:
            yield file.read_row_groups(waiting, columns)
            waiting, size = [], 0
        waiting.append(number)
        size += group
    if waiting:
        yield file.read_row_groups(waiting, columns)


def job_files(folder: Path) -> list[Path]:
    """The job manifests in a folder of shards.

    Raises:
        SparkleError: There are none.
    """
    found = sorted(p for p in folder.glob("job-*.json") if not p.name.endswith(".record.json"))
    if not found:
        raise SparkleError(f"{folder} holds no shards.", "Run 'sparkle synthesize' first.")
    return found


def source_settings(manifests: Sequence[Path]) -> SourceSettings:
    """The settings that the first job manifest carries."""
    return SourceSettings.model_validate(read_json(manifests[0])["settings"])
