"""The rows of a merged dataset, one by one, whatever its role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from sparkle.datasets.conversations import IMAGE_MARK
from sparkle.datasets.merged import Merged
from sparkle.errors import SparkleError

_ID = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)/(\d+)(?:\.png)?")
_SIGNATURES = {b"\xff\xd8\xff": "jpg", b"GIF8": "gif", b"RIFF": "webp", b"BM": "bmp"}
_FANNED = 2
_FOLDER = 1000
"""Pictures in one folder: file managers and file systems dislike millions."""


@dataclass(frozen=True)
class Example:
    """One conversation of a train set or one question of an evaluation set.

    Attributes:
        row: Its number in the dataset, from 0.
        image_id: ``source/number`` of its image; ``set/hash`` of one from a benchmark's files.
        image: The encoded image.
        messages: Alternately user and assistant: {role, content}, without any image mark.
        record: Further columns of an evaluation set; empty for a train set.
    """

    row: int
    image_id: str
    image: bytes
    messages: list[dict[str, str]]
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def image_file(self) -> PurePosixPath:
        """A place for the image below a folder of images, a thousand in each folder."""
        source, number = self.image_id.split("/")
        folder = f"{int(number) // _FOLDER:05d}" if number.isdecimal() else number[-_FANNED:]
        return PurePosixPath(source, folder, f"{number}.{self.suffix}")

    @property
    def suffix(self) -> str:
        """What the name of the image's file ends with, by its first bytes."""
        return image_format(self.image)

    def marked(self) -> list[dict[str, str]]:
        """The messages with ms-swift's image mark before the first prompt."""
        first, *rest = self.messages
        return [{**first, "content": IMAGE_MARK + first["content"]}, *rest]


def examples(dataset: Merged) -> Iterator[Example]:
    """All examples of a dataset in order, read piece by piece."""
    number = 0
    for table in dataset.tables():
        for row in table.to_pylist():
            yield (
                _conversation(number, row) if dataset.role == "training" else _question(number, row)
            )
            number += 1


def _conversation(number: int, row: dict[str, Any]) -> Example:
    (image,) = row["images"]
    first, *rest = row["messages"]
    messages = [{**first, "content": first["content"].removeprefix(IMAGE_MARK)}, *rest]
    return Example(number, image_id(image["path"] or ""), image["bytes"], messages)


def _question(number: int, row: dict[str, Any]) -> Example:
    image = row.pop("image")
    messages = [
        {"role": "user", "content": row["prompt"]},
        {"role": "assistant", "content": row["answer"]},
    ]
    name = image_id(row["id"]) if row["scene"] else f"{row['id'].split('/')[0]}/{row['scene_hash']}"
    return Example(number, name, image, messages, row)


def image_format(image: bytes) -> str:
    """``png``, ``jpg``, ``gif``, ``webp`` or ``bmp``, by the first bytes of an encoded image."""
    return next((kind for head, kind in _SIGNATURES.items() if image.startswith(head)), "png")


def image_id(path: str) -> str:
    """The id ``source/number`` in a path such as ``basic/00000017.png``.

    Raises:
        SparkleError: The path is no id of an image.
    """
    match = _ID.fullmatch(path)
    if match is None:
        raise SparkleError(
            f"{path!r} is no id of an image.",
            "The dataset was made by another version: merge again.",
        )
    return f"{match.group(1)}/{match.group(2)}"
