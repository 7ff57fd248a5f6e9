"""The scene index of a dataset: which scene is on which image, in a Parquet file beside it.

One row per image: ``hash`` (the first 64 bits of the canonical scene hash), ``source`` and
``index`` (which make the image's id), and ``scene`` (JSON). The leak check reads 8 bytes per image
of it, pictures of the data read the scenes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparkle.errors import SparkleError
from sparkle.files import atomic_path

SCENES_SCHEMA = pa.schema(
    [
        ("hash", pa.uint64()),
        ("source", pa.dictionary(pa.int32(), pa.string())),
        ("index", pa.int64()),
        ("scene", pa.string()),
    ]
)
_DIGITS = 16


class ScenesWriter:
    """Appends the scenes of shard rows; see :func:`scenes_writer`."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[pa.Table] = []
        self.rows = 0

    def add(self, source: str, rows: pa.Table) -> None:
        """Append rows that have the columns ``index``, ``scene`` and ``scene_hash``."""
        names = pa.DictionaryArray.from_arrays(np.zeros(len(rows), np.int32), [source])
        hashes = hash_words(rows["scene_hash"])
        columns = [pa.array(hashes), names, rows["index"], rows["scene"]]
        self._waiting.append(pa.table(columns, schema=SCENES_SCHEMA))
        self.rows += len(rows)
        if sum(map(len, self._waiting)) >= _ROWS:
            self.flush(_ROWS)

    def flush(self, least: int = 1) -> None:
        """Write full row groups of what waits, so that they do not depend on the shards."""
        table = pa.concat_tables(self._waiting) if self._waiting else SCENES_SCHEMA.empty_table()
        whole = len(table) - len(table) % least
        if whole:
            self._writer.write_table(table.slice(0, whole).unify_dictionaries(), _ROWS)
        self._waiting = [table.slice(whole)]


_ROWS = 65_536
"""Rows of one row group."""


@contextmanager
def scenes_writer(path: Path) -> Iterator[ScenesWriter]:
    """Write a scene index atomically, in the order in which scenes are added."""
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(
            temporary, SCENES_SCHEMA, compression="zstd", use_dictionary=["source"]
        ) as parquet,
    ):
        writer = ScenesWriter(parquet)
        yield writer
        writer.flush()


def hash_words(hashes: pa.ChunkedArray) -> np.ndarray:
    """The first 16 hex digits of each hash as an unsigned 64-bit number.

    Raises:
        SparkleError: A hash is shorter or not hexadecimal.
    """
    text = "".join(pc.utf8_slice_codeunits(hashes, 0, _DIGITS).to_pylist())
    try:
        words = np.frombuffer(bytes.fromhex(text), dtype=">u8").astype(np.uint64)
    except ValueError:
        words = np.zeros(0, np.uint64)
    if len(words) != len(hashes):
        raise SparkleError(
            f"A scene hash is not {_DIGITS} or more hexadecimal digits.",
            "The shards were made by another version: delete them and run synthesis again.",
        )
    return words


def read_hashes(path: Path) -> np.ndarray:
    """The 64-bit scene hashes in ``path``, in the order of the images."""
    return _read(path, ["hash"])["hash"].to_numpy()


def scene_ids(path: Path, rows: np.ndarray) -> list[str]:
    """The ids of the images in the given rows, as ``source/index``."""
    table = _read(path, ["source", "index"]).take(pa.array(rows))
    return [
        item_id(source, index)
        for source, index in zip(
            table["source"].to_pylist(), table["index"].to_pylist(), strict=True
        )
    ]


def read_scenes(path: Path, ids: set[str]) -> dict[str, str]:
    """The scenes (as JSON) of some images by id; reads the file piece by piece."""
    found: dict[str, str] = {}
    with _open(path) as file:
        for batch in file.iter_batches(columns=["source", "index", "scene"]):
            columns = (batch[name].to_pylist() for name in ("source", "index", "scene"))
            for source, index, scene in zip(*columns, strict=True):
                if (name := item_id(source, index)) in ids:
                    found[name] = scene
            if len(found) == len(ids):
                break
    return found


def item_id(source: str, index: int) -> str:
    """The id of an image: its source and its number there."""
    return f"{source}/{index:08d}"


def _read(path: Path, columns: list[str]) -> pa.Table:
    with _open(path) as file:
        return file.read(columns=columns)


def _open(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise SparkleError(
            f"The scene index {path} does not exist.", "Merge the dataset again."
        ) from None
    except (OSError, pa.ArrowException) as error:
        raise SparkleError(
            f"The scene index {path} is not readable ({error}).", "Merge the dataset again."
        ) from None
    if not file.schema_arrow.equals(SCENES_SCHEMA):
        file.close()
        raise SparkleError(
            f"{path} is no scene index: it has other columns.", "Merge the dataset again."
        )
    return file
