"""Archives: the same bytes for the same contents, and nothing hostile is unpacked."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sparkle.errors import SparkleError
from sparkle.provenance.archive import Limits, extract_archive, write_archive

FILES = {"b/two.txt": b"two" * 1000, "a.txt": b"one", "b/c/empty": b""}
SUFFIXES = (".tar.gz", ".tgz", ".zip")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_packed_comes_out(tmp_path: Path, suffix: str) -> None:
    archive = tmp_path / f"x{suffix}"
    write_archive(archive, FILES)
    names = extract_archive(archive, tmp_path / "out")
    assert names == sorted(FILES)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_depend_on_contents_alone(tmp_path: Path, suffix: str) -> None:
    packed = []
    for number, order in enumerate((list(FILES), list(reversed(FILES)))):
        files = {}
        for name in order:
            path = tmp_path / str(number) / name.replace("/", "-")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(FILES[name])
            path.chmod(0o600 if number else 0o755)
            os.utime(path, (time.time() - 1e7 * number,) * 2)
            files[name] = path
        write_archive(tmp_path / f"{number}{suffix}", files)
        packed.append((tmp_path / f"{number}{suffix}").read_bytes())
    assert packed[0] == packed[1]
    write_archive(tmp_path / f"bytes{suffix}", FILES)
    assert (tmp_path / f"bytes{suffix}").read_bytes() == packed[0]


def test_other_suffixes_are_a_message(tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="suffix"):
        write_archive(tmp_path / "x.rar", FILES)


def tar_with(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, link
    return found


BAD_NAMES = (
    "/etc/passwd", "../x", "a/../../x", "a//b", "./x", "a/.", "C:/x", "a\\..\\b", "x\x1b[2J", "x\n",
    "a" * 500, " a", "a/ b", "",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "x.tar.gz"
    tar_with(archive, (member("good"), b"1"), (member(name), b"2"))
    refused(archive, tmp_path)
    if name:
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
            packed.writestr(zipfile.ZipInfo(name), b"2")
        refused(tmp_path / "x.zip", tmp_path)


@pytest.mark.parametrize(
    ("kind", "link"),
    [
        (tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "good"), (tarfile.DIRTYPE, ""),
        (tarfile.CHRTYPE, ""), (tarfile.FIFOTYPE, ""), (tarfile.CONTTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
    ],
)  # fmt: skip
def test_only_plain_files_are_unpacked(tmp_path: Path, kind: bytes, link: str) -> None:
    archive = tmp_path / "x.tar.gz"
    tar_with(archive, (member("good"), b"1"), (member("odd", kind, link), b""))
    refused(archive, tmp_path)


def test_a_link_and_a_file_below_it_write_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    archive = tmp_path / "x.tar.gz"
    link = member("way", tarfile.SYMTYPE, str(outside))
    tar_with(archive, (link, b""), (member("way/x"), b"2"))
    refused(archive, tmp_path)
    assert not list(outside.iterdir())


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("odd")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    refused(tmp_path / "x.zip", tmp_path)


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A"), ("a", "a/b"), ("a/b", "a")])
def test_names_that_get_in_each_others_way_are_refused(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    archive = tmp_path / "x.tar.gz"
    tar_with(archive, *((member(name), b"1") for name in names))
    refused(archive, tmp_path)


def bomb_tar(path: Path) -> None:
    tar_with(path, (member("zeros"), bytes(20 << 20)))


def bomb_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("zeros", bytes(20 << 20))


def bomb_header(path: Path) -> None:
    """A header that says of itself that it is large: it would be read into memory whole."""
    header = member("x")
    header.type, header.size = tarfile.XHDTYPE, 30 << 20
    with gzip.open(path, "wb") as packed:
        packed.write(header.tobuf(tarfile.PAX_FORMAT) + bytes(30 << 20))


@pytest.mark.parametrize(
    ("make", "suffix"),
    [(bomb_tar, ".tar.gz"), (bomb_zip, ".zip"), (bomb_header, ".tar.gz")],
)
def test_bombs_are_refused(tmp_path: Path, make: Callable[[Path], None], suffix: str) -> None:
    archive = tmp_path / f"x{suffix}"
    make(archive)
    refused(archive, tmp_path, Limits(ratio=100, free=1 << 20))


def test_limits_of_size_and_number(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar.gz"
    write_archive(archive, {str(n): b"12345" for n in range(5)})
    refused(archive, tmp_path, Limits(files=4))
    refused(archive, tmp_path, Limits(size=24))
    assert len(extract_archive(archive, tmp_path / "out", Limits(files=5, size=25))) == 5


@pytest.mark.parametrize("suffix", [".tar.gz", ".zip"])
def test_damaged_archives_are_a_message(tmp_path: Path, suffix: str) -> None:
    archive = tmp_path / f"x{suffix}"
    write_archive(archive, {"a": os.urandom(5000), "b": os.urandom(5000)})
    whole = archive.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no archive at all", flipped(whole, 2000)):
        archive.write_bytes(content)
        with pytest.raises(SparkleError) as caught:
            extract_archive(archive, tmp_path / "out")
        assert "Traceback" not in str(caught.value)
        assert not (tmp_path / "out").exists()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def refused(archive: Path, folder: Path, limits: Limits | None = None) -> None:
    """The archive is refused, and nothing of it is left, not even what came before the fault."""
    with pytest.raises(SparkleError, match="refused"):
        extract_archive(archive, folder / "out", limits or Limits())
    assert not (folder / "out").exists()
    assert not [path for path in folder.iterdir() if path.name.startswith(".out")]
