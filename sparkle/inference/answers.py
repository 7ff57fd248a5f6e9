"""Answers kept as they come, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sparkle.inference.predictions import Prediction


def read_answers(log: Path) -> dict[str, Prediction]:
    """Answers in a work file by id. The cut last line of a killed run is passed over."""
    found: dict[str, Prediction] = {}
    if log.exists():
        for line in log.read_text(encoding="utf-8", errors="replace").split("\n"):
            try:
                answer = Prediction(**json.loads(line))
            except (json.JSONDecodeError, TypeError):
                continue
            found[answer.id] = answer
    return found


def append_answers(log: Path, batch: Sequence[Prediction]) -> None:
    """Add answers to a work file; each is on disk when this returns."""
    with open(log, "a+b") as handle:
        if handle.tell() and not _ends_with_newline(handle):
            handle.write(b"\n")  # a killed run left half a line: keep ours apart from it
        lines = (json.dumps(asdict(answer), ensure_ascii=True) + "\n" for answer in batch)
        handle.write("".join(lines).encode())
        handle.flush()
        os.fsync(handle.fileno())


def _ends_with_newline(handle: Any) -> bool:
    handle.seek(-1, 2)
    return bool(handle.read(1) == b"\n")
