"""What the pages share: their template environment, and the files that come with the package."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup


def environment() -> Environment:
    """Templates that escape what they are given and stumble over what they are not."""
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        loader=FunctionLoader(resource),
    )  # fmt: skip


def resource(name: str) -> str:
    """The text of a template, style or script of this package."""
    folder = resources.files("sparkle.reporting").joinpath("templates")
    return folder.joinpath(name).read_text(encoding="utf-8")


def embedded_json(value: Any) -> Markup:
    """JSON to stand inside a ``<script type="application/json">``: nothing in it can end that."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))
