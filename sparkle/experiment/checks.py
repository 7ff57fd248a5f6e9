"""Rules across the keys of a config, beyond types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.config.inference import EndpointModel, VariantModel
from sparkle.config.load import closest, parse
from sparkle.config.models import BASE_TRAIN_SET, EmbeddedModel, StepResources
from sparkle.config.training import TrainSetConfig
from sparkle.errors import SparkleError
from sparkle.experiment.training_checks import check_training
from sparkle.external.registry import all_benchmarks, form_of, get_benchmark
from sparkle.scenes.discs import check_colours
from sparkle.scenes.spec import DiscSpec
from sparkle.scenes.spec import check_scenes as check_scene_spec
from sparkle.tasks import all_tasks, get_task

if TYPE_CHECKING:
    from sparkle.experiment.core import Experiment


def check(experiment: Experiment) -> None:
    """All rules across keys; the first that is broken is a :class:`SparkleError`."""
    _check_matrix(experiment)
    _check_resources(experiment)
    sections = {"training_data": experiment.config.training_data}
    for name in experiment.config.train_sets:
        sections[f"train_sets.{name}.data"] = experiment.data_of(name)
    for key, data in sections.items():
        for task, options in data.options.items():
            _check_task(f"{key}.options", task)
            _check_options(f"{key}.options.{task}", task, options)
    for name, train_set in experiment.config.train_sets.items():
        _check_train_set(experiment, name, train_set.capabilities)
        _check_shares(name, train_set)
        check_training(experiment, name)
    for name, evaluation_set in experiment.config.evaluation_sets.items():
        if isinstance(evaluation_set, BenchmarkSetConfig):
            _check_benchmark(experiment, name, evaluation_set)
            continue
        _check_task(f"evaluation_sets.{name}.task", evaluation_set.task)
        _check_options(
            f"evaluation_sets.{name}.options", evaluation_set.task, evaluation_set.options
        )
    _check_colours(experiment)
    for name, model in experiment.config.models.items():
        if isinstance(model, EmbeddedModel):
            _check_architecture(name, model)
        if isinstance(model, VariantModel):
            _check_variant(experiment, name, model)
    if not experiment.cells():
        raise SparkleError(
            "matrix: no row is left to evaluate.",
            "Endpoints and variants are not trained: add 'none' to matrix.train_sets, or name"
            " a model that is trained.",
        )


def _check_colours(experiment: Experiment) -> None:
    specs = [("training_data", s.scene) for s in experiment.training_sources().values()]
    for name in experiment.synthetic_sets:
        specs.append((f"evaluation_sets.{name}", experiment.evaluation_source(name).scene))
    for key, spec in specs:
        if isinstance(spec, DiscSpec) and spec.palette is not None:
            check_colours(
                key,
                objects=spec.objects,
                distractors=spec.distractors,
                palette=spec.palette,
            )


def check_scenes(experiment: Experiment) -> None:
    """Make sure, by trials, that the scenes of every source can be drawn.

    Raises:
        SparkleError: The scenes of a source cannot; the message names it and has the numbers.
    """
    sources = list(experiment.training_sources().values())
    sources += [experiment.evaluation_source(name) for name in experiment.synthetic_sets]
    for source in sources:
        try:
            check_scene_spec(source.scene, source.images)
        except SparkleError as error:
            where = f"{source.role} source '{source.source}'"
            raise SparkleError(f"{where}: {error.message}", error.hint) from None


def _check_variant(experiment: Experiment, name: str, model: VariantModel) -> None:
    key = f"models.{name}.of"
    base = experiment.config.models.get(model.of)
    if base is None or model.of not in experiment.models:
        raise SparkleError(
            f"{key}: there is no model '{model.of}' in the matrix.",
            closest(model.of, [other for other in experiment.models if other != name]),
        )
    if isinstance(base, VariantModel | EndpointModel):
        raise SparkleError(
            f"{key}: '{model.of}' has no weights here ('source: {base.source}').",
            "Name a model of source embedded, folder or hub; an endpoint has a 'prompting' of"
            " its own.",
        )


def _check_matrix(experiment: Experiment) -> None:
    matrix = experiment.config.matrix
    known = {
        "models": (matrix.models, experiment.config.models),
        "train_sets": (matrix.train_sets, [BASE_TRAIN_SET, *experiment.config.train_sets]),
        "evaluation_sets": (matrix.evaluation_sets, experiment.config.evaluation_sets),
    }
    for key, (chosen, defined) in known.items():
        for name in chosen or []:
            if name not in defined:
                raise SparkleError(
                    f"matrix.{key}: '{name}' is not defined under '{key}'.",
                    closest(name, defined),
                )
        if chosen == []:
            raise SparkleError(
                f"matrix.{key}: the list is empty.", "Name at least one, or leave the key out."
            )
    for name in experiment.config.models:
        if name not in experiment.models:
            raise SparkleError(
                f"models.{name}: nothing is trained from this model: matrix.models leaves it out.",
                f"Add '{name}' to matrix.models, or remove it from models.",
            )
    seeds = matrix.seeds
    if len(set(seeds)) < len(seeds):
        raise SparkleError(f"matrix.seeds: {seeds} names a seed twice.", "Remove one.")


def _check_benchmark(experiment: Experiment, name: str, chosen: BenchmarkSetConfig) -> None:
    """Names and forms; the files are looked at by :func:`read_items`, before any training."""
    if chosen.benchmark not in all_benchmarks():
        raise SparkleError(
            f"evaluation_sets.{name}.benchmark: there is no benchmark '{chosen.benchmark}'.",
            closest(chosen.benchmark, all_benchmarks()),
        )
    form_of(experiment.benchmark(name))
    if chosen.correct_labels and not get_benchmark(chosen.benchmark).correctable:
        raise SparkleError(
            f"evaluation_sets.{name}.correct_labels: {chosen.benchmark} has no labels that are"
            " known to be wrong.",
            "Remove the key.",
        )


def _check_resources(experiment: Experiment) -> None:
    for step in ("synthesis", "training", "inference"):
        needs: StepResources = getattr(experiment.config.resources, step)
        if needs.nodes > 1 and step != "training":
            raise SparkleError(
                f"resources.{step}.nodes: this step runs on one node.", "Set it to 1."
            )
        if needs.nodes > 1 and not needs.gpus:
            raise SparkleError(
                f"resources.{step}.nodes: several nodes train on GPUs only.",
                f"Set resources.{step}.gpus, or nodes to 1.",
            )


def _check_train_set(experiment: Experiment, name: str, capabilities: list[str]) -> None:
    key = f"train_sets.{name}.capabilities"
    if not capabilities:
        raise SparkleError(
            f"{key}: no capability feeds this train set.",
            f"Name at least one; for the untrained model use '{BASE_TRAIN_SET}' in"
            " matrix.train_sets.",
        )
    for capability in capabilities:
        _check_task(key, capability)
        if not get_task(capability).trainable:
            raise SparkleError(
                f"{key}: the task '{capability}' makes no training records.",
                "Use one of: " + ", ".join(n for n, t in all_tasks().items() if t.trainable),
            )


def _check_shares(name: str, train_set: TrainSetConfig) -> None:
    for capability in train_set.shares:
        if capability not in train_set.capabilities:
            raise SparkleError(
                f"train_sets.{name}.shares.{capability}: this train set has no such capability.",
                closest(capability, train_set.capabilities),
            )


def _check_task(key: str, name: str) -> None:
    if name not in all_tasks():
        raise SparkleError(f"{key}: there is no task '{name}'.", closest(name, all_tasks()))


def _check_options(key: str, task: str, options: Mapping[str, Any]) -> None:
    parse(get_task(task).Options, options, key)


def _check_architecture(name: str, model: EmbeddedModel) -> None:
    sizes = model.architecture
    for value, part in ((sizes.vision_width, "vision_width"), (sizes.text_width, "text_width")):
        if value % sizes.heads:
            raise SparkleError(
                f"models.{name}.architecture.{part}: {value} is no multiple of heads"
                f" ({sizes.heads}).",
                "Change one of the two.",
            )
    if sizes.image_size % sizes.patch_size:
        raise SparkleError(
            f"models.{name}.architecture.image_size: {sizes.image_size} is no multiple of"
            f" patch_size ({sizes.patch_size}).",
            "Change one of the two.",
        )
