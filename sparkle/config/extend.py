"""Configs that extend others: ``extends: FILE``, and only what is different."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from sparkle.errors import SparkleError

EXTENDS = "extends"


def read_extended(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, merged over the file that it extends, and so on.

    Raises:
        SparkleError: A file is missing or no mapping, or files extend each other in a circle.
    """
    return _read(path, ())


def with_bases(config: Mapping[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """A config that was merged from ``files`` (and perhaps more), over what they extend.

    For Snakemake, which reads config files itself and knows nothing of ``extends``.
    """
    if EXTENDS not in config:
        return dict(config)
    merged: dict[str, Any] = {}
    for file in files:
        merged = merge(merged, read_extended(file))
    own = {key: value for key, value in config.items() if key != EXTENDS}
    return merge(merged, own)


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``changes``: mappings merged, other values replaced, None removes a key."""
    merged = dict(base)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = merge(merged[key], value)
        elif isinstance(value, Mapping):
            merged[key] = merge({}, value)
        else:
            merged[key] = value
    return merged


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


def _read(path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    data = read_yaml(path)
    base = data.pop(EXTENDS, None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise SparkleError(
            f"{path}: extends: {base!r} is no file name.", "Name one file, relative to this one."
        )
    chain = (*above, path.resolve())
    target = path.parent / base
    if target.resolve() in chain:
        circle = " -> ".join(p.name for p in (*chain, target))
        raise SparkleError(
            f"{path}: extends: the files extend each other in a circle ({circle}).",
            "Remove one 'extends'.",
        )
    if not target.is_file():
        raise SparkleError(
            f"{path}: extends: the file {target} does not exist.",
            "The name is relative to the folder of the file that extends it.",
        )
    return merge(_read(target, chain), data)
