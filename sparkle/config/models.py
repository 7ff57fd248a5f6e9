"""The config file as pydantic models: types, bounds, defaults, and what each key means."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    NonNegativeInt,
    PositiveInt,
    Tag,
    field_validator,
    model_validator,
)

from sparkle.config.base import Closed, Form, Geometry, Ground, Palette, Phrases, Style
from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.config.inference import Backend, EndpointModel, VariantModel
from sparkle.config.report import ReportConfig
from sparkle.config.training import (
    SwiftOptions,
    TrainingConfig,
    TrainingDataConfig,
    TrainSetConfig,
)

BASE_TRAIN_SET = "none"
REFERENCES = ("oracle", "chance", "most_frequent")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("names become folder names: use letters, digits, '.', '_' and '-'")
    return name


Name = Annotated[str, AfterValidator(_check_name)]


class ScenesConfig(Closed):
    """What stands in the pictures, on a square canvas."""

    geometry: Geometry = "figure"
    """`figure`: 45-degree sectors and cells cut at thirds, as the paper draws them. `generator`:
    22.5/67.5-degree sectors and cells cut at 0.4 and 0.6 of the canvas (4.0 and 6.0), as the
    published generator does."""
    directions: Literal[4, 8] = 8
    """Eight directions, or only the four diagonals."""
    names: Literal["labels", "colours"] = "labels"
    """`labels`: grey discs with N1, N2, ... on them. `colours`: discs without labels, named by
    their colour (at most 4 objects, or 12 with `colours: all`, and 2 distractors)."""
    objects: Annotated[int, Field(ge=3, le=9)] = 3
    """Objects that the questions are about."""
    canvas: Annotated[float, Field(ge=4, le=100)] = 10.0
    """Side of the canvas, in the units of coordinates, distances, `radius` and `spacing`. The
    picture shows all of it, so on a larger one the same discs are smaller and have more room.
    Grids have none. The embedded model is pre-trained on 10."""
    radius: Annotated[float, Field(gt=0, le=20)] = 0.5
    """Radius of a disc in canvas units, at most a fifth of the canvas."""
    spacing: Annotated[float, Field(gt=0, le=90)] = 3.0
    """Least distance between the centres of two objects, in canvas units; at least twice the
    radius, so that no object covers another."""
    decimals: Annotated[int, Field(ge=0, le=4)] = 2
    """Coordinates are rounded to so many decimals before they are drawn."""
    split_grids: bool = False
    """Divide all possible grids of `spp`, by their hash, into some for training (three in four)
    and others for evaluation. Needed to train on `spp` where there are few: a 4 x 4 grid without
    missing edges has but 192."""

    @model_validator(mode="after")
    def _within_the_canvas(self) -> Self:
        if self.radius > self.canvas / 5:
            raise ValueError(
                f"radius {self.radius:g} is more than a fifth of the canvas ({self.canvas:g})"
            )
        if self.spacing > 0.9 * self.canvas:
            raise ValueError(
                f"spacing {self.spacing:g} is more than nine tenths of the canvas ({self.canvas:g})"
            )
        return self


class ImagesConfig(Closed):
    """How scenes become pixels."""

    size: Annotated[int, Field(ge=32, le=4096)] = 448
    """Side of the square picture in pixels."""
    style: Style = "outlined"
    """`outlined`: dark outlines and large labels, legible in tiny pictures. `figure`: plain grey
    discs with smaller labels and thin grid lines, as the published pictures."""
    ground: Ground = "white"
    """`white`; `textured`: light grey and uneven, different in each picture; `transparent`: PNG
    with an alpha channel (most models show it as white or black: look at what yours does)."""


class EvaluationSetConfig(Closed):
    """One test set: one question per image."""

    task: str
    """Name of a task, see `sparkle tasks`."""
    images: PositiveInt = 200
    """Number of images, hence of questions."""
    form: Form = "choice"
    """`choice`: letters, answer in \\boxed{}. `open`: the answer in words."""
    shuffle_options: bool = False
    """Shuffle the order of the options, per question (false = as published)."""
    distractors: NonNegativeInt = 2
    """Further objects that no question names (as published: only in test images)."""
    colours: Palette = "test"
    """With `scenes.names: colours`, the colours of objects; see `training_data.colours`."""
    geometry: Geometry | None = None
    """Sectors and cells of the answers; by default `scenes.geometry`."""
    phrases: Phrases = "train"
    """Which question templates to use; `heldout` = phrasing never trained on."""
    options: dict[str, Any] = {}
    """Options of the task, such as its margin: scenes are drawn anew until the question has it."""


def _kind_of_set(value: Any) -> str:
    """Which union member a set is: read from a benchmark's files, or synthesized."""
    if isinstance(value, BenchmarkSetConfig):
        return "(benchmark)"
    return "(benchmark)" if isinstance(value, dict) and "benchmark" in value else "(synthetic)"


AnySetConfig = Annotated[
    Annotated[EvaluationSetConfig, Tag("(synthetic)")]
    | Annotated[BenchmarkSetConfig, Tag("(benchmark)")],
    Discriminator(_kind_of_set),
]


class SynthesisConfig(Closed):
    """How the making of data is divided. Has no influence on the data."""

    images_per_shard: PositiveInt = 1000
    """Images in one Parquet shard."""
    jobs: PositiveInt = 1
    """Jobs over which the shards of the training images are spread."""


class InferenceConfig(Closed):
    """Answering with ms-swift."""

    batch_size: PositiveInt = 8
    """Questions answered together."""
    max_new_tokens: PositiveInt = 512
    """Longest answer in tokens."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the computation; `auto`: bfloat16 if the step has GPUs, else float32."""
    backend: Backend = "transformers"
    """Engine of the inference; all but `transformers` must be installed beside Sparkle."""
    swift: SwiftOptions = {}
    """Any further option of `swift infer`, by its name: {vllm_tensor_parallel_size: 2}."""


class Architecture(Closed):
    """Sizes of the embedded model."""

    image_size: Annotated[int, Field(ge=32, le=1024)] = 80
    """Side in pixels to which pictures are brought; best the same as `images.size`."""
    patch_size: Annotated[int, Field(ge=4, le=32)] = 8
    """Side of an image patch in pixels; divides `image_size`."""
    vision_width: Annotated[int, Field(ge=16)] = 96
    vision_layers: PositiveInt = 2
    vision_hidden: PositiveInt = 192
    """Width of the feed-forward layers of the vision tower."""
    text_width: Annotated[int, Field(ge=16)] = 128
    text_layers: PositiveInt = 3
    text_hidden: PositiveInt = 256
    """Width of the feed-forward layers of the language model."""
    heads: PositiveInt = 4
    vocabulary: Annotated[int, Field(ge=300)] = 1024
    context: Annotated[int, Field(ge=256)] = 2048
    """Longest conversation in tokens."""


class VisionLesson(Closed):
    """The dense lesson of the vision tower: each patch says which label is there, and where."""

    images: PositiveInt = 12000
    """Images, each with one to six objects, at most one per label."""
    steps: PositiveInt = 3000
    """Updates."""
    batch_size: PositiveInt = 32
    """Images per update."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 2e-3
    """Peak learning rate; it rises for 50 updates, then falls as a cosine."""


class PerceptionLesson(Closed):
    """One lesson of the whole model on the `perception` task, by ms-swift."""

    questions: Literal["points", "extremes", "forms", "all"] = "all"
    """`points`: where single objects are; `extremes`: which of some objects is leftmost,
    rightmost, highest or lowest; `all`: both, and lists, counts and forms of answers; `forms`:
    lists as the composite tasks want them, in any order or sorted along one axis."""
    images: dict[Annotated[int, Field(ge=1, le=9)], PositiveInt] | None = None
    """Images by the number of objects in them, where they differ from `pretraining.images`."""
    questions_per_conversation: PositiveInt | Literal["all"] = "all"
    """As in `training_data`."""
    training: TrainingConfig = TrainingConfig()


class PretrainingConfig(Closed):
    """How the embedded model learns to see, before any fine-tuning."""

    start: str | None = None
    """Name of shipped weights to go on from, such as sparkle-tiny: only `lessons` are given, and
    `architecture` must be that of those weights. Without it the model starts from nothing."""
    images: dict[Annotated[int, Field(ge=1, le=9)], PositiveInt] = {2: 2000, 3: 4000, 5: 12000}
    """Images of each lesson by the number of objects in them."""
    labels: Annotated[int, Field(ge=1, le=64)] = 9
    """Labels N1.. to draw from."""
    radius: Annotated[float, Field(gt=0, le=2)] = 1.25
    """Radius of a disc in canvas units."""
    spacing: Annotated[float, Field(gt=0, le=9)] = 2.6
    """Least distance between the centres of two objects, in canvas units."""
    seed: NonNegativeInt = 1
    """Seed of the initial weights, the images and the order of training."""
    vision: VisionLesson = VisionLesson()
    """The first lesson, of the vision tower alone."""
    lessons: Annotated[list[PerceptionLesson], Field(min_length=1)] = [
        PerceptionLesson(questions="extremes", images={3: 2000, 5: 4000}),
        PerceptionLesson(questions="points"),
        PerceptionLesson(),
    ]
    """The further lessons, on the `perception` task, by ms-swift, one after the other."""


class EmbeddedModel(Closed):
    """A LLaVA of about a million parameters that we build and pre-train ourselves."""

    source: Literal["embedded"]
    weights: Literal["shipped", "train"] = "shipped"
    """`shipped`: take the pre-trained weights that come with Sparkle (they must have been made
    by this very recipe). `train`: make them anew."""
    architecture: Architecture = Architecture()
    pretraining: PretrainingConfig = PretrainingConfig()
    swift: SwiftOptions = {}
    """Options for both `swift sft` and `swift infer`, such as {model_type: llava1_5_hf}."""


class FolderModel(Closed):
    """A model that lies in a folder, in Hugging Face format."""

    source: Literal["folder"]
    path: str
    """The folder, absolute or relative to where Snakemake is started."""
    swift: SwiftOptions = {}
    """Options for both `swift sft` and `swift infer`."""


class HubModel(Closed):
    """A model that is downloaded once from a hub."""

    source: Literal["hub"]
    id: str
    """Name on the hub, such as Qwen/Qwen2.5-VL-7B-Instruct."""
    revision: str | None = None
    """Branch, tag or commit; name a commit for a result that can be repeated."""
    hub: Literal["huggingface", "modelscope"] = "huggingface"
    swift: SwiftOptions = {}
    """Options for both `swift sft` and `swift infer`."""


ModelConfig = Annotated[
    EmbeddedModel | FolderModel | HubModel | VariantModel | EndpointModel,
    Field(discriminator="source"),
]


class MatrixConfig(Closed):
    """Which combinations to run. A list that is left out means: all that are defined."""

    models: list[str] | None = None
    train_sets: list[str] | None = None
    """`none` stands for the base model as it is."""
    seeds: Annotated[list[PositiveInt], Field(min_length=1)] = [1]
    """One fine-tuning per seed: order of the data, initial adapters, dropout."""
    evaluation_sets: list[str] | None = None
    references: list[Literal["oracle", "chance", "most_frequent"]] = ["oracle", "chance"]
    """Rows that need no model. `oracle`: must be always right. `chance`: random answers.
    `most_frequent`: always the answer that is most often right in the set."""


class StepResources(Closed):
    """What one job of a step asks of the machine or of Slurm. No influence on results."""

    threads: PositiveInt = 1
    memory_mb: PositiveInt = 4000
    minutes: PositiveInt = 60
    gpus: NonNegativeInt = 0
    """GPUs of a job, on each of its nodes; 0 = the step runs on the CPU."""
    nodes: PositiveInt = 1
    """Nodes of a job; only fine-tuning can use more than one."""


class ResourcesConfig(Closed):
    """Resources by step."""

    synthesis: StepResources = StepResources()
    training: StepResources = StepResources(threads=1, memory_mb=8000, minutes=240)
    inference: StepResources = StepResources(threads=1, memory_mb=8000, minutes=120)


class Config(Closed):
    """A whole experiment."""

    extends: str | None = None
    """Another config file, relative to this one: this file then says only what is different.
    Mappings are merged, lists and values replaced, `null` removes a key."""
    sweep: dict[str, list[Any]] | list[dict[str, Any]] | None = None
    """Values to try: {training.learning_rate: [1.0e-4, 3.0e-4]} for a grid, or a list of points,
    each with its `name`. Each point makes rows of its own."""
    name: Name
    """Name of the experiment, for titles."""
    seed: NonNegativeInt = 1
    """Seed of all data. The seeds of training are `matrix.seeds`."""
    results: str = "results"
    """Folder for everything that is made, relative to where Snakemake is started."""
    store: str | None = ".sparkle/store"
    """Folder in which finished artefacts are found again, by experiments with other `results` too;
    links, where it is on the same disk as the results. `null`: nothing is kept nor taken."""
    matrix: MatrixConfig = MatrixConfig()
    scenes: ScenesConfig = ScenesConfig()
    images: ImagesConfig = ImagesConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    training_data: TrainingDataConfig = TrainingDataConfig()
    train_sets: dict[Name, TrainSetConfig]
    evaluation_sets: Annotated[dict[Name, AnySetConfig], Field(min_length=1)]
    models: Annotated[dict[Name, ModelConfig], Field(min_length=1)]
    training: TrainingConfig = TrainingConfig()
    inference: InferenceConfig = InferenceConfig()
    resources: ResourcesConfig = ResourcesConfig()
    report: ReportConfig = ReportConfig()

    @field_validator("models")
    @classmethod
    def _free_model_names(cls, models: dict[str, Any]) -> dict[str, Any]:
        for name in REFERENCES:
            if name in models:
                raise ValueError(f"'{name}' is the name of a reference row; choose another")
        return models

    @field_validator("train_sets")
    @classmethod
    def _free_train_set_names(cls, train_sets: dict[str, Any]) -> dict[str, Any]:
        if BASE_TRAIN_SET in train_sets:
            raise ValueError(
                f"'{BASE_TRAIN_SET}' stands for the untrained base model and is not defined here"
            )
        return train_sets
