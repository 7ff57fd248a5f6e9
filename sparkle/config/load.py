"""Read a config file; say what is wrong with it by key, value, cause and hint."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sparkle.config.models import Config
from sparkle.errors import SparkleError

Model = TypeVar("Model", bound=BaseModel)

_SETS = {"(synthetic)": "EvaluationSetConfig", "(benchmark)": "BenchmarkSetConfig"}
_TAGS = ("embedded", "folder", "hub", "endpoint", "variant", *_SETS)


def load_config(path: Path) -> Config:
    """Read and check one YAML config file (cross-field rules are checked by ``Experiment``)."""
    return parse_config(read_yaml(path), str(path))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; anything else is a :class:`SparkleError`."""
    try:
        data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SparkleError(
            f"The config file {path} does not exist.",
            "The ones that come with Sparkle are in config/.",
        ) from None
    except OSError as error:
        raise SparkleError(f"The config file {path} cannot be read ({error.strerror}).") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SparkleError(
            f"{path} is not valid YAML: {' '.join(str(error).split())}.",
            "Check indentation and colons near that line.",
        ) from None
    if not isinstance(data, dict):
        raise SparkleError(
            f"{path} holds no mapping of keys to values.",
            "Start from a copy of config/config.yaml.",
        )
    return data


def parse_config(data: Mapping[str, Any], origin: str) -> Config:
    """Check a mapping against the config models.

    Args:
        origin: Where the mapping comes from, for messages.
    """
    return parse(Config, data, origin)


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
        known = _known_keys(model, keys[:-1])
        hint = closest(keys[-1], known)
        return f"{path}: unknown key.", hint
    if fault["type"] == "missing":
        return f"{path}: this key is required and missing.", f"Add '{keys[-1]}'."
    value = repr(fault["input"])
    value = value if len(value) < 80 else value[:77] + "..."
    reason = fault["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    return f"{path}: the value {value} is not possible: {reason}.", f"Change '{path}'."


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Keys that the JSON schema allows below ``path``."""
    schema = model.model_json_schema()
    definitions = schema.get("$defs", {})

    def resolve(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            node = definitions[node["$ref"].rsplit("/", 1)[-1]]
        return node

    node = resolve(schema)
    for key in path:
        if "discriminator" in node:
            mapping = node["discriminator"]["mapping"]
            node = resolve({"$ref": mapping[key]}) if key in mapping else {}
        elif key in _SETS:
            node = definitions.get(_SETS[key], {})
        elif key in node.get("properties", {}):
            node = resolve(node["properties"][key])
        else:
            node = resolve(node.get("additionalProperties") or {})
    return list(node.get("properties", {}))


def closest(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    if near:
        return f"Did you mean '{near[0]}'?"
    return f"Known here: {', '.join(names)}." if names else ""
