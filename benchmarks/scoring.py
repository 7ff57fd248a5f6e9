"""Scoring of one answer beside networkx listing all optima."""

from __future__ import annotations

import networkx as nx

from benchmarks.common import measure, source
from sparkle.datasets.synthesis import make_item
from sparkle.scenes.grid import GridScene
from sparkle.tasks import get_task


def main() -> None:
    task = get_task("spp")
    scene, (question,) = make_item(source("evaluation", ("spp",), 10, options={"size": 5}), 0)
    assert isinstance(scene, GridScene)
    graph, times = scene.graph(), 200

    def score() -> None:
        for _ in range(times):
            task.score(task.parse(question.answer, question), question, scene)

    def list_all() -> None:
        for _ in range(times):
            list(nx.all_shortest_paths(graph, scene.start, scene.end))

    found = measure({"ours": (score, times), "networkx": (list_all, times)})
    print(
        f"parse and score one SPP answer: {1e6 * found['ours']:.1f} us;"
        f" networkx, all shortest paths: {1e6 * found['networkx']:.1f} us"
    )
