"""A sweep: values to try become models, train sets and evaluation sets of their own.

``sweep: {training.learning_rate: [1.0e-4, 3.0e-4], training_data.images: [500, 2000]}`` is a grid;
a list of points names each: ``[{name: small, training_data.images: 500}, ...]``. What a key belongs
to is multiplied, all else is shared: a key of ``training`` or ``training_data`` makes a row of each
train set of the matrix, one of ``train_sets.NAME``, ``models.NAME`` or ``evaluation_sets.NAME`` of
that alone.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from sparkle.config.keys import closest
from sparkle.errors import SparkleError

SWEEP = "sweep"
_KINDS = ("models", "train_sets", "evaluation_sets")
_APART = (
    "it would change what is tested, so that rows could not be compared question by question",
    "Sweep over training_data.*, train_sets.NAME.data.* or evaluation_sets.NAME.*; or write a"
    " config for each value, with 'extends' and a results folder of its own.",
)
_REFUSED = {
    "scenes": _APART,
    "images": _APART,
    "seed": _APART,
    "inference": (
        "it changes the answers of every row alike",
        "Write a config for each value, with 'extends' and a results folder of its own.",
    ),
    "matrix": ("it says which rows there are", "Add to its lists instead."),
}
_NO_RESULT = ("it has no influence on results", "Set one value.")

Point = tuple[str | None, dict[str, Any]]
"""(name, key -> value); a point of a grid has no name."""


@dataclass(frozen=True)
class _Setting:
    """One swept key with one value: the part it changes, the path below it, and its label."""

    kind: str
    name: str | None
    path: tuple[str, ...]
    value: Any
    label: str


def expand_sweep(
    config: Mapping[str, Any], known_keys: Callable[[list[str]], list[str]]
) -> dict[str, Any]:
    """The config without its ``sweep``, with a part for each point instead.

    Args:
        known_keys: The keys that may stand below a path, none where any may.

    Raises:
        SparkleError: A key is unknown or cannot be swept over, or points cannot be told apart.
    """
    if config.get(SWEEP) is None:
        return {key: value for key, value in config.items() if key != SWEEP}
    points = list(_points(config[SWEEP]))
    expanded = copy.deepcopy({key: value for key, value in config.items() if key != SWEEP})
    short = _short_names([key for _, values in points for key in values])
    settings = [
        [_setting(config, key, value, name or short[key], name, known_keys)
         for key, value in values.items()]
        for name, values in points
    ]  # fmt: skip
    for (name, _), point in zip(points, settings, strict=True):
        if name is not None and len({setting.kind for setting in point}) > 1:
            raise SparkleError(
                f"sweep: the point '{name}' changes more than one of {', '.join(_KINDS)}: every"
                " model is run with every train set, so that mixtures of points would be run too.",
                "Split it into several points, or use a grid.",
            )
    for kind in _KINDS:
        _multiply(expanded, kind, settings)
    return expanded


def _points(sweep: Any) -> Iterator[Point]:
    if isinstance(sweep, Mapping) and sweep:
        for key, values in sweep.items():
            if not isinstance(values, list) or not values:
                raise SparkleError(
                    f"sweep.{key}: {values!r} is no list of values.", f"Write {key}: [a, b]."
                )
        for values in product(*sweep.values()):
            yield None, dict(zip(sweep, values, strict=True))
        return
    if not isinstance(sweep, list) or not sweep:
        raise SparkleError(
            f"sweep: {sweep!r} is neither a mapping of keys to values nor a list of points.",
            "Write sweep: {training.learning_rate: [1.0e-4, 3.0e-4]}.",
        )
    names = [point.get("name") if isinstance(point, Mapping) else None for point in sweep]
    for number, (point, name) in enumerate(zip(sweep, names, strict=True), 1):
        if not isinstance(name, str) or len(point) < 2 or names.count(name) > 1:
            raise SparkleError(
                f"sweep: point {number} is {point!r}: each needs a 'name' of its own and a key.",
                "Such as {name: small, training_data.images: 500}.",
            )
        yield name, {key: value for key, value in point.items() if key != "name"}


def _short_names(keys: list[str]) -> dict[str, str]:
    """The last part of each key, or the last two where that is not enough to tell them apart."""
    unique = list(dict.fromkeys(keys))
    last = {key: key.split(".")[-1] for key in unique}
    names = list(last.values())
    return {k: n if names.count(n) == 1 else ".".join(k.split(".")[-2:]) for k, n in last.items()}


def _setting(
    config: Mapping[str, Any],
    key: str,
    value: Any,
    short: str,
    point: str | None,
    known_keys: Callable[[list[str]], list[str]],
) -> _Setting:
    path = key.split(".")
    kind, name, below = _target(config, key, path)
    _check_key(key, kind, below, path, known_keys)
    label = point if point is not None else f"{short}{_text(key, value)}"
    return _Setting(kind, name, tuple(below), value, label)


def _target(
    config: Mapping[str, Any], key: str, path: list[str]
) -> tuple[str, str | None, list[str]]:
    """What a key changes: (kind of part, its name or None for all, path below it)."""
    if path[0] in ("training", "training_data") and len(path) > 1:
        return "train_sets", None, ["data" if path[0] == "training_data" else path[0], *path[1:]]
    if path[0] in _KINDS:
        defined = config.get(path[0]) or {}
        if len(path) < 3 or path[1] not in defined:
            raise SparkleError(
                f"sweep.{key}: it does not name a key of one of the {path[0]}.",
                closest(path[1], defined) if len(path) > 1 else "",
            )
        return path[0], path[1], path[2:]
    roots = ["training", "training_data", *_KINDS]
    if path[0] in _REFUSED or path[0] in ("name", "results", "resources", "synthesis"):
        why, hint = _REFUSED.get(path[0], _NO_RESULT)
        raise SparkleError(f"sweep.{key}: not to be swept over: {why}.", hint)
    raise SparkleError(f"sweep.{key}: unknown key.", closest(path[0], [*roots, *_REFUSED]))


def _check_key(
    key: str,
    kind: str,
    below: list[str],
    path: list[str],
    known_keys: Callable[[list[str]], list[str]],
) -> None:
    if kind == "train_sets" and below[0] in ("training", "data") and len(below) > 1:
        path = ["training_data" if below[0] == "data" else "training", *below[1:]]
    if kind == "evaluation_sets":
        return  # of one of two forms, which the check of the expanded config tells apart
    for depth in range(1, len(path)):
        known = known_keys(path[:depth])
        if known and path[depth] not in known and path[:depth] not in ([kind],):
            raise SparkleError(f"sweep.{key}: unknown key.", closest(path[depth], known))


def _text(key: str, value: Any) -> str:
    """A value as part of a name."""
    if isinstance(value, list):
        return "-".join(_text(key, item) for item in value)
    if isinstance(value, Mapping) or value is None:
        raise SparkleError(
            f"sweep.{key}: {value!r} does not make a readable name.",
            "Write the sweep as a list of points, each with a 'name'.",
        )
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9._-]", "-", text.replace("+", ""))


def _multiply(config: dict[str, Any], kind: str, settings: list[list[_Setting]]) -> None:
    """Replace each part of a kind that is swept over by one for each point."""
    parts: dict[str, Any] = config.get(kind) or {}
    link = {"models": "of", "train_sets": "start_from"}.get(kind)
    chosen = (config.get("matrix") or {}).get(kind)
    made: dict[str, Any] = {}
    replaced: dict[str, list[str]] = {}
    for name, part in parts.items():
        used = chosen is None or name in chosen
        rows: dict[str, dict[str, Any]] = {}
        for point in settings if used else []:
            own, label = _of(name, parts, kind, link, point)
            if not label:
                continue
            row = copy.deepcopy(dict(part))
            for setting in own:
                _put(row, setting.path, setting.value)
            linked = part.get(link) if link else None
            if linked in parts:
                _, other = _of(linked, parts, kind, link, point)
                row[link] = f"{linked}-{other}" if other else linked
            full = f"{name}-{label}"
            if rows.get(full, row) != row:
                raise SparkleError(
                    f"sweep: two points are both called '{full}'.", "Remove one of the values."
                )
            rows[full] = row
        replaced[name] = list(rows) or [name]
        made.update(rows or {name: part})
    if parts:
        config[kind] = made
    if chosen is not None:
        config["matrix"] = {
            **config["matrix"], kind: [row for name in chosen for row in replaced.get(name, [name])]
        }  # fmt: skip


def _of(
    name: str, parts: Mapping[str, Any], kind: str, link: str | None, point: list[_Setting]
) -> tuple[list[_Setting], str]:
    """The settings of a point that change a part itself, and the label of its row.

    A part that is made from another one (`of`, `start_from`) is multiplied with it.
    """
    chain = [name]
    while link is not None:
        linked = parts[chain[-1]].get(link)
        if linked not in parts or linked in chain:
            break
        chain.append(str(linked))

    def changing(part: str) -> list[_Setting]:
        return [s for s in point if s.kind == kind and s.name in (None, part)]

    labels = [setting.label for part in chain for setting in changing(part)]
    return changing(name), "-".join(dict.fromkeys(labels))


def _put(target: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        inner = target.get(key)
        target[key] = dict(inner) if isinstance(inner, Mapping) else {}
        target = target[key]
    target[path[-1]] = value
