"""TextVQA-style JSON: ``{data: [{question_id, image_id, question, answers}]}``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sparkle.external.base import Benchmark, Item, soft_accuracy
from sparkle.external.files import (
    check_rows,
    identifier_of,
    inside,
    read_json_file,
    refuse,
    short,
    text_of,
)
from sparkle.external.parsing import normal_text
from sparkle.external.settings import BenchmarkSettings


class TextVQA(Benchmark):
    """Reading text in photographs; free answers, judged by the annotators' answers."""

    name = "textvqa"
    summary = "TextVQA-style JSON: reading in photographs, free answers"
    forms = ("text",)
    measures = {"vqa_accuracy": "mean"}
    source = "https://textvqa.org/dataset: the validation JSON and its train_images/"
    file = "TextVQA_0.5.1_val.json"
    folder = "train_images"

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        data = read_json_file(path)
        rows = data.get("data") if isinstance(data, dict) else data
        if not isinstance(rows, list) or not rows:
            refuse(str(path), "it holds no list under 'data'")
        check_rows(path, len(rows), chosen.rows, settings.key)
        images = chosen.images or self.folder
        items = [
            self._item(row, f"{path}, row {number}", images, settings.root)
            for number, row in enumerate(rows, start=1)
        ]
        return items

    def _item(self, row: Any, where: str, images: str, root: Path) -> Item:
        if not isinstance(row, dict) or not {"question_id", "image_id", "question"} <= set(row):
            refuse(where, "it is not {question_id, image_id, question, answers}")
        given = row.get("answers")
        if not isinstance(given, list) or not given:
            refuse(where, f"answers is {short(given)} and no list", "Use a split with answers.")
        answers = [text_of(each, where, "an answer") for each in given]
        # The most frequent answer first: it is what an oracle says.
        ranked = Counter(normal_text(each) for each in answers).most_common()
        first = next(each for each in answers if normal_text(each) == ranked[0][0])
        name = identifier_of(row["image_id"], where, "image_id")
        return Item(
            key=identifier_of(row["question_id"], where, "question_id"),
            image=inside(root, f"{images}/{name}.jpg", where),
            question=text_of(row["question"], where, "the question"),
            answers=(first, *(each for i, each in enumerate(answers) if i != answers.index(first))),
        )

    def text_measures(self, said: str | None, given: Sequence[str]) -> dict[str, float | None]:
        return {"vqa_accuracy": soft_accuracy(said, given)}


BENCHMARKS = (TextVQA(),)
