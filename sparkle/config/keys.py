"""The keys that a config may have at a path, and the nearest of them to a misspelt one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

SETS = {"(synthetic)": "EvaluationSetConfig", "(benchmark)": "BenchmarkSetConfig"}
"""Tags of the two kinds of evaluation sets, and the models behind them."""


def known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
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
        elif key in SETS:
            node = definitions.get(SETS[key], {})
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
