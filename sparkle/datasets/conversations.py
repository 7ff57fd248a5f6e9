"""From shard rows to conversations, as Arrow work: images stay the buffers they are.

A row's wanted questions are put into a random order that is a function of seed, train set and
image alone, and cut into conversations of some questions each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
IMAGE_MARK = "<image>"


@dataclass(frozen=True)
class Wanted:
    """The questions of some shard rows that belong to a train set.

    Attributes:
        row: int64, shape (questions,): the table row that each question belongs to.
        questions: Struct array of the same length, in the order of the shards.
        rows: Number of table rows.
    """

    row: np.ndarray
    questions: pa.StructArray
    rows: int

    def conversations(self, size: int | Literal["all"]) -> np.ndarray:
        """Conversations that each table row makes with ``size`` questions each."""
        counts = np.bincount(self.row, minlength=self.rows)
        return np.minimum(counts, 1) if size == "all" else -(-counts // size)


def wanted_questions(table: pa.Table, capabilities: tuple[str, ...]) -> Wanted:
    """The questions of shard rows that are part of a train set.

    A train set with the capability ``description`` has that one long text per image, instead of
    the description that each other capability has of its own (as published: 17 records an image).
    """
    column = table["questions"].combine_chunks()
    row = pc.list_parent_indices(column)
    questions = pc.list_flatten(column)
    task, kind = questions.field("task"), questions.field("kind")
    belongs = pc.is_in(task, value_set=pa.array(capabilities))
    if "description" in capabilities:
        belongs = pc.and_(belongs, pc.not_equal(kind, "description"))
    return Wanted(
        row.filter(belongs).to_numpy(zero_copy_only=False), questions.filter(belongs), len(table)
    )


def turn_order(seed: int, stream: str, index: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Positions of the questions, row by row, each row's in a random order of its own.

    The sort keys are hashes of (seed, stream, index of the image, number of the question):
    whichever rows are ordered together, a row's order is the same.

    Args:
        index: Index of each question's image in its source, shape (questions,).
        row: Row of each question, non-decreasing, shape (questions,).
    """
    return np.lexsort((_keys(seed, stream, index, row), row))


def thin_out(
    wanted: Wanted, shares: Mapping[str, float], seed: int, stream: str, index: np.ndarray
) -> Wanted:
    """Keep a random share of the questions of some tasks, the same whichever rows are together.

    Args:
        shares: Task -> share of its questions that is kept, in 0..1; others are kept whole.
        index: Index of each question's image in its source, shape (questions,).
    """
    if not shares:
        return wanted
    known = np.array([shares.get(task, 1.0) for task in _tasks(wanted)])
    drawn = _keys(seed, stream, index, wanted.row) / 2.0**64
    kept = pa.array(drawn < known)
    return Wanted(wanted.row[np.asarray(drawn < known)], wanted.questions.filter(kept), wanted.rows)


def _tasks(wanted: Wanted) -> list[str]:
    tasks: list[str] = wanted.questions.field("task").to_pylist()
    return tasks


def _keys(seed: int, stream: str, index: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Random uint64 of each question, from its image's index and its number in the row."""
    digest = hashlib.blake2b(f"{seed}\0{stream}".encode(), digest_size=8).digest()
    key = np.frombuffer(digest, dtype="<u8").astype(np.uint64)[0]
    number = np.arange(len(row)) - np.searchsorted(row, row)
    return _mixed(_mixed(index.astype(np.uint64) ^ key) + number.astype(np.uint64))


def _mixed(values: np.ndarray) -> np.ndarray:
    """SplitMix64's step and output function (Steele, Lea, Flood, OOPSLA 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def build_conversations(
    wanted: Wanted, order: np.ndarray, size: int | Literal["all"]
) -> tuple[np.ndarray, pa.ListArray]:
    """Cut ordered questions into conversations.

    Args:
        order: Order of the questions from :func:`turn_order`.
        size: Questions per conversation.

    Returns:
        The table row of each conversation (shape (conversations,), non-decreasing), and its
        messages as a list array; the first prompt begins with the image mark.
    """
    row = wanted.row[order]
    number = np.arange(len(row)) - np.searchsorted(row, row)
    turn = number if size == "all" else number % size
    first = np.flatnonzero(turn == 0)
    questions = wanted.questions.take(pa.array(order))
    prompts, answers = questions.field("prompt"), questions.field("answer")
    marked = pc.binary_join_element_wise(IMAGE_MARK, prompts, "")
    prompts = pc.if_else(pa.array(turn == 0), marked, prompts)
    both = pa.concat_arrays([prompts, answers])
    alternating = np.arange(2 * len(row)).reshape(2, -1).T.ravel()
    roles = pa.array(["user", "assistant"]).take(pa.array(np.arange(2 * len(row)) % 2))
    messages = pa.StructArray.from_arrays(
        [roles, both.take(pa.array(alternating))], fields=list(MESSAGE)
    )
    offsets = np.append(2 * first, 2 * len(row)).astype(np.int32)
    return row[first], pa.ListArray.from_arrays(pa.array(offsets), messages)
