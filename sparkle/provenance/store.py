"""The store: finished artefacts by identity, so that the same thing is not made twice.

An entry is a folder ``IDENTITY`` with the record of the job that made it and, in ``files``, its
outputs as hard links to those in a results folder: they take no room of their own as long as that
is on the same disk, and copies where it is not. What is taken over is verified first.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sparkle.errors import SparkleError
from sparkle.files import NO_CONTENT, atomic_path
from sparkle.provenance.record import (
    RECORD,
    Record,
    hash_of,
    locate,
    name_of,
    read_record,
    stamp_of,
    write_record,
)

_FILES = "files"


@dataclass(frozen=True)
class Entry:
    """Something in the store.

    Attributes:
        used: Whether a results folder still holds it: then it takes no room of its own.
    """

    folder: Path
    record: Record
    bytes: int
    used: bool


def put(store: Path, record: Record, results: Path) -> None:
    """Keep the outputs of a job, unless the store has them."""
    entry = store / record.identity
    if entry.is_dir():
        return
    with atomic_path(entry) as temporary:
        for name in record.outputs:
            _link(locate(name, results), temporary / _FILES / _inside(record, name))
        write_record(temporary / RECORD, record)


def find(store: Path | None, identity: str) -> Record | None:
    """The record of an entry; None if the store does not have it."""
    if store is None or not (store / identity / RECORD).is_file():
        return None
    try:
        return read_record(store / identity / RECORD)
    except SparkleError:
        return None  # of another version


def take(store: Path, identity: str, place: Path, like: Record) -> Record | None:
    """Put the outputs of an entry into place, with a record; None if they are not to be had.

    An entry that is not what its record says is removed.

    Args:
        place: The record to write; the outputs go around it as they were around the entry's.
        like: What the job itself would have recorded: name, subject, command and names of inputs.
    """
    record = find(store, identity)
    if record is None:
        return None
    files = store / identity / _FILES
    inside = {name: _inside(record, name) for name in record.outputs}
    for name, sha256 in record.outputs.items():
        stored = files / inside[name]
        if not stored.exists() or hash_of(stored) != sha256:
            drop(store, identity)
            return None
    results = place.absolute().parents[len(PurePosixPath(like.name).parts) - 1]
    names = {name: name_of(place.parent / inside[name], results) for name in record.outputs}
    for name in record.outputs:
        with atomic_path(place.parent / inside[name]) as temporary:
            _link(files / inside[name], temporary)
    stamps = {new: stamp_of(locate(new, results)) or "" for new in names.values()}
    taken = dataclasses.replace(
        record,
        name=like.name,
        subject=like.subject,
        command=like.command,
        inputs=like.inputs,
        outputs={names[name]: sha256 for name, sha256 in record.outputs.items()},
        varies={names[name]: why for name, why in record.varies.items()},
        stamps=stamps,
        reused=identity,
    )
    write_record(place, taken)
    return taken


def drop(store: Path, identity: str) -> None:
    """Remove an entry, if it is there."""
    shutil.rmtree(store / identity, ignore_errors=True)


def entries(store: Path) -> Iterator[Entry]:
    """All entries, oldest first."""
    found = [path.parent for path in store.glob(f"*/{RECORD}")]
    for folder in sorted(found, key=lambda path: (path.stat().st_mtime, path.name)):
        try:
            record = read_record(folder / RECORD)
        except SparkleError:
            continue
        states = [path.stat() for path in (folder / _FILES).rglob("*") if path.is_file()]
        size = sum(state.st_size for state in states)
        yield Entry(folder, record, size, any(state.st_nlink > 1 for state in states))


def _inside(record: Record, name: str) -> str:
    """Where an output lies, from the folder of its record."""
    return PurePosixPath(name).relative_to(PurePosixPath(record.name).parent).as_posix()


def _link(source: Path, target: Path) -> None:
    """A hard link, or a copy where the disk is another one; of folders, of each file in them."""
    if source.is_dir():
        for path in sorted(p for p in source.rglob("*") if p.name not in NO_CONTENT):
            copy = target / path.relative_to(source)
            if path.is_dir():
                copy.mkdir(parents=True, exist_ok=True)
            else:
                _link(path, copy)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
