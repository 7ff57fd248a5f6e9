"""The first screen in words: what was done, what came out, and the figures to remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sparkle.reporting.matrix import Estimate, Matrix, Run, bounds, trained_tasks
from sparkle.reporting.summary import Change, percent, question_counts, summarise
from sparkle.tasks import all_tasks

_MOST_TILES = 8
_MOST_DESCRIBED = 4
"""Train sets whose capabilities are named one by one."""


@dataclass(frozen=True)
class Tile:
    """The best run on one evaluation set against its base."""

    evaluation_set: str
    run: Run
    change: Change
    chance: Estimate | None


def what_was_done(matrix: Matrix, train_images: Mapping[str, int]) -> str:
    """The experiment in two or three sentences."""
    trained = [model for model in matrix.models() if not matrix.is_untrained(model)]
    as_they_are = [model for model in matrix.models() if matrix.is_untrained(model)]
    asked = (
        f"asked the questions of {_count(len(matrix.evaluation_sets), 'evaluation set')},"
        f" {question_counts(matrix, matrix.evaluation_sets)}."
    )
    if not trained:
        return f"{_models(as_they_are)} {asked[:-1]}, without fine-tuning."
    one = len(trained) == 1
    before = {run.model for run in matrix.runs if run.is_base} >= set(trained)
    sentences = [
        _trainings(matrix, trained, train_images),
        f"{'Before and after,' if before else 'Afterwards'} {'it' if one else 'each'} was {asked}",
    ]
    if as_they_are:
        verb = "was" if len(as_they_are) == 1 else "were"
        sentences.append(f"{_list(as_they_are)} {verb} asked the same, without fine-tuning.")
    return " ".join(sentences)


def _trainings(matrix: Matrix, models: Sequence[str], train_images: Mapping[str, int]) -> str:
    """Who was fine-tuned on what, as a sentence."""
    sets = matrix.train_sets()
    count = len({
        (run, seed.seed)
        for run in matrix.runs
        for name in matrix.evaluation_sets
        if not run.is_base and (estimate := matrix.get(run, name)) is not None
        for seed in estimate.seeds
    })  # fmt: skip
    names = sets if len(sets) > _MOST_DESCRIBED else [_train_set(matrix, name) for name in sets]
    return (
        f"{_models(models)} fine-tuned on {_count(len(sets), 'train set')} of synthetic pictures"
        f"{_sizes(train_images, sets)}: {_list(names)}; {_count(count, 'fine-tuning')} in all."
    )


def _models(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} was"
    return f"{_count(len(names), 'model')} ({_list(names)}) were"


def _sizes(images: Mapping[str, int], sets: Sequence[str]) -> str:
    known = sorted({images[name] for name in sets if name in images})
    if not known:
        return ""
    if len(known) == 1:
        return f" ({known[0]:,} pictures)"
    return f" ({known[0]:,} to {known[-1]:,} pictures)"


def _train_set(matrix: Matrix, name: str) -> str:
    tasks = sorted(trained_tasks(name, matrix.capabilities))
    return name if tasks in ([name], []) else f"{name} ({', '.join(tasks)})"


def what_came_out(matrix: Matrix) -> list[str]:
    """The result as sentences: on trained capabilities, and on what was never trained."""
    changes = [
        (summary.run, change)
        for model in matrix.models()
        for summary in summarise(matrix, model)
        for change in summary.changes
    ]
    if not changes:
        return [
            "No model was evaluated both before and after fine-tuning, so no change can be told."
        ]
    trained = [(run, change) for run, change in changes if change.trained]
    transfer = [(run, change) for run, change in changes if not change.trained]
    sentences = []
    if trained:
        sentences.append(f"On what it was trained on, {_outcome(trained)}.")
    for group, name in (("Composite", "composite tasks"), ("Other", "other benchmarks")):
        own = [(run, c) for run, c in transfer if matrix.group(c.evaluation_set) == group]
        if own:
            sentences.append(f"On {name}, which were never trained on, {_outcome(own)}.")
    basic = [(run, c) for run, c in transfer if matrix.group(c.evaluation_set) == "Basic"]
    if basic:
        sentences.append(f"On basic capabilities other than the trained ones, {_outcome(basic)}.")
    return sentences


def _outcome(changes: Sequence[tuple[Run, Change]]) -> str:
    """How many of some changes went up or down, with the largest and its numbers."""
    better = [(run, c) for run, c in changes if c.verdict == "better"]
    worse = [(run, c) for run, c in changes if c.verdict == "worse"]
    total = len(changes)
    if not better:
        text = "no run is clearly better than its base" if total > 1 else "the run is not clearly"
        text += " better than its base" if total == 1 else ""
    elif len(better) == total:
        text = "every run is clearly better than its base" if total > 1 else "the run is better"
    else:
        text = f"{len(better)} of {total} results are clearly better than the base"
    if better:
        run, most = max(better, key=lambda pair: pair[1].points)
        text += (
            f" (most: {most.evaluation_set}, from {percent(most.base.value)} to"
            f" {percent(most.tuned.value)} when trained on {run.label})"
        )
        chance = [c for _, c in better if c.at_chance]
        if chance and len(chance) == len(better):
            text += ", but none can be told apart from random answers"
        elif chance:
            text += f", though {len(chance)} of these cannot be told apart from random answers"
    return text + (f"; {len(worse)} clearly worse" if worse else "")


def tiles(matrix: Matrix) -> list[Tile]:
    """For every evaluation set the tuned run with the highest accuracy, with its base."""
    found = []
    for name in matrix.evaluation_sets:
        options = [
            (summary.run, change)
            for model in matrix.models()
            for summary in summarise(matrix, model)
            for change in summary.changes
            if change.evaluation_set == name
        ]
        if options:
            run, change = max(options, key=lambda pair: pair[1].tuned.value)
            found.append(Tile(name, run, change, matrix.reference("chance", name)))
    return found[:_MOST_TILES]


def asked_in(matrix: Matrix) -> list[tuple[str, str, str]]:
    """(evaluation set, its group, what it asks) for every set whose task is one of ours."""
    tasks = all_tasks()
    return [
        (name, matrix.group(name), tasks[matrix.tasks[name]].summary)
        for name in matrix.evaluation_sets
        if matrix.tasks[name] in tasks
    ]


def chance_text(tile: Tile) -> str:
    """Chance as a short text; empty where it was not measured."""
    return "" if tile.chance is None else f"random answers {percent(tile.chance.value, 0)}"


def range_text(estimate: Estimate) -> str:
    """The interval as ``88–94``; empty without one."""
    if estimate.low is None:
        return ""
    low, high = bounds(estimate)
    return f"{100 * low:.0f}–{100 * high:.0f}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _list(words: Iterable[str]) -> str:
    items = list(words)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
