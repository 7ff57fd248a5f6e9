"""Training curves: reading ``training.csv`` files and telling from labels whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.reporting.matrix import number, read_csv

_HINT = "Run the training step again; it writes this log."
_SMOOTH_OVER = 40
"""A running mean spans one part in this many of the logged steps."""


@dataclass(frozen=True)
class Curve:
    """Training loss of one run. ``smooth`` is a centred running mean of ``losses``."""

    model: str
    train_set: str
    seed: str
    steps: tuple[float, ...]
    losses: tuple[float, ...]
    smooth: tuple[float, ...]


def read_curves(training_csvs: Mapping[str, Path]) -> list[Curve]:
    """Read the logs; a label ``model/train_set/seed`` names the run, any other stands for itself.

    Raises:
        SparkleError: A log is missing, malformed or holds no finite loss.
    """
    return [_read_curve(label, path) for label, path in training_csvs.items()]


def _read_curve(label: str, path: Path) -> Curve:
    points: list[tuple[float, float]] = []
    for line, row in enumerate(read_csv(path, ("step", "loss"), _HINT), start=2):
        try:
            step, loss = number(row["step"]), number(row["loss"])
        except ValueError as error:
            raise SparkleError(f"{path}, line {line}: {error}.", _HINT) from None
        if step is not None and loss is not None:
            points.append((step, loss))
    if not points:
        raise SparkleError(f"{path} has no row with a finite loss.", _HINT)
    steps, losses = zip(*sorted(points), strict=True)
    model, train_set, seed = split_label(label)
    return Curve(model, train_set, seed, steps, losses, running_mean(losses))


def split_label(label: str) -> tuple[str, str, str]:
    """``(model, train_set, seed)`` of a label; model names may hold slashes themselves."""
    parts = label.rsplit("/", 2)
    if len(parts) != 3:
        return "", label, ""
    return parts[0], parts[1], parts[2].removeprefix("seed").strip("=-_ ")


def running_mean(values: tuple[float, ...]) -> tuple[float, ...]:
    """Centred running mean; the window narrows towards both ends so that no value is made up."""
    half = len(values) // _SMOOTH_OVER // 2
    means = []
    for i in range(len(values)):
        reach = min(half, i, len(values) - 1 - i)
        window = values[i - reach : i + reach + 1]
        means.append(sum(window) / len(window))
    return tuple(means)
