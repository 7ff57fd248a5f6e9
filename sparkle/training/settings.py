"""What the result of a training run depends on, beside its data and its base weights."""

from __future__ import annotations

from pydantic import Field

from sparkle.config.base import Settings
from sparkle.config.models import Architecture, VisionLesson
from sparkle.config.training import SwiftOptions, TrainingConfig
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings


class FinetuneSettings(Settings):
    """Settings of one run of ``swift sft``."""

    training: TrainingConfig
    seed: int
    swift: SwiftOptions = {}
    """Options of the model, such as its type."""
    offline: bool = True
    """The base weights lie in a folder: no hub is asked."""


class LessonSettings(Settings):
    """One lesson on the perception task: its images, its dataset, its training."""

    sources: tuple[SourceSettings, ...]
    merge: TrainingMergeSettings
    finetune: FinetuneSettings


class PretrainingSettings(Settings):
    """The recipe of the embedded model: everything its pre-trained weights depend on."""

    start: str | None = Field(None, exclude_if=lambda value: value is None)
    """Name of the shipped weights that it goes on from; left out where it starts from nothing."""
    architecture: Architecture
    labels: int
    vision: VisionLesson
    seed: int
    lessons: tuple[LessonSettings, ...]
