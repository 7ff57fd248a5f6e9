"""Rows ``[image_id, true caption, false caption]``, as COCO-spatial and GQA-spatial have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from sparkle.external.base import Item
from sparkle.external.captions import (
    CAPTION_QUESTION,
    CaptionBenchmark,
    check_captions,
    gap_of,
)
from sparkle.external.files import (
    check_rows,
    identifier_of,
    inside,
    read_list,
    refuse,
    text_of,
)
from sparkle.external.settings import BenchmarkSettings
from sparkle.files import text_hash


class CaptionPairs(CaptionBenchmark):
    """Two captions per row, the first of which is right."""

    folder: ClassVar[str]
    published_rows: ClassVar[int]

    def image_name(self, identifier: str, where: str) -> str:
        """File name of a picture by its id."""
        return f"{identifier}.jpg"

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        rows = read_list(path)
        check_rows(path, len(rows), chosen.rows or self.published_rows, settings.key)
        folder = chosen.images or self.folder
        found: dict[str, Item] = {}
        for number, row in enumerate(rows, start=1):
            where = f"{path}, row {number}"
            item = self._item(row, where, folder, settings.root)
            if item.key in found and chosen.strict:
                refuse(where, "it repeats an earlier row", "Set 'strict: false' to drop it.")
            found.setdefault(item.key, item)
        items = list(found.values())
        return items

    def _item(self, row: Any, where: str, folder: str, root: Path) -> Item:
        if not isinstance(row, list) or len(row) != 3:
            refuse(where, "it is not [image_id, true_caption, false_caption]")
        identifier = identifier_of(row[0], where, "the image id")
        options = tuple(text_of(each, where, "a caption") for each in row[1:])
        check_captions(options, where)
        sentence, words = gap_of(options, where)
        offered = tuple(sorted(words))
        return Item(
            key=f"{identifier}-{text_hash(options[0] + chr(0) + options[1], 8)}",
            image=inside(root, f"{folder}/{self.image_name(identifier, where)}", where),
            question=CAPTION_QUESTION,
            options=options,
            right=0,
            gap=sentence,
            words=tuple(words),
            offered=offered,
            labels={"relation": words[0]},
        )
