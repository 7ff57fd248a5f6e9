"""Archives whose bytes depend on their contents alone, and a reader that trusts none.

Both ``.tar.gz`` and ``.zip`` are written with sorted names, no times, no owners. What is read may
come from anywhere: names that lead out of the folder, links, devices, names that occur twice, and
archives that unpack to far more than they are, are refused before anything is believed.
"""

from __future__ import annotations

import gzip
import io
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sparkle.errors import SparkleError
from sparkle.files import atomic_path

Content = Path | bytes
_TAR = (".tar.gz", ".tgz")
_CHUNK = 1 << 20
_HEADERS = 1 << 20
"""Bytes that the headers of one member of a tar file may take, however they are written."""
_LONGEST_NAME = 400
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\:]")


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold.

    Attributes:
        files: Members.
        size: Unpacked bytes of all members together.
        ratio: Unpacked bytes per packed byte, once ``free`` bytes were unpacked.
        free: Unpacked bytes below which the ratio does not count.
    """

    files: int = 100_000
    size: int = 64 << 30
    ratio: float = 100.0
    free: int = 64 << 20


LIMITS = Limits()


def write_archive(path: Path, files: Mapping[str, Content]) -> None:
    """Write ``files`` (name inside the archive -> file or bytes) to ``path`` atomically.

    The same contents give the same bytes, with the same zlib.

    Raises:
        SparkleError: The suffix is none of ``.tar.gz``, ``.tgz`` and ``.zip``.
    """
    kind = _kind(path)
    for name in files:
        _check_name(name, path)
    with atomic_path(path) as temporary:
        if kind == "zip":
            _write_zip(temporary, files)
        else:
            _write_tar(temporary, files)


def _kind(path: Path) -> str:
    if path.name.endswith(_TAR):
        return "tar"
    if path.suffix == ".zip":
        return "zip"
    raise SparkleError(
        f"{path} has a suffix that is no archive's.", "Name it like paper.tar.gz or paper.zip."
    )


def _write_tar(path: Path, files: Mapping[str, Content]) -> None:
    with (
        open(path, "wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = _size(files[name]), 0o644
            with _open(files[name]) as source:
                archive.addfile(member, source)


def _write_zip(path: Path, files: Mapping[str, Content]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.create_system, member.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            member.file_size = _size(files[name])
            with _open(files[name]) as source, archive.open(member, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _open(content: Content) -> IO[bytes]:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    return open(content, "rb")


def extract_archive(path: Path, folder: Path, limits: Limits = LIMITS) -> list[str]:
    """Unpack an archive of unknown origin into ``folder`` (which is new) and return the names.

    Raises:
        SparkleError: It is no archive, is damaged, or holds what no bundle holds; see the module.
            What was unpacked until then is removed.
    """
    if folder.exists():
        raise SparkleError(f"{folder} exists already.", "Name a folder that does not.")
    kind = _kind(path)
    if not path.is_file():
        raise SparkleError(f"{path} does not exist.", "Give the path of an archive.")
    try:
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            meter = _Meter(path, limits)
            members = _zip_members(path, meter) if kind == "zip" else _tar_members(path, meter)
            return [_extract(name, chunks, temporary) for name, chunks in members]
    except (OSError, EOFError, zlib.error, tarfile.TarError, zipfile.BadZipFile) as error:
        raise SparkleError(
            f"{path} is no whole archive: {error}.", "Copy or download it again."
        ) from None
    except (NotImplementedError, RuntimeError, ValueError) as error:  # zipfile: encrypted, odd
        raise SparkleError(f"{path} cannot be read: {error}.", "It is no bundle.") from None


def _extract(name: str, chunks: Iterator[bytes], folder: Path) -> str:
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "xb") as handle:
        for chunk in chunks:
            handle.write(chunk)
    return name


class _Meter:
    """Counts what comes out of an archive, and refuses when it is too much or named wrongly."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.packed = path.stat().st_size
        self.unpacked = 0
        self.names: set[str] = set()
        self.folders: set[str] = set()

    def accept(self, name: str, size: int) -> None:
        _check_name(name, self.path)
        folded = name.casefold()
        above = {str(parent) for parent in PurePosixPath(folded).parents}
        if folded in self.names or folded in self.folders or above & self.names:
            raise _refused(self.path, f"the name '{name}' occurs twice")
        self.names.add(folded)
        self.folders |= above
        if len(self.names) > self.limits.files:
            raise _refused(self.path, f"it holds more than {self.limits.files} files")
        if size < 0:
            raise _refused(self.path, f"'{name}' has a negative size")
        self.check(self.unpacked + size)

    def count(self, chunk: bytes) -> bytes:
        self.unpacked += len(chunk)
        self.check(self.unpacked)
        return chunk

    def check(self, size: int) -> None:
        if size > self.limits.size:
            raise _refused(self.path, f"it unpacks to more than {self.limits.size} bytes")
        if size > self.limits.free and size > self.limits.ratio * self.packed:
            raise _refused(
                self.path, f"it unpacks to more than {self.limits.ratio:.0f} times its size"
            )


def _tar_members(path: Path, meter: _Meter) -> Iterator[tuple[str, Iterator[bytes]]]:
    with gzip.open(path, "rb") as packed:
        stream: Any = _Bounded(packed, path)
        # As a stream: nothing is read twice, and no list of all members is built up first.
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            stream.allow(_HEADERS)
            while (member := archive.next()) is not None:
                kinds = (tarfile.REGTYPE, tarfile.AREGTYPE)
                if member.type not in kinds or member.issparse():
                    raise _refused(path, f"'{_shown(member.name)}' is no plain file")
                meter.accept(member.name, member.size)
                source = archive.extractfile(member)
                assert source is not None
                stream.allow(member.size + _HEADERS)
                yield member.name, _chunks(source, meter)
                vars(archive)["members"] = []  # tarfile would keep them all
                stream.allow(_HEADERS)
        while stream.read(_CHUNK):  # to its end, where gzip's checksum is
            pass


def _zip_members(path: Path, meter: _Meter) -> Iterator[tuple[str, Iterator[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            mode = member.external_attr >> 16
            if member.is_dir() or (stat.S_IFMT(mode) not in (0, stat.S_IFREG)):
                raise _refused(path, f"'{_shown(member.filename)}' is no plain file")
            if member.orig_filename != member.filename:
                raise _refused(path, f"the name '{_shown(member.orig_filename)}' is not allowed")
            meter.accept(member.filename, member.file_size)
            with archive.open(member) as source:
                yield member.filename, _chunks(source, meter)


def _chunks(source: IO[bytes], meter: _Meter) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield meter.count(chunk)


class _Bounded:
    """A stream that gives no more bytes than were allowed: headers cannot fill the memory."""

    def __init__(self, source: Any, path: Path) -> None:
        self.source, self.path = source, path
        self.left = _HEADERS

    def allow(self, size: int) -> None:
        self.left = size

    def read(self, size: int) -> bytes:
        data: bytes = self.source.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _refused(self.path, "its headers are too large")
        return data


def _check_name(name: str, path: Path) -> None:
    """Only plain relative names: they mean the same everywhere and stay below the folder."""
    parts = name.split("/")
    if (
        len(name) > _LONGEST_NAME
        or _CONTROL.search(name)
        or any(part in ("", ".", "..") or part != part.strip() for part in parts)
    ):
        raise _refused(path, f"the name '{_shown(name)}' is not allowed")


def _shown(name: str) -> str:
    """A name from an archive, made fit to be printed on a terminal."""
    return name.encode("unicode_escape").decode()[:120]


def _refused(path: Path, reason: str) -> SparkleError:
    return SparkleError(
        f"{path} is refused: {reason}.",
        "Nothing of it was kept. A bundle made by 'sparkle bundle' holds no such thing.",
    )
