"""What the pages share: their template environment, and the files that come with the package."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined


def environment() -> Environment:
    """Templates that escape what they are given and stumble over what they are not."""
    return Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def resource(name: str) -> str:
    """The text of a file of this package."""
    return resources.files("sparkle.reporting").joinpath(name).read_text(encoding="utf-8")
