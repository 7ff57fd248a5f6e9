"""Whether the files of a dataset are those that its manifest lists."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.files import file_hash


def verify_files(folder: Path, files: Mapping[str, str]) -> None:
    """Compare files below ``folder`` with their SHA-256, given by relative name.

    Raises:
        SparkleError: A file is missing, truncated or altered; the message names it.
    """
    for name, expected in sorted(files.items()):
        path = folder / name
        fault = None if path.exists() else "is missing"
        if fault is None and file_hash(path) != expected:
            fault = "is truncated or was altered"
        if fault is not None:
            raise SparkleError(
                f"{path} {fault}: its manifest lists other content.",
                "Delete its manifest and run again: only the merge is repeated.",
            )
