"""The loss curve from ms-swift's log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.errors import SparkleError

COLUMNS = ("step", "epoch", "loss", "token_accuracy", "learning_rate")
REWARDS = {
    "reward": "reward",
    "reward_std": "reward_std",
    "reward_correct": "rewards/SparkleCorrect/mean",
    "reward_valid": "rewards/SparkleValid/mean",
    "reward_format": "rewards/SparkleFormat/mean",
    "kl": "kl",
    "answer_tokens": "completions/mean_length",
}
"""Further columns of a reinforcement learning, and their names in the log."""


def read_curve(log: Path) -> pd.DataFrame:
    """One row per logged step: see :data:`COLUMNS`. No time is among them: see
    :func:`read_times`.

    A reinforcement learning has those of :data:`REWARDS` too, as far as it logs them.

    A resumed run appends to the log, so that steps after the checkpoint stand twice: the last
    entry counts.

    Raises:
        SparkleError: The log is missing or holds no step.
    """
    rows: dict[int, dict[str, Any]] = {}
    for entry in _steps(log):
        step = _step(entry)
        rows[step] = {
            "step": step,
            "epoch": float(entry.get("epoch", "nan")),
            "loss": float(entry["loss"]),
            "token_accuracy": float(entry.get("token_acc", "nan")),
            "learning_rate": float(entry.get("learning_rate", "nan")),
            **{name: float(entry[key]) for name, key in REWARDS.items() if key in entry},
        }
    if not rows:
        raise SparkleError(
            f"The training log {log} is missing or holds no step.",
            "Lower 'training.logging_steps' below the number of updates, or read the step's log.",
        )
    seen = {name for row in rows.values() for name in row}
    columns = [*COLUMNS, *(name for name in REWARDS if name in seen)]
    return pd.DataFrame([rows[step] for step in sorted(rows)], columns=columns)


def read_times(log: Path) -> dict[str, float | None]:
    """Updates, and seconds of training with all restarts, of a log of ms-swift.

    ``steps_per_second`` is that of the last start, from its first logged step to its last; None if
    it logged but one, or all in the same second.
    """
    starts: list[list[tuple[int, float]]] = []
    for entry in _steps(log):
        step, seconds = _step(entry), _seconds(str(entry.get("elapsed_time", "")))
        if not starts or step <= starts[-1][-1][0] or seconds < starts[-1][-1][1]:
            starts.append([])
        starts[-1].append((step, seconds))
    if not starts:
        return {"steps": 0, "seconds": None, "steps_per_second": None}
    (first, begin), (last, end) = starts[-1][0], starts[-1][-1]
    return {
        "steps": last,
        "seconds": sum(start[-1][1] for start in starts),
        "steps_per_second": (last - first) / (end - begin) if end > begin else None,
    }


def _steps(log: Path) -> Iterator[dict[str, Any]]:
    """The entries of a log that tell of a step of the training."""
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        entry = _parse(line)
        if entry is not None and "loss" in entry and "global_step/max_steps" in entry:
            yield entry


def _step(entry: dict[str, Any]) -> int:
    return int(str(entry["global_step/max_steps"]).split("/")[0])


def _parse(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except json.JSONDecodeError:
        return None  # the last line of a killed run may be cut
    return entry if isinstance(entry, dict) else None


def _seconds(text: str) -> float:
    """Seconds in a duration such as ``1h 2m 3s``; NaN when there is none."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = [part for part in text.split() if part and part[-1] in units]
    try:
        total = sum(float(part[:-1]) * units[part[-1]] for part in parts)
    except ValueError:
        return float("nan")
    return total if parts else float("nan")
