"""Reading a user's benchmark files: every fault is a message with the place and what to do."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from PIL import Image

from sparkle.errors import SparkleError

_SHOWN = 5
_MAX_VALUE = 80
MAX_PIXELS = 100_000_000
"""A picture with more pixels is refused: it would take gigabytes to decode."""
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")


def short(value: object) -> str:
    """A value from a file for a message: printable, and no longer than a line."""
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return text if len(text) <= _MAX_VALUE else text[: _MAX_VALUE - 3] + "..."


def refuse(where: str, what: str, hint: str = "") -> NoReturn:
    """Raise a SparkleError about the contents of a file."""
    raise SparkleError(
        f"{where}: {what}.",
        hint or "Download the file anew, or correct it; see docs/evaluation.md.",
    )


def find_file(root: Path, name: str, key: str, source: str) -> Path:
    """The file ``name`` in the benchmark folder ``root``.

    Args:
        key: The config key of the set, for messages.
        source: Where the file can be had.

    Raises:
        SparkleError: Folder or file are missing, or the file lies outside of the folder.
    """
    if not root.is_dir():
        raise SparkleError(
            f"{key}.path: the folder {root} does not exist.",
            f"Paths are relative to where you start, here {Path.cwd()}. Get the files: {source}",
        )
    path = inside(root, name, f"{key}.file")
    if not path.is_file():
        raise SparkleError(
            f"{key}: {path} does not exist.", f"{_alternatives(path, key)}Get it: {source}"
        )
    return path


def _alternatives(path: Path, key: str) -> str:
    """A hint at the other files of that kind in the folder, if there are any."""
    kind = f"*{path.suffix}"
    names = sorted(short(p.name) for p in path.parent.glob(kind) if p.is_file())[:_SHOWN]
    return f"If it has another name, set '{key}.file': there is {', '.join(names)}. " * bool(names)


def inside(root: Path, name: object, where: str) -> Path:
    """``root/name``, refused when it would leave ``root``, by dots, as absolute path or by links.

    The file itself may be missing.
    """
    if not isinstance(name, str) or not name.strip() or "\0" in name or len(name) > 1000:
        refuse(where, f"{short(name)} is no file name")
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or ":" in parts.parts[0]:
        refuse(
            where,
            f"the path {short(name)} leads out of the folder {root}",
            "Paths must be relative to the benchmark's folder and stay inside it.",
        )
    path = root / parts
    try:
        resolved = path.resolve()
    except (OSError, RuntimeError):
        refuse(where, f"the path {short(name)} cannot be followed")
    if not resolved.is_relative_to(root.resolve()):
        refuse(
            where,
            f"the path {short(name)} is a link that leads out of the folder {root}",
            "Copy the files themselves into the benchmark's folder.",
        )
    return path


def read_json_file(path: Path) -> Any:
    """A JSON file, strictly: no NaN, no infinity, no key twice, no number beyond all bounds."""

    def no_constant(name: str) -> NoReturn:
        refuse(str(path), f"it holds {name}, which is no JSON number")

    def no_repeats(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            refuse(str(path), f"the key {short(repeated)} occurs twice in one object")
        return found

    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, parse_constant=no_constant, object_pairs_hook=no_repeats)
    except (ValueError, RecursionError) as error:  # of JSON, of the encoding, of huge numbers
        refuse(str(path), f"it is no readable JSON ({str(error)[:120]})")
    except OSError as error:
        refuse(str(path), f"it cannot be read ({error.strerror})")


def read_list(path: Path) -> list[Any]:
    """The list in a JSON file."""
    data = read_json_file(path)
    if not isinstance(data, list) or not data:
        refuse(str(path), "it holds no list of rows")
    return data


def text_of(value: object, where: str, what: str) -> str:
    """A text field that must not be empty."""
    if not isinstance(value, str) or not value.strip():
        refuse(where, f"{what} is {short(value)} and no text")
    if len(value) > 20_000:
        refuse(where, f"{what} is {len(value)} characters long; 20000 are the most")
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse(where, f"{what} holds broken characters")
    return value.strip()


def identifier_of(value: object, where: str, what: str) -> str:
    """A text or whole number that names something."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        refuse(where, f"{what} is {short(value)} and neither text nor number")
    if isinstance(value, float):
        if not math.isfinite(value) or value != int(value):
            refuse(where, f"{what} is {short(value)} and no whole number")
        value = int(value)
    if isinstance(value, int):
        if not 0 <= value < 10**18:
            refuse(where, f"{what} is {short(value)} and out of all bounds")
        return str(value)
    return text_of(value, where, what)


def check_distinct(texts: Sequence[str], where: str, what: str) -> None:
    """Refuse texts to choose from of which two are the same."""
    if len(set(texts)) < len(texts):
        refuse(where, f"two of its {what} are the same")


def check_rows(path: Path, found: int, expected: int | None, key: str) -> None:
    """Refuse a file with another number of rows than expected (None = any)."""
    if expected is not None and found != expected:
        raise SparkleError(
            f"{path} has {found} rows and not {expected}.",
            f"Download it anew; if the file is meant to be so, set '{key}.rows: {found}'.",
        )


def check_images(images: Iterable[Path | bytes], key: str, source: str) -> None:
    """Make sure that all image files are there and are pictures of a sane size (headers only)."""
    unique = list(dict.fromkeys(image for image in images if isinstance(image, Path)))
    missing = [path for path in unique if not path.is_file()]
    if missing:
        some = ", ".join(str(path) for path in missing[:_SHOWN])
        more = f", and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
        raise SparkleError(
            f"{key}: {len(missing)} of {len(unique)} images are missing: {some}{more}.",
            f"Get them: {source}",
        )
    for path in unique:
        check_picture(path.read_bytes(), str(path))


def check_picture(data: bytes, where: str) -> None:
    """Refuse what is no picture, or one that is too large to decode; the header is read only."""
    try:
        with Image.open(io.BytesIO(data), formats=IMAGE_FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        refuse(where, f"the picture has more than {MAX_PIXELS} pixels")
    except (OSError, ValueError, SyntaxError):
        refuse(where, "it is no readable picture (" + ", ".join(IMAGE_FORMATS) + ")")
    if width * height > MAX_PIXELS:
        refuse(where, f"the picture has {width} x {height} pixels; {MAX_PIXELS} are the most")
