"""Rules across the keys of one train set: where it starts, how it learns, and from what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparkle.config.load import closest
from sparkle.config.training import TrainingConfig
from sparkle.errors import SparkleError
from sparkle.scenes.spec import GridSpec
from sparkle.tasks import get_task

if TYPE_CHECKING:
    from sparkle.experiment.core import Experiment


def check_training(experiment: Experiment, name: str) -> None:
    """All rules on train set ``name``; the first that is broken is a :class:`SparkleError`."""
    training = experiment.training_of(name)
    experiment.data_of(name)
    _check_start(experiment, name)
    _check_grids(experiment, name)
    if training.algorithm == "grpo":
        _check_grpo(experiment, name, training)


def _check_start(experiment: Experiment, name: str) -> None:
    key = f"train_sets.{name}.start_from"
    start = experiment.start_of(name)
    if start is None:
        return
    seen = [name]
    while start is not None:
        if start not in experiment.config.train_sets:
            others = [other for other in experiment.config.train_sets if other != name]
            raise SparkleError(f"{key}: there is no train set '{start}'.", closest(start, others))
        if start in seen:
            raise SparkleError(
                f"{key}: it starts from itself ({' -> '.join([*seen, start])}).",
                "Remove one 'start_from'.",
            )
        seen.append(start)
        start = experiment.start_of(start)
    start = seen[1]
    if name in experiment.train_sets and start not in experiment.train_sets:
        raise SparkleError(
            f"{key}: '{start}' is not trained: matrix.train_sets leaves it out.",
            f"Add '{start}' to matrix.train_sets.",
        )
    methods = [experiment.training_of(part).method for part in (name, start)]
    if methods[0] != methods[1]:
        raise SparkleError(
            f"{key}: '{name}' is trained by method {methods[0]}, '{start}' by {methods[1]}.",
            "Adapters go on as adapters, and all weights as all: use the same training.method.",
        )


def _check_grids(experiment: Experiment, name: str) -> None:
    """Training on all grids that there are would leave none to test on."""
    if experiment.config.scenes.split_grids:
        return
    for capability in experiment.config.train_sets[name].capabilities:
        task = get_task(capability)
        if task.family != "grid":
            continue
        options = task.Options(**experiment.data_of(name).options.get(capability, {}))
        scene = task.scene_spec(experiment.discs(), options)
        if isinstance(scene, GridSpec) and not scene.missing_edges and scene.max_length == 1:
            nodes = scene.size**2
            raise SparkleError(
                f"train_sets.{name}.capabilities: '{capability}' has fewer than {nodes**2} grids of"
                f" {scene.size} x {scene.size} nodes with all edges: training would see those of"
                " the evaluation sets.",
                "Set scenes.split_grids to true, which divides them, or give the task"
                " 'missing_edges' in both training_data.options and the evaluation sets.",
            )


def _check_grpo(experiment: Experiment, name: str, training: TrainingConfig) -> None:
    data, chosen = experiment.data_of(name), experiment.config.train_sets[name]
    if data.questions_per_conversation != 1:
        raise SparkleError(
            f"train_sets.{name}: algorithm grpo rewards one answer per conversation, but"
            f" questions_per_conversation is {data.questions_per_conversation}.",
            f"Add data: {{questions_per_conversation: 1}} to train_sets.{name}.",
        )
    if data.descriptions or "description" in chosen.capabilities:
        raise SparkleError(
            f"train_sets.{name}: algorithm grpo has no verifier for descriptions.",
            f"Add data: {{descriptions: false}} to train_sets.{name}, and leave the capability"
            " 'description' out.",
        )
    if chosen.control == "shuffled_labels":
        raise SparkleError(
            f"train_sets.{name}.control: shuffled labels have no influence on grpo, whose rewards"
            " come from verifiers.",
            "Use the control with algorithm sft.",
        )
    rewards = training.grpo.rewards
    if not (rewards.correct or rewards.valid or rewards.format):
        raise SparkleError(
            f"train_sets.{name}: every reward has weight 0.",
            "Raise one in training.grpo.rewards.",
        )
    resources = experiment.config.resources.training
    devices = max(1, resources.gpus) * resources.nodes
    answers = training.batch_size * training.gradient_accumulation * devices
    if answers % training.grpo.generations:
        raise SparkleError(
            f"train_sets.{name}: an update has {answers} answers (batch_size x"
            f" gradient_accumulation x GPUs), which is no multiple of grpo.generations"
            f" ({training.grpo.generations}).",
            "Change one of them.",
        )
