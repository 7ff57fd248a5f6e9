"""The tree from a number or an artefact to all that it was made from, checked on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sparkle.errors import SparkleError
from sparkle.provenance.drift import Drift, Read, drift_of, no_recipe
from sparkle.provenance.lineage import Checker, Lineage, is_hash, label, read_lineage
from sparkle.provenance.number import Number, Selection, find_number, recomputed
from sparkle.provenance.recompute import rejudged
from sparkle.provenance.record import Record

_SHARDED = "synthesize"
_PROOFS = ("data/leaks.json",)
"""Files that a job waits for without using them: their own origin is no part of the tree."""


@dataclass(frozen=True)
class Node:
    """A file in the tree.

    Attributes:
        name: As records name it.
        digest: The hash that the job above it read, or that its own record gives.
        faults: What is wrong with it; empty if it is what the records say.
        record: Of the job that made it; None if nothing here did.
        children: What that job read for it.
        repeated: Whether the job stands in the tree already, with what it read.
    """

    name: str
    digest: str
    faults: tuple[str, ...] = ()
    record: Record | None = None
    children: tuple[Node, ...] = ()
    repeated: bool = False


@dataclass(frozen=True)
class Trace:
    """A tree with the verdict.

    Attributes:
        faults: What no longer matches: "file: what is wrong", each once.
        drift: How config, code and packages differ from those that were used, each once.
        files: Distinct files that were compared.
        rehashed: Whether all of them were hashed.
    """

    root: Node
    number: Number | None
    faults: tuple[str, ...]
    drift: tuple[Drift, ...]
    files: int
    rehashed: bool

    @property
    def verified(self) -> bool:
        """Whether everything is what the records say, and config and code are those used."""
        return not self.faults and not any(each.counts for each in self.drift)


def trace(
    results: Path,
    artefact: Path,
    *,
    row: str | None = None,
    evaluation_set: str | None = None,
    metric: str = "accuracy",
    rehash: bool = False,
    read: Read = no_recipe,
) -> Trace:
    """Trace a file, or with ``row`` and ``evaluation_set`` one number in a matrix.

    Args:
        rehash: Hash every file, and judge the answers behind a number again.
        read: Reads the command line of a record, to compare code; see :data:`Read`.

    Raises:
        SparkleError: There is no such file or number, or nothing tells what made it.
    """
    lineage = read_lineage(results)
    name = lineage.name(artefact)
    if not artefact.exists() and lineage.maker(name) is None:
        raise SparkleError(f"{artefact} does not exist.", "Give a file below the results folder.")
    if (row is None) != (evaluation_set is None):
        raise SparkleError("--row and --set belong together.", "Give both, or neither.")
    number, selection = None, Selection.of_file(name)
    if row is not None and evaluation_set is not None:
        number = find_number(artefact, row, evaluation_set, metric)
        selection = Selection(row, evaluation_set)
    tree = _Tree(lineage, Checker(lineage, rehash), selection)
    root = tree.node(name, None)
    faults = tree.faults + (_recomputed(lineage, number, rehash) if number else [])
    return Trace(
        root=root,
        number=number,
        faults=tuple(dict.fromkeys(faults)),
        drift=tuple(drift_of(lineage, list(tree.records.values()), read)),
        files=len(tree.seen),
        rehashed=rehash,
    )


def _recomputed(lineage: Lineage, number: Number, rehash: bool) -> list[str]:
    """Faults of a number that its scores, or its answers, no longer give."""
    inside = f"{number.row}/{number.evaluation_set}.parquet"
    scores = lineage.results / "scores" / inside
    found = []
    try:
        other = recomputed(number, scores)
        if other is not None:
            found.append(f"the number: scores/{inside} now gives {other}")
        if rehash:
            answers = lineage.results / "predictions" / inside
            questions = lineage.results / f"data/evaluation/{number.evaluation_set}.parquet"
            differ = rejudged(answers, questions, scores)
            if differ:
                found.append(f"scores/{inside}: {differ} answers are judged otherwise now")
    except SparkleError as error:
        found.append(f"the number cannot be computed anew: {error.message}")
    return found


@dataclass
class _Tree:
    lineage: Lineage
    checker: Checker
    selection: Selection
    faults: list[str] = field(default_factory=list)
    records: dict[str, Record] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def node(self, name: str, read: str | None, reader: Record | None = None) -> Node:
        """A file; ``read`` is its hash when the job above it, ``reader``, read it."""
        record = self.lineage.maker(name)
        made = record.outputs.get(name) if record else None
        digest = read or made or self.checker.current(name) or ""
        faults = tuple(self._faults(name, read, made, record, reader))
        self.faults += [f"{name}: {fault}" for fault in faults]
        self.seen.add(name)
        if record is None or record.name in self.records:
            return Node(name, digest, faults, record, repeated=record is not None)
        self.records[record.name] = record
        children = tuple(
            self.node(each, digest, record)
            for each, digest in self._read_by(record).items()
            if name not in _PROOFS and self.selection.takes(each)
        )
        return Node(name, digest, faults, record, children)

    def _read_by(self, record: Record) -> dict[str, str]:
        """What a job read. A manifest stands for the shards that it lists, with their hashes."""
        found = {}
        for name, digest in record.inputs.items():
            found[name] = digest
            maker = self.lineage.maker(name)
            if maker is not None and maker.step == _SHARDED:
                found.update(maker.outputs)
        return found

    def _faults(
        self,
        name: str,
        read: str | None,
        made: str | None,
        record: Record | None,
        reader: Record | None,
    ) -> Iterator[str]:
        if record is None and read is None:
            yield "has no record: nothing tells what made it"
        expected = made or read
        if expected is not None:
            fault = self.checker.fault(name, expected)
            if fault is not None:
                yield fault
        if read and made and read != made and is_hash(made) and reader is not None:
            yield f"was made anew since {label(reader)} read it"


def as_json(found: Trace) -> dict[str, Any]:
    """A trace as JSON: the tree, the verdict, and what no longer matches."""
    return {
        "verified": found.verified,
        "rehashed": found.rehashed,
        "number": asdict(found.number) if found.number else None,
        "faults": list(found.faults),
        "drift": [{**asdict(each), "counts": each.counts} for each in found.drift],
        "files": found.files,
        "tree": _json_of(found.root),
    }


def _json_of(node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": node.name,
        "sha256": node.digest,
        "faults": list(node.faults),
        "repeated": node.repeated,
    }
    if node.record is not None:
        entry["made_by"] = asdict(node.record)
    entry["from"] = [_json_of(child) for child in node.children]
    return entry
