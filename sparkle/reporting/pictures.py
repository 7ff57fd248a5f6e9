"""The pictures of the answer browser: each once, small enough together for one page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from sparkle.datasets.examples import image_format
from sparkle.errors import SparkleError

BUDGET = 18 << 20
"""Bytes of all pictures of a page together, before they are written as text."""
_MAX_SIDE = 512
# Cards are some 250 pixels wide: more is not seen.
_SIDES = (320, 256, 192, 128, 96)
_SHOWN_AS = {"png": "png", "jpg": "jpeg", "gif": "gif", "webp": "webp"}
_TRIED = 24
"""Pictures that the size of all is estimated from."""
_COLOURS = 16
"""Enough for drawings with smooth edges."""
_BATCH = 256


@dataclass
class Pictures:
    """Pictures as text, one after the other, each once.

    Attributes:
        texts: Base64 of each picture.
        kinds: Media type of each picture, without ``image/``.
    """

    texts: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def gather(wanted: Sequence[tuple[Path, Mapping[str, str]]], budget: int = BUDGET) -> Pictures:
    """Read the wanted pictures of several datasets, in the order wanted.

    Args:
        wanted: For each dataset, a key of the picture of each row (the rows' ``id`` -> key); rows
            with the same key show the same picture.
        budget: Bytes of all pictures together; when they need more, all are shrunk alike.

    Raises:
        SparkleError: A picture cannot be decoded.
    """
    found: dict[str, tuple[bytes, str]] = {}
    count = len({key for _, rows in wanted for key in rows.values()})
    plan = _plan(wanted, count, budget)
    for path, rows in wanted:
        for item, data in _read(path, rows):
            key = rows[item]
            if key not in found:
                found[key] = _encoded(data, plan, f"{path}, id {item}")
    order = dict.fromkeys(key for _, rows in wanted for key in rows.values())
    return Pictures(
        [base64.b64encode(found[key][0]).decode() for key in order],
        [found[key][1] for key in order],
    )


def _read(path: Path, rows: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """(id, picture) of the wanted rows, without holding all pictures at once."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH, columns=["id", "image"]):
            for item, data in zip(batch["id"].to_pylist(), batch["image"], strict=True):
                if item in rows:
                    yield item, data.as_py()


def _plan(wanted: Sequence[tuple[Path, Mapping[str, str]]], count: int, budget: int) -> int | None:
    """The side to which all pictures are shrunk; None where they fit as they are."""
    samples = []
    for path, rows in wanted:
        share = max(2, _TRIED // len(wanted))
        step = max(1, len(rows) // share)
        some = dict(list(rows.items())[::step][:share])
        samples += [(data, f"{path}, id {item}") for item, data in _read(path, some)]
    for side in (None, *_SIDES):
        sizes = [len(_encoded(data, side, where)[0]) for data, where in samples]
        if not sizes or count * sum(sizes) / len(sizes) <= budget:
            return side
    return _SIDES[-1]


def _encoded(data: bytes, side: int | None, where: str) -> tuple[bytes, str]:
    """(bytes, media type): as it is, or shrunk to at most ``side`` pixels."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            kind = image_format(data)
            if side is None and max(image.size) <= _MAX_SIDE and kind in _SHOWN_AS:
                return data, _SHOWN_AS[kind]
            return _shrunk(image, side or _MAX_SIDE)
    except (OSError, TypeError, ValueError) as error:
        raise SparkleError(
            f"{where}: the image cannot be read ({error}).", "Make the evaluation data again."
        ) from None


def _shrunk(image: Image.Image, side: int) -> tuple[bytes, str]:
    """The smaller of a PNG of few colours, which suits drawings, and a WebP with loss."""
    clear = image.mode in ("RGBA", "LA") or "transparency" in image.info
    small = image.convert("RGBA" if clear else "RGB")
    small.thumbnail((side, side), Image.Resampling.BOX)
    soft, flat = io.BytesIO(), io.BytesIO()
    small.save(soft, "WEBP", quality=75, method=2)
    few = small.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE)
    few.save(flat, "PNG", compress_level=6)
    kinds = ((flat.getvalue(), "png"), (soft.getvalue(), "webp"))
    photograph = small.convert("RGB").getcolors(1 << 13) is None
    return kinds[1] if photograph else min(kinds, key=lambda kind: len(kind[0]))
