"""Scenes of grid graphs, for the shortest path problem."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from sparkle.errors import SparkleError
from sparkle.files import canonical_json, text_hash
from sparkle.scenes.randomness import Rng, two_of

if TYPE_CHECKING:
    import networkx as nx

MOVES = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
_MAX_ENDPOINT_DRAWS = 1000
_MAX_PART_DRAWS = 200

Edge = tuple[int, int]
Part = Literal["training", "evaluation"]


@dataclass(frozen=True)
class GridScene:
    """An n x n grid graph with a start and an end node.

    Nodes are numbered column by column from the bottom-left: node ``n * column + row + 1`` has
    the label N1..N(n*n). ``missing`` holds removed edges as sorted pairs of node numbers.
    ``weights`` holds (node, node, length) for each edge; empty if every edge has length 1.
    """

    size: int
    start: int
    end: int
    missing: tuple[Edge, ...] = ()
    weights: tuple[tuple[int, int, int], ...] = ()

    def position(self, node: int) -> tuple[int, int]:
        """(column, row) of a node number, both from 0."""
        return divmod(node - 1, self.size)

    def node_at(self, column: int, row: int) -> int | None:
        """The node number at (column, row), or None outside the grid."""
        if 0 <= column < self.size and 0 <= row < self.size:
            return self.size * column + row + 1
        return None

    def edges(self) -> list[Edge]:
        """All edges as sorted pairs of node numbers."""
        if not self.missing:
            return list(_all_edges(self.size))
        missing = set(self.missing)
        return [edge for edge in _all_edges(self.size) if edge not in missing]

    @cached_property
    def lengths(self) -> Mapping[Edge, int]:
        """Length of each edge by its sorted pair of node numbers."""
        if self.weights:
            return {(a, b): length for a, b, length in self.weights}
        return _unit_lengths(self.size, self.missing)

    def path_length(self, path: list[int]) -> int | None:
        """Length of a path along the edges, or None when a step follows no edge."""
        lengths, total = self.lengths, 0
        for a, b in pairwise(path):
            step = lengths.get((a, b) if a < b else (b, a))
            if step is None:
                return None
            total += step
        return total

    def graph(self) -> nx.Graph:
        """The grid as a networkx graph over node numbers; lengths as attribute ``weight``."""
        import networkx as nx  # late: every start of Snakemake or a step would wait for it

        graph = nx.Graph()
        graph.add_nodes_from(range(1, self.size**2 + 1))
        graph.add_edges_from(self.edges())
        graph.add_weighted_edges_from(self.weights)
        return graph

    def to_dict(self) -> dict[str, Any]:
        data = {
            "kind": "grid",
            "size": self.size,
            "start": self.start,
            "end": self.end,
            "missing": [list(edge) for edge in self.missing],
        }
        return {**data, "weights": [list(w) for w in self.weights]} if self.weights else data

    def texts(self) -> tuple[str, str]:
        """Canonical JSON (sorted keys, no blanks) of the scene, all of which can be seen."""
        text = canonical_json(self.to_dict())
        return text, text

    @staticmethod
    def from_dict(data: dict[str, Any]) -> GridScene:
        missing = tuple((int(a), int(b)) for a, b in data["missing"])
        weights = tuple((int(a), int(b), int(w)) for a, b, w in data.get("weights", ()))
        return GridScene(data["size"], data["start"], data["end"], missing, weights)


@lru_cache(maxsize=32)
def _all_edges(size: int) -> tuple[Edge, ...]:
    """Edges of the full grid as sorted pairs: from each node to the right and upwards."""
    nodes = range(1, size**2 + 1)
    return tuple(
        edge
        for node in nodes
        for edge in ((node, node + size), (node, node + 1))
        if edge[1] <= size**2 and (edge[1] == node + size or node % size)
    )


@lru_cache(maxsize=64)
def _unit_lengths(size: int, missing: tuple[Edge, ...]) -> Mapping[Edge, int]:
    """Length 1 for each edge of a grid but the missing ones; not to be changed, since shared."""
    gone = set(missing)
    return MappingProxyType({edge: 1 for edge in _all_edges(size) if edge not in gone})


def _neighbours(edges: Mapping[Edge, int]) -> dict[int, list[tuple[int, int]]]:
    """(neighbour, length) of each node that has any, in order of numbers."""
    found: dict[int, list[tuple[int, int]]] = {}
    for (a, b), length in edges.items():
        found.setdefault(a, []).append((b, length))
        found.setdefault(b, []).append((a, length))
    return found


def shortest_paths_from(edges: Mapping[Edge, int], start: int) -> dict[int, tuple[int, int, int]]:
    """(length, steps, node before) of a shortest path to every node that can be reached.

    Dijkstra's algorithm (1959). Of all shortest paths it takes one with the fewest steps.
    """
    neighbours = _neighbours(edges)
    found: dict[int, tuple[int, int, int]] = {}
    waiting = [(0, 0, 0, start)]
    while waiting:
        length, steps, before, node = heapq.heappop(waiting)
        if node in found:
            continue
        found[node] = (length, steps, before)
        for other, step in neighbours.get(node, ()):
            if other not in found:
                heapq.heappush(waiting, (length + step, steps + 1, node, other))
    return found


def shortest_path(scene: GridScene) -> list[int]:
    """Node numbers of one shortest path from start to end."""
    found = shortest_paths_from(scene.lengths, scene.start)
    path = [scene.end]
    while path[-1] != scene.start:
        path.append(found[path[-1]][2])
    return path[::-1]


def part_of(scene: GridScene) -> Part:
    """The part that a grid belongs to where training and evaluation share none: by its hash."""
    return "evaluation" if int(text_hash(scene.texts()[1]), 16) % 4 == 0 else "training"


def sample_grid(
    rng: Rng,
    *,
    size: int,
    missing_edges: int,
    min_hops: int,
    max_length: int = 1,
    part: Part | None = None,
) -> GridScene:
    """Draw a connected grid with ``missing_edges`` removed and endpoints >= ``min_hops`` apart.

    With ``max_length`` above 1, each edge has a length of 1 to that, to be drawn on it. With
    ``part`` it is one of that part, see :func:`part_of`: others are drawn anew.

    Raises:
        SparkleError: The grid would fall apart, no two nodes are that far apart, or no grid of
            the part was found.
    """
    settings = {"size": size, "missing_edges": missing_edges, "min_hops": min_hops}
    for _ in range(_MAX_PART_DRAWS):
        scene = _sample_grid(rng, **settings, max_length=max_length)
        if part is None or part_of(scene) == part:
            return scene
    raise SparkleError(
        f"No {size} x {size} grid of the part for {part} was found in {_MAX_PART_DRAWS} draws.",
        "There are too few such grids to divide: raise 'size' or 'missing_edges', lower 'min_hops',"
        " or set scenes.split_grids to false.",
    )


def _sample_grid(
    rng: Rng, *, size: int, missing_edges: int, min_hops: int, max_length: int
) -> GridScene:
    edges = _remove(rng, size, missing_edges)
    missing = tuple(edge for edge in _all_edges(size) if edge not in edges)
    for _ in range(_MAX_ENDPOINT_DRAWS):
        start, end = (i + 1 for i in two_of(rng, size**2))
        if _hops(edges, size, start, end) >= min_hops:
            break
    else:
        raise SparkleError(
            f"No two nodes of a {size} x {size} grid found {min_hops} or more hops apart.",
            "Lower the task option 'min_hops' or raise 'size'.",
        )
    weights: tuple[tuple[int, int, int], ...] = ()
    if max_length > 1:
        weights = tuple((a, b, 1 + int(rng.random() * max_length)) for a, b in edges)
    return GridScene(size, start, end, missing, weights)


def _remove(rng: Rng, size: int, count: int) -> dict[Edge, int]:
    """The edges of a grid, each of length 1, without ``count`` random ones; connected."""
    edges = dict.fromkeys(_all_edges(size), 1)
    if count == 0:
        return edges
    removed = 0
    for i in rng.permutation(len(edges)):
        edge = _all_edges(size)[i]
        del edges[edge]
        if edge[1] in shortest_paths_from(edges, edge[0]):
            removed += 1
            if removed == count:
                break
        else:
            edges[edge] = 1
    if removed < count:
        raise SparkleError(
            f"A connected {size} x {size} grid can lose {removed} edges, not {count}.",
            "Lower the task option 'missing_edges' or raise 'size'.",
        )
    return {edge: 1 for edge in _all_edges(size) if edge in edges}


def _hops(edges: Mapping[Edge, int], size: int, start: int, end: int) -> int:
    """Fewest steps between two nodes; on a full grid the sum of the two differences."""
    if len(edges) == len(_all_edges(size)):
        (a, b), (c, d) = divmod(start - 1, size), divmod(end - 1, size)
        return abs(a - c) + abs(b - d)
    return shortest_paths_from(edges, start)[end][0]
