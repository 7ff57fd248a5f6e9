"""Scenes of discs: for direction, distance, localization and the salesman's tours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from json.encoder import encode_basestring
from typing import Any, NamedTuple

from sparkle.config.base import Palette
from sparkle.errors import SparkleError
from sparkle.scenes.geometry import CANVAS
from sparkle.scenes.names import DISTRACTOR_COLOURS, PALETTES, rank
from sparkle.scenes.randomness import Rng, item_generator

_TRIES_PER_DISC = 200
_RESTARTS = 200
_TRIALS = 60
_FAILURES_ALLOWED = 1e-3
"""Scenes of a source that may be expected to fail before it is refused beforehand."""
_HINT = (
    "Lower 'scenes.spacing', 'scenes.radius' or the number of objects and distractors, or raise"
    " 'scenes.canvas'."
)


class Disc(NamedTuple):
    """One disc: its name, its centre in canvas units, and whether questions may name it.

    The name is a label (N1, N2, ...), which is drawn on the disc, or its colour.
    """

    label: str
    x: float
    y: float
    basic: bool = True


@dataclass(frozen=True)
class DiscScene:
    """Discs on a square canvas. Coordinates are already rounded to the printed precision."""

    radius: float
    discs: tuple[Disc, ...]
    canvas: float = CANVAS
    """Side of the canvas in its own units."""

    @cached_property
    def basic(self) -> tuple[Disc, ...]:
        """The discs that questions are about (all but the distractors), in order of names."""
        return tuple(sorted([disc for disc in self.discs if disc.basic], key=_rank))

    @cached_property
    def _by_label(self) -> dict[str, Disc]:
        return {disc.label: disc for disc in self.discs}

    @cached_property
    def gaps(self) -> dict[tuple[str, str], float]:
        """Distance of each pair of basic discs by their names, in order of names."""
        return {
            (a.label, b.label): math.hypot(a.x - b.x, a.y - b.y)
            for a, b in combinations(self.basic, 2)
        }

    def find(self, label: str) -> Disc:
        """The disc with that name; ``KeyError`` if there is none."""
        return self._by_label[label]

    def texts(self) -> tuple[str, str]:
        """Canonical JSON (sorted keys, no blanks) of the scene, and of what can be seen of it.

        Neither the order of the discs nor their roles can be seen. The canvas is named where it is
        not the published one.
        """
        found = [
            (disc.label, f"[{encode_basestring(disc.label)},{disc.x!r},{disc.y!r}", disc.basic)
            for disc in self.discs
        ]
        rows = [f"{text},true]" if basic else f"{text},false]" for _, text, basic in found]
        seen = [f"{text}]" for _, text, _ in sorted(found)]
        start = '{"discs":['
        if self.canvas != CANVAS:
            start = f'{{"canvas":{self.canvas!r},"discs":['
        end = f'],"kind":"discs","radius":{self.radius!r}}}'
        return f"{start}{','.join(rows)}{end}", f"{start}{','.join(seen)}{end}"

    @staticmethod
    def from_dict(data: dict[str, Any]) -> DiscScene:
        discs = tuple(Disc(*row) for row in data["discs"])
        return DiscScene(data["radius"], discs, data.get("canvas", CANVAS))


def _rank(disc: Disc) -> int:
    return rank(disc.label)


def distance(a: Disc, b: Disc) -> float:
    """Euclidean distance between two centres, in canvas units, unrounded."""
    return math.hypot(a.x - b.x, a.y - b.y)


def sample_discs(
    rng: Rng,
    *,
    objects: int,
    distractors: int,
    radius: float,
    spacing: float,
    decimals: int,
    labels: int | None = None,
    palette: Palette | None = None,
    canvas: float = CANVAS,
) -> DiscScene:
    """Draw a scene by random sequential placement, bounded and restarted when it jams.

    Args:
        objects: Number of basic discs, which questions name.
        distractors: Number of further discs that no question names.
        radius: Disc radius in canvas units; centres keep that far from the edge.
        spacing: Smallest distance between two centres.
        decimals: Decimals of the coordinates; centres lie on the lattice of that precision.
        labels: Size of the label pool N1..Nk to draw from; by default exactly as many as discs.
        palette: Colours that name the basic discs instead of labels.
        canvas: Side of the canvas.

    Raises:
        SparkleError: The discs do not fit after a bounded number of restarts.
    """
    count = objects + distractors
    if palette is None:
        pool = _labels(max(count, labels or count))
        names = [pool[i] for i in rng.permutation(len(pool))[:count]]
    else:
        names = _colours(rng, objects, distractors, palette)
    lattice = _lattice(count, radius, spacing, decimals, canvas)
    best, scale = 0, lattice.scale
    for _ in range(_RESTARTS):
        points = lattice.attempt(rng)
        if len(points) == count:
            return DiscScene(
                radius,
                tuple(
                    [
                        Disc(names[i], x / scale, y / scale, i < objects)
                        for i, (x, y) in enumerate(points)
                    ]
                ),
                canvas,
            )
        best = max(best, len(points))
    raise SparkleError(
        f"{_no_room(count, spacing, radius, canvas)} held at most {best} in {_RESTARTS} attempts.",
        _HINT,
    )


def check_colours(where: str, *, objects: int, distractors: int, palette: Palette) -> None:
    """Make sure that there are enough colours for all discs; ``where`` begins the message."""
    for wanted, names in ((objects, PALETTES[palette]), (distractors, DISTRACTOR_COLOURS)):
        if wanted > len(names):
            raise SparkleError(
                f"{where}: {wanted} discs cannot be told apart by colour; there are"
                f" {', '.join(names)}.",
                "Ask for fewer objects or distractors, for 'colours: all', or for labels.",
            )


def _colours(rng: Rng, objects: int, distractors: int, palette: Palette) -> list[str]:
    check_colours("scene", objects=objects, distractors=distractors, palette=palette)
    found = []
    for wanted, names in ((objects, PALETTES[palette]), (distractors, DISTRACTOR_COLOURS)):
        found += [names[i] for i in rng.permutation(len(names))[:wanted]]
    return found


@dataclass(frozen=True)
class _Lattice:
    """Where centres may lie, in whole steps of the printed precision."""

    count: int
    scale: int
    low: int
    span: int
    least: int
    """Smallest squared distance between two centres."""

    def attempt(self, rng: Rng) -> list[tuple[int, int]]:
        """Centres of one random sequential placement; fewer than ``count`` if it jams."""
        low, span, least, count, draw = self.low, self.span, self.least, self.count, rng.random
        points: list[tuple[int, int]] = []
        for _ in range(_TRIES_PER_DISC * count):
            x, y = low + int(draw() * span), low + int(draw() * span)
            for px, py in points:
                if (x - px) * (x - px) + (y - py) * (y - py) < least:
                    break
            else:
                points.append((x, y))
                if len(points) == count:
                    break
        return points


@lru_cache(maxsize=16)
def _lattice(count: int, radius: float, spacing: float, decimals: int, canvas: float) -> _Lattice:
    scale = 10**decimals
    low = math.ceil(radius * scale - 1e-9)
    span = math.floor((canvas - radius) * scale + 1e-9) - low + 1
    if span < 1:
        raise SparkleError(
            f"A disc of radius {radius} has no place on the {canvas:g} x {canvas:g} canvas.",
            "Lower 'scenes.radius' or raise 'scenes.canvas'.",
        )
    return _Lattice(count, scale, low, span, math.ceil((spacing * scale) ** 2 - 1e-6))


@lru_cache(maxsize=16)
def _labels(count: int) -> tuple[str, ...]:
    return tuple(f"N{i + 1}" for i in range(count))


def check_room(
    *, count: int, radius: float, spacing: float, decimals: int, scenes: int, canvas: float = CANVAS
) -> None:
    """Make sure, by trial placements, that ``scenes`` scenes of ``count`` discs can be drawn.

    Raises:
        SparkleError: Discs may cover each other, or too few trials succeed; the message says how
            many, and what they held.
    """
    if spacing < 2.0 * radius:
        raise SparkleError(
            f"Discs of radius {radius} whose centres are only {spacing} apart may cover each other"
            " and hide their labels.",
            f"Raise 'scenes.spacing' to {2.0 * radius:g} or more, or lower 'scenes.radius'.",
        )
    lattice = _lattice(count, radius, spacing, decimals, canvas)
    rng = item_generator(0, "room", 0)
    held: list[int] = []
    for _ in range(_TRIALS):
        held.append(len(lattice.attempt(rng)))
        # Two successes off the estimate: luck in so few trials must not let a bad source pass.
        rate = max(0, held.count(count) - 2) / len(held)
        if scenes * (1.0 - rate) ** _RESTARTS < _FAILURES_ALLOWED:
            return
    raise SparkleError(
        f"{_no_room(count, spacing, radius, canvas)} held {sum(held) / len(held):.1f} on average"
        f" and at most {max(held)} in {len(held)} trials; {held.count(count)} held all.",
        _HINT,
    )


def _no_room(count: int, spacing: float, radius: float, canvas: float) -> str:
    return (
        f"No room for {count} discs: spacing {spacing} and radius {radius} on the"
        f" {canvas:g} x {canvas:g} canvas"
    )
