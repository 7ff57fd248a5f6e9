"""Shortest path problem: a way through a grid graph, scored by walking it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sparkle.scenes.grid import MOVES, GridScene, shortest_path
from sparkle.scenes.randomness import Rng
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
    "weighted moves": Phrasing(
        train=(
            "The number on each line is its length. Find a shortest path from the green node {a}"
            " to the red node {b}. List the moves: up, down, left or right.",
        ),
        heldout=(
            "Lines are as long as the numbers on them say. Which moves (up, down, left, right) make"
            " the shortest way from {a}, in green, to {b}, in red?",
        ),
    ),
    "weighted labels": Phrasing(
        train=(
            "The number on each line is its length. Find a shortest path from the green node {a}"
            " to the red node {b}. List the labels of all nodes on it, both ends included.",
        ),
        heldout=(
            "Lines are as long as the numbers on them say. Name in order the nodes of the shortest"
            " way from {a}, in green, to {b}, in red.",
        ),
    ),
}
_REASON = "Reason step by step, then give the list in \\boxed{}."


class SppOptions(TaskOptions):
    size: int = Field(4, ge=2, le=8, description="Nodes along one side of the grid.")
    missing_edges: int = Field(0, ge=0, description="Edges removed; the grid stays connected.")
    min_hops: int = Field(2, ge=1, description="Least number of moves between start and end.")
    max_length: int = Field(
        1, ge=1, le=99,
        description="Longest edge. Above 1, each edge has a length from 1 to this, drawn on it.",
    )  # fmt: skip
    answer: Literal["moves", "labels"] = Field("moves", description="What to list.")
    reasoning: bool = Field(
        False, description="Ask for a reasoning trace before the list, and train on one."
    )


class Spp(Task):
    """A shortest path between two nodes of an n x n grid graph."""

    name = "spp"
    version = 2
    summary = "shortest path through a grid"
    parser_version = 3
    family = "grid"
    measures = {"valid": "rate", "exact_match": "rate", "optimality_gap": "mean"}
    Options = SppOptions

    def scene_spec(self, discs: DiscSpec, options: SppOptions) -> GridSpec:
        return GridSpec(
            size=options.size,
            missing_edges=options.missing_edges,
            min_hops=options.min_hops,
            max_length=options.max_length,
        )

    def training_questions(
        self, scene: GridScene, rng: Rng, asking: Asking, options: SppOptions
    ) -> list[Question]:
        kind = f"weighted {options.answer}" if scene.weights else options.answer
        prompt = _PHRASES[kind].pick(rng, asking.phrases, a=f"N{scene.start}", b=f"N{scene.end}")
        path = shortest_path(scene)
        target = answer = _write(path, scene, options.answer)
        if options.reasoning:
            prompt = f"{prompt} {_REASON}"
            answer = f"{_trace(path, scene)} \\boxed{{{target}}}"
        length = scene.path_length(path)
        return [
            Question(
                self.name, options.answer, "open", prompt, answer, target,
                subject={"length": length}, difficulty=float(len(path) - 1),
            )
        ]  # fmt: skip

    def evaluation_question(
        self, scene: GridScene, rng: Rng, asking: Asking, options: SppOptions
    ) -> Question | None:
        return self.training_questions(scene, rng, asking, options)[0]

    def solve(self, question: Question, scene: GridScene) -> str:
        import networkx as nx  # late: see GridScene.graph

        # networkx here, our own search for the label: two ways to the same length.
        path = nx.dijkstra_path(scene.graph(), scene.start, scene.end)
        return _write(path, scene, question.kind)

    def chance(self, question: Question, scene: GridScene, rng: Rng) -> str:
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
        best = int(question.subject["length"])
        length = scene.path_length(path) if valid and path is not None else None
        gap = None if length is None else (length - best) / best
        correct = gap == 0
        return Score(
            correct,
            {
                "valid": float(valid),
                "optimality_gap": gap,
                "exact_match": float(parsed == question.target),
            },
        )


def _trace(path: list[int], scene: GridScene) -> str:
    """The path step by step: each move, where it leads, and the length so far."""
    moves = _write(path, scene, "moves").split(", ")
    (x0, y0), (x1, y1) = scene.position(scene.start), scene.position(scene.end)
    steps = [
        f"N{scene.start} is in column {x0 + 1}, row {y0 + 1}; N{scene.end} is in column {x1 + 1},"
        f" row {y1 + 1}."
    ]
    for i, move in enumerate(moves, 1):
        steps.append(
            f"From N{path[i - 1]} {move} to N{path[i]}, length {scene.path_length(path[: i + 1])}."
        )
    return " ".join(steps)


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
        size, path = scene.size, [scene.start]
        column, row = scene.position(scene.start)
        for move in items:
            dx, dy = MOVES[move]
            column, row = column + dx, row + dy
            if not (0 <= column < size and 0 <= row < size):
                return None
            path.append(size * column + row + 1)
    return path if scene.path_length(path) is not None else None


TASK = Spp()
