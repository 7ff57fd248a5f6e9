"""The shipped configs in miniature: the same structure, few images, and a model of a million."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparkle.config.extend import merge, read_extended

ROOT = Path(__file__).parent.parent
TINY = ROOT / "sparkle/models/shipped/sparkle-tiny"
_IMAGES = 16
_TRAINING = {
    "learning_rate": 1e-3,
    "epochs": 1,
    "batch_size": 8,
    "gradient_accumulation": 1,
    "precision": "float32",
    "max_length": 2048,
    "logging_steps": 1,
    "save_steps": 100,
}


def shrunk(name: str, *, train_sets: list[str] | None = None) -> dict[str, Any]:
    """A config of ``config/`` as a mapping whose whole matrix runs in minutes on a CPU.

    All train sets, evaluation sets, controls, sweeps and variants stay; of the models that have
    weights the first one stays, as the shipped one, and of the seeds the first.

    Args:
        train_sets: Train sets of the matrix, instead of all that the config has there.
    """
    config = read_extended(ROOT / "config" / name)
    changes: dict[str, Any] = {
        "results": "results",
        "images": {"size": 50},
        "synthesis": {"images_per_shard": 8, "jobs": 1},
        "training": _TRAINING,
        "training_data": {"images": _IMAGES},
        "inference": {"batch_size": 32, "max_new_tokens": 12, "precision": "float32"},
        "resources": {
            step: {"threads": 1, "memory_mb": 2000, "minutes": 10, "gpus": 0}
            for step in ("synthesis", "training", "inference")
        },
        "matrix": {"seeds": [1]},
    }
    if train_sets is not None:
        changes["matrix"]["train_sets"] = train_sets
    small = merge(config, changes)
    for evaluation_set in small["evaluation_sets"].values():
        evaluation_set["images"] = 8
    for train_set in small["train_sets"].values():
        training = train_set.get("training", {})
        if training:
            training["epochs"] = 1
        if training.get("algorithm") == "grpo":
            training.update(batch_size=8, epochs=0.2, save_steps=2)
            training["grpo"]["generations"] = 4
    _shrink_sweep(small.get("sweep"))
    _replace_models(small)
    return small


def _shrink_sweep(sweep: Any) -> None:
    """The first and the last value of each key; numbers of images that are small."""
    for key, values in (sweep or {}).items():
        few = [values[0], values[-1]]
        sweep[key] = [_IMAGES // 2, _IMAGES] if key.endswith("images") else few


def _replace_models(config: dict[str, Any]) -> None:
    models = config["models"]
    first = next(name for name, model in models.items() if model["source"] != "variant")
    config["models"] = {
        first: {"source": "folder", "path": str(TINY), "swift": {"model_type": "llava1_5_hf"}}
    }
    for name, model in models.items():
        if model["source"] == "variant":
            model["of"] = first
            if model["prompting"].get("style") == "few_shot":
                model["prompting"]["shots"] = 2
            config["models"][name] = model
    if config["matrix"].get("models"):
        config["matrix"]["models"] = list(config["models"])
