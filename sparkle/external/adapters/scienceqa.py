"""ScienceQA-style JSON: ``{id: {question, choices, answer, hint, image, split, subject}}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sparkle.external.base import Benchmark, Item
from sparkle.external.files import (
    check_distinct,
    check_rows,
    inside,
    read_json_file,
    refuse,
    short,
    text_of,
)
from sparkle.external.settings import BenchmarkSettings


class ScienceQA(Benchmark):
    """School science; those problems of the test split that have a picture."""

    name = "scienceqa"
    summary = "ScienceQA-style JSON: school science, multiple choice"
    forms = ("choice",)
    groups = ("subject",)
    source = "https://scienceqa.github.io: problems.json, and the pictures as images/test/{id}/"
    file = "problems.json"
    split = "test"

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        problems = read_json_file(path)
        if not isinstance(problems, dict) or not problems:
            refuse(str(path), "it holds no object of problems by id")
        wanted = {
            key: row
            for key, row in problems.items()
            if not isinstance(row, dict)
            or (row.get("split", self.split) == self.split and row.get("image"))
        }
        check_rows(path, len(wanted), chosen.rows, settings.key)
        if not wanted:
            refuse(str(path), f"no problem of the split '{self.split}' has a picture")
        images = chosen.images or f"images/{self.split}"
        items = [
            self._item(key, row, f"{path}, problem {short(key)}", images, settings.root)
            for key, row in wanted.items()
        ]
        return items

    def _item(self, key: str, row: Any, where: str, images: str, root: Path) -> Item:
        if not isinstance(row, dict) or not {"question", "choices", "answer", "image"} <= set(row):
            refuse(where, "it is not {question, choices, answer, image, ...}")
        choices, answer = row["choices"], row["answer"]
        if not isinstance(choices, list) or not 2 <= len(choices) <= 10:
            refuse(where, f"choices is {short(choices)} and no list of 2 to 10 texts")
        options = tuple(text_of(each, where, "a choice") for each in choices)
        check_distinct(options, where, "choices")
        if isinstance(answer, bool) or not isinstance(answer, int):
            refuse(where, f"the answer is {short(answer)} and no index of a choice")
        if not 0 <= answer < len(options):
            refuse(where, f"the answer is {short(answer)}; there are {len(options)} choices")
        name = text_of(row["image"], where, "image")
        hint, subject = row.get("hint") or "", row.get("subject") or ""
        question = text_of(row["question"], where, "the question")
        return Item(
            key=text_of(key, where, "the id"),
            image=inside(root, f"{images}/{key}/{name}", where),
            question=f"{text_of(hint, where, 'hint')}\n{question}" if hint else question,
            options=options,
            right=answer,
            labels={"subject": text_of(subject, where, "subject")} if subject else {},
        )


BENCHMARKS = (ScienceQA(),)
