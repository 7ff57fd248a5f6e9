"""A benchmark of one's own: JSONL or Parquet with {id, image, question, options, answer}."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any, NoReturn

from sparkle.external.base import Benchmark, Item
from sparkle.external.files import (
    check_distinct,
    check_picture,
    check_rows,
    identifier_of,
    inside,
    refuse,
    short,
    text_of,
)
from sparkle.external.settings import BenchmarkSettings

_FIELDS = ("id", "image", "question", "answer")
_MAX_OPTIONS = 26


class Custom(Benchmark):
    """Questions with options (the answer is an option's text or letter) or without (free text).

    ``image`` is a path inside the folder; in Parquet also the picture's bytes, or a struct
    {bytes, path} as datasets libraries write it. A column ``category`` breaks accuracy down.
    """

    name = "custom"
    summary = "your own JSONL or Parquet: id, image, question, options, answer"
    forms = ("choice", "text")
    groups = ("category",)
    source = "write it yourself: docs/evaluation.md shows the columns"
    file = "questions.jsonl"

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        rows = _parquet(path) if path.suffix == ".parquet" else _jsonl(path)
        check_rows(path, len(rows), chosen.rows, settings.key)
        root = settings.root
        images = root if chosen.images is None else inside(root, chosen.images, settings.key)
        items = [_item(row, f"{path}, row {n}", images) for n, row in enumerate(rows, start=1)]
        if chosen.form == "text" and any(not item.answers for item in items):
            items = [_as_text(item) for item in items]
        return items


def _jsonl(path: Path) -> list[Any]:
    rows = []
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (UnicodeDecodeError, OSError) as error:
        refuse(str(path), f"it cannot be read as text ({error})")
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"

        def no_constant(name: str, where: str = where) -> NoReturn:
            refuse(where, f"it holds {name}, which is no JSON number")

        if line.strip():
            try:
                rows.append(json.loads(line, parse_constant=no_constant))
            except (ValueError, RecursionError) as error:
                refuse(where, f"it is no JSON ({str(error)[:120]})")
    if not rows:
        refuse(str(path), "it has no rows")
    return rows


def _parquet(path: Path) -> list[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path).to_pylist()
    except (OSError, pa.ArrowException) as error:
        refuse(str(path), f"it is no readable Parquet file ({str(error)[:120]})")
    if not rows:
        refuse(str(path), "it has no rows")
    return list(rows)


def _item(row: Any, where: str, images: Path) -> Item:
    missing = [name for name in _FIELDS if not isinstance(row, dict) or row.get(name) is None]
    if missing:
        refuse(where, f"it lacks {', '.join(missing)}")
    options = _options(row.get("options"), where)
    answer = identifier_of(row["answer"], where, "the answer")
    category = row.get("category")
    item = Item(
        key=identifier_of(row["id"], where, "the id"),
        image=_image(row["image"], where, images),
        question=text_of(row["question"], where, "the question"),
        options=options,
        right=_right(answer, options, where) if options else 0,
        answers=() if options else (answer,),
        labels={} if category is None else {"category": text_of(category, where, "category")},
    )
    return item


def _options(value: Any, where: str) -> tuple[str, ...]:
    if value is None or value == []:
        return ()
    if not isinstance(value, list) or not 2 <= len(value) <= _MAX_OPTIONS:
        refuse(where, f"options is {short(value)} and no list of 2 to {_MAX_OPTIONS} texts")
    options = tuple(identifier_of(each, where, "an option") for each in value)
    check_distinct(options, where, "options")
    return options


def _right(answer: str, options: tuple[str, ...], where: str) -> int:
    if answer in options:
        return options.index(answer)
    letters = string.ascii_uppercase[: len(options)]
    if len(answer) == 1 and answer.upper() in letters:
        return letters.index(answer.upper())
    refuse(where, f"the answer {short(answer)} is neither an option nor the letter of one")


def _image(value: Any, where: str, images: Path) -> Path | bytes:
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        check_picture(value, f"{where}, image")
        return value
    return inside(images, value, where)


def _as_text(item: Item) -> Item:
    """A question with options, asked without them."""
    answers = item.answers or (item.options[item.right],)
    return Item(item.key, item.image, item.question, answers=answers, labels=item.labels)


BENCHMARKS = (Custom(),)
