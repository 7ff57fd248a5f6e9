"""Small file helpers shared by every layer: atomic writes, canonical JSON, content hashes."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from sparkle.errors import SparkleError

TIMES = "times.json"
"""File beside predictions and weights that tells how long they took: apart, as that varies."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text, whatever their order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_hash(text: str, digits: int = 16) -> str:
    """First ``digits`` hex digits of the SHA-256 of ``text``."""
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


NO_CONTENT = frozenset({".snakemake_timestamp"})
"""Names of files that others put into our folders."""


def folder_hash(folder: Path, ignore: frozenset[str] = NO_CONTENT) -> str:
    """SHA-256 over the relative names and contents of all files below ``folder``."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in ignore):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_hash(path)}\n".encode())
    return digest.hexdigest()


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a disk, quota or file size limit that is reached."""


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary sibling of ``path`` to write to; it takes the final name only on success.

    Works for files and folders. Whatever stood under the final name before is replaced; on an
    exception the temporary is removed and the old content stays. A process that is killed leaves
    its temporary; the next one that writes into the folder removes it, see :func:`sweep`.

    Raises:
        SparkleError: The disk is full, or a quota or file size limit is reached.
    """
    path = Path(path)
    make_folder(path.parent)
    _sweep_once(path.parent.absolute())
    writer = f"{_machine()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    temporary = path.parent / f".{path.name}.{writer}.tmp"
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, OSError) and error.errno in _FULL:
            raise SparkleError(
                f"{path} could not be written: {os.strerror(error.errno).lower()}.",
                f"Free space under {path.parent} or choose another disk with the config key"
                " 'results', then run the same command again. Nothing half-written was kept.",
            ) from None
        raise


_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp")
_ABANDONED_SECONDS = 3 * 24 * 3600


def sweep(folder: Path) -> list[Path]:
    """Remove what killed processes left in ``folder`` under temporary names; returns what it was.

    A temporary stays while its writer may be alive: on this machine as long as its process is
    there, on others (whose processes cannot be seen) for three days after it was last written to.
    """
    gone = []
    with os.scandir(folder) as entries:
        found = [(Path(entry.path), _TEMPORARY.fullmatch(entry.name)) for entry in entries]
    for path, match in found:
        if match is None:
            continue
        machine, process = match[1], int(match[2])
        here = machine == _machine()
        if (here and not _alive(process)) or _untouched_for(path) > _ABANDONED_SECONDS:
            _remove(path)
            gone.append(path)
    return gone


@cache
def _sweep_once(folder: Path) -> None:
    """Once for each folder and process: a folder of many shards is not listed at each of them."""
    with contextlib.suppress(OSError):  # tidiness is no reason to fail
        sweep(folder)


@cache
def _machine() -> str:
    """Where process numbers mean the same: 8 hex digits for machine, boot and PID namespace."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):  # not on Linux
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return text_hash("\0".join(parts), 8)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _untouched_for(path: Path) -> float:
    """Seconds since the newest change of a file, or in a folder; 0 if that cannot be told."""
    try:
        newest = max(each.stat().st_mtime for each in (path, *path.rglob("*")))
    except OSError:
        return 0.0
    return time.time() - newest


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def exclusive(folder: Path, report: Callable[[str], None] = print) -> Iterator[int]:
    """Be the only process that works in ``folder``; wait while another one does.

    The lock is the kernel's: it ends with the process, however that ends, and with the children
    that were handed the file descriptor that this yields. Where a file system knows no locks,
    there is none, and a word says so.
    """
    make_folder(folder)
    with open(folder / ".lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another process works in {folder}: waiting until it has ended")
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            report(f"{folder} cannot be locked ({error.strerror}); going on without")
        yield handle.fileno()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, making its folder."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(value: Any) -> str:
    """Indented, key-sorted JSON with a line end, for people to read."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write indented, key-sorted JSON to ``path`` atomically."""
    write_text(path, json_text(value))


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or malformed one is a :class:`SparkleError`."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SparkleError(f"{path} does not exist.", "Run the step that makes it first.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SparkleError(
            f"{path} is not readable JSON ({error}).", "Delete it and run the step that makes it."
        ) from None


def make_folder(folder: Path) -> None:
    """Make ``folder`` and its parents; a folder that cannot be written is a clear error."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SparkleError(
            f"The folder {folder} cannot be made ({error.strerror}).",
            "Choose a writable folder with the config key 'results', or change its permissions.",
        ) from None
    if not os.access(folder, os.W_OK):
        raise SparkleError(
            f"The folder {folder} is not writable.",
            "Choose a writable folder with the config key 'results', or change its permissions.",
        )
