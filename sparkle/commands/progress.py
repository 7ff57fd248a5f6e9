"""Progress of long steps: everything into the log, a line now and then onto the screen."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sparkle.files import make_folder

_SECONDS_BETWEEN_LINES = 20.0


def reporter(log: Path | None, output: Path) -> Callable[[str], None]:
    """A function that takes lines of output.

    Without ``log`` each line goes to the screen. With it, each line goes to the log and the screen
    shows, at most every 20 seconds, how far the step is, under the last names of ``output``.
    """
    if log is None:
        return lambda line: print(line, flush=True)
    make_folder(log.parent)
    stream = open(log, "a", encoding="utf-8", buffering=1)  # noqa: SIM115 - lives with the process
    label = "/".join(output.parts[-3:])
    shown = time.monotonic()

    def report(line: str) -> None:
        nonlocal shown
        print(line, file=stream)
        text = progress_text(line)
        now = time.monotonic()
        if text is not None and now - shown >= _SECONDS_BETWEEN_LINES:
            shown = now
            print(f"{label}: {text}", file=sys.stderr, flush=True)

    return report


def progress_text(line: str) -> str | None:
    """What a line says about progress: ms-swift's training log, or our own "answered" lines."""
    if line.endswith((" answered", " images")):
        return line
    if not (line.startswith("{") and "global_step/max_steps" in line):
        return None
    try:
        entry = ast.literal_eval(line)
    except (SyntaxError, ValueError):
        return None
    if "loss" not in entry:
        return None
    left = entry.get("remaining_time", "?")
    return f"step {entry['global_step/max_steps']}, loss {entry['loss']}, {left} left"
