"""The embedded base model: build it, teach it to see, or take the weights that are shipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np

from sparkle.datasets.merge import merge_training
from sparkle.datasets.synthesis import synthesize
from sparkle.files import atomic_path, folder_hash, write_json
from sparkle.models.references import BaseModel, write_base
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import DiscSpec, sample_scene
from sparkle.tasks import all_tasks
from sparkle.tasks.base import Asking, Form
from sparkle.training.finetune import finetune
from sparkle.training.settings import LessonSettings, PretrainingSettings
from sparkle.training.shipped import RECIPE, shipped_start, shipped_weights

_SAMPLE_SCENES = 400


def pretrain(
    settings: PretrainingSettings,
    *,
    output: Path,
    work: Path,
    threads: int = 1,
    made_with: str = "",
    report: Callable[[str], None] = print,
) -> BaseModel:
    """Build the embedded model, pre-train it, and write ``output/weights`` and ``output.json``.

    Resumable: its data and checkpoints live in ``work`` and are kept between attempts with the
    same ``made_with``, a hash of code and packages.
    """
    if settings.start is None:
        initial = _build(settings, work, made_with, report)
    else:
        initial = shipped_start(settings, settings.start)
        report(f"going on from the shipped weights of {settings.start}")
    result = initial
    for number, lesson in enumerate(settings.lessons, 1):
        result = _teach(lesson, result, work / f"lesson{number}", threads, made_with, report)
        _complete(result, initial)
    with atomic_path(output) as temporary:
        shutil.copytree(result, temporary)
        write_json(temporary / RECIPE, settings.model_dump(mode="json"))
    return write_base(output.with_suffix(".json"), output)


def _build(
    settings: PretrainingSettings, work: Path, made_with: str, report: Callable[[str], None]
) -> Path:
    """The model with a tower that has had its lesson; made once."""
    from sparkle.models.embedded import build_embedded
    from sparkle.training.vision import teach_vision

    initial = work / f"initial-{settings.identity()}{made_with and f'-{made_with}'}"
    if not initial.is_dir():
        with atomic_path(initial) as temporary:
            texts = list(tokenizer_texts(settings.seed))
            count = build_embedded(temporary, settings.architecture, texts, settings.seed)
            report(f"built a model of {count:,} parameters")
            teach_vision(temporary, settings, report)
    return initial


def _teach(
    lesson: LessonSettings,
    base: Path,
    work: Path,
    threads: int,
    made_with: str,
    report: Callable[[str], None],
) -> Path:
    """One lesson from the weights in ``base``; returns the folder of the new weights."""
    manifests = []
    for source in lesson.sources:
        shards = work / source.source
        synthesize(source, shards, made_with=made_with, report=report)
        manifests.append([shards / "job-000.json"])
    dataset = work / "dataset"
    merge_training(lesson.merge, manifests, dataset)
    return finetune(
        lesson.finetune,
        base=BaseModel(str(base), folder_hash(base)),
        dataset=dataset,
        output=work / "result",
        work=work / "runs",
        threads=threads,
        made_with=made_with,
        report=report,
    )


def _complete(weights: Path, initial: Path) -> None:
    """Add the tokenizer and processor files that a checkpoint may lack."""
    for file in initial.iterdir():
        wanted = file.suffix in (".json", ".jinja") and file.name != RECIPE
        if wanted and not (weights / file.name).exists():
            shutil.copy2(file, weights / file.name)


def unpack_shipped(settings: PretrainingSettings, *, name: str, output: Path) -> BaseModel:
    """Copy the shipped weights of model ``name`` to ``output`` and write ``output.json``.

    Raises:
        SparkleError: Nothing is shipped under that name, or it was made by another recipe.
    """
    folder = shipped_weights(settings, name)
    with atomic_path(output) as temporary:
        shutil.copytree(folder, temporary)
    return write_base(output.with_suffix(".json"), output)


def tokenizer_texts(seed: int) -> Iterator[str]:
    """The tokenizer's corpus: questions and answers of every task, in all phrasings and forms."""
    discs = DiscSpec(objects=3, distractors=2, radius=1.0, spacing=2.5, decimals=2)
    for name, task in all_tasks().items():
        options = task.Options()
        spec = task.scene_spec(discs, options)
        for form in get_args(Form):
            asking = Asking(phrases="all", form=form)
            for index in range(_SAMPLE_SCENES):
                rng: np.random.Generator = item_generator(seed, f"tokenizer/{name}/{form}", index)
                scene = sample_scene(spec, rng)
                for question in task.training_questions(scene, rng, asking, options):
                    # As ms-swift's template writes a turn: the answer follows without a blank.
                    yield f"USER: {question.prompt}\nASSISTANT:{question.answer}"
