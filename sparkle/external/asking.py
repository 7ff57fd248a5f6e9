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

    The place of the right option is dealt out evenly: over all items with so many options, each
    letter is right equally often (but for a remainder), so that an answerer who always says the
    same scores chance. So is the place of the right word among those that are offered.
    """
    rank = _ranks(items, settings)
    for item in items:
        if form == "text" or (form == "choice" and not item.options):
            yield _row(item, settings, "text", f"{item.question}\n{_BRIEF}", item.answers[0])
        elif form == "choice":
            yield from _choices(item, settings, rank[item.key])
        elif form == "words":
            yield from _words(item, settings, rank[item.key])
        else:
            yield from _verdicts(item, settings, rank[item.key])


def _ranks(items: Sequence[Item], settings: BenchmarkSettings) -> dict[str, int]:
    """A random rank for every item among those with as many options, whatever the file's order."""
    alike: dict[int, list[str]] = {}
    for item in items:
        alike.setdefault(len(item.options), []).append(item.key)
    ranks = {}
    for count, keys in alike.items():
        stream = f"places/{settings.chosen.benchmark}/{count}"
        order = item_generator(settings.seed, stream, 0).permutation(len(keys))
        ranks.update({key: int(place) for key, place in zip(sorted(keys), order, strict=True)})
    return ranks


def _dealt(right: int, count: int, rank: int, settings: BenchmarkSettings, key: str) -> list[int]:
    """The order in which ``count`` options are shown: the right one at its place, others at random.

    As in the file where the options are not to be shuffled.
    """
    order = list(range(count))
    if settings.chosen.shuffle_options:
        order.remove(right)
        stream = f"options/{settings.chosen.benchmark}/{key}"
        order = [order[i] for i in item_generator(settings.seed, stream, 0).permutation(count - 1)]
        order.insert(rank % count, right)
    return order


def _choices(item: Item, settings: BenchmarkSettings, rank: int) -> Iterator[Row]:
    order = _dealt(item.right, len(item.options), rank, settings, item.key)
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


def _words(item: Item, settings: BenchmarkSettings, rank: int) -> Iterator[Row]:
    right = item.offered.index(item.words[item.right])
    order = _dealt(right, len(item.offered), rank, settings, item.key)
    offered = tuple(item.offered[i] for i in order)
    prompt = (
        f"Fill the gap so that the sentence describes the picture: “{item.gap}”"
        f" Answer with one of these: {', '.join(offered)}."
    )
    yield _row(item, settings, "words", prompt, item.words[item.right], offered)


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
