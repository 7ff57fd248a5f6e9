"""One driver (main Snakemake process) at a time for a results folder, and no lock left behind.

The driver keeps a record with its host and process and touches it every few seconds. A driver that
starts finds out by it whether another one lives. All times are those of the file system, so that
clocks of machines do not matter.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sparkle.cluster.clocks import present_of
from sparkle.errors import SparkleError
from sparkle.files import make_folder

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0
"""A driver on another host that has not been heard of for so long is taken for dead."""


@dataclass(frozen=True)
class Driver:
    """Who drives an experiment.

    Attributes:
        host: Name of the machine.
        pid: Process number there.
        started: Start of the process in clock ticks since boot, which tells it from a later
            process of the same number.
        boot: Identity of the machine's boot.
        silent: Seconds since its last sign of life.
    """

    host: str
    pid: int
    started: int
    boot: str
    silent: float = 0.0

    @property
    def alive(self) -> bool:
        """Whether it lives, as far as can be told from here."""
        if self.host == socket.gethostname():
            return self.boot == _boot() and _started(self.pid) == self.started
        return self.silent < SILENT_SECONDS


def read_driver(record: Path) -> Driver | None:
    """The recorded driver, dead or alive, or None."""
    try:
        values = json.loads(record.read_text(encoding="utf-8"))
        return Driver(**values, silent=_age(record))
    except (OSError, ValueError, TypeError):
        return None


@contextlib.contextmanager
def drive(record: Path) -> Iterator[None]:
    """Be the driver of the experiment that ``record`` belongs to.

    Raises:
        SparkleError: Another driver lives.
    """
    make_folder(record.parent)
    _take(record)
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(record, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()
        beat.join()
        record.unlink(missing_ok=True)


def remove_stale_locks(locks: Path, results: Path) -> int:
    """Remove locks that a dead driver of ``results`` left in Snakemake's folder of locks.

    Only for the driver: it knows that no other one lives. Locks of other experiments stay.
    """
    removed = 0
    prefix = f"{results.as_posix().rstrip('/')}/"
    for lock in locks.glob("*.lock"):
        with contextlib.suppress(OSError):
            if any(line.startswith(prefix) for line in lock.read_text().splitlines()):
                lock.unlink()
                removed += 1
    return removed


def _take(record: Path) -> None:
    own = {"host": socket.gethostname(), "pid": os.getpid(), "boot": _boot()}
    text = json.dumps({**own, "started": _started(os.getpid())})
    for _ in range(20):
        try:
            handle = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            driver = read_driver(record)
            if driver is None and record.exists() and _age(record) < BEAT_SECONDS:
                threading.Event().wait(0.5)  # it is being written
                continue
            if driver is not None and driver.alive:
                raise _occupied(driver, record.parent.parent) from None
            # Renaming succeeds for one of several that find the same dead driver.
            with contextlib.suppress(FileNotFoundError):
                dead = record.with_name(f".{record.name}.{uuid.uuid4().hex[:8]}")
                os.rename(record, dead)
                dead.unlink()
            continue
        with os.fdopen(handle, "w") as stream:
            stream.write(text)
        return
    raise SparkleError(f"{record} cannot be taken.", "Remove it, if nothing is running.")


def _occupied(driver: Driver, results: Path) -> SparkleError:
    where = f"process {driver.pid} on {driver.host}"
    hint = f"See what it does with 'sparkle status --results {results}', or stop it there."
    if driver.host != socket.gethostname():
        hint += (
            f" Its last sign of life is {driver.silent:.0f} s old; if that machine is gone, start"
            f" again when it is older than {SILENT_SECONDS:.0f} s."
        )
    return SparkleError(f"This experiment is already being run by {where}.", hint)


def _beat(record: Path, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):
            os.utime(record)


def _age(record: Path) -> float:
    """Seconds since the record was touched, by the clock of the file system."""
    return present_of(record.parent) - record.stat().st_mtime


def _started(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return -1
    fields = stat.rsplit(")", 1)[1].split()
    return -1 if fields[0] == "Z" else int(fields[19])


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
