"""Dataset cards: a README with what is in a dataset, how it was made, and how to load it.

The head is the YAML that the Hugging Face hub and ``datasets.load_dataset`` read.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sparkle import __version__
from sparkle.datasets.examples import Example, examples
from sparkle.datasets.merged import Merged
from sparkle.files import write_text

_EXAMPLES = 3
_TURNS = 4
_MAX_ANSWER = 300
_SIZES = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6),
          ("1M<n<10M", 10**7), ("10M<n<100M", 10**8))  # fmt: skip
_CONTROLS = {
    "shuffled_labels": "**A control: the answers are wrong on purpose.** Each question has the"
    " answer to another question of its kind.",
    "text_only": "**A control: the pictures are empty on purpose.** The answers are those to the"
    " pictures that were there.",
}
_SYNTHETIC = (
    "Synthetic pictures of objects on a plane, or of nodes in a grid, with spatial questions and"
    " their exact answers."
)
_FROM_FILES = "Pictures and questions of a benchmark, read from its files and put as questions."
_NO_LEAK = (
    " No picture of an evaluation set occurs in a train set of the same experiment: `leaks.json` of"
    " the run is the proof."
)
_OUR_LICENCE = (
    "The data is released under the MIT licence, as Sparkle is. It holds no personal data and no"
    " third party's pictures."
)
_THEIR_LICENCE = (
    "Pictures and questions belong to the benchmark: its licence decides whether and how they may"
    " be passed on, and its authors are to be cited."
)
_CONVERSATION = [{"name": "role", "dtype": "string"}, {"name": "content", "dtype": "string"}]
CONVERSATION_FEATURES: list[dict[str, Any]] = [
    {"name": "images", "list": "image"},
    {"name": "messages", "list": _CONVERSATION},
]
"""Columns of conversations as the head of a card names them: images are shown as images."""


@dataclass(frozen=True)
class Layout:
    """How a dataset lies in its folder.

    Attributes:
        description: What the files are, in a sentence or two of Markdown.
        loading: Python that loads it.
        data_files: Glob of the data files for ``load_dataset``; None where it does not load them.
        features: Columns for the head of the card; empty where the files carry them.
    """

    description: str
    loading: str
    data_files: str | None = None
    features: Sequence[Mapping[str, Any]] = field(default_factory=list)


def hugging_face(split: str) -> str:
    """Python that loads a folder with ``datasets``."""
    return (
        "import datasets\n\n"
        f'{split} = datasets.load_dataset("path/to/this/folder", split="{split}")'
    )


def merged_layout(dataset: Merged) -> Layout:
    """The layout that the merge writes."""
    if dataset.role == "training":
        verifiable = dataset.merged_with.get("verifiable", False)
        return Layout(
            "Parquet files in `data/` with the columns `images` (bytes, and the image's id as path)"
            " and `messages`, in training order; ms-swift takes the folder `data` as it is."
            + " The column `verify` has question and scene as JSON, to judge other answers by."
            * verifiable
            + " `scenes.parquet` holds the scene of every image.",
            hugging_face("train"),
            "data/*.parquet",
            [*CONVERSATION_FEATURES, *[{"name": "verify", "dtype": "string"}] * verifiable],
        )
    (path,) = dataset.files
    return Layout(
        f"One Parquet file, `{path.name}`, with a row per question: picture, prompt, options,"
        " right answer, the scene as JSON, and the margin to the nearest other answer"
        " (`difficulty`).",
        f'import pandas\n\nquestions = pandas.read_parquet("{path.name}")',
        path.name,
    )


def write_merged_card(dataset: Merged) -> Path:
    """Write the card of a merged dataset beside its data; returns its path."""
    if dataset.role == "training":
        path = next(iter(dataset.files)).parent.parent / "README.md"
    else:
        path = next(iter(dataset.files)).with_suffix(".md")
    write_text(path, card(dataset, merged_layout(dataset)))
    return path


def card(dataset: Merged, layout: Layout, pictures: Sequence[str] = ()) -> str:
    """The card as Markdown with a YAML head.

    Args:
        pictures: Files of the first examples' pictures, relative to the card.
    """
    shown = list(itertools.islice(examples(dataset), _EXAMPLES))
    parts = [
        f"---\n{yaml.safe_dump(_head(dataset, layout), sort_keys=False, allow_unicode=True)}---",
        f"# {_title(dataset)}",
        f"{_FROM_FILES if dataset.from_files else _SYNTHETIC} Made with"
        f" [Sparkle](https://doi.org/10.18653/v1/2025.findings-emnlp.217) {__version__}.",
        *[_CONTROLS[name] for name in [dataset.merged_with.get("control")] if name],
        "## Contents\n\n" + _counts(dataset),
        "## Examples\n\n" + _examples(shown, pictures),
        f"## Files\n\n{layout.description}\n\n```python\n{layout.loading}\n```",
        "## How it was made\n\n" + _settings(dataset),
        "The same settings give the same data on any machine."
        + ("" if dataset.from_files else _NO_LEAK),
        f"## Licence and citation\n\n{_THEIR_LICENCE if dataset.from_files else _OUR_LICENCE}"
        " The method: Tang et al., *Sparkle:"
        " Mastering Basic Spatial Capabilities in Vision Language Models Elicits Generalization to"
        " Spatial Reasoning*, Findings of EMNLP 2025.",
    ]
    return "\n\n".join(parts) + "\n"


def _head(dataset: Merged, layout: Layout) -> dict[str, Any]:
    size = next((name for name, most in _SIZES if dataset.rows < most), "n>100M")
    head: dict[str, Any] = {
        "license": "other" if dataset.from_files else "mit",
        "pretty_name": _title(dataset),
        "language": ["en"],
        "task_categories": ["visual-question-answering", "image-text-to-text"],
        "tags": ["spatial-reasoning", "sparkle", *([] if dataset.from_files else ["synthetic"])],
        "size_categories": [size],
    }
    if layout.features:
        head["dataset_info"] = {"features": [dict(feature) for feature in layout.features]}
    if layout.data_files is not None:
        split = "train" if dataset.role == "training" else "test"
        files = [{"split": split, "path": layout.data_files}]
        head["configs"] = [{"config_name": "default", "data_files": files}]
    return head


def _title(dataset: Merged) -> str:
    kind = "train set" if dataset.role == "training" else "evaluation set"
    return f"Sparkle {kind} {dataset.name}"


def _counts(dataset: Merged) -> str:
    manifest = dataset.manifest
    rows: list[tuple[str, int]] = []
    if dataset.role == "training":
        rows = [("images", manifest["images"]), ("conversations", manifest["conversations"])]
    rows.append(("questions", manifest["questions"]))
    kinds = [(f"questions `{kind}`", count) for kind, count in manifest["by_kind"].items()]
    return _table(("", "count"), [(name, f"{count:,}") for name, count in rows + kinds])


def _settings(dataset: Merged) -> str:
    tables = []
    merge = dataset.merged_with
    if merge:
        tables.append("Merged with:\n\n" + _table(("setting", "value"), _flat(merge)))
    for name, source in dataset.sources.items():
        tables.append(f"Images `{name}`:\n\n" + _table(("setting", "value"), _flat(source)))
    return "\n\n".join(tables)


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value) rows; names of tasks stand for their numbers."""
    if isinstance(value, Mapping):
        return [
            row
            for key, inner in value.items()
            for row in _flat(inner, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(value, list) and value and all(isinstance(v, Mapping) for v in value):
        return [
            row
            for number, inner in enumerate(value)
            for row in _flat(
                {k: v for k, v in inner.items() if k != "name"},
                f"{name}.{inner.get('name', number)}",
            )
        ]
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return [(f"`{name}`", text or "–")]


def _table(head: tuple[str, str], rows: Sequence[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {name} | {_escaped(value)} |" for name, value in rows]
    return "\n".join(lines)


def _examples(shown: Sequence[Example], pictures: Sequence[str]) -> str:
    files = itertools.chain(pictures, itertools.repeat(None))
    paired = enumerate(zip(shown, files, strict=False))
    return "\n\n".join(_example(example, i, file) for i, (example, file) in paired)


def _example(example: Example, number: int, picture: str | None) -> str:
    lines = [f"**{number + 1}.** image `{example.image_id}`"]
    if picture is not None:
        lines.append(f"![Picture of example {number + 1}]({picture})")
    for message in example.messages[: 2 * _TURNS]:
        speaker = "Q" if message["role"] == "user" else "A"
        text = message["content"]
        text = text if len(text) <= _MAX_ANSWER else f"{text[:_MAX_ANSWER]} …"
        lines.append(f"- **{speaker}:** {_escaped(text).replace(chr(10), '<br>')}")
    if len(example.messages) > 2 * _TURNS:
        more = len(example.messages) // 2 - _TURNS
        lines.append(f"- … {more} more question{'' if more == 1 else 's'}")
    head = 2 if picture is not None else 1
    return "\n\n".join(lines[:head]) + "\n\n" + "\n".join(lines[head:])


def _escaped(text: str) -> str:
    """Text that Markdown and a table cell leave as it is."""
    for char in "\\`*_<>|":
        text = text.replace(char, f"\\{char}")
    return text
