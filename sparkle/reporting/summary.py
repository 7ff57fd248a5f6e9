"""The headline in words: what training changed, and what the intervals do not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sparkle.reporting.matrix import GROUPS, Estimate, Matrix, Run, bounds, compare

Verdict = Literal["better", "unclear", "worse"]
VERDICTS: tuple[Verdict, ...] = ("better", "unclear", "worse")
_VERDICT_OF: dict[int, Verdict] = {1: "better", 0: "unclear", -1: "worse"}
_LOW_PARSE_RATE = 0.9
"""Below this share of readable base answers, a gain may be one of format."""


@dataclass(frozen=True)
class Change:
    """Accuracy on one evaluation set before and after training.

    ``at_chance`` tells that the tuned interval overlaps chance (None without a chance row);
    ``format_note`` says how far the base answers could not even be read, else it is empty.
    """

    evaluation_set: str
    base: Estimate
    tuned: Estimate
    verdict: Verdict
    trained: bool
    at_chance: bool | None
    format_note: str

    @property
    def points(self) -> float:
        """Change in percentage points."""
        return 100 * (self.tuned.value - self.base.value)


@dataclass(frozen=True)
class RunSummary:
    """All changes of one tuned run, by verdict, each in reading order."""

    run: Run
    seeds: tuple[int, ...]
    changes: tuple[Change, ...]

    def of(self, verdict: Verdict) -> tuple[Change, ...]:
        """The changes with that verdict."""
        return tuple(change for change in self.changes if change.verdict == verdict)


def summarise(matrix: Matrix, model: str) -> list[RunSummary]:
    """One summary per train set of ``model``; empty where its base was not evaluated."""
    runs = matrix.runs_of(model)
    bases = [run for run in runs if run.is_base]
    if not bases:
        return []
    summaries = []
    for run in runs:
        changes = tuple(
            change
            for name in matrix.evaluation_sets
            if (change := _change(matrix, bases[0], run, name)) is not None
        )
        if not run.is_base and changes:
            seeds = sorted({seed.seed for change in changes for seed in change.tuned.seeds})
            summaries.append(RunSummary(run, tuple(seeds), changes))
    return summaries


def _change(matrix: Matrix, base_run: Run, run: Run, evaluation_set: str) -> Change | None:
    base, tuned = matrix.get(base_run, evaluation_set), matrix.get(run, evaluation_set)
    if base is None or tuned is None:
        return None
    chance = matrix.reference("chance", evaluation_set)
    verdict = _VERDICT_OF[compare(tuned, base)]
    return Change(
        evaluation_set=evaluation_set,
        base=base,
        tuned=tuned,
        verdict=verdict,
        trained=matrix.trains(run, evaluation_set),
        at_chance=None if chance is None else compare(tuned, chance) == 0,
        format_note=_format_note(matrix, base_run, evaluation_set) if verdict == "better" else "",
    )


def _format_note(matrix: Matrix, base: Run, evaluation_set: str) -> str:
    rate = matrix.get(base, evaluation_set, "parse_rate")
    if rate is None or rate.value >= _LOW_PARSE_RATE:
        return ""
    among = matrix.get(base, evaluation_set, "accuracy_parsed")
    right = f", and {percent(among.value)} of those were right" if among else ""
    return f"{percent(rate.value)} of the base answers could be read{right}"


def group_means(matrix: Matrix, summary: RunSummary) -> str:
    """Mean accuracy before and after on each group of evaluation sets, as one sentence."""
    parts = []
    for group in GROUPS:
        changes = [c for c in summary.changes if matrix.group(c.evaluation_set) == group]
        if changes:
            base = sum(change.base.value for change in changes) / len(changes)
            tuned = sum(change.tuned.value for change in changes) / len(changes)
            parts.append(f"on {group.lower()} sets from {percent(base)} to {percent(tuned)}")
    return f"Mean accuracy {', '.join(parts)}."


def headline(summary: RunSummary) -> str:
    """What one train set changed, as one sentence that leaves no evaluation set out."""
    unclear = summary.of("unclear")
    lists = {
        "better on": [_from_to(change) for change in summary.of("better")],
        "worse on": [_from_to(change) for change in summary.of("worse")],
        "no clear change on": [c.evaluation_set for c in unclear if not c.at_chance],
        "no clear change, and not told apart from chance, on": [
            c.evaluation_set for c in unclear if c.at_chance
        ],
    }
    text = "; ".join(f"{what} {', '.join(sets)}" for what, sets in lists.items() if sets)
    return f"{text[0].upper()}{text[1:]}."


def _from_to(change: Change) -> str:
    """Such as ``tsp (5 → 20 % [15–26])``, the interval being that after training."""
    low, high = (100 * bound for bound in bounds(change.tuned))
    chance = ", still at chance" if change.at_chance else ""
    before, after = 100 * change.base.value, percent(change.tuned.value, 0)
    return f"{change.evaluation_set} ({before:.0f} → {after} [{low:.0f}–{high:.0f}]{chance})"


def warnings(matrix: Matrix) -> list[str]:
    """Signs that the numbers themselves may be off, as sentences."""
    short = [
        name
        for name in matrix.evaluation_sets
        if (oracle := matrix.reference("oracle", name)) is not None and oracle.value < 1.0
    ]
    if not short:
        return []
    return [f"Beware: the oracle misses questions on {', '.join(short)}; check the scorer there."]


def percent(value: float, digits: int = 1) -> str:
    """A proportion as text in per cent."""
    return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def signed(points: float) -> str:
    """A change in percentage points with its sign, such as ``+4.2`` or ``−0.8``."""
    return f"{points:+.1f}".replace("-", "−")


def interval(estimate: Estimate) -> str:
    """The 95 % interval as text in per cent, such as ``90.1 to 96.6``; empty without one."""
    if estimate.low is None and estimate.high is None:
        return ""
    low, high = bounds(estimate)
    return f"{100 * low:.1f} to {100 * high:.1f}"


def seeds_text(estimate: Estimate) -> str:
    """What each seed reached, in words; empty for a single one."""
    if len(estimate.seeds) < 2:
        return ""
    values = ", ".join(f"{100 * seed.value:.1f} (seed {seed.seed})" for seed in estimate.seeds)
    return f"mean of {len(estimate.seeds)} seeds: {values}"


def question_counts(matrix: Matrix, sets: Sequence[str]) -> str:
    """How many questions an evaluation set has, in words."""
    counts = sorted(
        {
            estimate.n
            for run in (*matrix.runs, *matrix.references)
            for name in sets
            if (estimate := matrix.get(run, name)) is not None
        }
    )
    if len(counts) == 1:
        return f"{counts[0]} questions each"
    return f"{counts[0]} to {counts[-1]} questions each"
