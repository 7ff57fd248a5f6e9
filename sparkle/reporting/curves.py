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
    """Loss, or reward, of one run. ``smooth`` is a centred running mean of ``values``."""

    model: str
    train_set: str
    seed: str
    steps: tuple[float, ...]
    values: tuple[float, ...]
    smooth: tuple[float, ...]


def read_curves(training_csvs: Mapping[str, Path], quantity: str = "loss") -> list[Curve]:
    """Read the logs; a label ``model/train_set/seed`` names the run, any other stands for itself.

    Every log has a loss; one that lacks another quantity is passed over.

    Raises:
        SparkleError: A log is missing, malformed or holds no finite loss.
    """
    found = [_read_curve(label, path, quantity) for label, path in training_csvs.items()]
    return [curve for curve in found if curve is not None]


def _read_curve(label: str, path: Path, quantity: str) -> Curve | None:
    points: list[tuple[float, float]] = []
    for line, row in enumerate(read_csv(path, ("step", "loss"), _HINT), start=2):
        try:
            step, value = number(row["step"]), number(row.get(quantity, ""))
        except ValueError as error:
            raise SparkleError(f"{path}, line {line}: {error}.", _HINT) from None
        if step is not None and value is not None:
            points.append((step, value))
    if not points and quantity == "loss":
        raise SparkleError(f"{path} has no row with a finite loss.", _HINT)
    if not points:
        return None
    steps, values = zip(*sorted(points), strict=True)
    model, train_set, seed = split_label(label)
    return Curve(model, train_set, seed, steps, values, running_mean(values))


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
