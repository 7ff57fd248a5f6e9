"""The records of a results folder as one graph: which job made a file, and from what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from sparkle.errors import SparkleError
from sparkle.provenance.hashes import Hashes
from sparkle.provenance.record import (
    RECORD,
    SUFFIX,
    Record,
    find_record,
    locate,
    name_of,
    read_record,
    results_of,
)

_WORK = "work"
"""Checkpoints and partial answers: nothing that has a record."""


def label(record: Record) -> str:
    """The step and what it was done for, for people."""
    subject = dict(record.subject)
    parts = [record.step]
    if {"model", "train_set", "seed"} <= subject.keys():
        parts.append(f"{subject.pop('model')}/{subject.pop('train_set')}/seed{subject.pop('seed')}")
    job = subject.pop("job", None)
    parts += subject.values()
    return " ".join(parts if job is None else [*parts, f"job {job}"])


@dataclass(frozen=True)
class Lineage:
    """All records that lie in a results folder, in the order of their names."""

    results: Path
    records: tuple[Record, ...]

    @cached_property
    def _makers(self) -> dict[str, Record]:
        return {name: record for record in self.records for name in record.outputs}

    def maker(self, name: str) -> Record | None:
        """The job that made a file, or the folder that it lies in."""
        if name in self._makers:
            return self._makers[name]
        for parent in PurePosixPath(name).parents:
            if str(parent) in self._makers:
                return self._makers[str(parent)]
        return None

    def path(self, name: str) -> Path:
        """Where a file that a record names is, from here."""
        return locate(name, self.results)

    def name(self, path: Path) -> str:
        """How records name a file."""
        return name_of(path, self.results)

    def external(self) -> dict[str, str]:
        """What jobs read that no job made: name -> hash."""
        return {
            name: digest
            for record in self.records
            for name, digest in record.inputs.items()
            if self.maker(name) is None
        }

    def order(self) -> list[Record]:
        """The record of every job after those of the jobs whose outputs it read."""
        waiting = {record.name for record in self.records}
        found: list[Record] = []

        def visit(record: Record) -> None:
            if record.name not in waiting:
                return
            waiting.remove(record.name)
            for name in record.inputs:
                maker = self.maker(name)
                if maker is not None:
                    visit(maker)
            found.append(record)

        for record in self.records:
            visit(record)
        return found


def read_lineage(results: Path) -> Lineage:
    """Read all records below a results folder.

    Raises:
        SparkleError: There are none, or one is unreadable.
    """
    if not results.is_dir():
        raise SparkleError(f"{results} is no folder.", "Give the results folder of an experiment.")
    files = sorted(_record_files(results))
    records = tuple(read_record(path) for path in files)
    if not records:
        raise SparkleError(
            f"{results} holds no records: nothing tells what its files were made from.",
            "Run the workflow again with this version, which leaves records beside all artefacts.",
        )
    return Lineage(results, records)


def results_above(artefact: Path) -> Path:
    """The results folder that an artefact is in, found by the record of what made it.

    Raises:
        SparkleError: No record names it.
    """
    path, record = find_record(artefact)
    return results_of(path, record)


def _record_files(results: Path) -> Iterator[Path]:
    for entry in results.iterdir():
        if entry.name == _WORK:
            continue
        if entry.is_dir():
            yield from (p for p in entry.rglob("*.json") if _is_record(p))
        elif _is_record(entry):
            yield entry


def _is_record(path: Path) -> bool:
    return (path.name == RECORD or path.name.endswith(SUFFIX)) and path.is_file()


class Checker:
    """Whether files are still what records say; each is hashed once at most.

    Args:
        rehash: Hash every file. Otherwise a file whose size and time of change are as they were
            when its record was written counts as unchanged, and only others are hashed.
    """

    def __init__(self, lineage: Lineage, rehash: bool = False) -> None:
        self._lineage = lineage
        self._hashes = Hashes()
        if not rehash:
            for record in lineage.records:
                self._hashes.add(record, lineage.results)

    def current(self, name: str) -> str | None:
        """Hash of a file or folder as it is now; None if it is not there."""
        return self._hashes.of(self._lineage.path(name))

    def fault(self, name: str, expected: str) -> str | None:
        """What is wrong with a file that should have this hash, or None."""
        if not is_hash(expected):
            return None  # a model on a hub, which only its name and commit tell
        current = self.current(name)
        if current == expected:
            return None
        return "is missing" if current is None else "was altered"


def is_hash(text: str) -> bool:
    """Whether a content's identity is a SHA-256, and not the name and commit of a model."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")
