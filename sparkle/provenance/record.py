"""The record beside each artefact: what a job read, with which settings and code, and what it made.

One job leaves one record, which names all its outputs. A job that fills a folder of its own leaves
``record.json`` in it; one that shares its folder with others leaves ``NAME.record.json`` beside its
first output ``NAME.*``. The record is written last: outputs without one, or that are not what it
says, count as not made.

Names of files: a plain relative one (``data/leaks.json``) is in the results folder;
``{start}/x`` is relative to the folder in which commands are started, ``{home}/x`` to the user's
home; anything else is absolute. In ``command``, ``{results}/x`` is in the results folder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sparkle.errors import SparkleError
from sparkle.files import NO_CONTENT, file_hash, folder_hash, read_json, text_hash, write_json

SCHEMA = 1
RECORD = "record.json"
SUFFIX = ".record.json"
RESULTS, START, HOME = "{results}", "{start}", "{home}"
_LEVELS = 4
"""How far above an artefact its record may lie."""


@dataclass(frozen=True)
class Record:
    """What one job did.

    Attributes:
        name: Name of the record itself, from which follows where the results folder is.
        step: The subcommand, such as ``finetune``.
        subject: What it was done for, by the wildcards of the rules: model, train_set, seed,
            evaluation_set, source, job.
        identity: Hash of all that the outputs depend on: step, settings, code, packages, inputs.
        inputs: Name of each file or folder that was read -> its SHA-256 (of a folder:
            :func:`sparkle.files.folder_hash`; of a model on a hub: its name and commit).
        outputs: Name of each file or folder that was made -> its SHA-256, likewise.
        stamps: Name of each output -> size and time of change when it was recorded, by which it
            is told cheaply that nothing changed since. They mean nothing on another machine.
        varies: Name of an output -> why its bytes may differ when it is made again.
        settings: The part of the resolved config that the outputs depend on.
        command: Words of the command line that makes the outputs again.
        code: Fingerprint of the code, over ``modules``.
        modules: Source and data files of the package that take part -> hash of each.
        commit: Git commit of the package, or None outside a repository.
        dirty: Whether tracked files of the package differed from that commit, or None.
        packages: Installed packages that the outputs depend on -> version.
        seeds: Name -> seed.
        host: Class of machine: ``system``, ``machine``, ``cpus``, ``memory_gib`` (rounded up to
            a power of two), ``python``.
        device: Model of the GPUs, or of the CPU.
        slurm_job: Number of the Slurm job, or None.
        started: Start in UTC, ISO 8601.
        ended: End in UTC, ISO 8601.
        peak_memory_mb: Largest resident memory of the process or one of its children.
        reused: Name of the store entry that the outputs were taken from, or None if the job made
            them. The times, host and device are then those of the job that had made them.
    """

    name: str
    step: str
    subject: dict[str, str]
    identity: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    stamps: dict[str, str]
    varies: dict[str, str]
    settings: dict[str, Any]
    command: list[str]
    code: str
    modules: dict[str, str]
    commit: str | None
    dirty: bool | None
    packages: dict[str, str]
    seeds: dict[str, int]
    host: dict[str, str | int]
    device: str
    slurm_job: str | None
    started: str
    ended: str
    peak_memory_mb: int
    reused: str | None = None
    schema: int = field(default=SCHEMA)

    @property
    def deterministic(self) -> bool:
        """Whether all outputs are the same, byte for byte, when they are made again."""
        return not self.varies


def write_record(path: Path, record: Record) -> None:
    """Write a record, atomically; to be done when all outputs are in place."""
    write_json(path, dataclasses.asdict(record))


def read_record(path: Path) -> Record:
    """The record in a file.

    Raises:
        SparkleError: There is none, or it is of another version of the format.
    """
    data = read_json(path)
    version = data.get("schema") if isinstance(data, dict) else None
    try:
        if version == SCHEMA:
            return Record(**data)
    except TypeError:
        pass
    raise SparkleError(
        f"{path} is no record of this version of Sparkle (format {version}, not {SCHEMA}).",
        "Run the workflow again: what it names is judged, and made anew where needed.",
    )


def record_path(output: Path, *, own_folder: bool) -> Path:
    """Where the record of a job lies whose first output is ``output``.

    Args:
        own_folder: The job fills the folder of ``output`` alone.
    """
    if own_folder:
        return output.parent / RECORD
    return output.with_name(f"{output.stem}{SUFFIX}")


def find_record(artefact: Path) -> tuple[Path, Record]:
    """(file, record) of the job that made ``artefact``, or the folder that it is in.

    Raises:
        SparkleError: No record beside it or above it names it.
    """
    for path in _candidates(artefact):
        try:
            record = read_record(path)
        except SparkleError:
            continue
        results = results_of(path, record)
        wanted = artefact.absolute()
        for name in record.outputs:
            made = locate(name, results).absolute()
            if made == wanted or made in wanted.parents:
                return path, record
    raise SparkleError(
        f"{artefact} has no record: nothing tells what made it.",
        "Run the workflow again, which makes it anew with a record.",
    )


def record_of(artefact: Path) -> Record:
    """The record of the job that made ``artefact``; see :func:`find_record`."""
    return find_record(artefact)[1]


def _candidates(artefact: Path) -> Iterator[Path]:
    folder = artefact if artefact.is_dir() else artefact.parent
    first = record_path(artefact, own_folder=False)
    if first.is_file():
        yield first
    for place in [folder, *folder.absolute().parents][: _LEVELS + 1]:
        if (place / RECORD).is_file():
            yield place / RECORD
        yield from sorted(path for path in place.glob(f"*{SUFFIX}") if path != first)


def results_of(path: Path, record: Record) -> Path:
    """The results folder that the record in the file ``path`` belongs to, wherever it was moved."""
    return path.absolute().parents[len(Path(record.name).parts) - 1]


def name_of(path: Path, results: Path) -> str:
    """How records name a file: relative to the results, to where we stand, to home, or absolute."""
    full = path.absolute()
    for find, mark in ((results.absolute, ""), (Path.cwd, START), (Path.home, HOME)):
        folder = find()
        if full == folder or folder in full.parents:
            inside = full.relative_to(folder).as_posix()
            return f"{mark}/{inside}" if mark else inside
    return full.as_posix()


def locate(name: str, results: Path) -> Path:
    """The file that a record names, from here."""
    for mark, folder in ((RESULTS, results), (START, Path.cwd()), (HOME, Path.home())):
        if name == mark or name.startswith(f"{mark}/"):
            return folder / name[len(mark) :].lstrip("/")
    return results / name


def located(word: str, results: Path) -> str:
    """A word of a record's command line, with the file that it may name as it is from here."""
    if word.split("/")[0] in (RESULTS, START, HOME):
        return str(locate(word, results))
    return word


def hash_of(path: Path) -> str:
    """Content hash of an artefact, as records have it: of a file, or of all files of a folder."""
    return folder_hash(path) if path.is_dir() else file_hash(path)


def stamp_of(path: Path) -> str | None:
    """Size and time of change of a file, or of all files of a folder; None if it is not there."""
    try:
        if not path.is_dir():
            state = path.stat()
            return f"{state.st_size}-{state.st_mtime_ns}"
        inside = [p for p in sorted(path.rglob("*")) if p.is_file() and p.name not in NO_CONTENT]
        lines = [f"{p.relative_to(path).as_posix()} {stamp_of(p)}" for p in inside]
        return text_hash("\n".join(lines))
    except OSError:
        return None
