"""A shuffle of more rows than fit into memory: rows go to the part they end up in, then in order.

Each part has a file of Arrow streams on the disk of the output, appended to batch by batch. One
part at a time is read back, put in order, and deleted. Memory is that of one part.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from sparkle.datasets.conversations import MESSAGE

_TURNS = pa.struct(
    [("position", pa.uint32()), ("messages", pa.list_(MESSAGE)), ("verify", pa.string())]
)
_SPOOLED = pa.schema(
    [("image", pa.binary()), ("path", pa.string()), ("conversations", pa.list_(_TURNS))]
)


class Spool:
    """Conversations on their way to ``parts`` parts of ``rows`` positions each."""

    def __init__(self, folder: Path, parts: int, rows: int) -> None:
        self._folder = folder
        self._rows = rows
        self.parts = parts

    def add(
        self,
        images: pa.Array,
        paths: pa.Array,
        image_of: np.ndarray,
        positions: np.ndarray,
        messages: pa.ListArray,
        verify: pa.Array | None = None,
    ) -> None:
        """Append conversations.

        Args:
            images: Encoded images, and ``paths`` their ids, shape (images,).
            image_of: Image of each conversation, non-decreasing, shape (conversations,).
            positions: Final position of each conversation, uint32, shape (conversations,).
            messages: Messages of each conversation.
            verify: What a verifier needs of each, where the schema of :meth:`take` has that.
        """
        verify = pa.nulls(len(positions), pa.string()) if verify is None else verify
        part_of = positions // self._rows
        by_part = np.argsort(part_of, kind="stable")
        ends = np.cumsum(np.bincount(part_of, minlength=self.parts))
        for part, (start, end) in enumerate(
            zip(ends - np.diff(ends, prepend=0), ends, strict=True)
        ):
            if end > start:
                chosen = by_part[start:end]  # stable, so each image's conversations stay together
                used, first = np.unique(image_of[chosen], return_index=True)
                taken = pa.array(chosen)
                turns = pa.StructArray.from_arrays(
                    [pa.array(positions[chosen], pa.uint32()), messages.take(taken),
                     verify.take(taken)],
                    fields=list(_TURNS),
                )  # fmt: skip
                offsets = pa.array(np.append(first, len(chosen)).astype(np.int32))
                columns = [
                    images.take(pa.array(used)),
                    paths.take(pa.array(used)),
                    pa.ListArray.from_arrays(offsets, turns),
                ]
                self._append(part, pa.record_batch(columns, schema=_SPOOLED))

    def _append(self, part: int, batch: pa.RecordBatch) -> None:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, _SPOOLED) as writer:
            writer.write_batch(batch)
        with open(self._path(part), "ab") as file:
            file.write(sink.getvalue())

    def take(self, part: int, rows: int, schema: pa.Schema) -> Iterator[pa.Table]:
        """The conversations of one part in order, in tables of ``rows`` rows, and forget them."""
        table = self._read(part)
        images, paths = table["image"].combine_chunks(), table["path"].combine_chunks()
        turns = table["conversations"].combine_chunks()
        image_of = pa.compute.list_parent_indices(turns).to_numpy()
        turns = turns.flatten()
        order = np.argsort(turns.field("position").to_numpy())
        for start in range(0, len(order), rows):
            chosen = order[start : start + rows]
            used = pa.array(image_of[chosen])
            pictures = pa.StructArray.from_arrays(
                [images.take(used), paths.take(used)], names=["bytes", "path"]
            )
            one_each = pa.array(np.arange(len(chosen) + 1, dtype=np.int32))
            names = schema.names[1:]  # after the images
            columns = [turns.field(name).take(pa.array(chosen)) for name in names]
            pictured = pa.ListArray.from_arrays(one_each, pictures)
            yield pa.table([pictured, *columns], schema=schema)
        self._path(part).unlink()

    def _read(self, part: int) -> pa.Table:
        batches: list[pa.RecordBatch] = []
        with pa.OSFile(str(self._path(part)), "rb") as file:
            while file.tell() < file.size():
                batches += list(pa.ipc.open_stream(file))
        return pa.Table.from_batches(batches, schema=_SPOOLED)

    def _path(self, part: int) -> Path:
        return self._folder / f"part-{part:05d}.arrows"
