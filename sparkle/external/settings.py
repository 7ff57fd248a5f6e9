"""What an evaluation set made from a benchmark's files depends on."""

from __future__ import annotations

from pathlib import Path

from sparkle.config.base import Settings
from sparkle.config.evaluation import BenchmarkSetConfig


class BenchmarkSettings(Settings):
    """One evaluation set from a user's files: its name, the seed of the option order, the rest."""

    name: str
    seed: int
    chosen: BenchmarkSetConfig

    @property
    def root(self) -> Path:
        """Folder of the benchmark's files."""
        return Path(self.chosen.path)

    @property
    def key(self) -> str:
        """Where the set stands in the config, for messages."""
        return f"evaluation_sets.{self.name}"
