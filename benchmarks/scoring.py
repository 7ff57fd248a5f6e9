"""Scoring: many predictions of mixed tasks, and one answer beside networkx listing all optima.

``SPARKLE_BENCHMARK_PREDICTIONS`` is the number of predictions (100,000 if not set).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.common import measure, source
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.synthesis import make_item
from sparkle.files import canonical_json
from sparkle.inference.predictions import PREDICTION_SCHEMA
from sparkle.scenes.grid import GridScene
from sparkle.scenes.spec import scene_hash, scene_to_json
from sparkle.scoring.score import score
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking, Question

PREDICTIONS = 100_000
_SCENES = 300
"""Different scenes and questions of each task; the answers to them all differ."""
_BATCH = 50_000
_TASKS: tuple[tuple[str, dict[str, Any], Asking], ...] = (
    ("direction", {}, Asking(form="choice")),
    ("distance", {}, Asking(form="choice")),
    ("localization", {}, Asking(form="open")),
    ("spp", {"size": 4}, Asking()),
    ("spp", {"size": 5, "max_length": 9, "answer": "labels"}, Asking()),
    ("tsp", {"objects": 5}, Asking()),
)
_WORDS = (
    "{answer}",
    "The answer is {answer}.",
    "Looking at picture {number}, I first find every object and then compare them with each other,"
    " one after the other, until only one possibility is left.\n\nSo the answer is **{answer}**.",
    "Let me think about question {number}. N1 is on the left of N2, and N3 is above both of them,"
    " while the way up and right is blocked.\n\n1. I look at the picture.\n2. I list what I see.\n"
    "3. I decide.\n\nFinal answer: {answer}",
    "I cannot tell what picture {number} shows.",
)
"""Ways of answering; all but the first two differ in every prediction."""


def main() -> None:
    _many(int(os.environ.get("SPARKLE_BENCHMARK_PREDICTIONS", PREDICTIONS)))
    _one()


def _many(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        questions, predictions = Path(folder) / "set.parquet", Path(folder) / "answers.parquet"
        _write(questions, predictions, count)
        start = time.process_time()
        frame = score(predictions, questions, Path(folder) / "scores.parquet")
        seconds = time.process_time() - start
    right = 100 * frame["correct"].mean()
    print(
        f"{count:,} predictions scored: {seconds:.1f} s CPU, {1e6 * seconds / count:.1f} us each;"
        f" {right:.1f} % right, {100 * frame['is_parsed'].mean():.1f} % parsed"
    )


def _write(questions: Path, predictions: Path, count: int) -> None:
    """An evaluation dataset of so many questions, and one answer to each."""
    made = [row for name, options, asking in _TASKS for row in _questions(name, options, asking)]
    with (
        pq.ParquetWriter(questions, EVALUATION_SCHEMA) as asked,
        pq.ParquetWriter(predictions, PREDICTION_SCHEMA) as given,
    ):
        for start in range(0, count, _BATCH):
            numbers = range(start, min(start + _BATCH, count))
            rows = [{**made[i * 7919 % len(made)], "id": f"q/{i:07d}"} for i in numbers]
            answers = [
                {
                    "id": row["id"],
                    "response": _WORDS[i % len(_WORDS)].format(answer=row["answer"], number=i),
                    "prompt_hash": f"{i:016x}",
                }
                for i, row in zip(numbers, rows, strict=True)
            ]
            asked.write_table(pa.Table.from_pylist(rows, schema=EVALUATION_SCHEMA))
            given.write_table(pa.Table.from_pylist(answers, schema=PREDICTION_SCHEMA))


def _questions(name: str, options: dict[str, Any], asking: Asking) -> Iterator[dict[str, Any]]:
    chosen = source("evaluation", (name,), _SCENES, options=options, asking=asking)
    for index in range(_SCENES):
        scene, (question,) = make_item(chosen, index)
        yield {
            **_row(question),
            "image": b"",
            "scene": scene_to_json(scene),
            "scene_hash": scene_hash(scene),
        }


def _row(question: Question) -> dict[str, Any]:
    return {
        **question._asdict(),
        "options": list(question.options),
        "subject": canonical_json(question.subject),
    }


def _one() -> None:
    task = get_task("spp")
    scene, (question,) = make_item(source("evaluation", ("spp",), 10, options={"size": 5}), 0)
    assert isinstance(scene, GridScene)
    graph, times = scene.graph(), 200

    def score_one() -> None:
        for _ in range(times):
            task.score(task.parse(question.answer, question), question, scene)

    def list_all() -> None:
        for _ in range(times):
            list(nx.all_shortest_paths(graph, scene.start, scene.end))

    found = measure({"ours": (score_one, times), "networkx": (list_all, times)})
    print(
        f"parse and score one SPP answer: {1e6 * found['ours']:.1f} us;"
        f" networkx, all shortest paths: {1e6 * found['networkx']:.1f} us"
    )
