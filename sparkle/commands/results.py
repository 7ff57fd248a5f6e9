"""Subcommands that score, tabulate and report."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import yaml

from sparkle.commands import recipes, settings
from sparkle.commands.common import DEFAULT_CONFIG, Commands, add_command
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import write_text
from sparkle.scoring.comparisons import (
    compare,
    means_as_markdown,
    over_scenes,
    over_seeds,
    write_comparisons,
)
