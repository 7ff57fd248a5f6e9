"""How a dataset is distributed: answers by class, places in the picture, difficulty.

Answers are counted over all questions. Places and difficulties come from at most about 100,000
images, evenly spread over the dataset. Pictures are not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparkle.datasets.merge import chosen_questions, kind_counts
from sparkle.datasets.merged import Merged
from sparkle.datasets.settings import TrainingMergeSettings
from sparkle.datasets.shards import job_files, read_shards, source_settings
from sparkle.errors import SparkleError
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.spec import scene_of

_SAMPLED = 100_000
_MAX_CLASSES = 40
_LEAST_PER_CLASS = 5
"""Kinds with more different answers, or fewer questions per answer on average, have no classes:
numbers, coordinates, routes."""
_PLACE_BINS = 20
_DIFFICULTY_BINS = 20
_QUESTION_COLUMNS = tuple(
    f"questions.list.element.{name}" for name in ("task", "kind", "target", "difficulty")
)


@dataclass
class Statistics:
    """The distributions of one dataset.

    Attributes:
        name: Of the dataset; ``role`` is ``training``, ``evaluation`` or ``shards``.
        images: Images in it, ``sampled`` those that places and difficulties are from.
        kinds: Questions by ``task/kind``.
        classes: Questions by ``task/kind`` and right answer, for kinds that have classes.
        difficulty: Margins by ``task/kind``, as bin edges and counts, with median and extremes.
        places: Objects (or starts and ends of grids) by row from the top and column; empty where
            the pictures are a benchmark's.
    """

    name: str
    role: str
    images: int = 0
    sampled: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    classes: dict[str, dict[str, int]] = field(default_factory=dict)
    difficulty: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: list[list[int]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        return {**vars(self), "kinds": dict(sorted(self.kinds.items()))}


class _Collector:
    """Takes the questions and scenes of a dataset table by table."""

    def __init__(self, images: int) -> None:
        self._stride = -(-images // _SAMPLED)
        self._answers: dict[str, Counter[str] | None] = {}
        self._difficulty: dict[str, list[np.ndarray]] = {}
        self._points: list[np.ndarray] = []
        self._grids: set[int] = set()
        self._images = 0
        self._sampled = 0
        self._kinds: Counter[str] = Counter()

    def add(self, scenes: pa.ChunkedArray, row: np.ndarray, questions: pa.StructArray) -> None:
        """Take images by their scenes, and questions by the number of their image among these."""
        chosen = (np.arange(len(scenes)) + self._images) % self._stride == 0
        self._images += len(scenes)
        self._sampled += int(chosen.sum())
        self._add_places(scenes.filter(pa.array(chosen)))
        self._kinds.update(kind_counts(questions))
        names = pc.binary_join_element_wise(questions.field("task"), questions.field("kind"), "/")
        sampled = pa.array(chosen[row])
        for name in names.unique().to_pylist():
            own = pc.equal(names, name)
            self._add_answers(name, questions.field("target").filter(own))
            margins = questions.field("difficulty").filter(pc.and_(own, sampled)).drop_null()
            values = margins.to_numpy()
            self._difficulty.setdefault(name, []).append(values[np.isfinite(values)])

    def _add_answers(self, name: str, targets: pa.Array) -> None:
        counter = self._answers.setdefault(name, Counter())
        if counter is None:
            return
        counted = targets.value_counts()
        values, counts = (counted.field(part).to_pylist() for part in ("values", "counts"))
        counter.update(dict(zip(values, counts, strict=True)))
        if len(counter) > _MAX_CLASSES:
            self._answers[name] = None

    def _add_places(self, scenes: pa.ChunkedArray) -> None:
        points = []
        for text in scenes.to_pylist():
            scene = scene_of(text)
            if scene is None:
                continue
            if isinstance(scene, DiscScene):
                points += [(disc.x / scene.canvas, disc.y / scene.canvas) for disc in scene.discs]
            else:
                self._grids.add(scene.size)
                ends = (scene.position(node) for node in (scene.start, scene.end))
                size = scene.size
                points += [((column + 0.5) / size, (row + 0.5) / size) for column, row in ends]
        self._points.append(np.array(points, dtype=float).reshape(-1, 2))

    def finish(self, name: str, role: str) -> Statistics:
        bins = self._grids.pop() if len(self._grids) == 1 else _PLACE_BINS
        points = np.concatenate(self._points)
        places, _, _ = np.histogram2d(1 - points[:, 1], points[:, 0], bins, [[0, 1], [0, 1]])
        return Statistics(
            name=name,
            role=role,
            images=self._images,
            sampled=self._sampled,
            kinds=self._kinds,
            classes={
                kind: dict(sorted(counts.items()))
                for kind, counts in sorted(self._answers.items())
                if counts and counts.total() >= _LEAST_PER_CLASS * len(counts)
            },
            difficulty={
                kind: histogram(np.concatenate(parts))
                for kind, parts in sorted(self._difficulty.items())
                if sum(map(len, parts))
            },
            places=places.astype(int).tolist() if len(points) else [],
        )


def histogram(values: np.ndarray) -> dict[str, Any]:
    """Counts in 20 even bins, or one bin per number where all are whole and few."""
    low, high = float(values.min()), float(values.max())
    edges: Any = _DIFFICULTY_BINS
    if (values == np.rint(values)).all() and high - low < _DIFFICULTY_BINS:
        edges = np.arange(low - 0.5, high + 1.0)
    counts, edges = np.histogram(values, edges)
    return {
        "edges": [round(float(edge), 6) for edge in edges],
        "counts": counts.tolist(),
        "min": low,
        "median": float(np.median(values)),
        "max": high,
    }


def describe_evaluation(dataset: Merged) -> Statistics:
    """The distributions of an evaluation set."""
    collector = _Collector(dataset.rows)
    (path,) = dataset.files
    with pq.ParquetFile(path) as file:
        columns = ["scene", "task", "kind", "target", "difficulty"]
        for batch in file.iter_batches(columns=columns):
            questions = batch.select(columns[1:]).to_struct_array()
            collector.add(pa.chunked_array([batch["scene"]]), np.arange(len(batch)), questions)
    found = collector.finish(dataset.name, "evaluation")
    if dataset.from_files:  # where several questions may be asked about one picture
        found.images = found.sampled = len(dataset.manifest["scene_hashes"])
    return found


def describe_training(dataset: Merged, shards: Path) -> Statistics:
    """The distributions of a train set.

    Args:
        shards: Folder with a folder of shards per source, which the set was merged from.
    """
    manifests = {name: job_files(shards / name) for name in dataset.sources}
    settings = TrainingMergeSettings.model_validate(dataset.manifest["settings"])
    collector = _Collector(int(dataset.manifest["images"]))
    for name, files in manifests.items():
        source = source_settings(files).model_dump(mode="json", exclude={"images_per_shard"})
        if source != dataset.sources[name]:
            raise SparkleError(
                f"The shards in {shards / name} are not those that '{dataset.name}' was merged"
                " from: they were made with other settings.",
                "Merge the train set again.",
            )
        for table in _question_tables(files):
            chosen = chosen_questions(settings, name, table)
            collector.add(table["scene"], chosen.row, chosen.questions)
    return collector.finish(dataset.name, "training")


def describe_shards(folder: Path) -> Statistics:
    """The distributions of all questions in a folder of shards."""
    files = job_files(folder)
    source = source_settings(files)
    collector = _Collector(source.images)
    for table in _question_tables(files):
        column = table["questions"].combine_chunks()
        row = pc.list_parent_indices(column).to_numpy()
        collector.add(table["scene"], row, pc.list_flatten(column))
    return collector.finish(source.source, "shards")


def _question_tables(manifests: list[Path]) -> Iterator[pa.Table]:
    # The merge has verified these shards; a fault since then shows as an unreadable file.
    return read_shards(manifests, ["index", "scene", *_QUESTION_COLUMNS], verify=False)
