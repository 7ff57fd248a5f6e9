"""Settings of the data steps: exactly what their outputs depend on, nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sparkle.config.base import Settings
from sparkle.rendering.draw import RenderSpec
from sparkle.scenes.spec import DiscSpec, GridSpec
from sparkle.tasks.base import Asking


class TaskUse(Settings):
    """One task with its options and, where they differ between tasks, its versions."""

    name: str
    version: int
    options: dict[str, Any] = Field(default_factory=dict)


class SourceSettings(Settings):
    """A source of images with questions: training images of a family, or an evaluation set."""

    source: str
    role: Literal["training", "evaluation"]
    seed: int
    images: int
    images_per_shard: int
    groups: int = 1
    scene: DiscSpec | GridSpec = Field(discriminator="kind")
    render: RenderSpec
    asking: Asking
    tasks: tuple[TaskUse, ...]


class TrainingMergeSettings(Settings):
    """Which records of which sources make one training dataset."""

    train_set: str
    seed: int
    capabilities: tuple[str, ...]
    questions_per_conversation: int | Literal["all"]
    shares: dict[str, float] = Field(default_factory=dict)
    """Capability -> share of its records that is kept; 1 where not named."""
