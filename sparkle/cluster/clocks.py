"""Files that bear a time of the future, as nodes whose clocks are ahead make them.

Snakemake takes what is made from such files for older than them, and makes it again for ever. So
the main process brings such times back to its own present.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable
from pathlib import Path


def bring_back(paths: Iterable[Path], present: float) -> int:
    """Set times after ``present`` (seconds since the epoch) to it; returns how many there were.

    Of folders, the file by which Snakemake tells their age is looked at too.
    """
    found = 0
    for path in paths:
        for each in (path, path / ".snakemake_timestamp"):
            with contextlib.suppress(OSError):
                if each.stat().st_mtime > present:
                    os.utime(each, (present, present))
                    found += 1
    return found


def bring_back_all(folder: Path, present: float) -> int:
    """The same for all files below a folder."""
    return bring_back((Path(root, name) for root, _, names in os.walk(folder) for name in names),
                      present)  # fmt: skip


def present_of(folder: Path) -> float:
    """The time that a file gets which is written to a folder from here, now."""
    probe = folder / f".clock.{uuid.uuid4().hex[:8]}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    finally:
        probe.unlink(missing_ok=True)
