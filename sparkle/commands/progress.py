"""Progress of long steps: everything into the log, a line now and then onto the screen."""

from __future__ import annotations

import ast
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sparkle.files import make_folder

_SECONDS_BETWEEN_LINES = 20.0


def reporter(log: Path | None, output: Path) -> Callable[[str], None]:
    """A function that takes lines of output.

    Without ``log`` each line goes to the screen. With it, all output of this process, that of
    libraries too, goes to the log, and the screen shows, at most every 20 seconds, how far the
    step is, under the last names of ``output``.
    """
    if log is None:
        return lambda line: print(line, flush=True)
    make_folder(log.parent)
    screen = os.fdopen(os.dup(2), "w", buffering=1)  # kept open as long as the process lives
    _redirect_output(log)
    label = "/".join(output.parts[-3:])
    shown = time.monotonic()

    def report(line: str) -> None:
        nonlocal shown
        print(line, flush=True)
        text = progress_text(line)
        now = time.monotonic()
        if text is not None and now - shown >= _SECONDS_BETWEEN_LINES:
            shown = now
            print(f"{label}: {text}", file=screen)

    return report


def _redirect_output(log: Path) -> None:
    """Let standard output and error of this process, and of its children, go to ``log``."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


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
    # The loss of a reinforcement learning is about zero all the time.
    name = "reward" if "reward" in entry else "loss"
    return f"step {entry['global_step/max_steps']}, {name} {entry[name]}, {left} left"
