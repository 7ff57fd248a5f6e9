"""The experiment: a checked config, and from it the settings and names of every step.

The rules take everything from here: which sources, datasets, models and cells there are, and for
each job the settings it depends on, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.config.base import Geometry, Palette
from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.config.extend import merge
from sparkle.config.inference import EndpointModel, Prompting, VariantModel
from sparkle.config.load import load_config, parse, parse_config
from sparkle.config.models import (
    BASE_TRAIN_SET,
    Config,
    EmbeddedModel,
    ModelConfig,
)
from sparkle.config.training import TrainingConfig, TrainingDataConfig
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.errors import SparkleError
from sparkle.experiment.checks import check
from sparkle.experiment.parts import for_device, lesson_settings, use_of
from sparkle.experiment.sources import Wanted, data_of, wanted_sources
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.settings import EndpointSettings, InferenceSettings
from sparkle.rendering.draw import RenderSpec
from sparkle.scenes.grid import Part
from sparkle.scenes.spec import DiscSpec, GridSpec, SceneSpec
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking
from sparkle.training.settings import FinetuneSettings, PretrainingSettings

BASE_SEED = 0
"""The seed written for rows that no training seed enters: base models and references."""

_EXAMPLES = 56
"""Pictures that few-shot examples are taken from, beside eight for each shot."""


@dataclass(frozen=True)
class Cell:
    """One trained or untrained model of the matrix, to be evaluated on all evaluation sets."""

    model: str
    train_set: str
    seed: int

    @property
    def folder(self) -> str:
        return f"{self.model}/{self.train_set}/seed{self.seed}"


@dataclass(frozen=True)
class Experiment:
    """A config whose parts fit together. Make one with :meth:`load` or :meth:`from_mapping`."""

    config: Config

    @staticmethod
    def load(path: Path) -> Experiment:
        return _checked(load_config(path))

    @staticmethod
    def from_mapping(data: Mapping[str, Any], origin: str = "the config") -> Experiment:
        return _checked(parse_config(data, origin))

    # The matrix -------------------------------------------------------------------------------

    @property
    def models(self) -> list[str]:
        return _selected(self.config.matrix.models, self.config.models)

    @property
    def train_sets(self) -> list[str]:
        """Train sets of the matrix that are trained on (without ``none``)."""
        chosen = self.config.matrix.train_sets
        names = _selected(chosen, self.config.train_sets)
        return [name for name in names if name != BASE_TRAIN_SET]

    @property
    def evaluation_sets(self) -> list[str]:
        return _selected(self.config.matrix.evaluation_sets, self.config.evaluation_sets)

    @property
    def with_base(self) -> bool:
        chosen = self.config.matrix.train_sets
        return chosen is None or BASE_TRAIN_SET in chosen

    def cells(self) -> list[Cell]:
        """All rows that need inference, base models first."""
        untrained = (VariantModel, EndpointModel)
        base = [
            Cell(name, BASE_TRAIN_SET, BASE_SEED)
            for name in self.models
            if self.with_base or isinstance(self.model(name), untrained)
        ]
        return base + self.trained_cells()

    def trained_cells(self) -> list[Cell]:
        return [
            Cell(model, train_set, seed)
            for model in self.models
            if not isinstance(self.model(model), VariantModel | EndpointModel)
            for train_set in self.train_sets
            for seed in self.config.matrix.seeds
        ]

    def start_of(self, train_set: str) -> str | None:
        """The train set whose tuned weights this one starts from; None for the base weights."""
        return self.config.train_sets[train_set].start_from

    def baselines(self) -> dict[str, str]:
        """Models that are compared with another model than their own base: variants."""
        models = {name: self.model(name) for name in self.models}
        return {name: m.of for name, m in models.items() if isinstance(m, VariantModel)}

    def reference_cells(self) -> list[Cell]:
        return [Cell(name, BASE_TRAIN_SET, BASE_SEED) for name in self.config.matrix.references]

    # Data -------------------------------------------------------------------------------------

    def data_of(self, train_set: str) -> TrainingDataConfig:
        """The section ``training_data`` with the train set's own changes."""
        return data_of(self.config, train_set)

    def sources_of(self, train_set: str) -> list[str]:
        """Names of the sources of images that feed a train set."""
        wanted = wanted_sources(self.config, self.train_sets)
        return sorted(name for name, source in wanted.items() if train_set in source.train_sets)

    def training_sources(self) -> dict[str, SourceSettings]:
        """The sources of training images that the train sets of the matrix need, by name."""
        wanted = wanted_sources(self.config, self.train_sets)
        return {name: self._training_source(source) for name, source in wanted.items()}

    def _training_source(self, wanted: Wanted) -> SourceSettings:
        data = wanted.data
        uses = tuple(use_of(name, data.options.get(name, {})) for name in wanted.tasks)
        task = get_task(uses[0].name)
        discs = self.discs(data.distractors, data.colours)
        scene = task.scene_spec(discs, task.Options(**uses[0].options))
        return SourceSettings(
            source=wanted.name,
            stream=wanted.family,
            role="training",
            seed=self.config.seed,
            images=data.images,
            images_per_shard=self.config.synthesis.images_per_shard,
            groups=data.groups,
            scene=self._part(scene, "training"),
            render=self._render(),
            asking=self._asking(
                data.geometry,
                phrases=data.phrases,
                numbers=data.numbers,
                descriptions=data.descriptions,
            ),
            tasks=uses,
        )

    def _part(self, scene: SceneSpec, part: Part) -> SceneSpec:
        """A grid's own part of all grids, where these are divided."""
        if isinstance(scene, GridSpec) and self.config.scenes.split_grids:
            return scene.model_copy(update={"part": part})
        return scene

    def evaluation_source(self, name: str) -> SourceSettings:
        """The source of one synthesized evaluation set."""
        chosen = self.config.evaluation_sets[name]
        if isinstance(chosen, BenchmarkSetConfig):
            raise SparkleError(
                f"The evaluation set '{name}' is read from files, not synthesized.",
                "Use 'sparkle read-benchmark' for it.",
            )
        task = get_task(chosen.task)
        options = task.Options(**chosen.options)
        return SourceSettings(
            source=name,
            role="evaluation",
            seed=self.config.seed,
            images=chosen.images,
            images_per_shard=self.config.synthesis.images_per_shard,
            scene=self._part(
                task.scene_spec(self.discs(chosen.distractors, chosen.colours), options),
                "evaluation",
            ),
            render=self._render(),
            asking=self._asking(
                chosen.geometry,
                phrases=chosen.phrases,
                form=chosen.form,
                shuffle_options=chosen.shuffle_options,
            ),
            tasks=(use_of(chosen.task, chosen.options),),
        )

    @property
    def synthetic_sets(self) -> list[str]:
        """Evaluation sets of the matrix that are synthesized."""
        return [name for name in self.evaluation_sets if name not in self.benchmark_sets]

    @property
    def benchmark_sets(self) -> list[str]:
        """Evaluation sets of the matrix that are read from a benchmark's files."""
        sets = self.config.evaluation_sets
        return [n for n in self.evaluation_sets if isinstance(sets[n], BenchmarkSetConfig)]

    def benchmark(self, name: str) -> BenchmarkSettings:
        """What an evaluation set from files depends on."""
        chosen = self.config.evaluation_sets[name]
        if not isinstance(chosen, BenchmarkSetConfig):
            raise SparkleError(
                f"The evaluation set '{name}' is synthesized, not read from files.",
                "Use 'sparkle synthesize' for it.",
            )
        return BenchmarkSettings(name=name, seed=self.config.seed, chosen=chosen)

    def discs(self, distractors: int = 0, colours: Palette = "train") -> DiscSpec:
        """The configured discs, with so many distractors."""
        scenes = self.config.scenes
        return DiscSpec(
            objects=scenes.objects,
            distractors=distractors,
            radius=scenes.radius,
            spacing=scenes.spacing,
            decimals=scenes.decimals,
            canvas=scenes.canvas,
            palette=colours if scenes.names == "colours" else None,
        )

    def _render(self) -> RenderSpec:
        images = self.config.images
        return RenderSpec(size=images.size, style=images.style, ground=images.ground)

    def _asking(self, geometry: Geometry | None, **values: Any) -> Asking:
        scenes = self.config.scenes
        return Asking(geometry=geometry or scenes.geometry, directions=scenes.directions, **values)

    def training_merge(self, train_set: str) -> TrainingMergeSettings:
        chosen, data = self.config.train_sets[train_set], self.data_of(train_set)
        return TrainingMergeSettings(
            train_set=train_set,
            seed=self.config.seed,
            capabilities=tuple(chosen.capabilities),
            questions_per_conversation=data.questions_per_conversation,
            shares=dict(chosen.shares),
            images=data.images,
            control=chosen.control,
            verifiable=self.training_of(train_set).algorithm == "grpo",
        )

    # Models -----------------------------------------------------------------------------------

    def model(self, name: str) -> ModelConfig:
        return self.config.models[name]

    def pretraining(self, name: str) -> PretrainingSettings:
        """The recipe of an embedded model."""
        model = self._embedded(name)
        recipe = model.pretraining
        return PretrainingSettings(
            start=recipe.start,
            architecture=model.architecture,
            labels=recipe.labels,
            vision=recipe.vision,
            seed=recipe.seed,
            lessons=tuple(
                lesson_settings(model, number, lesson)
                for number, lesson in enumerate(recipe.lessons, 1)
            ),
        )

    def _embedded(self, name: str) -> EmbeddedModel:
        model = self.model(name)
        if not isinstance(model, EmbeddedModel):
            raise SparkleError(
                f"The model '{name}' is not an embedded one.", "Only embedded models are made here."
            )
        return model

    def finetune(self, model: str, train_set: str, seed: int) -> FinetuneSettings:
        trained = self.model(model)
        if isinstance(trained, VariantModel | EndpointModel):
            raise SparkleError(
                f"The model '{model}' cannot be fine-tuned here: it is of 'source:"
                f" {trained.source}'.",
                "Such a row is evaluated as it is, as train set 'none'.",
            )
        return FinetuneSettings(
            training=for_device(self.training_of(train_set), self.config.resources.training),
            seed=seed,
            swift=dict(trained.swift),
            offline=trained.source != "hub",
        )

    def training_of(self, train_set: str) -> TrainingConfig:
        """The training section with the train set's own changes."""
        changes = self.config.train_sets[train_set].training
        merged = merge(self.config.training.model_dump(exclude_unset=True), changes)
        return parse(TrainingConfig, merged, f"train_sets.{train_set}.training")

    def base_of(self, model: str) -> str:
        """The model whose base weights answer for ``model``: itself, but for variants."""
        chosen = self.model(model)
        return chosen.of if isinstance(chosen, VariantModel) else model

    def inference(self, model: str) -> InferenceSettings:
        chosen, base = self.model(model), self.model(self.base_of(model))
        if isinstance(base, VariantModel | EndpointModel):
            raise SparkleError(f"The model '{model}' has no weights here.", "It is an endpoint.")
        inference = for_device(self.config.inference, self.config.resources.inference)
        if not isinstance(chosen, VariantModel):
            return InferenceSettings(inference=inference, swift=dict(base.swift))
        if chosen.max_new_tokens is not None:
            inference = inference.model_copy(update={"max_new_tokens": chosen.max_new_tokens})
        return InferenceSettings(
            inference=inference,
            swift=dict(base.swift),
            prompting=chosen.prompting,
            examples=self._examples(chosen.prompting),
        )

    def endpoint(self, model: str) -> tuple[EndpointModel, EndpointSettings]:
        """An endpoint as configured, and of that what its answers depend on."""
        chosen = self.model(model)
        if not isinstance(chosen, EndpointModel):
            raise SparkleError(f"The model '{model}' is no endpoint.", "Use 'sparkle infer'.")
        return chosen, EndpointSettings(
            base_url=chosen.base_url,
            model=chosen.model,
            max_new_tokens=chosen.max_new_tokens or self.config.inference.max_new_tokens,
            parameters=chosen.parameters,
            prompting=chosen.prompting,
            examples=self._examples(chosen.prompting),
        )

    def _examples(self, prompting: Prompting) -> dict[str, SourceSettings]:
        """Evaluation set -> source of pictures for its few-shot examples, where they are drawn."""
        if prompting.style != "few_shot" or prompting.examples != "drawn":
            return {}
        found = {}
        for name in self.synthetic_sets:
            # No evaluation set has such a name, so that its stream of random numbers is its own.
            changes = {"source": f"{name}/examples", "images": _EXAMPLES + 8 * prompting.shots}
            found[name] = self.evaluation_source(name).model_copy(update=changes)
        return found


def _selected(chosen: list[str] | None, defined: Mapping[str, Any]) -> list[str]:
    return list(defined) if chosen is None else list(dict.fromkeys(chosen))


def _checked(config: Config) -> Experiment:
    experiment = Experiment(config)
    check(experiment)
    return experiment
