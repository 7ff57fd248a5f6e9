"""Two runs side by side: what differed in what went in, and what that changed in the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.config.extend import read_yaml
from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.provenance.changes import Change, changes
from sparkle.provenance.lineage import Lineage, read_lineage
from sparkle.provenance.number import cells, read_matrix, same
from sparkle.scoring.score import SCORE_SCHEMA

_MATRIX = "tables/matrix.csv"
_CONFIG = "config.yaml"
# The same in every run of an experiment, wherever its results are.
_NO_INPUT = ("results", "store")
_DIGITS = 12


@dataclass(frozen=True)
class CellChange:
    """A cell of the matrix in two runs; None where a run lacks it."""

    row: str
    evaluation_set: str
    metric: str
    old: float | None
    new: float | None


@dataclass(frozen=True)
class AnswerChange:
    """Answers of one row to one evaluation set in two runs.

    Attributes:
        shared: Questions that both were asked.
        answers: How many of those were answered otherwise.
        gained: How many are right in the second run only; ``lost``: in the first only.
    """

    row: str
    evaluation_set: str
    shared: int
    answers: int
    gained: int
    lost: int


@dataclass(frozen=True)
class CodeChange:
    """A file of the package of which some steps use what differs."""

    file: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """What differs between two runs.

    Attributes:
        config: Values of the resolved config, by key path.
        code: Files of the package, with the steps that use what differs in them.
        packages: Versions of packages.
        external: Files that were read but not made, by name -> hash.
        data: Files that both runs made, with other content.
        only: (files that only the first run made, files that only the second made).
        cells: Cells of the matrix.
        answers: Rows and sets that were answered otherwise.
    """

    config: tuple[Change, ...]
    code: tuple[CodeChange, ...]
    packages: tuple[Change, ...]
    external: tuple[Change, ...]
    data: tuple[Change, ...]
    only: tuple[tuple[str, ...], tuple[str, ...]]
    cells: tuple[CellChange, ...]
    answers: tuple[AnswerChange, ...]

    def __bool__(self) -> bool:
        return any(bool(value) for key, value in vars(self).items() if key != "only") or any(
            self.only
        )


def compare_runs(first: Path, second: Path) -> Difference:
    """Compare two results folders.

    Raises:
        SparkleError: One has no records or no matrix.
    """
    one, two = read_lineage(first), read_lineage(second)
    made = [_outputs(each) for each in (one, two)]
    shared = {name: digest for name, digest in made[0].items() if name in made[1]}
    only = (
        tuple(sorted(made[0].keys() - made[1].keys())),
        tuple(sorted(made[1].keys() - made[0].keys())),
    )
    return Difference(
        config=tuple(_config(first, second)),
        code=tuple(_code(one, two)),
        packages=tuple(changes(_packages(one), _packages(two))),
        external=tuple(changes(one.external(), two.external())),
        data=tuple(changes(shared, {name: made[1][name] for name in shared})),
        only=only,
        cells=tuple(_cells(first, second)),
        answers=tuple(_answers(first, second, shared)),
    )


def _outputs(lineage: Lineage) -> dict[str, str]:
    return {name: digest for record in lineage.records for name, digest in record.outputs.items()}


def _config(first: Path, second: Path) -> Iterator[Change]:
    for change in changes(read_yaml(first / _CONFIG), read_yaml(second / _CONFIG)):
        if change.key not in _NO_INPUT:
            yield change


def _code(one: Lineage, two: Lineage) -> Iterator[CodeChange]:
    """By the jobs that both runs have: a record has of each file what its step uses of it."""
    others = {record.name: record for record in two.records}
    found: dict[str, list[str]] = {}
    for record in one.records:
        if record.name in others:
            for change in changes(record.modules, others[record.name].modules):
                found.setdefault(change.key, []).append(record.step)
    for file, steps in sorted(found.items()):
        yield CodeChange(file, tuple(dict.fromkeys(steps)))


def _packages(lineage: Lineage) -> dict[str, str]:
    """Versions by package. Where jobs of one run had several, all are named."""
    found: dict[str, set[str]] = {}
    for record in lineage.records:
        for name, value in record.packages.items():
            found.setdefault(name, set()).add(value)
    return {name: ", ".join(sorted(values)) for name, values in sorted(found.items())}


def _cells(first: Path, second: Path) -> Iterator[CellChange]:
    one, two = (cells(read_matrix(results / _MATRIX)) for results in (first, second))
    for key in [*one, *(key for key in two if key not in one)]:
        old, new = (each[key]["value"] if key in each else None for each in (one, two))
        if old is None or new is None or not same(old, new):
            model, train_set, seed, evaluation_set, metric = key
            yield CellChange(f"{model}/{train_set}/seed{seed}", evaluation_set, metric, old, new)


def _answers(first: Path, second: Path, shared: dict[str, str]) -> Iterator[AnswerChange]:
    """By the score files, which hold answers and verdicts."""
    for name in shared:
        path = Path(name)
        if path.parts[0] != "scores":
            continue
        try:
            one, two = (read_frame(results / name, SCORE_SCHEMA) for results in (first, second))
        except SparkleError:
            continue  # was removed since: the files that are there are compared
        both = _by_question(one, "old").join(_by_question(two, "new"), how="inner")
        answers = int((both["response_old"] != both["response_new"]).sum())
        gained = int((both["correct_new"] & ~both["correct_old"]).sum())
        lost = int((both["correct_old"] & ~both["correct_new"]).sum())
        if answers or gained or lost:
            row = path.parent.relative_to("scores").as_posix()
            yield AnswerChange(row, path.stem, len(both), answers, gained, lost)


def _by_question(scores: pd.DataFrame, run: str) -> pd.DataFrame:
    """Answers by what was asked: the same id may stand for another question in another run."""
    asked = pd.MultiIndex.from_arrays([scores["id"], scores["scene_hash"], scores["target"]])
    frame = scores[["response", "correct"]].set_axis(asked, axis=0)
    return frame[~frame.index.duplicated()].add_suffix(f"_{run}")


def as_json(difference: Difference) -> dict[str, Any]:
    """A difference as JSON."""
    return asdict(difference)


def as_text(difference: Difference, metric: str = "accuracy", longest: int = 40) -> str:
    """A difference as text: inputs, then results, where cells are those of one metric."""
    if not difference:
        return "No difference: inputs and results are the same."
    code = [f"{each.file} (used by {', '.join(each.steps)})" for each in difference.code]
    files = [_shortened(each) for each in difference.external]
    lines = [
        *_section("config", [str(each) for each in difference.config], longest),
        *_section("code", code, longest),
        *_section("packages", [str(each) for each in difference.packages], longest),
        *_section("external files", [str(each) for each in files], longest),
        *_section("files with other content", [c.key for c in difference.data], longest),
        *_section("only in the first", list(difference.only[0]), longest),
        *_section("only in the second", list(difference.only[1]), longest),
        *_section(
            f"matrix, {metric} (of {len(difference.cells)} cells of all metrics that differ)",
            [_cell_text(each) for each in difference.cells if each.metric == metric],
            longest,
        ),
        *_section("answers", [_answer_text(each) for each in difference.answers], longest),
    ]
    return "\n".join(lines).rstrip()


def _shortened(change: Change) -> Change:
    """A change of a hash with few of its digits."""
    old, new = (None if value is None else value[:_DIGITS] for value in (change.old, change.new))
    return Change(change.key, old, new)


def _section(title: str, lines: list[str], longest: int) -> list[str]:
    if not lines:
        return []
    more = [f"  and {len(lines) - longest} more"] if len(lines) > longest else []
    return [f"{title}:", *(f"  {line}" for line in lines[:longest]), *more, ""]


def _cell_text(cell: CellChange) -> str:
    of = f"{cell.row} on {cell.evaluation_set}"
    if cell.old is None or cell.new is None:
        side, value = ("first", cell.old) if cell.new is None else ("second", cell.new)
        return f"{of}: {value:.4f}, only in the {side}"
    return f"{of}: {cell.old:.4f} -> {cell.new:.4f} ({cell.new - cell.old:+.4f})"


def _answer_text(change: AnswerChange) -> str:
    return (
        f"{change.row} on {change.evaluation_set}: {change.answers} of {change.shared} answered"
        f" otherwise, {change.gained} gained, {change.lost} lost"
    )
