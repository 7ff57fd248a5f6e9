"""What the benchmarks of captions share: the gap between captions, pairs and sets of pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sparkle.external.base import Benchmark, Item, Metric, Proportion
from sparkle.external.files import check_distinct, refuse
from sparkle.external.parsing import relation_word

if TYPE_CHECKING:
    import pandas as pd

CAPTION_QUESTION = "Which sentence describes the picture?"


class CaptionBenchmark(Benchmark):
    """Right and wrong captions of a picture, which differ in a relation."""

    forms = ("choice", "yes_no", "words")
    groups = ("relation",)


def gap_of(captions: Sequence[str], where: str) -> tuple[str, list[str]]:
    """The captions with a gap where they differ, and the relation word of each.

    Raises:
        SparkleError: The captions are not alike but for one place, or say the same.
    """
    parts = [caption.split() for caption in captions]
    shortest = min(len(part) for part in parts)
    head = next(
        (i for i in range(shortest) if len({part[i].casefold() for part in parts}) > 1), shortest
    )
    tail = next(
        (i for i in range(shortest - head) if len({part[-1 - i].casefold() for part in parts}) > 1),
        shortest - head,
    )
    phrases = [" ".join(part[head : len(part) - tail]).strip(" .,") for part in parts]
    words = [relation_word(phrase) for phrase in phrases]
    if not all(words) or len(set(words)) < len(words):
        refuse(where, f"the captions do not differ in one relation ({', '.join(phrases)[:80]})")
    before, after = parts[0][:head], parts[0][len(parts[0]) - tail :]
    return " ".join([*before, "___", *after]), words


def check_captions(captions: Sequence[str], where: str) -> None:
    """Refuse captions that cannot be told apart."""
    check_distinct([caption.casefold() for caption in captions], where, "captions")


def grouped(
    frame: pd.DataFrame, label: str, sizes: Mapping[str, int], proportion: Proportion
) -> Iterator[Metric]:
    """The share of complete groups of pictures of which every picture was answered right.

    Args:
        frame: One row per item with ``correct`` and the label.
        sizes: Number of members that a complete group has, by label.
    """
    if label not in frame:
        return
    groups = frame.dropna(subset=[label]).groupby(label, sort=False)["correct"].agg(["all", "size"])
    complete = groups[groups["size"] == sizes[label]]
    if len(complete):
        yield proportion(f"{label}_accuracy", complete["all"])


def counts_of(items: Sequence[Item], label: str) -> Counter[str]:
    """How many items have each value of a label."""
    return Counter(item.labels[label] for item in items if label in item.labels)
