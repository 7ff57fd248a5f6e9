"""What raw answers depend on, beside the model and the questions."""

from __future__ import annotations

from typing import Any

from sparkle.config.base import Settings
from sparkle.config.inference import Prompting
from sparkle.config.models import InferenceConfig
from sparkle.config.training import SwiftOptions
from sparkle.datasets.settings import SourceSettings


class InferenceSettings(Settings):
    """Settings of one run of ms-swift's inference."""

    inference: InferenceConfig
    swift: SwiftOptions = {}
    """Options of the model, such as its type."""
    prompting: Prompting = Prompting()
    examples: dict[str, SourceSettings] = {}
    """Evaluation set -> source of the pictures that its few-shot examples are about."""


class EndpointSettings(Settings):
    """What the answers of an endpoint depend on; limits of speed and cost are no part of it."""

    base_url: str
    model: str
    max_new_tokens: int
    parameters: dict[str, Any]
    prompting: Prompting
    examples: dict[str, SourceSettings] = {}
    """As in :class:`InferenceSettings`."""
