"""How a question is put to a model: plainly, with examples, with reasoning, or blindly."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from sparkle.config.inference import Prompting
from sparkle.errors import SparkleError
from sparkle.files import canonical_json
from sparkle.rendering.blank import blank
from sparkle.scenes.randomness import item_generator

Row = Mapping[str, Any]
_THINK = (
    "\nFirst think step by step and write your reasoning down."
    " Then write the final answer on a line of its own, after “Answer:”."
)
_SAME = ("task", "kind", "form")
"""What an example has in common with the question."""


@dataclass(frozen=True)
class Turn:
    """One message: who speaks, the text, and for the user the picture (encoded) before it."""

    role: str
    text: str
    image: bytes | None = None


def conversation(row: Row, pool: Sequence[Row], prompting: Prompting) -> list[Turn]:
    """The messages that ask the question of ``row`` (of an evaluation dataset).

    Args:
        pool: Rows to take examples from; those about the picture or item of ``row`` are left out.

    Raises:
        SparkleError: There are too few other questions of the kind for the wanted examples.
    """
    turns: list[Turn] = []
    if prompting.style == "few_shot":
        for example in _examples(row, pool, prompting):
            turns += [
                Turn("user", example["prompt"], _shown(example["image"], prompting)),
                Turn("assistant", example["answer"]),
            ]
    text = row["prompt"] + (_THINK if prompting.style == "chain_of_thought" else "")
    return [*turns, Turn("user", text, _shown(row["image"], prompting))]


def check_examples(rows: Sequence[Row], pool: Sequence[Row], prompting: Prompting) -> None:
    """Make sure that every question finds its examples, before any model is loaded.

    Raises:
        SparkleError: There are too few other questions of the kind of one.
    """
    if prompting.style != "few_shot":
        return
    kinds = Counter(tuple(other[key] for key in _SAME) for other in pool)
    shown = Counter(tuple(other[key] for key in (*_SAME, "scene_hash")) for other in pool)
    for row in rows:
        kind = tuple(row[key] for key in _SAME)
        _check_enough(row, kinds[kind] - shown[*kind, row["scene_hash"]], prompting)


def _check_enough(row: Row, found: int, prompting: Prompting) -> None:
    if found < prompting.shots:
        raise SparkleError(
            f"The question {row['id']} needs {prompting.shots} examples, but only {found} other"
            " questions of its kind are about other pictures.",
            "Lower 'shots', make the evaluation set larger, or leave it out of this experiment.",
        )


def _examples(row: Row, pool: Sequence[Row], prompting: Prompting) -> list[Row]:
    """Examples of the same task, kind and form about other pictures, drawn by id and seed."""
    fitting = [
        other
        for other in pool
        if all(other[key] == row[key] for key in _SAME) and other["scene_hash"] != row["scene_hash"]
    ]
    _check_enough(row, len(fitting), prompting)
    rng = item_generator(prompting.seed, f"examples/{row['id']}", 0)
    return [fitting[i] for i in rng.choice(len(fitting), prompting.shots, replace=False)]


def _shown(image: bytes, prompting: Prompting) -> bytes:
    return image if prompting.picture == "shown" else blank(_size(image))


def _size(image: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(image)) as opened:
        return (opened.size[0], opened.size[1])


def prompt_hash(turns: Sequence[Turn]) -> str:
    """16 hex digits over everything that is sent: roles, texts and pictures in their order."""
    parts = [
        [turn.role, turn.text, hashlib.sha256(turn.image).hexdigest() if turn.image else None]
        for turn in turns
    ]
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:16]


def plain_hash(row: Row) -> str:
    """The hash of the question as it is, without examples."""
    return prompt_hash([Turn("user", row["prompt"], row["image"])])
