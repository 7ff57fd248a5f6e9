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
        ("prompt_hash", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Prediction:
    """One raw answer.

    Attributes:
        latency: Time of its batch in seconds divided by the batch's size, or None.
        prompt_hash: Hash of all that was sent: texts and pictures, in their order.
        prompt_tokens, completion_tokens: As the server of an endpoint counts them, else None.
    """

    id: str
    response: str
    latency: float | None
    prompt_hash: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


def write_predictions(path: Path, predictions: Sequence[Prediction]) -> None:
    """Write predictions in the given order."""
    table = pa.Table.from_pylist([asdict(p) for p in predictions], schema=PREDICTION_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
