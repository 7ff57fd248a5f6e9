"""The experiment: a checked config, and from it the settings and names of every step."""

from sparkle.experiment.checks import check_scenes
from sparkle.experiment.core import BASE_SEED, Cell, Experiment

__all__ = ["BASE_SEED", "Cell", "Experiment", "check_scenes"]
