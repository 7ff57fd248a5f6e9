"""Exact solvers beside references that give the same answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import networkx as nx

from benchmarks.common import DISCS, measure
from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.grid import GridScene, shortest_path
from sparkle.scenes.randomness import item_draws
from sparkle.scenes.spec import GridSpec, sample_scene
from sparkle.tasks.tsp import best_route, route_length


def brute_force(scene: DiscScene) -> float:
    """Length of the shortest free path by looking at every order."""
    gaps = [[distance(a, b) for b in scene.basic] for a in scene.basic]
    orders = itertools.permutations(range(len(gaps)))
    return min(sum(gaps[a][b] for a, b in itertools.pairwise(order)) for order in orders)


def held_karp(scene: DiscScene) -> float:
    """The same by the textbook recursion over subsets, in plain Python."""
    gaps = [[distance(a, b) for b in scene.basic] for a in scene.basic]
    count = len(gaps)
    cost = {(1 << i, i): 0.0 for i in range(count)}
    for subset in range(1, 1 << count):
        members = [i for i in range(count) if subset >> i & 1]
        for last in members if len(members) > 1 else []:
            rest = subset ^ (1 << last)
            cost[subset, last] = min(cost[rest, i] + gaps[i][last] for i in members if i != last)
    return min(cost[(1 << count) - 1, last] for last in range(count))


def main() -> None:
    print(f"{'what; reference':58} {'ours':>11} {'reference':>11} {'times faster':>13}")
    for objects, name, reference in (
        (5, "every order, plain Python", brute_force),
        (8, "every order, plain Python", brute_force),
        (12, "Held-Karp, plain Python", held_karp),
    ):
        spec = DISCS.model_copy(update={"objects": objects, "spacing": 1.5})
        scene = sample_scene(spec, item_draws(1, "tsp", objects))
        assert isinstance(scene, DiscScene)
        ours = route_length(scene, best_route(scene, "free", scene.basic[0].label))
        assert math.isclose(ours, reference(scene))
        _compare(
            f"free path over {objects} objects; {name}",
            lambda s=scene: best_route(s, "free", s.basic[0].label),
            lambda s=scene, r=reference: r(s),
            50,
            1,
        )
    for size, longest in ((5, 1), (8, 1), (8, 9)):
        grid = GridSpec(size=size, missing_edges=size, min_hops=size, max_length=longest)
        scene = sample_scene(grid, item_draws(1, "spp", size))
        assert isinstance(scene, GridScene)
        _compare(
            f"path in a {size} x {size} grid, lengths 1..{longest}; networkx",
            lambda s=scene: shortest_path(s),
            lambda s=scene: nx.dijkstra_path(s.graph(), s.start, s.end),
            50,
            20,
        )


def _compare(
    name: str,
    ours: Callable[[], object],
    reference: Callable[[], object],
    times: int,
    reference_times: int,
) -> None:
    found = measure(
        {
            "ours": (lambda: [ours() for _ in range(times)], times),
            "reference": (lambda: [reference() for _ in range(reference_times)], reference_times),
        },
        rounds=5,
    )
    mine, theirs = found["ours"], found["reference"]
    print(f"{name:58} {1e3 * mine:8.3f} ms {1e3 * theirs:8.3f} ms {theirs / mine:13.1f}")
