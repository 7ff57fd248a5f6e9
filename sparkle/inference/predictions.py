"""Predictions: one Parquet file per model and evaluation set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.files import atomic_path

PREDICTION_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("response", pa.string()),
        ("latency", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Prediction:
    """One raw answer; latency is the time of its batch in seconds, or None."""

    id: str
    response: str
    latency: float | None


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write predictions in the given order."""
    table = pa.Table.from_pylist([asdict(p) for p in predictions], schema=PREDICTION_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
