"""Configuration: what an experiment is, as data. The lowest layer: imports nothing above it."""

from sparkle.config.load import load_config, parse_config
from sparkle.config.models import Config

__all__ = ["Config", "load_config", "parse_config"]
