"""From items to questions: forms, order of the options, rotations."""

from __future__ import annotations

import string
from collections.abc import Iterator, Sequence
from typing import Any

from sparkle.config.evaluation import BenchmarkForm
from sparkle.external.base import YES_NO, Item
from sparkle.external.settings import BenchmarkSettings
from sparkle.files import canonical_json
from sparkle.scenes.randomness import item_generator
from sparkle.tasks.base import BOX_HINT

Row = dict[str, Any]
_BRIEF = "Answer with a word or a short phrase."


def ask(items: Sequence[Item], settings: BenchmarkSettings, form: BenchmarkForm) -> Iterator[Row]:
    """Rows of the evaluation dataset without their pictures, item by item.

    The place of the right option is dealt out evenly: over all items, each letter is right equally
    often (but for a remainder), so that an answerer who always says the same scores chance.
    """
    rank = _ranks(items, settings)
    for item in items:
        if form == "text" or (form == "choice" and not item.options):
            yield _row(item, settings, "text", f"{item.question}\n{_BRIEF}", item.answers[0])
        elif form == "choice":
            yield from _choices(item, settings, rank[item.key])
        elif form == "words":
            yield from _words(item, settings)
        else:
            yield from _verdicts(item, settings, rank[item.key])


def _ranks(items: Sequence[Item], settings: BenchmarkSettings) -> dict[str, int]:
    """A random rank for every item, whatever the order of the file."""
    keys = sorted(item.key for item in items)
    benchmark = settings.chosen.benchmark
    order = item_generator(settings.seed, f"places/{benchmark}", 0).permutation(len(keys))
    return {key: int(place) for key, place in zip(keys, order, strict=True)}


def _choices(item: Item, settings: BenchmarkSettings, rank: int) -> Iterator[Row]:
    order = list(range(len(item.options)))
    if settings.chosen.shuffle_options:
        others = [i for i in order if i != item.right]
        stream = f"options/{settings.chosen.benchmark}/{item.key}"
        shuffled = item_generator(settings.seed, stream, 0).permutation(len(others))
        order = [others[i] for i in shuffled]
        order.insert(rank % len(item.options), item.right)
    turns = len(order) if settings.chosen.circular else 1
    for turn in range(turns):
        turned = order[turn:] + order[:turn]
        options = tuple(item.options[i] for i in turned)
        letters = string.ascii_uppercase[: len(options)]
        lines = [f"{letter}. {text}" for letter, text in zip(letters, options, strict=True)]
        prompt = "\n".join((item.question, *lines, BOX_HINT))
        answer = f"\\boxed{{{letters[turned.index(item.right)]}}}"
        row = _row(item, settings, "choice", prompt, item.options[item.right], options, answer)
        yield row if turns == 1 else {**row, "id": f"{row['id']}/turn{turn}"}


def _words(item: Item, settings: BenchmarkSettings) -> Iterator[Row]:
    yield _row(item, settings, "words", item.gap, item.words[item.right], item.offered)


def _verdicts(item: Item, settings: BenchmarkSettings, rank: int) -> Iterator[Row]:
    """The right caption and one wrong one, so that always saying yes is right half of the time."""
    others = [i for i in range(len(item.options)) if i != item.right]
    wrong = others[rank % len(others)]
    for option, verdict in ((item.right, "yes"), (wrong, "no")):
        prompt = (
            f"Does this sentence describe the picture: “{item.options[option]}”?"
            " Answer with yes or no."
        )
        row = _row(item, settings, "yes_no", prompt, verdict, YES_NO)
        yield {**row, "id": f"{row['id']}/{verdict}"}


def _row(
    item: Item,
    settings: BenchmarkSettings,
    kind: BenchmarkForm,
    prompt: str,
    target: str,
    options: tuple[str, ...] = (),
    answer: str | None = None,
) -> Row:
    subject: dict[str, Any] = {"item": item.key, **item.labels}
    if kind == "text":
        subject["answers"] = list(item.answers)
    return {
        "id": f"{settings.name}/{item.key}",
        "scene": "",
        "task": settings.chosen.benchmark,
        "kind": kind,
        "form": "choice" if kind == "choice" else "open",
        "prompt": prompt,
        "answer": target if answer is None else answer,
        "target": target,
        "options": list(options),
        "subject": canonical_json(subject),
        "difficulty": None,
    }
