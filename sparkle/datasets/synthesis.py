"""Synthesis: item i of a source -> scene, picture, questions -> Parquet shards."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.shards import (
    SHARD_SCHEMA,
    ShardInfo,
    kept_shard,
    write_job_manifest,
    write_shard,
)
from sparkle.errors import SparkleError
from sparkle.files import canonical_json
from sparkle.rendering import render_png
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import Scene, sample_scene, scene_hash, scene_to_json
from sparkle.tasks import get_task
from sparkle.tasks.base import Question

_MAX_REDRAWS = 500
_QUESTION_FIELDS = tuple(field.name for field in dataclasses.fields(Question))


def make_item(settings: SourceSettings, index: int) -> tuple[Scene, list[Question]]:
    """Scene and questions of item ``index``: a function of the settings and the index only."""
    stream = f"{settings.role}/{settings.source}"
    rng = item_generator(settings.seed, f"{stream}/scene", index)
    if settings.role == "evaluation":
        return _evaluation_item(settings, stream, index, rng)
    scene = sample_scene(settings.scene, rng)
    views = _views(scene, settings.groups, rng)
    questions: list[Question] = []
    for use in settings.tasks:
        task = get_task(use.name)
        task_rng = item_generator(settings.seed, f"{stream}/{use.name}", index)
        options = task.Options(**use.options)
        seen = set()
        for view in views:
            for question in task.training_questions(view, task_rng, settings.asking, options):
                key = (question.kind, question.target, canonical_json(dict(question.subject)))
                if key not in seen:
                    seen.add(key)
                    questions.append(question)
    return scene, questions


def _views(scene: Scene, groups: int, rng: np.random.Generator) -> list[Scene]:
    """The scene as drawn, and ``groups - 1`` more choices of which of its discs are asked about."""
    if not isinstance(scene, DiscScene) or groups == 1:
        return [scene]
    basic = sum(disc.basic for disc in scene.discs)
    views: list[Scene] = [scene]
    for _ in range(groups - 1):
        chosen = set(rng.permutation(len(scene.discs))[:basic].tolist())
        discs = tuple(
            dataclasses.replace(disc, basic=i in chosen) for i, disc in enumerate(scene.discs)
        )
        views.append(DiscScene(scene.radius, discs))
    return views


def _evaluation_item(
    settings: SourceSettings, stream: str, index: int, rng: np.random.Generator
) -> tuple[Scene, list[Question]]:
    (use,) = settings.tasks
    task = get_task(use.name)
    options = task.Options(**use.options)
    for _ in range(_MAX_REDRAWS):
        scene = sample_scene(settings.scene, rng)
        question = task.evaluation_question(scene, rng, settings.asking, options)
        if question is not None:
            return scene, [question]
    raise SparkleError(
        f"Evaluation set '{settings.source}': {_MAX_REDRAWS} scenes in a row were ambiguous under"
        f" the margins of task '{use.name}' ({use.options}).",
        "Lower the margin options of this evaluation set.",
    )


def make_row(settings: SourceSettings, index: int) -> dict[str, Any]:
    """One shard row: index, image bytes, scene as JSON, its hash, and the questions."""
    scene, questions = make_item(settings, index)
    return {
        "index": index,
        "image": render_png(scene, settings.render),
        "scene": scene_to_json(scene),
        "scene_hash": scene_hash(scene),
        "questions": [question_to_row(question) for question in questions],
    }


def question_to_row(question: Question) -> dict[str, Any]:
    """A question as a flat row; its subject becomes JSON text."""
    # Not dataclasses.asdict, which copies deeply and took a third of the time of synthesis.
    row = {name: getattr(question, name) for name in _QUESTION_FIELDS}
    row["options"] = list(question.options)
    row["subject"] = canonical_json(dict(question.subject))
    return row


def synthesize(
    settings: SourceSettings,
    folder: Path,
    *,
    job: int = 0,
    jobs: int = 1,
    report: Callable[[str], None] = print,
) -> list[ShardInfo]:
    """Make every ``jobs``-th shard of a source, from shard ``job`` on, into ``folder``.

    Shards that are already there, made with the same settings and intact, are kept, so an
    interrupted job goes on where it stopped. At the end ``job-JOB.json`` lists the shards.
    """
    count = -(-settings.images // settings.images_per_shard)
    infos = []
    for number in range(job, count, jobs):
        path = folder / f"shard-{number:05d}.parquet"
        info = kept_shard(path, settings.identity())
        if info is None:
            first = number * settings.images_per_shard
            last = min(first + settings.images_per_shard, settings.images)
            rows = [make_row(settings, index) for index in range(first, last)]
            table = pa.Table.from_pylist(rows, schema=SHARD_SCHEMA)
            info = write_shard(path, [table], settings.identity())
        infos.append(info)
        report(f"{settings.source}: shard {number + 1}/{count}, {info.rows} images")
    write_job_manifest(folder, job, settings, infos)
    return infos
