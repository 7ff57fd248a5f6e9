"""The record beside an artefact: its form, where it lies, how it is found again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from sparkle.errors import SparkleError
from sparkle.provenance.record import (
    Record,
    find_record,
    hash_of,
    locate,
    name_of,
    read_record,
    record_of,
    record_path,
    results_of,
    stamp_of,
    write_record,
)


def example(name: str, **changes: object) -> Record:
    values: dict[str, object] = {
        "name": name, "step": "finetune", "subject": {"model": "m"}, "identity": "1",
        "inputs": {"data/leaks.json": "a"}, "outputs": {"models/m/full/seed1/weights": "b"},
        "stamps": {}, "varies": {}, "settings": {"seed": 1}, "command": ["sparkle", "finetune"],
        "code": "c", "modules": {"sparkle/files.py": "d"}, "commit": None, "dirty": None,
        "packages": {"torch": "2"}, "seeds": {"training": 1}, "host": {"cpus": 2}, "device": "cpu",
        "slurm_job": None, "started": "2026-01-01T00:00:00+00:00",
        "ended": "2026-01-01T00:00:01+00:00", "peak_memory_mb": 1,
    }  # fmt: skip
    return Record(**{**values, **changes})  # type: ignore[arg-type]


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = example("models/m/full/seed1/record.json", varies={"x": "measured"})
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record
    assert not record.deterministic and example("record.json").deterministic


def test_a_record_of_another_format_is_a_message(tmp_path: Path) -> None:
    values = dataclasses.asdict(example("record.json"))
    for wrong in ({**values, "schema": 0}, {**values, "surprise": 1}, {"weights": "x"}, []):
        (tmp_path / "record.json").write_text(json.dumps(wrong))
        with pytest.raises(SparkleError, match="no record of this version"):
            read_record(tmp_path / "record.json")


def test_where_records_lie() -> None:
    assert record_path(Path("a/weights"), own_folder=True) == Path("a/record.json")
    assert record_path(Path("a/spp.parquet"), own_folder=False) == Path("a/spp.record.json")
    assert record_path(Path("a/v1.5.parquet"), own_folder=False) == Path("a/v1.5.record.json")


def test_the_record_of_any_artefact_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "r/models/m/full/seed1"
    (folder / "weights/deep").mkdir(parents=True)
    (folder / "weights/deep/x").write_text("x")
    record = example("models/m/full/seed1/record.json")
    write_record(folder / "record.json", record)
    other = example("models/m/full/seed1/a.record.json", outputs={"models/m/full/seed1/a.csv": "1"})
    write_record(folder / "a.record.json", other)
    (folder / "a.csv").write_text("")
    assert record_of(folder / "weights") == record_of(folder / "weights/deep/x") == record
    assert find_record(folder / "a.csv") == (folder / "a.record.json", other)
    assert results_of(folder / "record.json", record) == tmp_path / "r"
    (folder / "b.csv").write_text("")
    with pytest.raises(SparkleError, match="has no record"):
        record_of(folder / "b.csv")


def test_no_name_of_a_file_says_who_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, start = tmp_path / "home/me", tmp_path / "home/me/start"
    start.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(start)
    results = start / "results"
    expected = {
        results / "data/x.json": "data/x.json",
        start / "files/y": "{start}/files/y",
        home / "z": "{home}/z",
        Path("/data/w"): "/data/w",
    }
    for path, name in expected.items():
        assert name_of(path, results) == name
        assert locate(name, results) == path
    assert locate("{results}/a", results) == results / "a"


def test_stamps_and_hashes_of_files_and_folders(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "a").write_text("a")
    stamp, content = stamp_of(folder), hash_of(folder)
    (folder / ".snakemake_timestamp").touch()
    assert stamp_of(folder) == stamp and hash_of(folder) == content
    (folder / "a").touch()
    assert stamp_of(folder) != stamp and hash_of(folder) == content
    (folder / "a").write_text("b")
    assert hash_of(folder) != content
    assert stamp_of(tmp_path / "none") is None
