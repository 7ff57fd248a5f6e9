"""A bundle verified on another machine: scores from answers, tables from scores, all compared."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import file_hash, read_json
from sparkle.provenance.archive import LIMITS, Limits, extract_archive
from sparkle.provenance.bundle import FORMAT, INDEX, RESULTS, check_finished
from sparkle.provenance.drift import Read, drift_of, no_recipe
from sparkle.provenance.lineage import Lineage, read_lineage
from sparkle.provenance.recipe import Recipe
from sparkle.provenance.recompute import Comparison, remake_tables, rescore


@dataclass(frozen=True)
class Verdict:
    """What a verification found.

    Attributes:
        faults: What does not agree, one line each.
        agreed: What does, one line each.
        notes: What may explain a difference: other code or packages than the results were made by.
    """

    faults: tuple[str, ...]
    agreed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def verified(self) -> bool:
        return not self.faults


def verify_bundle(
    archive: Path,
    report: Callable[[str], None] = print,
    limits: Limits = LIMITS,
    read: Read = no_recipe,
) -> Verdict:
    """Unpack a bundle into a temporary folder and verify it; see :func:`verify_folder`.

    Raises:
        SparkleError: It is no bundle, or one that is refused; see :func:`extract_archive`.
    """
    with tempfile.TemporaryDirectory(prefix="sparkle-verify-") as temporary:
        folder = Path(temporary) / "bundle"
        extract_archive(archive, folder, limits)
        return verify_folder(folder, report, read)


def verify_folder(
    folder: Path, report: Callable[[str], None] = print, read: Read = no_recipe
) -> Verdict:
    """Verify an unpacked bundle: files, records, scores and tables.

    Args:
        report: Called with a line for each row whose answers were judged.
        read: Reads the command line of a record, to tell whether the code is that of today.
    """
    try:
        return _verify(folder, report, read)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SparkleError(
            f"The bundle is not well-formed: {type(error).__name__}: {error}.",
            "Give an archive that 'sparkle bundle' has made, as it was made.",
        ) from None


def _verify(folder: Path, report: Callable[[str], None], read: Read) -> Verdict:
    index = _read_index(folder)
    results = folder / RESULTS
    lineage = read_lineage(results)
    experiment = Experiment.load(results / "config.yaml")
    check_finished(results, experiment)
    faults: list[str] = []
    agreed: list[str] = []
    for check in (_files(folder, index), _records(lineage, index)):
        _sort(check, faults, agreed)
    with tempfile.TemporaryDirectory(prefix="sparkle-scores-") as temporary:
        again = _Again(results, experiment, Path(temporary), report)
        _sort(_lines(again.scores(), "answers", "judged again"), faults, agreed)
        _sort(_lines(again.tables(), "rows", "made again"), faults, agreed)
    # Data and weights are not made again here: what made them explains nothing.
    judged = [record for record in lineage.records if record.step in ("score", "tables")]
    notes = tuple(
        f"{each.kind}: {each.what}" for each in drift_of(lineage, judged, _within(results, read))
    )
    return Verdict(tuple(faults), tuple(agreed), notes)


def _within(results: Path, read: Read) -> Read:
    """Reads only command lines that name no file outside the bundle: they may come from anybody."""

    def checked(words: Sequence[str]) -> Recipe | None:
        for word in words:
            inside = results in Path(word).parents or Path(word) == results
            if ".." in word.split("/") or (word.startswith("/") and not inside):
                return None
        return read(words)

    return checked


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index = read_json(folder / INDEX)
        if isinstance(index, dict) and index.get("format") == FORMAT:
            for entry in index["files"].values():
                str(entry["sha256"])
            dict(index["without_paths"]), dict(index["not_included"])
            return index
    except (SparkleError, KeyError, TypeError, ValueError, AttributeError):
        pass
    raise SparkleError(
        f"It holds no {INDEX} of format {FORMAT}: it is no bundle of this version.",
        "Give an archive that 'sparkle bundle' has made.",
    )


Line = tuple[bool, str]
"""(whether it agrees, what is said of it)."""


def _sort(lines: Iterator[Line], faults: list[str], agreed: list[str]) -> None:
    for agrees, text in lines:
        (agreed if agrees else faults).append(text)


def _files(folder: Path, index: dict[str, Any]) -> Iterator[Line]:
    """The files against the index."""
    listed = {name: entry["sha256"] for name, entry in index["files"].items()}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {INDEX}
    wrong = 0
    for name in sorted(listed.keys() | there):
        if name not in there:
            fault = "is listed but missing"
        elif name not in listed:
            fault = f"is not listed in {INDEX}"
        elif file_hash(folder / name) != listed[name]:
            fault = "was altered"
        else:
            continue
        wrong += 1
        yield False, f"{name} {fault}"
    if not wrong:
        yield True, f"{len(listed)} files are as {INDEX} lists them"


def _records(lineage: Lineage, index: dict[str, Any]) -> Iterator[Line]:
    """The files against the records of the jobs that made them, and those against each other."""
    compared, absent, wrong = 0, 0, 0
    for record in lineage.records:
        for name, digest in record.outputs.items():
            if name in index["not_included"]:
                absent += 1
            elif _recorded(lineage, index, name) == digest:
                compared += 1
            else:
                wrong += 1
                yield False, f"{name} is not what {record.name} says was made"
        for name, digest in record.inputs.items():
            maker = lineage.maker(name)
            made = maker.outputs.get(name) if maker else None
            if made is not None and made != digest:
                wrong += 1
                yield False, f"{name} was made anew after {record.name} says it was read"
    if not wrong:
        records = f"{compared} files are what {len(lineage.records)} records say"
        yield True, f"{records}; {absent} more (weights, shards, data) are known by hash only"


def _recorded(lineage: Lineage, index: dict[str, Any], name: str) -> str | None:
    """The hash that a record would have of a file of the bundle."""
    path = lineage.path(name)
    if not path.is_file() or lineage.results.resolve() not in path.resolve().parents:
        return None  # a name may come from anybody
    changed: str | None = index["without_paths"].get(name)
    return changed or file_hash(path)


@dataclass(frozen=True)
class _Again:
    """Scores and tables made again from the answers in a bundle."""

    results: Path
    experiment: Experiment
    folder: Path
    report: Callable[[str], None]

    def scores(self) -> Iterator[Comparison]:
        cells = self.experiment.reference_cells() + self.experiment.cells()
        for number, cell in enumerate(cells, 1):
            for name in self.experiment.evaluation_sets:
                file = f"{cell.folder}/{name}.parquet"
                yield rescore(
                    self.results / "predictions" / file,
                    self.results / f"data/evaluation/{name}.parquet",
                    self.results / "scores" / file,
                    self.folder / "scores" / file,
                    f"scores/{file}",
                )
            self.report(f"{number}/{len(cells)} rows judged again: {cell.folder}")

    def tables(self) -> Iterator[Comparison]:
        cells = self.experiment.reference_cells() + self.experiment.cells()
        files = {
            (cell.model, cell.train_set, cell.seed): {
                name: self.folder / "scores" / cell.folder / f"{name}.parquet"
                for name in self.experiment.evaluation_sets
            }
            for cell in cells
        }
        yield from remake_tables(
            files, self.experiment.baselines(), self.folder / "tables", self.results / "tables"
        )


def _lines(found: Iterator[Comparison], unit: str, how: str) -> Iterator[Line]:
    files, rows, wrong = 0, 0, 0
    for each in found:
        files, rows = files + 1, rows + each.compared
        if not each.agrees:
            wrong += 1
            of = f" of {each.compared} {unit}" if each.compared else ""
            yield False, f"{each.name}: {each.differ}{of} differ when {how}: {each.what}"
    if not wrong:
        yield True, f"{rows} {unit} in {files} files were {how}, and all agree"
