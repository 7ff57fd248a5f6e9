"""For ms-swift: Parquet with the pictures inside, or JSON lines beside a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sparkle.datasets.card import CONVERSATION_FEATURES, Layout
from sparkle.datasets.exports.common import Job, save_image, write_line
from sparkle.datasets.exports.parts import tables_from, write_parts
from sparkle.datasets.merge import TRAINING_SCHEMA


def write_parquet(job: Job) -> Layout:
    """``data/part-*.parquet`` with the columns ``images`` and ``messages``."""
    write_parts(job, TRAINING_SCHEMA, tables_from(_rows(job), TRAINING_SCHEMA))
    return Layout(
        "Parquet files in `data/` with the columns `images` and `messages`:"
        " `swift sft --dataset path/to/this/folder/data`.",
        _loading("data"),
        "data/*.parquet",
        CONVERSATION_FEATURES,
    )


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    for example in job.examples():
        image = {"bytes": example.image, "path": f"{example.image_id}.{example.suffix}"}
        yield {"images": [image], "messages": example.marked()}


def write_jsonl(job: Job) -> Layout:
    """``data.jsonl`` with absolute names of the pictures, which ms-swift insists on."""
    with open(job.folder / "data.jsonl", "w", encoding="utf-8") as file:
        for example in job.examples():
            name = save_image(job.folder, example)
            write_line(
                file,
                {
                    "id": f"{job.dataset.name}/{example.row:08d}",
                    "messages": example.marked(),
                    "images": [str(job.final / name)],
                },
            )
    job.files.append("data.jsonl")
    return Layout(
        "One conversation per line of `data.jsonl`, pictures as files in `images/`:"
        " `swift sft --dataset path/to/this/folder/data.jsonl`. The lines hold absolute names:"
        " export again rather than move the folder.",
        _loading("data.jsonl"),
    )


def _loading(name: str) -> str:
    return (
        "from swift.dataset import load_dataset\n\n"
        f'rows, _ = load_dataset(["path/to/this/folder/{name}"])'
    )
