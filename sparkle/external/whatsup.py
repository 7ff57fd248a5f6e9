"""What's Up: controlled photographs in sets of four that differ only in a relation.

Kamath, Hessel and Chang, "What's 'up' with vision-language models?", EMNLP 2023. The two subsets
share layout and metrics; each has its file in :mod:`sparkle.external.adapters`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, ClassVar

from sparkle.errors import SparkleError
from sparkle.external.base import Item, Metric, Proportion
from sparkle.external.captions import (
    CAPTION_QUESTION,
    CaptionBenchmark,
    check_captions,
    counts_of,
    gap_of,
    grouped,
)
from sparkle.external.files import (
    check_rows,
    inside,
    read_list,
    refuse,
    short,
    text_of,
)
from sparkle.external.settings import BenchmarkSettings

if TYPE_CHECKING:
    import pandas as pd

SIX_WORDS = ("left", "right", "on", "under", "in front", "behind")
_SIZES = {"pair": 2, "set": 4}


class WhatsUp(CaptionBenchmark):
    """A subset of What's Up; the first caption of a row is the right one."""

    source = (
        "the links in the README of https://github.com/amitakamath/whatsup_vlms; unpack the images"
        " beside the JSON file"
    )
    published_rows: ClassVar[int]
    axes: ClassVar[Mapping[str, str]]
    """The axis of each relation in file names; the two relations of an axis make a pair."""
    swapped: ClassVar[tuple[str, str] | None] = None
    """Stems of two pictures that are known to carry each other's caption."""

    def read(self, settings: BenchmarkSettings) -> list[Item]:
        chosen = settings.chosen
        path = self.find(settings)
        rows = read_list(path)
        check_rows(path, len(rows), chosen.rows or self.published_rows, settings.key)
        items = [
            self._item(row, f"{path}, row {number}", settings)
            for number, row in enumerate(rows, start=1)
        ]
        items = self._unique(items, path, chosen.strict)
        if chosen.correct_labels:
            items = self._swap(items, path)
        if chosen.strict:
            self._check_complete(items, path, settings.key)
        return items

    def _item(self, row: Any, where: str, settings: BenchmarkSettings) -> Item:
        if not isinstance(row, dict) or not {"image_path", "caption_options"} <= set(row):
            refuse(where, "it is not {image_path, caption_options}")
        captions = row["caption_options"]
        if not isinstance(captions, list) or len(captions) != 4:
            refuse(where, f"caption_options is {short(captions)} and no list of four captions")
        options = tuple(text_of(each, where, "a caption") for each in captions)
        check_captions(options, where)
        image = self._image(row["image_path"], where, settings)
        sentence, words = gap_of(options, where)
        offered = tuple(dict.fromkeys([*words, *SIX_WORDS]))[: settings.chosen.words]
        offered = tuple(sorted(offered, key=_place))
        return Item(
            key=image.stem,
            image=image,
            question=CAPTION_QUESTION,
            options=options,
            right=0,
            gap=sentence,
            words=tuple(words),
            offered=offered,
            labels=self._labels(image.stem, where),
        )

    def _image(self, name: object, where: str, settings: BenchmarkSettings) -> Path:
        base = settings.chosen.images
        root = (
            settings.root if base is None else inside(settings.root, base, f"{settings.key}.images")
        )
        text = text_of(name, where, "image_path").replace("\\", "/")
        parts = PurePosixPath(text).parts
        # The published paths begin with the folder of the authors' checkout.
        text = str(PurePosixPath(*parts[1:])) if len(parts) > 1 and parts[0] == "data" else text
        return inside(root, text, where)

    def _labels(self, stem: str, where: str) -> dict[str, str]:
        for relation, axis in self.axes.items():
            thing, found, reference = stem.partition(f"_{relation}_")
            if found and thing and reference:
                group = f"{thing}/{reference}"
                return {"relation": relation, "set": group, "pair": f"{group}/{axis}"}
        refuse(
            where,
            f"the file name {short(stem)} is not object_relation_reference with one of the"
            f" relations {', '.join(self.axes)}",
        )

    def _unique(self, items: list[Item], path: Path, strict: bool) -> list[Item]:
        found = {item.key: item for item in reversed(items)}
        if len(found) < len(items) and strict:
            seen: set[str] = set()
            twice = next(i.key for i in items if i.key in seen or seen.add(i.key))  # type: ignore[func-returns-value]
            refuse(str(path), f"the picture {short(twice)} occurs twice")
        return [item for item in items if found.pop(item.key, None) is not None]

    def _check_complete(self, items: list[Item], path: Path, key: str) -> None:
        for label, size in _SIZES.items():
            odd = {name: n for name, n in counts_of(items, label).items() if n != size}
            if odd:
                name, count = next(iter(odd.items()))
                raise SparkleError(
                    f"{path}: the {label} {name!r} has {count} pictures and not {size}"
                    f" ({len(odd)} such).",
                    f"Download it anew, or set '{key}.strict: false' to leave incomplete ones out"
                    " of pair and set accuracy.",
                )

    def _swap(self, items: list[Item], path: Path) -> list[Item]:
        """Give the two pictures with swapped captions the other's right caption and relation."""
        if self.swapped is None:
            return items
        by_key = {item.key: item for item in items}
        first, second = self.swapped
        if not {first, second} <= set(by_key):
            refuse(str(path), f"the pictures {first} and {second} to be corrected are not in it")
        changed = {}
        for one, other in ((first, second), (second, first)):
            caption = by_key[other].options[by_key[other].right]
            if caption not in by_key[one].options:
                refuse(str(path), f"{one} does not offer the caption of {other}")
            labels = {**by_key[one].labels, "relation": by_key[other].labels["relation"]}
            right = by_key[one].options.index(caption)
            changed[one] = replace(by_key[one], right=right, labels=labels)
        return [changed.get(item.key, item) for item in items]

    def notes(self, settings: BenchmarkSettings) -> list[str]:
        found = super().notes(settings)
        if self.swapped is None:
            return found
        names = " and ".join(self.swapped)
        if settings.chosen.correct_labels:
            return [*found, f"labels corrected: {names} are swapped in the published file"]
        return [*found, f"as published: the labels of {names} are known to be swapped"]

    def summaries(self, scores: pd.DataFrame, proportion: Proportion) -> Iterator[Metric]:
        yield from super().summaries(scores, proportion)
        import pandas as pd

        frame = pd.DataFrame(list(scores["subject"])).assign(correct=scores["correct"].to_numpy())
        items = frame.groupby("item", sort=False).agg(
            {"correct": "all", "pair": "first", "set": "first"}
        )
        for label in _SIZES:
            yield from grouped(items, label, _SIZES, proportion)


def _place(word: str) -> tuple[int, str]:
    return (SIX_WORDS.index(word) if word in SIX_WORDS else len(SIX_WORDS), word)
