"""The weights that come with the package: whether a recipe may take them, or go on from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sparkle.config.load import closest
from sparkle.errors import SparkleError
from sparkle.files import read_json
from sparkle.models.shipped import SHIPPED_WEIGHTS
from sparkle.training.settings import PretrainingSettings

RECIPE = "recipe.json"
"""What weights were made by, beside them."""


def shipped_start(settings: PretrainingSettings, name: str, key: str = "pretraining.start") -> Path:
    """The folder of shipped weights to go on from.

    Args:
        key: Key of the config that names them, for messages.

    Raises:
        SparkleError: There are none of that name, or they have another architecture.
    """
    folder = SHIPPED_WEIGHTS / name
    if not (folder / RECIPE).is_file():
        hint = closest(name, _names())
        raise SparkleError(
            f"{key}: no weights are shipped under the name '{name}'.",
            f"{hint} Leave the key out to start from nothing.",
        )
    theirs = read_json(folder / RECIPE)["architecture"]
    ours = settings.architecture.model_dump(mode="json")
    if theirs != ours:
        keys = ", ".join(_differences(theirs, ours, "architecture"))
        raise SparkleError(
            f"{key}: the shipped weights of '{name}' have another {keys}.",
            "Give the model the architecture of those weights, as config/config.yaml has it.",
        )
    return folder


def shipped_weights(settings: PretrainingSettings, name: str) -> Path:
    """The folder of the shipped weights of model ``name``, which are those of its recipe.

    Raises:
        SparkleError: Nothing is shipped under that name, or it was made by another recipe.
    """
    folder = SHIPPED_WEIGHTS / name
    retrain = f"Set models.{name}.weights to 'train' to make them by your recipe."
    if not (folder / RECIPE).is_file():
        raise SparkleError(
            f"models.{name}: no weights are shipped under that name.",
            f"{closest(name, _names())} {retrain}",
        )
    recipe = _with_defaults(read_json(folder / RECIPE))
    wanted = settings.model_dump(mode="json")
    if recipe != wanted:
        keys = ", ".join(_differences(recipe, wanted))
        raise SparkleError(
            f"models.{name}: the shipped weights were made by another recipe, with other {keys}.",
            retrain,
        )
    return folder


def _names() -> list[str]:
    return sorted(path.parent.name for path in SHIPPED_WEIGHTS.glob(f"*/{RECIPE}"))


def _with_defaults(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe with the keys that came after it was written, which have their defaults."""
    try:
        return PretrainingSettings.model_validate(recipe).model_dump(mode="json")
    except ValidationError:
        return recipe  # of another version: the comparison names what differs


def _differences(a: object, b: object, path: str = "") -> list[str]:
    if isinstance(a, dict) and isinstance(b, dict):
        keys = sorted(a.keys() | b.keys())
        return [
            found
            for key in keys
            for found in _differences(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))
        ]
    return [] if a == b else [path]
