"""MMBench-style TSV: index, question, hint, A-D, answer, category, image as base64."""

from __future__ import annotations

import base64
import binascii
import csv
import string
import sys
from pathlib import Path

from sparkle.external.base import Benchmark, Item
from sparkle.external.files import (
    check_distinct,
    check_picture,
    check_rows,
    identifier_of,
    refuse,
    short,
)
from sparkle.external.settings import BenchmarkSettings

_NEEDED = ("index", "question", "answer", "image", "A", "B")
_LETTERS = "ABCDEFGH"
_BLANK = ("", "nan", "none", "null")


class MMBench(Benchmark):
    """General abilities, multiple choice; a short number as image refers to that index' picture."""

    name = "mmbench"
    summary = "MMBench-style TSV: general abilities, multiple choice"
    forms = ("choice",)
    groups = ("category",)
    source = "https://github.com/open-compass/MMBench (a split with answers, such as dev)"
    file = "mmbench.tsv"

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        rows = _rows(path)
        check_rows(path, len(rows), chosen.rows, settings.key)
        pictures: dict[str, str] = {}
        for number, row in enumerate(rows, start=2):
            key = identifier_of(row["index"], f"{path}, line {number}", "index")
            if key in pictures:
                refuse(f"{path}, line {number}", f"the index {short(key)} occurs twice")
            pictures[key] = row["image"]
        decoded: dict[str, bytes] = {}
        return [
            _item(row, f"{path}, line {number}", pictures, decoded)
            for number, row in enumerate(rows, start=2)
        ]


def _rows(path: Path) -> list[dict[str, str]]:
    """Rows as text. Fields may be as long as a picture in base64."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle, delimiter="\t")
            missing = [name for name in _NEEDED if name not in (reader.fieldnames or ())]
            if missing:
                refuse(str(path), f"it lacks the columns {', '.join(missing)}")
            rows = [{key: value or "" for key, value in row.items() if key} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        refuse(str(path), f"it is no readable TSV ({error})")
    if not rows:
        refuse(str(path), "it has no rows")
    return rows


def _item(
    row: dict[str, str], where: str, pictures: dict[str, str], decoded: dict[str, bytes]
) -> Item:
    question = row["question"].strip()
    if question.casefold() in _BLANK:
        refuse(where, f"the question is {short(row['question'])}")
    letters = [each for each in _LETTERS if row.get(each, "").strip().casefold() not in _BLANK]
    if letters != list(_LETTERS[: len(letters)]) or len(letters) < 2:
        refuse(where, f"it has the options {', '.join(letters) or 'none'}; A and B are the least")
    options = tuple(row[each].strip() for each in letters)
    check_distinct(options, where, "options")
    answer = row["answer"].strip().upper()
    if answer not in letters:
        refuse(
            where,
            f"the answer {short(row['answer'])} is none of {', '.join(letters)}",
            "Use a split that comes with its answers.",
        )
    hint = row.get("hint", "").strip()
    label = row.get("category", "").strip()
    return Item(
        key=row["index"].strip(),
        image=_picture(row, where, pictures, decoded),
        question=f"{hint}\n{question}" if hint.casefold() not in _BLANK else question,
        options=options,
        right=string.ascii_uppercase.index(answer),
        labels={"category": label} if label.casefold() not in _BLANK else {},
    )


def _picture(
    row: dict[str, str], where: str, pictures: dict[str, str], decoded: dict[str, bytes]
) -> bytes:
    text = row["image"].strip()
    if len(text) < 20 and text.isdecimal():
        if text not in pictures:
            refuse(where, f"its image refers to the index {text}, which is not in the file")
        text = pictures[text].strip()
    if text not in decoded:
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            refuse(where, f"its image {short(text)} is no base64")
        check_picture(data, f"{where}, image")
        decoded[text] = data
    return decoded[text]


BENCHMARKS = (MMBench(),)
