"""Reading Parquet files whose columns are known."""

from __future__ import annotations

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
