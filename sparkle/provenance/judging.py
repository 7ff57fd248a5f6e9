"""Judge by its record whether the outputs of a job are what they would be if it ran now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.provenance.changes import changes
from sparkle.provenance.hashes import Hashes
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.record import Record, locate, name_of, read_record

_SHOWN = 3


@dataclass(frozen=True)
class Verdict:
    """What is to be done with a job.

    Attributes:
        reasons: Why it has to run, in words; empty if its outputs hold.
        waiting: Inputs that are not there: reason enough, unless a job is about to make them.
        lost: Outputs are missing or altered, which would be reason enough by itself.
        hashes: Role -> hash of its inputs, or None if one is missing.
        record: The record beside the outputs, if there is one.
    """

    reasons: tuple[str, ...]
    hashes: dict[str, str] | None
    record: Record | None = None
    lost: bool = False
    waiting: tuple[str, ...] = ()


def judge(recipe: Recipe, hashes: Hashes) -> Verdict:
    """Compare the record of a job with what it would be now, and its outputs with the record."""
    now = _inputs_now(recipe, hashes)
    if not recipe.record.is_file():
        return Verdict(("not made yet",), now)
    try:
        record = read_record(recipe.record)
    except SparkleError:
        return Verdict(("its record is of another version, or damaged",), now)
    results = recipe.results
    hashes.add(record, results)
    lost = list(_outputs(record, results, hashes))
    reasons = [
        *lost,
        *([] if record.step == recipe.step else [f"made by {record.step}, not {recipe.step}"]),
        *map(str, changes(record.settings, recipe.plain_settings)),
        *code_changes(record.modules, recipe.code),
        *_packages(record.packages, recipe.versions),
        *_inputs(record, recipe, results, hashes),
    ]
    inputs = [(each, name_of(each.path, results)) for each in recipe.inputs]
    gone = [n for each, n in inputs if not each.sha256 and hashes.of(each.path) is None]
    waiting = tuple(f"{name} is missing" for name in gone if name in record.inputs)
    return Verdict(tuple(reasons), now, record, bool(lost), waiting)


def _inputs_now(recipe: Recipe, hashes: Hashes) -> dict[str, str] | None:
    found = {each.role: each.sha256 or hashes.of(each.path) for each in recipe.inputs}
    known = {role: sha256 for role, sha256 in found.items() if sha256 is not None}
    return known if len(known) == len(found) else None


def _outputs(record: Record, results: Path, hashes: Hashes) -> Iterator[str]:
    for name, sha256 in record.outputs.items():
        found = hashes.of(locate(name, results))
        if found is None:
            yield f"{name} is missing"
        elif found != sha256:
            yield f"{name} was altered"


def _inputs(record: Record, recipe: Recipe, results: Path, hashes: Hashes) -> Iterator[str]:
    names = set()
    for each in recipe.inputs:
        name = name_of(each.path, results)
        names.add(name)
        sha256 = each.sha256 or hashes.of(each.path)
        if name not in record.inputs:
            yield f"{name} is read too"
        elif sha256 is not None and sha256 != record.inputs[name]:
            yield f"{name} changed"
    for name in record.inputs.keys() - names:
        if not recipe.finds_inputs:
            yield f"{name} is no longer read"
        elif hashes.of(locate(name, results)) != record.inputs[name]:
            yield f"{name} changed"


def code_changes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """What differs between the code of a record and that of today, one file to a line."""
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield f"{name} no longer takes part"
        elif name not in before:
            yield f"{name} takes part"
        elif before[name] != now[name]:
            yield f"{name.split(':')[0]} changed"


def _packages(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"package {name} {before.get(name, 'not noted')} -> {now.get(name, 'not used')}"


def summary(reasons: tuple[str, ...]) -> str:
    """The first reasons, and how many more there are."""
    more = f", and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    return ", ".join(reasons[:_SHOWN]) + more
