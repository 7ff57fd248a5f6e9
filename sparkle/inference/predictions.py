"""Predictions: one Parquet file per model and evaluation set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.files import TIMES, atomic_path, write_json

PREDICTION_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("response", pa.string()),
        ("prompt_hash", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Prediction:
    """One raw answer.

    Attributes:
        latency: Time of its batch in seconds divided by the batch's size, or None. It stays out of
            the file of predictions, which is the same byte for byte when they are made again.
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
    rows = [{name: getattr(p, name) for name in PREDICTION_SCHEMA.names} for p in predictions]
    table = pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_times(folder: Path, answered: Mapping[str, Sequence[Prediction]]) -> None:
    """Write ``folder/times.json``: of each evaluation set, questions and seconds per question.

    Apart from the predictions, as no two runs take the same time. Questions that an interrupted run
    had answered count with the time that they took then.
    """
    times = {}
    for name, predictions in answered.items():
        known = [p.latency for p in predictions if p.latency is not None]
        mean = sum(known) / len(known) if known else None
        times[name] = {"questions": len(predictions), "seconds_per_question": mean}
    write_json(folder / TIMES, times)
