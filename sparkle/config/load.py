"""Read a config file; say what is wrong with it by key, value, cause and hint."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sparkle.config.extend import read_extended
from sparkle.config.keys import SETS, closest, known_keys
from sparkle.config.models import Config
from sparkle.config.sweep import expand_sweep
from sparkle.errors import SparkleError

Model = TypeVar("Model", bound=BaseModel)

_TAGS = ("embedded", "folder", "hub", "endpoint", "variant", *SETS)


def load_config(path: Path) -> Config:
    """Read one YAML config file with what it extends, and check it.

    Rules across keys are checked by ``Experiment``.
    """
    return parse_config(read_extended(path), str(path))


def parse_config(data: Mapping[str, Any], origin: str) -> Config:
    """Check a mapping against the config models, its sweep expanded.

    Args:
        origin: Where the mapping comes from, for messages.
    """
    return parse(Config, expand_sweep(data, partial(known_keys, Config)), origin)


def parse(model: type[Model], data: Mapping[str, Any], origin: str) -> Model:
    """Validate ``data``; every fault becomes one line with key, value, cause, and a hint."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [_describe(dict(fault), model) for fault in error.errors(include_url=False)]
    text = "\n".join(f"  {cause}" for cause, _ in faults)
    hints = list(dict.fromkeys(hint for _, hint in faults if hint))
    raise SparkleError(f"{origin} is not valid:\n{text}", " ".join(hints))


def _describe(fault: dict[str, Any], model: type[BaseModel]) -> tuple[str, str]:
    keys = [str(part) for part in fault["loc"]]
    # A discriminated union adds the chosen tag to the path; a user never wrote that key.
    path = ".".join(k for k in keys if k not in _TAGS) or "(top level)"
    if fault["type"] == "extra_forbidden":
        known = known_keys(model, keys[:-1])
        hint = closest(keys[-1], known)
        return f"{path}: unknown key.", hint
    if fault["type"] == "missing":
        return f"{path}: this key is required and missing.", f"Add '{keys[-1]}'."
    value = repr(fault["input"])
    value = value if len(value) < 80 else value[:77] + "..."
    reason = fault["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    return f"{path}: the value {value} is not possible: {reason}.", f"Change '{path}'."
