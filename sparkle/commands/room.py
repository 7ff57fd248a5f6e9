"""Failures for want of room on the disk, which libraries do not always call so."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sparkle.errors import SparkleError, Stopped

_ROOM = 64 * 2**20


@contextlib.contextmanager
def lack_of_room_named(folder: Path) -> Iterator[None]:
    """Let an error inside name the full disk or the quota of ``folder``, if that is the cause.

    PyTorch reports it as an unexpected position in a file.
    """
    try:
        yield
    except Stopped:
        raise
    except SparkleError as error:
        if has_room(folder):
            raise
        raise SparkleError(
            f"{error.message}\nNo space left on device, or over quota: {folder.resolve()} has not"
            f" {_ROOM // 2**20} MB left.",
            "Make room, then run the same command again: it goes on where it stopped.",
        ) from error


def has_room(folder: Path, size: int = _ROOM) -> bool:
    """Whether ``size`` bytes can be written to a folder, found out by reserving them."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            os.posix_fallocate(probe.fileno(), 0, size)
    except FileNotFoundError:
        return True  # no folder: something else is wrong
    except OSError:
        return False
    return True
