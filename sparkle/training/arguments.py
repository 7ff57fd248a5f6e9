"""From typed settings to the options of ``swift sft`` and ``swift rlhf``."""

from __future__ import annotations

from pathlib import Path

from sparkle.config.training import SwiftOptions, TrainingConfig
from sparkle.training.rewards import NAMES
from sparkle.training.settings import FinetuneSettings

PLUGIN = Path(__file__).with_name("plugin.py")


def command_of(training: TrainingConfig) -> str:
    """The command of ms-swift that trains in this way."""
    return "rlhf" if training.algorithm == "grpo" else "sft"


def training_options(
    settings: FinetuneSettings,
    *,
    model: str,
    dataset: Path,
    output: Path,
    gpus: int,
    checkpoint: Path | None,
    start: Path | None = None,
) -> SwiftOptions:
    """All options of one run.

    Args:
        model: Base weights: a folder, or a name on a hub.
        start: Tuned weights to start from, instead of the base weights: a model folder where all
            weights are trained, else adapters.
        dataset: Folder of Parquet files.
        output: Folder for checkpoints and logs.
        gpus: GPUs of the job; 0 trains on the CPU.
        checkpoint: Checkpoint to go on from, or None.

    The order of precedence is: what ms-swift needs to run here, the training section, the model's
    ``swift`` options, the training section's ``swift`` options.
    """
    training = settings.training
    options: SwiftOptions = {
        "model": model,
        "dataset": [str(dataset)],
        "output_dir": str(output),
        "tuner_type": training.method,
        "seed": settings.seed,
        "data_seed": settings.seed,
        **_learning_options(training),
        **_data_options(training),
        **_saving_options(training),
        "check_model": not settings.offline,
        **_precision_options(training),
    }
    options.update(_method_options(training))
    options.update(_start_options(training, start))
    if training.algorithm == "grpo":
        options.update(_grpo_options(training, str(options["model"]), start))
    options.update(_device_options(gpus))
    options.update(settings.swift)
    options.update(training.swift)
    return options if checkpoint is None else _resumed(options, training, checkpoint)


def _learning_options(training: TrainingConfig) -> SwiftOptions:
    return {
        "learning_rate": training.learning_rate,
        "num_train_epochs": training.epochs,
        "per_device_train_batch_size": training.batch_size,
        "gradient_accumulation_steps": training.gradient_accumulation,
        "warmup_ratio": training.warmup,
        "lr_scheduler_type": training.scheduler,
        "weight_decay": training.weight_decay,
        "freeze_vit": training.freeze_vision,
        "freeze_aligner": training.freeze_projector,
    }


def _data_options(training: TrainingConfig) -> SwiftOptions:
    return {
        "max_length": training.max_length,
        # Together: a conversation that is too long is an error; alone, "delete" drops it silently.
        "truncation_strategy": "delete",
        "strict": True,
        # The data is ours and final: no split, no cache to go stale.
        "split_dataset_ratio": 0,
        "load_from_cache_file": False,
    }


def _saving_options(training: TrainingConfig) -> SwiftOptions:
    return {
        "save_strategy": "steps",
        "save_steps": training.save_steps,
        "save_total_limit": 2,
        "enable_jit_checkpoint": True,  # on SIGTERM: write a checkpoint, then end
        "logging_steps": training.logging_steps,
        "report_to": ["none"],
        "add_version": False,  # no folder names with dates
    }


def _resumed(options: SwiftOptions, training: TrainingConfig, checkpoint: Path) -> SwiftOptions:
    """The options of a run that goes on from a checkpoint."""
    resumed = {**options, "resume_from_checkpoint": str(checkpoint)}
    resumed.pop("adapters", None)  # those of the checkpoint count
    if training.method == "full":
        # Without this ms-swift 4.6 restarts a full run of a LLaVA from the base weights: the
        # names in the checkpoint differ from those it loads, and only a warning says so.
        resumed["model"] = str(checkpoint)
    return resumed


def _start_options(training: TrainingConfig, start: Path | None) -> SwiftOptions:
    if start is None:
        return {}
    return {"model": str(start)} if training.method == "full" else {"adapters": [str(start)]}


def _grpo_options(training: TrainingConfig, model: str, start: Path | None) -> SwiftOptions:
    grpo = training.grpo
    rewards = {name: getattr(grpo.rewards, name) for name in NAMES}
    chosen = {name: weight for name, weight in rewards.items() if weight}
    options: SwiftOptions = {
        "rlhf_type": "grpo",
        "external_plugins": [str(PLUGIN)],
        "reward_funcs": [f"sparkle_{name}" for name in chosen],
        "reward_weights": list(chosen.values()),
        "num_generations": grpo.generations,
        "temperature": grpo.temperature,
        "max_completion_length": grpo.max_new_tokens,
        "beta": grpo.beta,
        "use_vllm": False,  # a `swift` option turns it on where vLLM is installed
    }
    if grpo.beta and training.method == "full":
        options["ref_model"] = model  # named, or a resumed run would compare with its checkpoint
    if grpo.beta and training.method == "lora" and start is not None:
        options["ref_adapters"] = [str(start)]
    return options


def _precision_options(training: TrainingConfig) -> SwiftOptions:
    options: SwiftOptions = {"torch_dtype": training.precision}
    if training.precision == "float32":
        options.update({"fp16": False, "bf16": False})  # or ms-swift turns autocast on by itself
    return options


def _method_options(training: TrainingConfig) -> SwiftOptions:
    if training.method == "full":
        return {}
    return {
        "lora_rank": training.lora_rank,
        "lora_alpha": training.lora_alpha,
        "target_modules": ["all-linear"],
    }


def _device_options(gpus: int) -> SwiftOptions:
    if gpus:
        return {}
    return {
        "use_cpu": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "gradient_checkpointing": False,
        "vit_gradient_checkpointing": False,
    }
