"""What raw answers depend on, beside the model and the questions."""

from __future__ import annotations

from sparkle.config.base import Settings
from sparkle.config.models import InferenceConfig, SwiftOptions


class InferenceSettings(Settings):
    """Settings of one run of ms-swift's inference."""

    inference: InferenceConfig
    swift: SwiftOptions = {}
    """Options of the model, such as its type."""
