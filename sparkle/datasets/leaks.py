"""The leak rule: no scene that is tested may occur in training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sparkle.errors import SparkleError
from sparkle.files import read_json, write_json

_SHOWN = 5


def check_leaks(training: Sequence[Path], evaluation: Sequence[Path], output: Path) -> None:
    """Compare scene hashes of every training manifest with every evaluation manifest.

    Writes the counts to ``output``.

    Raises:
        SparkleError: A scene occurs on both sides; the message names sets and hashes.
    """
    report: list[dict[str, Any]] = []
    tested = [(path.stem, _hashes(path)) for path in evaluation]
    for path in training:
        trained = _hashes(path)
        for name, hashes in tested:
            shared = hashes.filter(pc.is_in(hashes, value_set=trained))
            if len(shared):
                some = ", ".join(shared.to_pylist()[:_SHOWN])
                raise SparkleError(
                    f"{len(shared)} scenes of the evaluation set '{name}' occur in the train set"
                    f" '{path.parent.name}': {some}.",
                    "Change 'seed', or make scenes less alike (more decimals, more objects).",
                )
            report.append(
                {
                    "train_set": path.parent.name,
                    "evaluation_set": name,
                    "training_scenes": len(trained),
                    "evaluation_scenes": len(hashes),
                    "shared": 0,
                }
            )
    write_json(output, report)


def _hashes(manifest: Path) -> pa.Array:
    return pa.array(read_json(manifest)["scene_hashes"], type=pa.string())
