"""Rows of shards as Arrow columns, filled value by value without a dictionary per row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sparkle.files import canonical_json
from sparkle.tasks.base import Question

_TEXTS = ("task", "kind", "form", "prompt", "answer", "target")
QUESTION_TYPE = pa.struct(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("options", pa.list_(pa.string())),
        ("subject", pa.string()),
        ("difficulty", pa.float64()),
    ]
)
SHARD_SCHEMA = pa.schema(
    [
        ("index", pa.int64()),
        ("image", pa.binary()),
        ("scene", pa.string()),
        ("scene_hash", pa.string()),
        ("questions", pa.list_(QUESTION_TYPE)),
    ]
)
_MAX_KNOWN_SUBJECTS = 1 << 14


class Columns:
    """Collects rows of a shard; :meth:`take` gives them as a table and starts anew."""

    def __init__(self) -> None:
        self._known_subjects: dict[str, str] = {}
        self._start()

    def _start(self) -> None:
        self._images: list[bytes] = []
        self._scenes: list[str] = []
        self._hashes: list[str] = []
        self._texts: tuple[list[str], ...] = tuple([] for _ in _TEXTS)
        self._options: list[str] = []
        self._option_ends = [0]
        self._subjects: list[str] = []
        self._difficulties: list[float | None] = []
        self._ends = [0]

    def add(self, image: bytes, scene: str, scene_hash: str, questions: Sequence[Question]) -> None:
        """Add one row: PNG bytes, scene as JSON, its hash, and the questions."""
        self._images.append(image)
        self._scenes.append(scene)
        self._hashes.append(scene_hash)
        # Only texts are kept: thousands of waiting objects would keep the garbage collector busy.
        tasks, kinds, forms, prompts, answers, targets = self._texts
        for question in questions:
            tasks.append(question.task)
            kinds.append(question.kind)
            forms.append(question.form)
            prompts.append(question.prompt)
            answers.append(question.answer)
            targets.append(question.target)
            self._options += question.options
            self._option_ends.append(len(self._options))
            self._subjects.append(self.subject_text(question))
            self._difficulties.append(question.difficulty)
        self._ends.append(len(tasks))

    def subject_text(self, question: Question) -> str:
        """The subject as canonical JSON; equal ones, of which there are many, written once."""
        key = repr(question.subject)
        text = self._known_subjects.get(key)
        if text is None:
            if len(self._known_subjects) >= _MAX_KNOWN_SUBJECTS:
                self._known_subjects.clear()
            text = self._known_subjects[key] = canonical_json(dict(question.subject))
        return text

    def take(self, first: int) -> pa.Table:
        """All rows so far, as a table of ``SHARD_SCHEMA``; the first has the index ``first``."""
        questions = pa.StructArray.from_arrays(
            [
                *(pa.array(texts, pa.string()) for texts in self._texts),
                pa.ListArray.from_arrays(
                    pa.array(self._option_ends, pa.int32()), pa.array(self._options, pa.string())
                ),
                pa.array(self._subjects, pa.string()),
                pa.array(self._difficulties, pa.float64()),
            ],
            fields=list(QUESTION_TYPE),
        )
        table = pa.Table.from_arrays(
            [
                pa.array(np.arange(first, first + len(self._images), dtype=np.int64)),
                pa.array(self._images, pa.binary()),
                pa.array(self._scenes, pa.string()),
                pa.array(self._hashes, pa.string()),
                pa.ListArray.from_arrays(pa.array(self._ends, pa.int32()), questions),
            ],
            schema=SHARD_SCHEMA,
        )
        self._start()
        return table
