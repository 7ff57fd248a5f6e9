"""A merged dataset as it lies on disk: what its manifest says, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.integrity import verify_files
from sparkle.datasets.merge import EVALUATION_SCHEMA, TRAINING_SCHEMA, VERIFIABLE_SCHEMA
from sparkle.datasets.shards import tables_of
from sparkle.errors import SparkleError
from sparkle.files import read_json

Role = Literal["training", "evaluation"]


@dataclass(frozen=True)
class Merged:
    """A merged dataset.

    Attributes:
        role: Whether it is a train set (conversations) or an evaluation set (questions).
        manifest: What the merge wrote about it.
        files: Its Parquet files in order, with the hashes that the manifest gives.
        scenes: Its scene index; None where the pictures are a benchmark's, which have no scenes.
    """

    role: Role
    name: str
    manifest: dict[str, Any]
    files: dict[Path, str]
    scenes: Path | None

    @property
    def rows(self) -> int:
        """Conversations of a train set, questions of an evaluation set."""
        key = "conversations" if self.role == "training" else "questions"
        return int(self.manifest[key])

    @property
    def from_files(self) -> bool:
        """Whether pictures and questions are a benchmark's, not made here."""
        return is_from_files(self.manifest)

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """The settings of each source of images, by name."""
        if self.role == "training":
            return dict(self.manifest["sources"])
        if self.from_files:
            keys = ("benchmark", "benchmark_version", "items", "notes")
            return {self.name: {key: self.manifest[key] for key in keys}}
        return {self.name: self.manifest["source"]}

    @property
    def merged_with(self) -> dict[str, Any]:
        """The settings of the merge; none where there are none, as for an evaluation set."""
        return dict(self.manifest.get("settings", {}))

    def verify(self) -> None:
        """Compare the files with the manifest; see :func:`verify_files`."""
        for path, expected in self.files.items():
            verify_files(path.parent, {path.name: expected})

    def tables(self) -> Iterator[pa.Table]:
        """All rows in order, in tables of about 16 MiB, with the columns of the role's schema."""
        schema = EVALUATION_SCHEMA
        if self.role == "training":
            verifiable = self.merged_with.get("verifiable", False)
            schema = VERIFIABLE_SCHEMA if verifiable else TRAINING_SCHEMA
        for path in self.files:
            try:
                with pq.ParquetFile(path) as file:
                    if not file.schema_arrow.equals(schema):
                        raise SparkleError(
                            f"{path} has other columns than a merged dataset.", "Merge it again."
                        )
                    yield from tables_of(file)
            except (OSError, pa.ArrowException) as error:
                raise SparkleError(
                    f"{path} is no readable Parquet file ({error}).", "Delete it and merge again."
                ) from None


def is_from_files(manifest: Any) -> bool:
    """Whether a manifest is of an evaluation set that was read from the files of a benchmark."""
    return isinstance(manifest, dict) and "benchmark" in manifest


def open_dataset(path: Path) -> Merged:
    """The merged dataset at ``path``: the folder of a train set, or an evaluation set's file.

    Raises:
        SparkleError: There is no merged dataset, or its manifest is not one of a merge.
    """
    if path.suffix == ".parquet" and path.is_file():
        role, manifest = "evaluation", path.with_suffix(".json")
    elif (path / "manifest.json").is_file():
        role, manifest = "training", path / "manifest.json"
    else:
        raise SparkleError(
            f"{path} is no merged dataset.",
            "Give the folder of a train set (results/data/training/NAME) or the file of an"
            " evaluation set (results/data/evaluation/NAME.parquet).",
        )
    entry = read_json(manifest)
    try:
        if role == "training":
            files = {path / name: digest for name, digest in sorted(entry["files"].items())}
            return Merged("training", entry["name"], entry, files, path / entry["scenes"]["file"])
        known = not is_from_files(entry)
        scenes = path.parent / entry["scenes"]["file"] if known else None
        return Merged("evaluation", entry["name"], entry, {path: entry["sha256"]}, scenes)
    except (KeyError, TypeError, AttributeError):
        raise SparkleError(
            f"{manifest} is no manifest of a merge, or one of another version.",
            "Merge the dataset again.",
        ) from None
