"""Scenes of grid graphs, for the shortest path problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

from sparkle.errors import SparkleError

MOVES = {"up": (0, 1), "down": (0, -1), "left": (-1, 0), "right": (1, 0)}
_MAX_ENDPOINT_DRAWS = 1000


@dataclass(frozen=True)
class GridScene:
    """An n x n grid graph with a start and an end node.

    Nodes are numbered column by column from the bottom-left: node ``n * column + row + 1`` has
    the label N1..N(n*n). ``missing`` holds removed edges as sorted pairs of node numbers.
    """

    size: int
    start: int
    end: int
    missing: tuple[tuple[int, int], ...] = ()

    def position(self, node: int) -> tuple[int, int]:
        """(column, row) of a node number, both from 0."""
        return divmod(node - 1, self.size)

    def node_at(self, column: int, row: int) -> int | None:
        """The node number at (column, row), or None outside the grid."""
        if 0 <= column < self.size and 0 <= row < self.size:
            return self.size * column + row + 1
        return None

    def edges(self) -> list[tuple[int, int]]:
        """All edges as sorted pairs of node numbers."""
        found = []
        for node in range(1, self.size**2 + 1):
            column, row = self.position(node)
            for neighbour in (self.node_at(column + 1, row), self.node_at(column, row + 1)):
                if neighbour is not None and (node, neighbour) not in self.missing:
                    found.append((node, neighbour))
        return found

    def graph(self) -> nx.Graph:
        """The grid as a networkx graph over node numbers."""
        graph = nx.Graph()
        graph.add_nodes_from(range(1, self.size**2 + 1))
        graph.add_edges_from(self.edges())
        return graph

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "grid",
            "size": self.size,
            "start": self.start,
            "end": self.end,
            "missing": [list(edge) for edge in self.missing],
        }

    @staticmethod
    def from_dict(data: dict[str, Any]) -> GridScene:
        missing = tuple((int(a), int(b)) for a, b in data["missing"])
        return GridScene(data["size"], data["start"], data["end"], missing)


def sample_grid(
    rng: np.random.Generator, *, size: int, missing_edges: int, min_hops: int
) -> GridScene:
    """Draw a connected grid with ``missing_edges`` removed and endpoints >= ``min_hops`` apart.

    Raises:
        SparkleError: The grid would fall apart, or no two nodes are that far apart.
    """
    full = GridScene(size, 1, 1)
    graph = full.graph()
    removed: list[tuple[int, int]] = []
    edges = full.edges()
    for i in rng.permutation(len(edges)):
        if len(removed) == missing_edges:
            break
        graph.remove_edge(*edges[i])
        if nx.is_connected(graph):
            removed.append(edges[i])
        else:
            graph.add_edge(*edges[i])
    if len(removed) < missing_edges:
        raise SparkleError(
            f"A connected {size} x {size} grid can lose {len(removed)} edges, not {missing_edges}.",
            "Lower the task option 'missing_edges' or raise 'size'.",
        )
    for _ in range(_MAX_ENDPOINT_DRAWS):
        start, end = (int(v) + 1 for v in rng.permutation(size**2)[:2])
        if nx.shortest_path_length(graph, start, end) >= min_hops:
            return GridScene(size, start, end, tuple(sorted(removed)))
    raise SparkleError(
        f"No two nodes of a {size} x {size} grid found {min_hops} or more hops apart.",
        "Lower the task option 'min_hops' or raise 'size'.",
    )
