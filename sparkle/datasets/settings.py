"""Settings of the data steps: exactly what their outputs depend on, nothing else."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sparkle.config.base import Settings
from sparkle.rendering.draw import RenderSpec
from sparkle.scenes.spec import DiscSpec, GridSpec
from sparkle.tasks.base import Asking

Control = Literal["shuffled_labels", "text_only"]


class TaskUse(Settings):
    """One task with its options and, where they differ between tasks, its versions."""

    name: str
    version: int
    options: dict[str, Any] = Field(default_factory=dict)


class SourceSettings(Settings):
    """A source of images with questions: training images of a family, or an evaluation set."""

    source: str
    stream: str | None = None
    """Name of its random numbers, by default the source's: sources that share it show the same
    scenes, and ask the same as far as they ask the same kinds of questions."""
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
    images: int | None = None
    """Only the first so many images of each source; all by default."""
    control: Control | None = None
    verifiable: bool = False
    """With a column ``verify`` of all that a verifier needs to judge other answers."""
