"""Reading Parquet files whose columns are known, and writing them piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.errors import SparkleError


def read_frame(path: Path, schema: pa.Schema) -> pd.DataFrame:
    """A Parquet file as a data frame; see :func:`read_table`."""
    return read_table(path, schema).to_pandas()


def read_rows(path: Path, schema: pa.Schema) -> list[dict[str, Any]]:
    """A Parquet file as a list of rows; see :func:`read_table`."""
    rows: list[dict[str, Any]] = read_table(path, schema).to_pylist()
    return rows


def read_table(path: Path, schema: pa.Schema, columns: list[str] | None = None) -> pa.Table:
    """Read a Parquet file that must begin with the columns of ``schema``; more may follow.

    Args:
        columns: Columns to read; all by default.

    Raises:
        SparkleError: The file is missing, unreadable, or has other columns.
    """
    try:
        found = pq.read_schema(path)
        fits = pa.schema(list(found)[: len(schema)]).equals(schema)
        table = pq.read_table(path, columns=columns) if fits else None
    except FileNotFoundError:
        raise SparkleError(f"{path} does not exist.", "Run the step that makes it.") from None
    except (OSError, pa.ArrowException) as error:
        raise SparkleError(
            f"{path} is no readable Parquet file ({error}).", "Delete it and run again."
        ) from None
    if table is None:
        missing = sorted(set(schema.names) - set(found.names))
        raise SparkleError(
            f"{path} has other columns than expected (missing: {', '.join(missing) or 'none'}).",
            "It was made by another version: delete it and run again.",
        )
    return table


def gathered(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """Consecutive tables put together until they hold ``size`` bytes."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(part.nbytes for part in waiting) >= size:
            del table  # what is yielded is a copy: let go of the pieces first
            yield _together(waiting)
    if waiting:
        yield _together(waiting)


def _together(tables: list[pa.Table]) -> pa.Table:
    """The tables as one without chunks; empties the list."""
    whole = pa.concat_tables(tables).combine_chunks()
    tables.clear()
    return whole


def regrouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of ``rows`` rows; the last may have fewer."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= rows:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, rows)
            waiting = [whole.slice(rows)]
    if any(map(len, waiting)):
        yield pa.concat_tables(waiting)


def write_tables(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], dictionaries: Sequence[str]
) -> int:
    """Write a Parquet file with one row group per table; returns the number of rows.

    Args:
        dictionaries: Columns that repeat themselves, as Parquet names them.
    """
    rows = 0
    with pq.ParquetWriter(
        path, schema, compression="zstd", use_dictionary=list(dictionaries)
    ) as writer:
        for table in tables:
            writer.write_table(table)
            rows += len(table)
    return rows
