"""Where and with what a job ran: packages, code in Git, class of machine, device, memory."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from sparkle.errors import SparkleError

_ABSENT = "not installed"


def versions(names: Iterable[str]) -> dict[str, str]:
    """Installed version of each package; ``not installed`` where it is none."""
    return {name: _version(name) for name in sorted(names)}


_elsewhere: dict[str, str] | None = None
_LIST = (
    "import importlib.metadata as m, json;"
    "print(json.dumps([[d.name, d.version] for d in m.distributions() if d.name]))"
)


def use_versions_of(python: Path) -> None:
    """From now on tell the versions that another Python has: the one that runs the steps.

    Raises:
        SparkleError: It does not answer.
    """
    global _elsewhere
    try:
        asked = subprocess.run([python, "-c", _LIST], capture_output=True, text=True, timeout=120)
        pairs = json.loads(asked.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise SparkleError(
            f"{python} does not tell which packages it has ({error}).",
            "SPARKLE_BIN must name a folder with a 'python' in which Sparkle is installed.",
        ) from None
    _elsewhere = {_normal(name): version for name, version in reversed(pairs)}
    _version.cache_clear()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _version(name: str) -> str:
    if _elsewhere is not None:
        return _elsewhere.get(_normal(name), _ABSENT)
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return _ABSENT


COMMIT = "commit.json"
"""Beside a copy of the package: the Git state of what it is a copy of."""


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """(commit, whether tracked files differ from it) of the package in ``folder``."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        noted = json.loads((folder.parent / COMMIT).read_text(encoding="utf-8"))
        return noted["commit"], noted["dirty"]

    def git(*arguments: str) -> str | None:
        command = ["git", "-C", str(folder), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None or git("ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None  # not our repository, but one that an installed package lies in
    changes = git("status", "--porcelain", "--untracked-files=no", "--", ".")
    return commit, None if changes is None else bool(changes)


def host_class() -> dict[str, str | int]:
    """What kind of machine this is; nothing that tells which one."""
    pages = 0
    with contextlib.suppress(ValueError, OSError):
        pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gibibytes = max(1, round(pages / 2**30))
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 1,
        "memory_gib": 1 << (gibibytes - 1).bit_length(),
        "python": platform.python_version(),
    }


def device(gpus: int) -> str:
    """Model of the GPUs that the job was given, or of the CPU."""
    if gpus:
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        try:
            shown = subprocess.run(command, capture_output=True, text=True, timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            return f"{gpus} x GPU"
        names = sorted(set(filter(None, shown.stdout.splitlines())))
        return f"{gpus} x {', '.join(names) or 'GPU'}"
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def peak_memory_mb() -> int:
    """Largest resident memory so far of this process, or of one of its children that ended."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(each).ru_maxrss for each in who)
    return most // (2**20 if sys.platform == "darwin" else 2**10)
