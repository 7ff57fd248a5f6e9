"""What the groups share: interleaved rounds in CPU time, and sources of the published kind.

CPU time (of all threads of the process) instead of wall time: it is what a core spends, also where
other work runs beside. Each round times every candidate once; medians over the rounds are shown, so
that a machine whose speed drifts slows all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from sparkle.datasets.settings import SourceSettings, TaskUse
from sparkle.rendering import RenderSpec
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

ROUNDS = 7
DISCS = DiscSpec(objects=3, distractors=0, radius=0.5, spacing=3.0, decimals=2)
CAPABILITIES = ("direction", "distance", "localization", "description")

Candidates = Mapping[str, tuple[Callable[[], object], int]]
"""name -> (work, number of samples that one call of it makes)."""


def measure(candidates: Candidates, rounds: int = ROUNDS) -> dict[str, float]:
    """Median CPU seconds of one sample, by candidate."""
    for work, _ in candidates.values():
        work()
    found: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, (work, samples) in candidates.items():
            start = time.process_time()
            work()
            found[name].append((time.process_time() - start) / samples)
    return {name: statistics.median(values) for name, values in found.items()}


def source(role: str, names: tuple[str, ...], images: int, **changes: Any) -> SourceSettings:
    """Published scenes at 448 pixels, with the default questions of the named tasks."""
    task = get_task(names[0])
    options = changes.pop("options", {})
    uses = tuple(TaskUse(name=n, version=get_task(n).version, options=options) for n in names)
    values: dict[str, Any] = {
        "source": "benchmark",
        "role": role,
        "seed": 1,
        "images": images,
        "images_per_shard": images,
        "scene": task.scene_spec(changes.pop("discs", DISCS), task.Options(**options)),
        "render": RenderSpec(size=448),
        "asking": Asking(descriptions="description" in names),
        "tasks": uses,
    }
    return SourceSettings(**{**values, **changes})


def one_question(images: int) -> SourceSettings:
    """One direction question for each image, as a test set has."""
    return source("evaluation", ("direction",), images)


def all_records(images: int) -> SourceSettings:
    """All 17 records of an image and the three descriptions of single capabilities."""
    return source("training", CAPABILITIES, images)
