"""Run a step so that it leaves its record, or take what it would make from the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import sparkle
from sparkle.errors import SparkleError
from sparkle.fingerprint import combined
from sparkle.provenance import store as artefacts
from sparkle.provenance.environment import (
    device,
    git_state,
    host_class,
    now,
    peak_memory_mb,
)
from sparkle.provenance.hashes import known_hash
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.record import Record, hash_of, name_of, stamp_of, write_record

STORE = "SPARKLE_STORE"
"""Environment variable: folder of the store; without it nothing is stored and nothing reused."""


def store_folder() -> Path | None:
    """The store that this process is to use, or None."""
    return Path(os.environ[STORE]) if os.environ.get(STORE) else None


def run_recorded(
    recipe: Recipe, command: Sequence[str], run: Callable[[], Iterable[Path] | None]
) -> None:
    """Withdraw the old record, make the outputs or take them from the store, write the record.

    Args:
        command: Words of the command line, as records have them.
        run: Makes the outputs; may return further files that it has read.
    """
    recipe.record.unlink(missing_ok=True)
    hashes = input_hashes(recipe)
    store = store_folder() if recipe.stored else None
    if store is not None and hashes is not None:
        identity = recipe.identity(hashes)
        like = draft(recipe, command, hashes)
        if artefacts.take(store, identity, recipe.record, like) is not None:
            print(f"Taken from the store, as nothing that it depends on differs: {identity}")
            return
    started = now()
    found = list(run() or ())
    if hashes is None:  # which the step itself should have complained of
        raise SparkleError(
            f"What {recipe.step} needs was not there when it began: {_missing(recipe)}.",
            "Run the steps that make it first, then this one again.",
        )
    results = recipe.results
    outputs = {name_of(path, results): path for path in recipe.outputs()}
    varies = {name: recipe.reason_to_vary(path) for name, path in outputs.items()}
    extra = {name_of(path, results): path for path in found}
    record = _record(
        recipe,
        command,
        hashes,
        identity=recipe.identity(hashes),
        more_inputs={name: hash_of(path) for name, path in extra.items()},
        outputs={name: hash_of(path) for name, path in outputs.items()},
        stamps=_stamps({**outputs, **extra, **_outside(recipe)}),
        varies={name: why for name, why in varies.items() if why is not None},
        started=started,
    )
    write_record(recipe.record, record)
    if store is not None:
        artefacts.put(store, record, results)


def draft(recipe: Recipe, command: Sequence[str], hashes: Mapping[str, str]) -> Record:
    """The record of a job that has not run, given the hashes of its inputs by role."""
    return _record(recipe, command, hashes, identity=recipe.identity(hashes))


def input_hashes(recipe: Recipe) -> dict[str, str] | None:
    """Role -> hash of the inputs; None if one is missing, of which the step itself complains."""
    if _missing(recipe):
        return None
    return {each.role: each.sha256 or known_hash(each.path) for each in recipe.inputs}


def _missing(recipe: Recipe) -> str:
    gone = [each.path for each in recipe.inputs if not each.sha256 and not each.path.exists()]
    return ", ".join(map(str, gone))


def _outside(recipe: Recipe) -> dict[str, Path]:
    """Inputs that no record of ours vouches for: their stamps are kept with this one."""
    named = {name_of(each.path, recipe.results): each.path for each in recipe.inputs}
    return {n: p for n, p in named.items() if n.startswith(("{", "/"))}


def _stamps(files: Mapping[str, Path]) -> dict[str, str]:
    found = {name: stamp_of(path) for name, path in files.items()}
    return {name: stamp for name, stamp in found.items() if stamp is not None}


def _record(
    recipe: Recipe,
    command: Sequence[str],
    hashes: Mapping[str, str],
    *,
    identity: str,
    more_inputs: Mapping[str, str] | None = None,
    outputs: Mapping[str, str] | None = None,
    stamps: Mapping[str, str] | None = None,
    varies: Mapping[str, str] | None = None,
    started: str | None = None,
) -> Record:
    made = outputs is not None
    commit, dirty = git_state(Path(sparkle.__file__).parent) if made else (None, None)
    named = {name_of(each.path, recipe.results): hashes[each.role] for each in recipe.inputs}
    return Record(
        name=name_of(recipe.record, recipe.results),
        step=recipe.step,
        subject=dict(recipe.subject),
        identity=identity,
        inputs={**named, **(more_inputs or {})},
        outputs=dict(outputs or {}),
        stamps=dict(stamps or {}),
        varies=dict(varies or {}),
        settings=recipe.plain_settings,
        command=list(command),
        code=combined(recipe.code),
        modules=dict(recipe.code),
        commit=commit,
        dirty=dirty,
        packages=recipe.versions,
        seeds=dict(recipe.seeds),
        host=host_class() if made else {},
        device=device(recipe.gpus) if made else "",
        slurm_job=_slurm_job(),
        started=started or now(),
        ended=now(),
        peak_memory_mb=peak_memory_mb(),
    )


def _slurm_job() -> str | None:
    return os.environ.get("SLURM_JOB_ID")


def plain_command(words: Sequence[str], recipe: Recipe, paths: Iterable[Path]) -> list[str]:
    """A command line as records have it: files by name, nothing that says who we are.

    Args:
        words: The words after ``sparkle``.
        paths: The words among them that are files.
    """
    known = {str(path): path for path in paths}
    plain = []
    for word in words:
        if word in known:
            name = name_of(known[word], recipe.results)
            plain.append(name if name.startswith(("{", "/")) else f"{{results}}/{name}")
        else:
            home = str(Path.home())
            plain.append(word.replace(f"{home}/", "{home}/") if home != "/" else word)
    return ["sparkle", *plain]
