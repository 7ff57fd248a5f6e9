"""What the formats share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sparkle.datasets.examples import Example
from sparkle.datasets.merged import Merged


@dataclass(frozen=True)
class Job:
    """One export.

    Attributes:
        dataset: What to export.
        folder: Folder to write into, which is renamed when all is written.
        final: The name it will have.
        examples: Gives all examples, and reports how far it is.
        files: Data files written so far, relative to ``folder``; formats append to it.
    """

    dataset: Merged
    folder: Path
    final: Path
    examples: Callable[[], Iterator[Example]]
    files: list[str] = field(default_factory=list)

    @property
    def split(self) -> str:
        """The split's usual name."""
        return "train" if self.dataset.role == "training" else "test"


def write_line(file: IO[str], value: Any) -> None:
    """Append a line of JSON."""
    file.write(json.dumps(value, ensure_ascii=False) + "\n")


def save_image(folder: Path, example: Example) -> str:
    """Write an example's image below ``folder/images`` once; returns its relative name."""
    name = f"images/{example.image_file}"
    path = folder / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(example.image)
    return name
