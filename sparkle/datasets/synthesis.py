"""Synthesis: item i of a source -> scene, picture, questions -> Parquet shards."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import pyarrow as pa

from sparkle.datasets.columns import Columns
from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.shards import (
    ShardInfo,
    kept_shard,
    write_job_manifest,
    write_shard,
)
from sparkle.errors import SparkleError
from sparkle.files import canonical_json
from sparkle.rendering import painter
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.randomness import Draws, batch_draws
from sparkle.scenes.spec import Scene, check_scenes, sampler, scene_record
from sparkle.tasks import get_task
from sparkle.tasks.base import Question

_MAX_REDRAWS = 500
_TOGETHER = 25
_BATCH = 500
"""Items drawn together, and rows of a row group: what bounds the memory, whatever the shard."""

Item = tuple[Scene, list[Question]]


def make_item(settings: SourceSettings, index: int) -> Item:
    """Scene and questions of item ``index``: a function of the settings and the index only."""
    return next(make_items(settings, index, 1))


def make_items(settings: SourceSettings, first: int, count: int) -> Iterator[Item]:
    """The items ``first`` to ``first + count - 1``, each the same as from :func:`make_item`."""
    make = _evaluation_items if settings.role == "evaluation" else _training_items
    for start in range(first, first + count, _BATCH):
        yield from make(settings, start, min(_BATCH, first + count - start))


def _draws(settings: SourceSettings, purpose: str, first: int, count: int) -> Iterator[Draws]:
    stream = f"{settings.role}/{settings.stream or settings.source}/{purpose}"
    return batch_draws(settings.seed, stream, first, count)


def _training_items(settings: SourceSettings, first: int, count: int) -> Iterator[Item]:
    sample = sampler(settings.scene)
    ask = []
    for use in settings.tasks:
        task = get_task(use.name)
        options = task.Options(**use.options)
        questions = partial(task.training_questions, asking=settings.asking, options=options)
        ask.append((questions, _draws(settings, use.name, first, count)))
    for rng in _draws(settings, "scene", first, count):
        scene = sample(rng)
        if settings.groups == 1:
            yield scene, [q for questions, draws in ask for q in questions(scene, next(draws))]
            continue
        views = _views(scene, settings.groups, rng)
        found: list[Question] = []
        for questions, draws in ask:
            task_rng = next(draws)
            found += _without_repeats(q for view in views for q in questions(view, task_rng))
        yield scene, found


def _without_repeats(questions: Iterator[Question]) -> list[Question]:
    """The questions without those that ask for the same thing as an earlier one."""
    found: dict[tuple[str, str, str], Question] = {}
    for question in questions:
        key = (question.kind, question.target, canonical_json(dict(question.subject)))
        found.setdefault(key, question)
    return list(found.values())


def _views(scene: Scene, groups: int, rng: Draws) -> list[Scene]:
    """The scene as drawn, and ``groups - 1`` more choices of which of its discs are asked about."""
    if not isinstance(scene, DiscScene):
        return [scene]
    basic = sum(disc.basic for disc in scene.discs)
    views: list[Scene] = [scene]
    for _ in range(groups - 1):
        chosen = set(rng.permutation(len(scene.discs))[:basic])
        discs = tuple(disc._replace(basic=i in chosen) for i, disc in enumerate(scene.discs))
        views.append(replace(scene, discs=discs))
    return views


def _evaluation_items(settings: SourceSettings, first: int, count: int) -> Iterator[Item]:
    (use,) = settings.tasks
    task = get_task(use.name)
    options = task.Options(**use.options)
    sample = sampler(settings.scene)
    for rng in _draws(settings, "scene", first, count):
        for _ in range(_MAX_REDRAWS):
            scene = sample(rng)
            question = task.evaluation_question(scene, rng, settings.asking, options)
            if question is not None:
                yield scene, [question]
                break
        else:
            raise SparkleError(
                f"Evaluation set '{settings.source}': {_MAX_REDRAWS} scenes in a row were ambiguous"
                f" under the margins of task '{use.name}' ({use.options}).",
                "Lower the margin options of this evaluation set.",
            )


def make_tables(settings: SourceSettings, first: int, count: int) -> Iterator[pa.Table]:
    """The items as tables of ``SHARD_SCHEMA`` with at most 500 rows each."""
    columns = Columns()
    paint = painter(settings.render)
    for start in range(first, first + count, _BATCH):
        size = min(_BATCH, first + count - start)
        items = make_items(settings, start, size)
        # Some items at a time from stage to stage: a tenth faster than each item on its own.
        while some := list(islice(items, _TOGETHER)):
            images = [paint.png(scene) for scene, _ in some]
            records = [scene_record(scene) for scene, _ in some]
            for image, record, (_, questions) in zip(images, records, some, strict=True):
                columns.add(image, *record, questions)
        yield columns.take(start)


def make_row(settings: SourceSettings, index: int) -> dict[str, Any]:
    """One shard row: index, image bytes, scene as JSON, its hash, and the questions."""
    (row,) = next(make_tables(settings, index, 1)).to_pylist()
    return dict(row)


def question_to_row(question: Question) -> dict[str, Any]:
    """A question as a flat row; its subject becomes JSON text."""
    row = question._asdict()
    row["options"] = list(question.options)
    row["subject"] = canonical_json(dict(question.subject))
    return row


def synthesize(
    settings: SourceSettings,
    folder: Path,
    *,
    job: int = 0,
    jobs: int = 1,
    processes: int = 1,
    made_with: str = "",
    report: Callable[[str], None] = print,
) -> list[ShardInfo]:
    """Make every ``jobs``-th shard of a source, from shard ``job`` on, into ``folder``.

    Shards that are already there, made with the same settings and ``made_with`` (a hash of code
    and packages) and intact, are kept, so an interrupted job goes on where it stopped. At the end
    ``job-JOB.json`` lists the shards. ``processes`` make shards side by side; neither they nor
    ``jobs`` have influence on the data.

    Raises:
        SparkleError: The scenes cannot be drawn; found out before anything is written.
    """
    check_scenes(settings.scene, settings.images)
    next(make_items(settings, 0, 1))
    count = -(-settings.images // settings.images_per_shard)
    numbers = range(job, count, jobs)
    infos = []
    for number, info in zip(
        numbers, _shards(settings, folder, numbers, processes, made_with), strict=True
    ):
        infos.append(info)
        report(f"{settings.source}: shard {number + 1}/{count}, {info.rows} images")
    write_job_manifest(folder, job, settings, infos)
    return infos


def _shards(
    settings: SourceSettings, folder: Path, numbers: range, processes: int, made_with: str
) -> Iterator[ShardInfo]:
    if min(processes, len(numbers)) <= 1:
        yield from (_shard(settings, folder, made_with, number) for number in numbers)
        return
    # Not forked: a process that has threads, as Arrow's and torch's, must not be.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(numbers)), mp_context=context) as pool:
        try:
            yield from pool.map(
                _shard, repeat(settings), repeat(folder), repeat(made_with), numbers
            )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _shard(settings: SourceSettings, folder: Path, made_with: str, number: int) -> ShardInfo:
    """The shard of that number, kept or made."""
    path = folder / f"shard-{number:05d}.parquet"
    identity = settings.identity() + (made_with and f"-{made_with}")
    info = kept_shard(path, identity)
    if info is not None:
        return info
    first = number * settings.images_per_shard
    count = min(settings.images_per_shard, settings.images - first)
    return write_shard(path, make_tables(settings, first, count), identity)
