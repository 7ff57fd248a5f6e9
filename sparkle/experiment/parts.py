"""Parts of settings that several steps share: tasks in use, number formats, lessons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sparkle.config.models import (
    EmbeddedModel,
    InferenceConfig,
    PerceptionLesson,
    StepResources,
)
from sparkle.config.training import TrainingConfig
from sparkle.datasets.settings import SourceSettings, TaskUse, TrainingMergeSettings
from sparkle.rendering.draw import RenderSpec
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking
from sparkle.training.settings import FinetuneSettings, LessonSettings

Section = TypeVar("Section", TrainingConfig, InferenceConfig)


def for_device(section: Section, resources: StepResources) -> Section:
    """The section with a number format that fits the device, where it leaves that open."""
    if section.precision != "auto":
        return section
    return section.model_copy(update={"precision": "bfloat16" if resources.gpus else "float32"})


def use_of(name: str, options: Mapping[str, Any]) -> TaskUse:
    """A task as a source uses it, with all its options filled in."""
    task = get_task(name)
    filled = task.Options(**options).model_dump(mode="json")
    return TaskUse(name=name, version=task.version, options=filled)


def lesson_settings(model: EmbeddedModel, number: int, lesson: PerceptionLesson) -> LessonSettings:
    """What a lesson of an embedded model depends on; lessons are numbered from 1."""
    recipe = model.pretraining
    perception = use_of("perception", {"questions": lesson.questions})
    sources = tuple(
        SourceSettings(
            source=f"lesson{number}-{objects}",
            role="training",
            seed=recipe.seed,
            images=images,
            images_per_shard=1000,
            scene=DiscSpec(
                objects=objects,
                distractors=0,
                radius=recipe.radius,
                spacing=recipe.spacing,
                decimals=2,
                labels=recipe.labels,
            ),
            render=RenderSpec(size=model.architecture.image_size),
            asking=Asking(),
            tasks=(perception,),
        )
        for objects, images in sorted((lesson.images or recipe.images).items())
    )
    merge = TrainingMergeSettings(
        train_set=f"lesson{number}",
        seed=recipe.seed,
        capabilities=("perception",),
        questions_per_conversation=lesson.questions_per_conversation,
    )
    training = for_device(lesson.training, StepResources())  # lessons run on the CPU
    finetune = FinetuneSettings(
        training=training, seed=recipe.seed, swift=dict(model.swift), offline=True
    )
    return LessonSettings(sources=sources, merge=merge, finetune=finetune)
