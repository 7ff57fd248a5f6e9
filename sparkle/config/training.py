"""Config of training: the data, the train sets, and how the weights are changed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from sparkle.config.base import Closed, Geometry, Palette, Phrases

SwiftValue = str | int | float | bool | list[Any] | dict[str, Any] | None
SwiftOptions = dict[str, SwiftValue]


class TrainingDataConfig(Closed):
    """The training images and the questions asked about them, unless a train set has its own."""

    images: PositiveInt = 2000
    """Number of training images."""
    distractors: NonNegativeInt = 0
    """Further objects in training images that no question names."""
    groups: PositiveInt = 1
    """Groups of `scenes.objects` objects that are asked about in one image; 1 = as published."""
    colours: Palette = "train"
    """With `scenes.names: colours`, the colours of objects: the published ones of training
    (`train`) or test images (`test`), which share none, or `all`."""
    numbers: bool = True
    """With the numeric records (distances, coordinates)."""
    descriptions: bool = True
    """With one description per capability; a train set that has the capability `description` gets
    its one long text instead."""
    phrases: Phrases = "train"
    """Which question templates to use."""
    geometry: Geometry | None = None
    """Sectors and cells of the answers; by default `scenes.geometry`."""
    questions_per_conversation: PositiveInt | Literal["all"] = 1
    """1 = one record per question, as published; `all` = all questions of an image in one
    conversation, which encodes the image once and supervises every answer."""
    options: dict[str, dict[str, Any]] = {}
    """Options by task, such as margins: {direction: {min_angle: 5}, distance: {min_ratio: 1.1},
    localization: {min_gap: 0.2}}. Records with a smaller margin are left out; each record keeps
    its margin as `difficulty`."""


class RewardsConfig(Closed):
    """Weights of the rewards; each reward is 0 or 1. With weight 0 it is not asked for."""

    correct: Annotated[float, Field(ge=0)] = 1.0
    """The answer is right, by the verifier of its task, as in scoring."""
    valid: Annotated[float, Field(ge=0)] = 0.0
    """A path or tour that keeps the rules, the shortest or not; other tasks: same as `format`."""
    format: Annotated[float, Field(ge=0)] = 0.1
    """An answer can be read from the text, right or wrong."""


class GrpoConfig(Closed):
    """Group relative policy optimization (Shao et al., arXiv 2402.03300)."""

    generations: Annotated[int, Field(ge=2)] = 8
    """Answers to each question, which are compared with each other; divides the number of answers
    per update (`batch_size` x `gradient_accumulation` x GPUs)."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature at which answers are drawn."""
    max_new_tokens: PositiveInt = 64
    """Longest answer in tokens."""
    beta: Annotated[float, Field(ge=0)] = 0.04
    """Weight of the divergence from the weights at the start; 0 keeps no second model in memory."""
    rewards: RewardsConfig = RewardsConfig()


class TrainingConfig(Closed):
    """Fine-tuning with ms-swift."""

    algorithm: Literal["sft", "grpo"] = "sft"
    """`sft`: the answers of the train set are taught. `grpo`: the model answers by itself, several
    times, and answers better than its others are made likelier: reinforcement learning with the
    verifiers that also score."""
    grpo: GrpoConfig = GrpoConfig()
    method: Literal["full", "lora"] = "lora"
    """Train all weights, or low-rank adapters on all linear layers."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """Peak learning rate."""
    epochs: Annotated[float, Field(gt=0)] = 1.0
    """Passes over the train set."""
    batch_size: PositiveInt = 1
    """Conversations per device and step; with `grpo`, answers."""
    gradient_accumulation: PositiveInt = 16
    """Steps whose gradients are added up before an update."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of all updates over which the learning rate rises."""
    scheduler: str = "cosine"
    """Learning rate schedule, as transformers names them."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Weight decay of AdamW."""
    lora_rank: PositiveInt = 8
    """Rank of the adapters."""
    lora_alpha: PositiveInt = 32
    """Scale of the adapters."""
    freeze_vision: bool = True
    """Keep the vision tower as it is."""
    freeze_projector: bool = True
    """Keep the projector between vision tower and language model as it is."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Number format of the computation; `auto`: bfloat16 if the step has GPUs, else float32."""
    max_length: PositiveInt = 4096
    """Longest conversation in tokens; longer ones are an error, not cut."""
    save_steps: PositiveInt = 200
    """Updates between checkpoints, from which an interrupted run goes on."""
    logging_steps: PositiveInt = 10
    """Updates between points of the loss curve."""
    swift: SwiftOptions = {}
    """Any further option of `swift sft` or, for `grpo`, `swift rlhf`, by its name: {deepspeed:
    zero2}. Wins over the above."""


class TrainSetConfig(Closed):
    """Which capabilities a model is fine-tuned on."""

    capabilities: list[str]
    """Names of trainable tasks, see `sparkle tasks`."""
    shares: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Share of a capability's records that is kept, such as {direction: 0.2}; 1 where not named."""
    data: dict[str, Any] = {}
    """Keys of `training_data` that are different for this train set, such as {images: 500}. Train
    sets that differ in nothing else see the same pictures: the first 500 of all."""
    control: Literal["shuffled_labels", "text_only"] | None = None
    """A control, which must learn nothing of space. `shuffled_labels`: each question gets the
    answer to another of its kind. `text_only`: each picture is replaced by an empty one."""
    start_from: str | None = None
    """Train set whose tuned weights (same model, same seed) are trained on; by default the base
    model's. Both must be trained by the same `training.method`."""
    training: dict[str, Any] = {}
    """Keys of `training` that are different for this train set, such as {epochs: 3}."""
