"""The journal of a driver: one line for each thing that happened to a job on the cluster."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One event.

    Attributes:
        event: ``submitted``, ``adopted``, ``cancelled``, ``succeeded`` or ``failed``.
        id: Slurm's number of the job.
        comment: What the job is, as Slurm shows it: rule and wildcards.
        key: Hash of all that the job's output depends on, as far as Snakemake knows it.
        state: Slurm's state at an end.
        gpus: GPUs that the job holds.
        seconds: How long it ran.
        log: The file with Slurm's log of the job.
        time: Seconds since the epoch, by the clock of the driver's machine.
    """

    event: str
    id: str
    comment: str = ""
    key: str = ""
    state: str = ""
    gpus: int = 0
    seconds: float = 0.0
    log: str = ""
    time: float = 0.0


def write_entry(path: Path, entry: Entry) -> None:
    """Append an event; the line is written at once, so that two never mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {**asdict(entry), "time": entry.time or time.time()}
    line = json.dumps(values, sort_keys=True) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = "\n" + line  # a killed driver left half a line
        os.write(handle, line.encode())
    finally:
        os.close(handle)


def read_entries(path: Path) -> list[Entry]:
    """All events, oldest first. Lines that were cut off are passed over."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Entry(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found
