"""What several test modules need: scenes, questions and small settings."""

from __future__ import annotations

import base64
import json
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from sparkle.datasets.settings import SourceSettings, TaskUse
from sparkle.datasets.synthesis import make_item
from sparkle.rendering import RenderSpec
from sparkle.scenes.spec import DiscSpec, Scene
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking, Question

PUBLISHED = DiscSpec(objects=3, distractors=0, radius=0.5, spacing=3.0, decimals=2)


def unpacked(html: str) -> dict[str, Any]:
    """The questions and answers that a report holds, as its script unpacks them."""
    (packed,) = re.findall(r'id="gallery-data">([^<]+)<', html)
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def quiet(_: str) -> None:
    """Swallow progress reports."""


def task_use(name: str, **options: Any) -> TaskUse:
    task = get_task(name)
    filled = task.Options(**options).model_dump(mode="json")
    return TaskUse(name=name, version=task.version, options=filled)


def training_source(*names: str, **changes: Any) -> SourceSettings:
    """Training images of the published kind, small and few."""
    options = changes.pop("options", {})
    task = get_task(names[0])
    values: dict[str, Any] = {
        "source": task.family,
        "role": "training",
        "seed": 42,
        "images": 10,
        "images_per_shard": 4,
        "scene": task.scene_spec(PUBLISHED, task.Options(**options)),
        "render": RenderSpec(size=32),
        "asking": Asking(),
        "tasks": tuple(task_use(name, **options) for name in names),
    }
    return SourceSettings(**{**values, **changes})


def evaluation_source(name: str, **changes: Any) -> SourceSettings:
    """An evaluation set of the published kind: two distractors, one question per image."""
    options = changes.pop("options", {})
    task = get_task(name)
    discs = changes.pop("discs", PUBLISHED.model_copy(update={"distractors": 2}))
    values: dict[str, Any] = {
        "source": name,
        "role": "evaluation",
        "seed": 42,
        "images": 10,
        "images_per_shard": 100,
        "scene": task.scene_spec(discs, task.Options(**options)),
        "render": RenderSpec(size=32),
        "asking": Asking(form="choice"),
        "tasks": (task_use(name, **options),),
    }
    return SourceSettings(**{**values, **changes})


def items(settings: SourceSettings, count: int) -> list[tuple[Scene, list[Question]]]:
    """The first ``count`` items of a source."""
    return [make_item(settings, index) for index in range(count)]


@lru_cache(maxsize=64)
def first_question(name: str, kind: str | None = None, asking: Asking | None = None) -> Question:
    """The first evaluation question of a task (of a kind that its options may name)."""
    options = {"kinds": (kind,)} if kind else {}
    source = evaluation_source(name, options=options, asking=asking or Asking())
    return make_item(source, 0)[1][0]


def files_in(folder: Path) -> list[str]:
    """Names of all files below a folder, hidden ones too."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())
