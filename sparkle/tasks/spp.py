"""Shortest path problem: a way through a grid graph, scored by walking it."""

from __future__ import annotations

from typing import Literal

import networkx as nx
import numpy as np
from pydantic import Field

from sparkle.scenes.grid import MOVES, GridScene
from sparkle.scenes.spec import DiscSpec, GridSpec
from sparkle.tasks.base import Asking, Phrasing, Question, Score, Task, TaskOptions
from sparkle.tasks.parsing import parse_labels, parse_moves

_PHRASES = {
    "moves": Phrasing(
        train=(
            "Find a shortest path from the green node {a} to the red node {b} along the lines."
            " List the moves: up, down, left or right.",
        ),
        heldout=(
            "Which moves (up, down, left, right) lead from {a}, in green, to {b}, in red,"
            " in as few steps as possible?",
        ),
    ),
    "labels": Phrasing(
        train=(
            "Find a shortest path from the green node {a} to the red node {b} along the lines."
            " List the labels of all nodes on it, both ends included.",
        ),
        heldout=("Name in order the nodes of a shortest path from {a}, in green, to {b}, in red.",),
    ),
}


class SppOptions(TaskOptions):
    size: int = Field(4, ge=2, le=8, description="Nodes along one side of the grid.")
    missing_edges: int = Field(0, ge=0, description="Edges removed; the grid stays connected.")
    min_hops: int = Field(2, ge=1, description="Least number of moves between start and end.")
    answer: Literal["moves", "labels"] = Field("moves", description="What to list.")


class Spp(Task):
    """A shortest path between two nodes of an n x n grid graph."""

    name = "spp"
    summary = "shortest path through a grid"
    parser_version = 2
    family = "grid"
    measures = {"valid": "rate", "exact_match": "rate", "optimality_gap": "mean"}
    Options = SppOptions

    def scene_spec(self, discs: DiscSpec, options: SppOptions) -> GridSpec:
        return GridSpec(
            size=options.size, missing_edges=options.missing_edges, min_hops=options.min_hops
        )

    def training_questions(
        self, scene: GridScene, rng: np.random.Generator, asking: Asking, options: SppOptions
    ) -> list[Question]:
        prompt = _PHRASES[options.answer].pick(
            rng, asking.phrases, a=f"N{scene.start}", b=f"N{scene.end}"
        )
        path = nx.shortest_path(scene.graph(), scene.start, scene.end)
        answer = _write(path, scene, options.answer)
        return [
            Question(
                self.name, options.answer, "open", prompt, answer, answer,
                subject={"hops": len(path) - 1}, difficulty=float(len(path) - 1),
            )
        ]  # fmt: skip

    def evaluation_question(
        self, scene: GridScene, rng: np.random.Generator, asking: Asking, options: SppOptions
    ) -> Question | None:
        return self.training_questions(scene, rng, asking, options)[0]

    def solve(self, question: Question, scene: GridScene) -> str:
        # Dijkstra here, breadth-first search for the label: two ways to the same length.
        path = nx.dijkstra_path(scene.graph(), scene.start, scene.end)
        return _write(path, scene, question.kind)

    def chance(self, question: Question, scene: GridScene, rng: np.random.Generator) -> str:
        """A random walk on the grid, of random length up to the longest shortest path."""
        length = int(rng.integers(1, 2 * scene.size - 1))
        path = [scene.start]
        graph = scene.graph()
        for _ in range(length):
            path.append(int(rng.choice(sorted(graph[path[-1]]))))
        return _write(path, scene, question.kind)

    def parse(self, answer: str, question: Question) -> str | None:
        found = parse_moves(answer) if question.kind == "moves" else parse_labels(answer)
        return ", ".join(found) or None

    def score(self, parsed: str | None, question: Question, scene: GridScene) -> Score:
        path = None if parsed is None else _walk(parsed, scene, question.kind)
        valid = path is not None and path[0] == scene.start and path[-1] == scene.end
        hops = int(question.subject["hops"])
        gap = (len(path) - 1 - hops) / hops if valid and path is not None else None
        correct = gap == 0
        return Score(
            correct,
            {
                "valid": float(valid),
                "optimality_gap": gap,
                "exact_match": float(parsed == question.target),
            },
        )


def _write(path: list[int], scene: GridScene, answer: str) -> str:
    if answer == "labels":
        return ", ".join(f"N{node}" for node in path)
    names = {step: name for name, step in MOVES.items()}
    places = [scene.position(node) for node in path]
    steps = ((b[0] - a[0], b[1] - a[1]) for a, b in zip(places, places[1:], strict=False))
    return ", ".join(names[step] for step in steps)


def _walk(parsed: str, scene: GridScene, answer: str) -> list[int] | None:
    """Node numbers along a parsed answer, or None when a step leaves the graph's edges."""
    items = parsed.split(", ")
    if answer == "labels":
        path = [int(label[1:]) for label in items]
    else:
        path = [scene.start]
        for move in items:
            column, row = scene.position(path[-1])
            dx, dy = MOVES[move]
            node = scene.node_at(column + dx, row + dy)
            if node is None:
                return None
            path.append(node)
    edges = set(scene.edges())
    steps = zip(path, path[1:], strict=False)
    return path if all((min(step), max(step)) in edges for step in steps) else None


TASK = Spp()
