"""Travelling salesman problem: a shortest route over all objects, scored against the optimum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import permutations
from typing import Literal

import numpy as np
from pydantic import Field

from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.names import called, is_colour
from sparkle.scenes.randomness import Rng
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks.base import Asking, Phrasing, Question, Score, Task, TaskOptions
from sparkle.tasks.direction import names_of
from sparkle.tasks.parsing import parse_labels, parse_names

Variant = Literal["fixed_start", "free", "closed"]

_PHRASES: dict[str, Phrasing] = {
    "fixed_start": Phrasing(
        train=(
            "Start at {a} and visit all of {names} once, by the shortest route."
            " List the {what} in order.",
        ),
        heldout=("Beginning with {a}, in which order is the route through {names} shortest?",),
    ),
    "free": Phrasing(
        train=("Visit all of {names} once, by the shortest route. List the {what} in order.",),
        heldout=("In which order is the route through {names} shortest, from any start?",),
    ),
    "closed": Phrasing(
        train=(
            "Start at {a}, visit all of {names} once and return to {a}, by the shortest route."
            " List the {what} in order.",
        ),
        heldout=("Give the shortest round trip through {names}, starting and ending at {a}.",),
    ),
}
_TOLERANCE = 1e-9
"""Relative length by which a route may exceed the optimum and still tie with it."""
_MOST_BY_FORCE = 7
"""Objects up to which looking at all orders is faster than dynamic programming."""


class TspOptions(TaskOptions):
    objects: int = Field(5, ge=3, le=12, description="Objects to visit.")
    spacing: float | None = Field(
        None, gt=0.0, le=90.0,
        description="Least distance between two objects; by default `scenes.spacing`. More than"
        " seven objects need less than the published 3.0.",
    )  # fmt: skip
    radius: float | None = Field(
        None, gt=0.0, le=20.0, description="Radius of a disc; by default `scenes.radius`."
    )
    variant: Variant = Field("fixed_start", description="Open path, free path or closed tour.")


class Tsp(Task):
    """A shortest route through labelled discs."""

    name = "tsp"
    summary = "shortest route over all objects"
    version = 2
    parser_version = 3
    family = "tour"
    measures = {"valid": "rate", "exact_match": "rate", "optimality_gap": "mean"}
    Options = TspOptions

    def scene_spec(self, discs: DiscSpec, options: TspOptions) -> DiscSpec:
        own = {"spacing": options.spacing, "radius": options.radius}
        changes = {key: value for key, value in own.items() if value is not None}
        fixed = {"objects": options.objects, "distractors": 0, "labels": None}
        return discs.model_copy(update={**changes, **fixed})

    def training_questions(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: TspOptions
    ) -> list[Question]:
        start = scene.basic[int(rng.integers(len(scene.basic)))].label
        what = "colours" if is_colour(start) else "labels"
        prompt = _PHRASES[options.variant].pick(
            rng, asking.phrases, a=called(start), names=names_of(scene), what=what
        )
        route, gap = best_and_next(scene, options.variant, start)
        answer = ", ".join(route)
        return [
            Question(
                self.name,
                options.variant,
                "open",
                prompt,
                answer,
                answer,
                subject={"start": start, "length": round(route_length(scene, route), 9)},
                difficulty=gap,
            )
        ]

    def evaluation_question(
        self, scene: DiscScene, rng: Rng, asking: Asking, options: TspOptions
    ) -> Question | None:
        return self.training_questions(scene, rng, asking, options)[0]

    def solve(self, question: Question, scene: DiscScene) -> str:
        return ", ".join(best_route(scene, question.kind, question.subject["start"]))

    def chance(self, question: Question, scene: DiscScene, rng: Rng) -> str:
        """A random order of the objects, with the required start (and return)."""
        start = question.subject["start"]
        labels = [disc.label for disc in scene.basic]
        if question.kind != "free":
            labels.remove(start)
        order = [labels[i] for i in rng.permutation(len(labels))]
        head = [] if question.kind == "free" else [start]
        back = [start] if question.kind == "closed" else []
        return ", ".join(head + order + back)

    def parse(self, answer: str, question: Question) -> str | None:
        by_colour = is_colour(question.subject["start"])
        return ", ".join((parse_names if by_colour else parse_labels)(answer)) or None

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        route = [] if parsed is None else parsed.split(", ")
        start = question.subject["start"]
        if question.kind == "closed" and len(route) == len(scene.basic):
            route = [*route, route[0]]  # "N1, N3, N2" is the same round trip as with its return.
        valid = _covers(route, question.kind, start, scene)
        # The length of the exact optimum, found when the question was made and kept to nine
        # decimals, far finer than the tolerance.
        best = question.subject.get("length")
        if best is None:
            best = route_length(scene, best_route(scene, question.kind, start))
        gap = route_length(scene, route) / best - 1.0 if valid else None
        return Score(
            gap is not None and gap <= _TOLERANCE,
            {
                "valid": float(valid),
                "optimality_gap": gap if gap is None or gap > _TOLERANCE else 0.0,
                "exact_match": float(parsed == question.target),
            },
        )


def _covers(route: list[str], variant: str, start: str, scene: DiscScene) -> bool:
    if not route or (variant != "free" and route[0] != start):
        return False
    if variant == "closed":
        if len(route) < 2 or route[-1] != start:
            return False
        route = route[:-1]
    return sorted(route) == sorted(disc.label for disc in scene.basic)


def route_length(scene: DiscScene, route: list[str]) -> float:
    """Length of a route through the labelled discs, in canvas units."""
    stops = [scene.find(label) for label in route]
    return sum(distance(a, b) for a, b in zip(stops, stops[1:], strict=False))


def best_route(scene: DiscScene, variant: str, start: str) -> list[str]:
    """An exact optimum: of all orders up to seven objects, by dynamic programming beyond."""
    return best_and_next(scene, variant, start)[0]


def best_and_next(scene: DiscScene, variant: str, start: str) -> tuple[list[str], float | None]:
    """An exact optimum, and how much longer the next best route is, as a share of it.

    Routes that tie with the optimum do not count as the next; None if all routes tie.
    """
    labels = [disc.label for disc in scene.basic]
    if variant != "free":
        labels = [start] + [label for label in labels if label != start]
    discs = [scene.find(label) for label in labels]
    gaps = np.array([[distance(a, b) for b in discs] for a in discs])
    solve = _best_of_all if len(labels) <= _MOST_BY_FORCE else _held_karp
    order, best, after = solve(gaps, variant)
    route = [labels[i] for i in order]
    gap = round(after / best - 1.0, 9) if math.isfinite(after) else None
    return [*route, start] if variant == "closed" else route, gap


_Found = tuple[Sequence[int], float, float]
"""An optimal order, its length, and the next length (infinite if there is none)."""


def _best_of_all(gaps: np.ndarray, variant: str) -> _Found:
    orders, steps = _orders(len(gaps), variant)
    lengths = gaps.ravel()[steps].sum(axis=1)
    place = int(lengths.argmin())
    order: list[int] = orders[place].tolist()
    best = float(lengths[place])
    return order, best, _next(lengths, best)


def _next(lengths: np.ndarray, best: float) -> float:
    """The least length that does not tie with the best."""
    longer = lengths[lengths > best * (1.0 + _TOLERANCE)]
    return float(longer.min()) if len(longer) else math.inf


@lru_cache(maxsize=64)
def _orders(count: int, variant: str) -> tuple[np.ndarray, np.ndarray]:
    """All orders (orders, count), and their steps as flat indices into the distances.

    Free paths run both ways, so only one of the two is listed.
    """
    found = [
        order
        for order in permutations(range(count))
        if (order[0] < order[-1] if variant == "free" else order[0] == 0)
    ]
    orders = np.array(found)
    after = np.roll(orders, -1, axis=1)
    steps = orders * count + after
    return orders, steps if variant == "closed" else steps[:, :-1]


def _held_karp(gaps: np.ndarray, variant: str) -> _Found:
    """Dynamic programming over subsets (Held and Karp, 1962), all subsets of a size at once.

    Beside the least length of each subset and last object it keeps the next one: the next best
    route of all continues a part that is itself best or next. O(2**n n**2) in the number of
    objects: fine to the 12 that the options admit.
    """
    count, least = len(gaps), _TOLERANCE * float(gaps.max())
    cost = np.full((1 << count, count), np.inf)
    runner_up = cost.copy()
    starts = range(count) if variant == "free" else (0,)
    for i in starts:
        cost[1 << i, i] = 0.0
    for subsets in _subsets_by_size(count)[2:]:
        for last in range(count):
            ending = subsets[subsets >> last & 1 == 1]
            rest = ending ^ (1 << last)
            before = cost[rest] + gaps[:, last]
            best = before.min(axis=1)
            cost[ending, last] = best
            np.copyto(before, np.inf, where=before <= best[:, None] + least)
            np.minimum(before, runner_up[rest] + gaps[:, last], out=before)
            runner_up[ending, last] = before.min(axis=1)
    subset = (1 << count) - 1
    back = gaps[:, 0] if variant == "closed" else 0.0
    whole = cost[subset] + back
    order = [int(whole.argmin())]
    shortest = float(whole.min())
    after = _next(np.concatenate((whole, runner_up[subset] + back)), shortest)
    while subset & (subset - 1):
        subset ^= 1 << order[-1]
        order.append(int((cost[subset] + gaps[:, order[-1]]).argmin()))
    return order[::-1], shortest, after


@lru_cache(maxsize=16)
def _subsets_by_size(count: int) -> list[np.ndarray]:
    """All subsets of ``count`` objects as bit masks, in one array per number of members."""
    masks = np.arange(1 << count)
    sizes = (masks[:, None] >> np.arange(count) & 1).sum(axis=1)
    return [masks[sizes == size] for size in range(count + 1)]


TASK = Tsp()
