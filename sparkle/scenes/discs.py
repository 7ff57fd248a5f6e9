"""Scenes of labelled discs: for direction, distance, localization and the salesman's tours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparkle.errors import SparkleError
from sparkle.scenes.geometry import CANVAS

_TRIES_PER_DISC = 200
_RESTARTS = 50


@dataclass(frozen=True)
class Disc:
    """One disc: its label, its centre in canvas units, and whether questions may name it."""

    label: str
    x: float
    y: float
    basic: bool = True


@dataclass(frozen=True)
class DiscScene:
    """Discs on the 10 x 10 canvas. Coordinates are already rounded to the printed precision."""

    radius: float
    discs: tuple[Disc, ...]

    @property
    def basic(self) -> tuple[Disc, ...]:
        """The discs that questions are about (all but the distractors), in label order."""
        return tuple(sorted((d for d in self.discs if d.basic), key=lambda d: label_number(d)))

    def find(self, label: str) -> Disc:
        """The disc with that label; ``KeyError`` if there is none."""
        for disc in self.discs:
            if disc.label == label:
                return disc
        raise KeyError(label)

    def to_dict(self) -> dict[str, Any]:
        discs = [[d.label, d.x, d.y, d.basic] for d in self.discs]
        return {"kind": "discs", "radius": self.radius, "discs": discs}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> DiscScene:
        return DiscScene(data["radius"], tuple(Disc(*row) for row in data["discs"]))


def label_number(disc: Disc) -> int:
    """The number in a label such as N12."""
    return int(disc.label[1:])


def distance(a: Disc, b: Disc) -> float:
    """Euclidean distance between two centres, in canvas units, unrounded."""
    return math.hypot(a.x - b.x, a.y - b.y)


def sample_discs(
    rng: np.random.Generator,
    *,
    objects: int,
    distractors: int,
    radius: float,
    spacing: float,
    decimals: int,
    labels: int | None = None,
) -> DiscScene:
    """Draw a scene by random sequential placement, bounded and restarted when it jams.

    Args:
        objects: Number of basic discs, which questions name.
        distractors: Number of further discs that no question names.
        radius: Disc radius in canvas units; centres keep that far from the edge.
        spacing: Smallest distance between two centres.
        decimals: Decimals to which coordinates are rounded before anything uses them.
        labels: Size of the label pool N1..Nk to draw from; by default exactly as many as discs.

    Raises:
        SparkleError: The discs do not fit after a bounded number of restarts.
    """
    count = objects + distractors
    points = _place(rng, count, radius, spacing, decimals)
    pool = max(count, labels or count)
    numbers = rng.permutation(pool)[:count] + 1
    discs = tuple(
        Disc(f"N{number}", x, y, basic=i < objects)
        for i, (number, (x, y)) in enumerate(zip(numbers, points, strict=True))
    )
    return DiscScene(radius, discs)


def _place(
    rng: np.random.Generator, count: int, radius: float, spacing: float, decimals: int
) -> list[tuple[float, float]]:
    best = 0
    for _ in range(_RESTARTS):
        points: list[tuple[float, float]] = []
        for _ in range(_TRIES_PER_DISC * count):
            x, y = (round(float(v), decimals) for v in rng.uniform(radius, CANVAS - radius, 2))
            if all(math.hypot(x - px, y - py) >= spacing for px, py in points):
                points.append((x, y))
                if len(points) == count:
                    return points
        best = max(best, len(points))
    raise SparkleError(
        f"No room for {count} discs: spacing {spacing} and radius {radius} on the"
        f" {CANVAS:g} x {CANVAS:g} canvas held at most {best} in {_RESTARTS} attempts.",
        "Lower 'scenes.spacing', 'scenes.radius' or the number of objects and distractors.",
    )
