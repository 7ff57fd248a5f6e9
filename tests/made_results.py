"""A small results folder, made with the real tasks, for the tests of figures and report."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.settings import SourceSettings, TaskUse
from sparkle.datasets.synthesis import make_item, make_row, question_to_row
from sparkle.rendering.draw import RenderSpec
from sparkle.reporting import read_material, write_report
from sparkle.reporting.material import Material
from sparkle.reporting.matrix import COLUMNS
from sparkle.scenes.spec import DiscSpec, scene_hash
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

DISCS = DiscSpec(objects=3, distractors=2, radius=1.1, spacing=3.0, decimals=2)
ATTACK = '<script>alert("x")</script><img src=http://evil.example/a.png>'
SETS = {"direction": "direction", "distance": "distance", "spp_4x4": "spp", "tsp": "tsp"}
SCORES = pa.schema(
    [*SCORE_SCHEMA, *((n, pa.float64()) for n in ("valid", "optimality_gap", "exact_match"))]
)
# Chance that a run works the answer out; otherwise it guesses.
SKILLS = {
    ("tiny", "none"): {},
    ("tiny", "direction"): {"direction": 0.95},
    ("tiny", "full"): {"direction": 0.9, "distance": 0.8, "spp": 0.3, "tsp": 0.1},
}


@dataclass(frozen=True)
class Results:
    """Where the made-up results lie, as the arguments of the reporting functions."""

    matrix_csv: Path
    scores: dict[tuple[str, str, int], dict[str, Path]]
    evaluation_sets: dict[str, Path]
    training_csvs: dict[str, Path]

    def material(self, **changes: Any) -> Material:
        arguments: dict[str, Any] = {"scores": self.scores, "training_csvs": self.training_csvs}
        return read_material(self.matrix_csv, **{**arguments, **changes})

    def report(self, path: Path, **changes: Any) -> str:
        read = {key: changes.pop(key) for key in ("training_csvs", "scores") if key in changes}
        arguments: dict[str, Any] = {
            "material": self.material(**read), "scores": read.get("scores", self.scores),
            "path": path, "title": "A trial", "evaluation_sets": self.evaluation_sets,
            "config_yaml": "seed: 1\nnote: <b>bold</b>\n",
        }  # fmt: skip
        write_report(**{**arguments, **changes})
        return path.read_text()


def wilson(right: int, n: int) -> tuple[float, float]:
    share, z = right / n, 1.96
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def make_results(
    folder: Path,
    *,
    skills: dict[tuple[str, str], dict[str, float]] = SKILLS,
    sets: dict[str, str] = SETS,
    images: int = 40,
    seeds: tuple[int, ...] = (1, 2),
) -> Results:
    """Ask the real tasks, answer with ``solve`` or ``chance``, and write all tables."""
    sources = {name: _source(name, task, images) for name, task in sets.items()}
    datasets = {name: _write_items(folder, name, source) for name, source in sources.items()}
    rows: list[dict[str, Any]] = []
    scores: dict[tuple[str, str, int], dict[str, Path]] = {}
    references = {("oracle", "none"): dict.fromkeys(sets.values(), 1.0), ("chance", "none"): {}}
    for (model, train_set), skill in {**skills, **references}.items():
        for seed in (0,) if train_set == "none" else seeds:
            for name, source in sources.items():
                answers = _answers(source, skill, (model, train_set, seed))
                rows += _metrics(answers, (model, train_set, seed, name, sets[name]))
                if model not in ("oracle", "chance"):
                    path = folder / "scores" / model / train_set / f"seed{seed}" / f"{name}.parquet"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    pq.write_table(pa.Table.from_pylist(answers, schema=SCORES), path)
                    scores.setdefault((model, train_set, seed), {})[name] = path
    matrix = write_table(folder / "tables" / "matrix.csv", rows)
    logs = {
        f"{model}/{train_set}/seed{seed}": _write_log(folder, model, train_set, seed)
        for model, train_set in skills if train_set != "none" for seed in seeds
    }  # fmt: skip
    return Results(matrix, scores, datasets, logs)


def _source(name: str, task: str, images: int) -> SourceSettings:
    options = get_task(task).Options()
    return SourceSettings(
        source=name, role="evaluation", seed=1, images=images, images_per_shard=images,
        scene=get_task(task).scene_spec(DISCS, options), render=RenderSpec(size=80),
        asking=Asking.model_validate({"form": "choice"}), tasks=(TaskUse(name=task, version=1),),
    )  # fmt: skip


def _write_items(folder: Path, name: str, source: SourceSettings) -> Path:
    rows = []
    for index in range(source.images):
        row = make_row(source, index)
        (question,) = row.pop("questions")
        rows.append({"id": f"{name}/{row.pop('index'):06d}", **row, **question})
    path = folder / "data" / "evaluation" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=EVALUATION_SCHEMA), path)
    return path


def _answers(
    source: SourceSettings, skill: dict[str, float], run: tuple[str, str, int]
) -> list[dict[str, Any]]:
    rng = np.random.default_rng([*"/".join(map(str, run)).encode(), len(source.source)])
    task = get_task(source.tasks[0].name)
    rows = []
    for index in range(source.images):
        scene, (question,) = make_item(source, index)
        knows = rng.random() < skill.get(task.name, 0.0)
        response = task.solve(question, scene) if knows else task.chance(question, scene, rng)
        if run[:2] == ("tiny", "none") and index % 3 == 0:
            response = ATTACK
        parsed = task.parse(response, question)
        score = task.score(parsed, question, scene)
        shown = question_to_row(question)
        rows.append({
            "id": f"{source.source}/{index:06d}", "response": response, "parsed": parsed,
            "is_parsed": parsed is not None, "correct": score.correct,
            "task_version": task.version, "parser_version": task.parser_version,
            "scene_hash": scene_hash(scene), "subject": shown["subject"],
            "prompt_hash": f"p{index}", "dataset_hash": f"data-{source.source}",
            **{key: shown[key] for key in ("task", "kind", "form", "difficulty", "target")},
            **{key: score.extras.get(key) for key in ("valid", "optimality_gap", "exact_match")},
        })  # fmt: skip
    return rows


def _metrics(
    answers: list[dict[str, Any]], run: tuple[str, str, int, str, str]
) -> list[dict[str, Any]]:
    n = len(answers)
    right = sum(row["correct"] for row in answers)
    read = sum(row["is_parsed"] for row in answers)
    counts = {"accuracy": (right, n), "parse_rate": (read, n), "accuracy_parsed": (right, read)}
    if run[-1] in ("spp", "tsp"):
        counts["valid_rate"] = (int(sum(row["valid"] for row in answers)), n)
    rows = [metric_row(run, name, a / b, *wilson(a, b), b) for name, (a, b) in counts.items() if b]
    gaps = [row["optimality_gap"] for row in answers if row["optimality_gap"] is not None]
    if gaps:
        rows.append(
            metric_row(run, "mean_optimality_gap", sum(gaps) / len(gaps), "", "", len(gaps))
        )
    return rows


def metric_row(run: tuple[str, str, int, str, str], metric: str, *numbers: Any) -> dict[str, Any]:
    return dict(zip(COLUMNS, (*run, metric, *numbers), strict=True))


def _write_log(folder: Path, model: str, train_set: str, seed: int) -> Path:
    rng = np.random.default_rng([seed, *train_set.encode()])
    rows = [
        {"step": step, "loss": 3 * math.exp(-step / 300) + 0.2 + 0.1 * rng.random(), "epoch": 0}
        for step in range(0, 1000, 10)
    ]
    path = folder / "models" / model / train_set / f"seed{seed}" / "training.csv"
    return write_table(path, rows, ("step", "loss", "epoch"))


def write_table(path: Path, rows: list[dict[str, Any]], columns: Any = COLUMNS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def accuracy_row(model: str, train_set: str, seed: int, right: int, n: int = 200) -> dict[str, Any]:
    run = (model, train_set, seed, "direction", "direction")
    return metric_row(run, "accuracy", right / n, *wilson(right, n), n)
