"""The loss curve from ms-swift's log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from sparkle.errors import SparkleError

COLUMNS = ("step", "epoch", "loss", "token_accuracy", "learning_rate", "seconds")
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
    """One row per logged step: see :data:`COLUMNS`; ``seconds`` is time since the (re)start.

    A reinforcement learning has those of :data:`REWARDS` too, as far as it logs them.

    A resumed run appends to the log, so that steps after the checkpoint stand twice: the last
    entry counts.

    Raises:
        SparkleError: The log is missing or holds no step.
    """
    rows: dict[int, dict[str, Any]] = {}
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        entry = _parse(line)
        if entry is not None and "loss" in entry and "global_step/max_steps" in entry:
            step = int(str(entry["global_step/max_steps"]).split("/")[0])
            rows[step] = {
                "step": step,
                "epoch": float(entry.get("epoch", "nan")),
                "loss": float(entry["loss"]),
                "token_accuracy": float(entry.get("token_acc", "nan")),
                "learning_rate": float(entry.get("learning_rate", "nan")),
                "seconds": _seconds(str(entry.get("elapsed_time", ""))),
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
