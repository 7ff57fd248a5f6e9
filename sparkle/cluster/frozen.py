"""A frozen copy of config and code, so that jobs run what they were submitted with.

A job on a cluster reads the Snakefile, the config and this package again when it starts, which may
be hours after it was submitted. It therefore gets those of a folder that nobody edits.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sparkle.files import atomic_path, canonical_json, file_hash, text_hash, write_text

_PARTS = ("Snakefile", "rules", "sparkle")
_SNAKEFILE = "Snakefile"


def freeze_code(root: Path, store: Path) -> Path:
    """Copy Snakefile, rules and package below ``root`` to ``store/code-HASH``; returns that folder.

    The name is a hash of the contents: the same code is stored once.
    """
    files = _files(root)
    digest = hashlib.sha256()
    for name in files:
        digest.update(f"{name}\0{file_hash(root / name)}\n".encode())
    target = store / f"code-{digest.hexdigest()[:16]}"
    if not target.is_dir():
        with atomic_path(target) as temporary:
            for name in files:
                copy = temporary / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy)
    os.utime(target)  # the time of the last use
    return target.resolve()


def freeze_config(config: Mapping[str, Any], store: Path) -> Path:
    """Write the config as it was read to ``store/config-HASH.json``; returns that file."""
    text = canonical_json(dict(config))
    target = store / f"config-{text_hash(text)}.json"
    if not target.exists():
        write_text(target, text)
    os.utime(target)
    return target.resolve()


def snakefile(code: Path) -> Path:
    """The Snakefile in a folder made by :func:`freeze_code`."""
    return code / _SNAKEFILE


def prune(store: Path, keep: int = 5) -> None:
    """Remove all but the ``keep`` copies of code that were used last."""
    copies = sorted(store.glob("code-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in copies[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def _files(root: Path) -> list[str]:
    found = []
    for part in _PARTS:
        path = root / part
        paths = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        found += [p.relative_to(root).as_posix() for p in paths if "__pycache__" not in p.parts]
    return found
