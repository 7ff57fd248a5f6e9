"""Controls of a train set, from which nothing of space can be learned: made by the merge."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from sparkle.datasets.conversations import Wanted
from sparkle.rendering.blank import blank
from sparkle.scenes.randomness import item_generator

_LABEL = re.compile(r"N\d+")
_MARK = re.compile(r"<(\d+)>")


class AnswerShuffle:
    """Answers exchanged at random among the questions of a task and kind.

    So each kind of answer stays as frequent as it was, and says nothing about the picture. A label
    that the question names is exchanged as its place among those, so that an answer is about the
    objects asked about. All questions are seen twice, in the same order: first by :meth:`collect`,
    then by :meth:`exchange`. In memory are the different answers, and 12 bytes per question.
    """

    def __init__(self, seed: int, train_set: str) -> None:
        self._seed = seed
        self._train_set = train_set
        self._texts: dict[str, int] = {}
        self._collected: dict[str, list[int]] = {}
        self._exchanged: dict[str, np.ndarray] = {}
        self._used: dict[str, int] = {}

    def collect(self, wanted: Wanted) -> None:
        """Take the answers of some questions."""
        for group, prompt, answer in _texts(wanted):
            number = self._texts.setdefault(_marked(prompt, answer), len(self._texts))
            self._collected.setdefault(group, []).append(number)

    def exchange(self, wanted: Wanted) -> Wanted:
        """The questions with the answers of others."""
        known = list(self._texts)
        answers = []
        for group, prompt, _ in _texts(wanted):
            place = self._used.get(group, 0)
            self._used[group] = place + 1
            answers.append(_named(prompt, known[int(self._order(group)[place])]))
        names = [field.name for field in wanted.questions.type]
        columns = [wanted.questions.field(name) for name in names]
        columns[names.index("answer")] = pa.array(answers, pa.string())
        questions = pa.StructArray.from_arrays(columns, fields=list(wanted.questions.type))
        return replace(wanted, questions=questions)

    def _order(self, group: str) -> np.ndarray:
        if group not in self._exchanged:
            numbers = np.array(self._collected.pop(group), dtype=np.uint32)
            rng = item_generator(self._seed, f"shuffled/{self._train_set}/{group}", 0)
            self._exchanged[group] = rng.permutation(numbers)
        return self._exchanged[group]


def _texts(wanted: Wanted) -> Iterable[tuple[str, str, str]]:
    """(task and kind, prompt, answer) of each question."""
    columns = (wanted.questions.field(name).to_pylist() for name in ("task", "kind"))
    groups = (f"{task}/{kind}" for task, kind in zip(*columns, strict=True))
    prompts, answers = (wanted.questions.field(n).to_pylist() for n in ("prompt", "answer"))
    return zip(groups, prompts, answers, strict=True)


def _asked(prompt: str) -> list[str]:
    return sorted(set(_LABEL.findall(prompt)))


def _marked(prompt: str, answer: str) -> str:
    """The answer with each label that the prompt names replaced by its place there."""
    place = {label: f"<{i}>" for i, label in enumerate(_asked(prompt))}
    return _LABEL.sub(lambda found: place.get(found[0], found[0]), answer)


def _named(prompt: str, marked: str) -> str:
    """Inverse of :func:`_marked` for another prompt; a place that it lacks is taken modulo."""
    labels = _asked(prompt)
    return _MARK.sub(lambda found: labels[int(found[1]) % len(labels)], marked)


def blanked(table: pa.Table, size: int) -> pa.Table:
    """Shard rows with an empty picture of ``size`` x ``size`` pixels in place of each image."""
    images = pa.array([blank((size, size))] * len(table), pa.binary())
    return table.set_column(table.column_names.index("image"), "image", images)
