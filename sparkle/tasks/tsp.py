"""Travelling salesman problem: a shortest route over all objects, scored against the optimum."""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
from pydantic import Field

from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks.base import Asking, Phrasing, Question, Score, Task, TaskOptions
from sparkle.tasks.direction import names_of
from sparkle.tasks.parsing import parse_labels

Variant = Literal["fixed_start", "free", "closed"]

_PHRASES: dict[str, Phrasing] = {
    "fixed_start": Phrasing(
        train=(
            "Start at {a} and visit all of {names} once, by the shortest route."
            " List the labels in order.",
        ),
        heldout=("Beginning with {a}, in which order is the route through {names} shortest?",),
    ),
    "free": Phrasing(
        train=("Visit all of {names} once, by the shortest route. List the labels in order.",),
        heldout=("In which order is the route through {names} shortest, from any start?",),
    ),
    "closed": Phrasing(
        train=(
            "Start at {a}, visit all of {names} once and return to {a}, by the shortest route."
            " List the labels in order.",
        ),
        heldout=("Give the shortest round trip through {names}, starting and ending at {a}.",),
    ),
}
_TOLERANCE = 1e-9
"""Relative length by which a route may exceed the optimum and still tie with it."""


class TspOptions(TaskOptions):
    objects: int = Field(5, ge=3, le=12, description="Objects to visit.")
    variant: Variant = Field("fixed_start", description="Open path, free path or closed tour.")


class Tsp(Task):
    """A shortest route through labelled discs."""

    name = "tsp"
    summary = "shortest route over all objects"
    parser_version = 2
    family = "tour"
    measures = {"valid": "rate", "exact_match": "rate", "optimality_gap": "mean"}
    Options = TspOptions

    def scene_spec(self, discs: DiscSpec, options: TspOptions) -> DiscSpec:
        return discs.model_copy(
            update={"objects": options.objects, "distractors": 0, "labels": None}
        )

    def training_questions(
        self, scene: DiscScene, rng: np.random.Generator, asking: Asking, options: TspOptions
    ) -> list[Question]:
        start = scene.basic[int(rng.integers(len(scene.basic)))].label
        prompt = _PHRASES[options.variant].pick(rng, asking.phrases, a=start, names=names_of(scene))
        route = best_route(scene, options.variant, start)
        answer = ", ".join(route)
        subject = {"start": start, "length": round(route_length(scene, route), 9)}
        return [
            Question(self.name, options.variant, "open", prompt, answer, answer, subject=subject)
        ]

    def evaluation_question(
        self, scene: DiscScene, rng: np.random.Generator, asking: Asking, options: TspOptions
    ) -> Question | None:
        return self.training_questions(scene, rng, asking, options)[0]

    def solve(self, question: Question, scene: DiscScene) -> str:
        return ", ".join(best_route(scene, question.kind, question.subject["start"]))

    def chance(self, question: Question, scene: DiscScene, rng: np.random.Generator) -> str:
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
        return ", ".join(parse_labels(answer)) or None

    def score(self, parsed: str | None, question: Question, scene: DiscScene) -> Score:
        route = [] if parsed is None else parsed.split(", ")
        start = question.subject["start"]
        if question.kind == "closed" and len(route) == len(scene.basic):
            route = [*route, route[0]]  # "N1, N3, N2" is the same round trip as with its return.
        valid = _covers(route, question.kind, start, scene)
        # The length of the exact optimum, found when the question was made. It is kept to nine
        # decimals, far finer than the tolerance.
        best = float(question.subject["length"])
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
    """An exact optimum by dynamic programming over subsets (Held and Karp, 1962).

    O(2**n n**2) in the number of objects: fine to the 12 that the options admit.
    """
    labels = [disc.label for disc in scene.basic]
    if variant != "free":
        labels = [start] + [label for label in labels if label != start]
    discs = [scene.find(label) for label in labels]
    gaps = np.array([[distance(a, b) for b in discs] for a in discs])
    count = len(labels)
    starts = range(count) if variant == "free" else (0,)
    cost: dict[tuple[int, int], tuple[float, int]] = {(1 << i, i): (0.0, -1) for i in starts}
    for size in range(2, count + 1):
        for members in itertools.combinations(range(count), size):
            subset = sum(1 << i for i in members)
            for last in members:
                rest = subset ^ (1 << last)
                ways = [(cost[rest, i][0] + gaps[i, last], i) for i in members if (rest, i) in cost]
                if ways:
                    cost[subset, last] = min(ways)
    whole = (1 << count) - 1
    back = gaps[:, 0] if variant == "closed" else np.zeros(count)
    ends = [(cost[whole, i][0] + back[i], i) for i in range(count) if (whole, i) in cost]
    last, subset, order = min(ends)[1], whole, []
    while last >= 0:
        order.append(last)
        subset, last = subset ^ (1 << last), cost[subset, last][1]
    route = [labels[i] for i in reversed(order)]
    return [*route, start] if variant == "closed" else route


TASK = Tsp()
