"""Parquet files of a bounded size from a stream of tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sparkle.datasets.exports.common import Job

_GROUP_BYTES = 8 << 20
_PART_BYTES = 256 << 20
_ROWS = 64


def tables_from(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Rows as tables of a few rows each."""
    rows = iter(rows)
    while some := list(islice(rows, _ROWS)):
        yield pa.Table.from_pylist(some, schema=schema)


def write_parts(job: Job, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write ``data/part-*.parquet``: row groups of about 8 MiB, files of about 256 MiB."""
    (job.folder / "data").mkdir()
    writer: pq.ParquetWriter | None = None
    written = 0
    waiting: list[pa.Table] = []

    def flush() -> None:
        nonlocal writer, written
        table = pa.concat_tables(waiting)
        waiting.clear()
        if writer is not None and written + table.nbytes > _PART_BYTES:
            writer.close()
            writer = None
        if writer is None:
            name = f"data/part-{len(job.files):05d}.parquet"
            job.files.append(name)
            writer, written = pq.ParquetWriter(job.folder / name, schema, compression="zstd"), 0
        writer.write_table(table, row_group_size=len(table))
        written += table.nbytes

    try:
        size = 0
        for table in tables:
            waiting.append(table)
            size += table.nbytes
            if size >= _GROUP_BYTES:
                flush()
                size = 0
        if waiting:
            flush()
    finally:
        if writer is not None:
            writer.close()
