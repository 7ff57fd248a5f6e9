"""Write one merged dataset in one of several formats, with a card and a list of its files."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sparkle.datasets.card import Layout, card
from sparkle.datasets.examples import Example, examples
from sparkle.datasets.exports import huggingface, plain, swift, webdataset
from sparkle.datasets.exports.common import Job
from sparkle.datasets.merged import Merged
from sparkle.errors import SparkleError
from sparkle.files import atomic_path, file_hash, write_json, write_text

FORMATS: Mapping[str, Callable[[Job], Layout]] = {
    "swift": swift.write_parquet,
    "swift-jsonl": swift.write_jsonl,
    "huggingface": huggingface.write,
    "webdataset": webdataset.write,
    "plain": plain.write,
}
_RECORD = "export.json"
_PICTURES = 3
_REPORTED = 10_000


def export_dataset(
    dataset: Merged, form: str, output: Path, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Write ``dataset`` in format ``form`` as the folder ``output``.

    The folder takes its name only when it is whole. Equal datasets give equal bytes; of
    ``swift-jsonl`` to the same folder, whose absolute name its lines hold.

    Returns:
        What ``export.json`` says: format, origin, counts, hashes of the data files.

    Raises:
        SparkleError: Unknown format, a folder with something else in it, a damaged dataset, or a
            full disk.
    """
    if form not in FORMATS:
        raise SparkleError(f"There is no format '{form}'.", f"One of: {', '.join(FORMATS)}.")
    output = output.absolute()
    _check_output(output)
    dataset.verify()
    with atomic_path(output) as folder:
        folder.mkdir()
        job = Job(dataset, folder, output, lambda: _reported(dataset, report))
        layout = FORMATS[form](job)
        pictures = _write_pictures(dataset, folder)
        write_text(folder / "README.md", card(dataset, layout, pictures))
        record = {
            "format": form,
            "dataset": dataset.name,
            "role": dataset.role,
            "rows": dataset.rows,
            "made_from": sorted(dataset.files.values()),
            "files": {name: file_hash(folder / name) for name in sorted(job.files)},
        }
        write_json(folder / _RECORD, record)
    return record


def _check_output(output: Path) -> None:
    """Only nothing, an empty folder, or an earlier export is written over."""
    if output.is_dir() and (not any(output.iterdir()) or (output / _RECORD).is_file()):
        return
    if output.exists():
        raise SparkleError(
            f"{output} exists and is no export.", "Name a new folder, or remove this one yourself."
        )


def _reported(dataset: Merged, report: Callable[[str], None]) -> Iterator[Example]:
    for example in examples(dataset):
        yield example
        if (example.row + 1) % _REPORTED == 0 or example.row + 1 == dataset.rows:
            report(f"{dataset.name}: {example.row + 1}/{dataset.rows} written")


def _write_pictures(dataset: Merged, folder: Path) -> list[str]:
    """The pictures of the first examples, for the card."""
    names = []
    (folder / "examples").mkdir()
    for example in itertools.islice(examples(dataset), _PICTURES):
        names.append(f"examples/{example.row + 1}.{example.suffix}")
        (folder / names[-1]).write_bytes(example.image)
    return names
