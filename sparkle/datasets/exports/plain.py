"""PNG files and JSON lines, to look at and for tools of one's own."""

from __future__ import annotations

from typing import Any

from sparkle.datasets.card import Layout
from sparkle.datasets.exports.common import Job, save_image, write_line


def write(job: Job) -> Layout:
    """``images/`` and ``data.jsonl``, one line per conversation or question."""
    with open(job.folder / "data.jsonl", "w", encoding="utf-8") as file:
        for example in job.examples():
            line: dict[str, Any] = {
                "image": save_image(job.folder, example),
                "image_id": example.image_id,
            }
            if example.record:
                line |= example.record
            else:
                texts = [message["content"] for message in example.messages]
                line["conversation"] = [
                    {"question": question, "answer": answer}
                    for question, answer in zip(texts[::2], texts[1::2], strict=True)
                ]
            write_line(file, line)
    job.files.append("data.jsonl")
    return Layout(
        "Pictures in `images/`, and a line of JSON per conversation or question in `data.jsonl`,"
        " whose `image` is the file relative to this folder.",
        'import pandas\n\nrows = pandas.read_json("data.jsonl", lines=True)',
    )
