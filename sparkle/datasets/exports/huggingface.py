"""For Hugging Face ``datasets`` and TRL: Parquet whose image columns are known as such."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from sparkle.datasets.card import Layout, hugging_face
from sparkle.datasets.examples import Example
from sparkle.datasets.exports.common import Job
from sparkle.datasets.exports.parts import tables_from, write_parts
from sparkle.datasets.merge import EVALUATION_SCHEMA, TRAINING_SCHEMA

_IMAGE = TRAINING_SCHEMA.field("images").type.value_type
_QUESTION_SCHEMA = pa.schema(
    [pa.field(f.name, _IMAGE) if f.name == "image" else f for f in EVALUATION_SCHEMA]
)
_TEXT = {"dtype": "string", "_type": "Value"}
_CONVERSATION: dict[str, Any] = {
    "images": [{"_type": "Image"}],
    "messages": [{"role": _TEXT, "content": _TEXT}],
}
_QUESTION: dict[str, Any] = {
    **{name: _TEXT for name in EVALUATION_SCHEMA.names},
    "image": {"_type": "Image"},
    "options": [_TEXT],
    "difficulty": {"dtype": "float64", "_type": "Value"},
}


def write(job: Job) -> Layout:
    """``data/part-*.parquet``; conversations as TRL takes them, or questions with all columns."""
    if job.dataset.role == "training":
        schema = _with_features(TRAINING_SCHEMA, _CONVERSATION)
        write_parts(job, schema, tables_from(_conversations(job), schema))
        description = (
            "Parquet files in `data/` with the columns `images` (a list of pictures) and"
            " `messages` (role and content), which TRL's `SFTTrainer` takes as they are."
        )
    else:
        schema = _with_features(_QUESTION_SCHEMA, _QUESTION)
        write_parts(job, schema, tables_from(_questions(job), schema))
        description = (
            "Parquet files in `data/` with a row per question: picture, prompt, options, right"
            " answer, the scene as JSON, and the margin to the nearest other answer"
            " (`difficulty`)."
        )
    return Layout(description, hugging_face(job.split), "data/*.parquet")


def _with_features(schema: pa.Schema, features: dict[str, Any]) -> pa.Schema:
    """The schema with the note by which ``datasets`` knows which columns are images."""
    ordered = {name: features[name] for name in schema.names}
    note = json.dumps({"info": {"features": ordered}})
    return schema.with_metadata({"huggingface": note})


def _conversations(job: Job) -> Iterator[dict[str, Any]]:
    for example in job.examples():
        # TRL puts the image before the first prompt itself: the text carries no mark.
        yield {"images": [_image(example)], "messages": example.messages}


def _questions(job: Job) -> Iterator[dict[str, Any]]:
    for example in job.examples():
        yield {**example.record, "image": _image(example)}


def _image(example: Example) -> dict[str, Any]:
    return {"bytes": example.image, "path": f"{example.image_id}.{example.suffix}"}
