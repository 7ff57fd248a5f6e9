"""Bases of all pydantic models, and the words that config and code share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from sparkle.files import canonical_json, text_hash

Geometry = Literal["figure", "generator"]
Form = Literal["open", "choice"]
Phrases = Literal["train", "heldout", "all"]
Palette = Literal["train", "test", "all"]
Style = Literal["outlined", "figure"]
Ground = Literal["white", "textured", "transparent"]


class Closed(BaseModel):
    """A frozen model that refuses unknown keys; field docstrings become schema descriptions."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, protected_namespaces=()
    )


class Settings(Closed):
    """Settings of one step: exactly what its outputs depend on, hashable by content."""

    def identity(self) -> str:
        """Short hash of the canonical JSON of these settings."""
        return text_hash(canonical_json(self.model_dump(mode="json")))
