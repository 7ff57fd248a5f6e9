"""A bundle holds what it takes to compute every number again; what does not agree is named."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lineage_example import ROWS, SETS, copy_experiment, make_experiment

from sparkle.cli import main, read_recipe
from sparkle.errors import SparkleError
from sparkle.files import read_json, write_json
from sparkle.provenance.archive import extract_archive, write_archive
from sparkle.provenance.bundle import INDEX, write_bundle
from sparkle.provenance.private import Places, without_paths
from sparkle.provenance.verify import Verdict, verify_bundle

ROW = "mini/none/seed0"
SCORES = f"results/scores/{ROW}/spp.parquet"
ANSWERS = f"results/predictions/{ROW}/spp.parquet"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def bundle(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("bundle") / "paper.tar.gz"
    write_bundle(finished, archive)
    return archive


def verified(archive: Path) -> Verdict:
    return verify_bundle(archive, report=lambda _: None)


def spoiled(bundle: Path, folder: Path, change: Callable[[Path], None], consistent: bool) -> Path:
    """A bundle with a change; ``consistent``: with an index that fits what was changed."""
    inside = folder / "inside"
    extract_archive(bundle, inside)
    change(inside)
    files = {p.relative_to(inside).as_posix(): p for p in inside.rglob("*") if p.is_file()}
    if consistent:
        index = read_json(inside / INDEX)
        for name, path in files.items():
            if name != INDEX:
                content = path.read_bytes()
                index["files"][name] = {
                    "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)
                }  # fmt: skip
        write_json(inside / INDEX, index)
    write_archive(folder / "spoiled.tar.gz", files)
    return folder / "spoiled.tar.gz"


def set_column(path: Path, name: str, values: list[Any]) -> None:
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    column = pa.array(values, table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), column), path)


def test_a_bundle_agrees_with_itself(bundle: Path) -> None:
    found = verified(bundle)
    assert found.verified and not found.notes
    answers = 12 * len(ROWS) * len(SETS)
    assert f"{answers} answers in {len(ROWS) * len(SETS)} files were judged again" in (
        " ".join(found.agreed)
    )


def test_what_goes_in_and_what_does_not(bundle: Path, tmp_path: Path) -> None:
    names = set(extract_archive(bundle, tmp_path / "out"))
    assert {
        INDEX, "README.md", "envs/requirements.lock", "results/config.yaml",
        "results/tables/matrix.csv", SCORES, ANSWERS, "results/data/evaluation/spp.parquet",
        "results/data/evaluation/spp.md", "results/models/mini/base.json",
        f"results/predictions/{ROW}/record.json", "results/tables/record.json",
    } <= names  # fmt: skip
    assert not [name for name in names if "shard" in name and not name.endswith("record.json")]
    assert not [name for name in names if name.endswith(".safetensors")]
    index = read_json(tmp_path / "out" / INDEX)
    assert set(index["files"]) == names - {INDEX}
    assert index["not_included"]["models/mini/base"] and "sparkle verify ARCHIVE" in (
        (tmp_path / "out/README.md").read_text()
    )


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_the_same_results_give_the_same_bytes(finished: Path, tmp_path: Path, suffix: str) -> None:
    other = copy_experiment(finished, tmp_path)
    for path in other.rglob("*"):
        path.touch()
    for number, results in enumerate((finished, other)):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_bundle(results, folder / f"paper{number}.{suffix}")
    first, second = ((tmp_path / n / f"paper{n}.{suffix}").read_bytes() for n in "01")
    assert first == second


def change_answer(inside: Path) -> None:
    answers = pq.read_table(inside / ANSWERS)["response"].to_pylist()
    right = pq.read_table(inside / SCORES)["target"].to_pylist()
    set_column(inside / ANSWERS, "response", [right[0], *answers[1:]])


def change_verdict(inside: Path) -> None:
    correct = pq.read_table(inside / SCORES)["correct"].to_pylist()
    set_column(inside / SCORES, "correct", [not correct[0], *correct[1:]])


def change_number(inside: Path) -> None:
    path = inside / "results/tables/matrix.csv"
    frame = pd.read_csv(path)
    frame.loc[3, "value"] = 0.123
    frame.to_csv(path, index=False)


def remove_row(inside: Path) -> None:
    path = inside / "results/tables/matrix.csv"
    pd.read_csv(path).iloc[:-1].to_csv(path, index=False)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (change_answer, f"scores/{ROW}/spp.parquet: 1 of 12 answers differ"),
        (change_verdict, f"scores/{ROW}/spp.parquet: 1 of 12 answers differ"),
        (change_number, r"tables/matrix.csv: 1 of \d+ rows differ"),
        (remove_row, "tables/matrix.csv: 1 differ"),
    ],
)
def test_forged_results_are_named_even_if_the_index_was_forged_too(
    bundle: Path, tmp_path: Path, change: Callable[[Path], None], fault: str
) -> None:
    found = verified(spoiled(bundle, tmp_path, change, consistent=True))
    assert not found.verified
    assert any(re.match(fault, line) for line in found.faults)
    assert any("is not what" in line and "says was made" in line for line in found.faults)


def test_altered_missing_and_added_files_are_named(bundle: Path, tmp_path: Path) -> None:
    def change(inside: Path) -> None:
        (inside / "results/data/evaluation/spp.md").write_text("other")
        (inside / "results/data/evaluation/direction.md").unlink()
        (inside / "results/extra.txt").write_text("added")

    faults = verified(spoiled(bundle, tmp_path, change, consistent=False)).faults
    for line in (
        "results/data/evaluation/spp.md was altered",
        "results/data/evaluation/direction.md is listed but missing",
        f"results/extra.txt is not listed in {INDEX}",
    ):
        assert line in faults


def test_a_file_that_cannot_be_judged_is_named_and_the_others_are_judged(
    bundle: Path, tmp_path: Path
) -> None:
    def change(inside: Path) -> None:
        (inside / ANSWERS).write_bytes(b"no Parquet")

    faults = verified(spoiled(bundle, tmp_path, change, consistent=False)).faults
    assert any(line.startswith(f"scores/{ROW}/spp.parquet: 1 differ") for line in faults)


@pytest.mark.parametrize("field", ["outputs", "inputs", "name", "command", "modules", "subject"])
@pytest.mark.parametrize("value", [None, 3, ["x"], {"../../x": 1}])
def test_nonsense_in_a_record_is_a_message_or_a_difference(
    bundle: Path, tmp_path: Path, field: str, value: Any
) -> None:
    def change(inside: Path) -> None:
        path = inside / "results/tables/record.json"
        write_json(path, {**read_json(path), field: value})

    archive = spoiled(bundle, tmp_path, change, consistent=True)
    with contextlib.suppress(SparkleError):
        verify_bundle(archive, report=lambda _: None, read=read_recipe)


@pytest.mark.parametrize("word", ["/etc/hosts", "../../x", "{home}/x", "{start}/x"])
def test_command_lines_that_name_files_elsewhere_are_not_read(
    bundle: Path, tmp_path: Path, word: str
) -> None:
    def change(inside: Path) -> None:
        path = inside / "results/tables/record.json"
        write_json(path, {**read_json(path), "command": ["sparkle", "tables", word]})

    seen: list[Any] = []
    archive = spoiled(bundle, tmp_path, change, consistent=True)
    verify_bundle(archive, report=lambda _: None, read=lambda words: seen.append(words))
    assert seen and not [words for words in seen if words[0] == "tables"]


def test_an_unfinished_experiment_is_not_bundled(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = copy_experiment(finished, tmp_path)
    (results / f"scores/{ROW}/spp.parquet").unlink()
    output = tmp_path / "paper.zip"
    assert main(["bundle", "--results", str(results), "--output", str(output)]) == 2
    assert f"scores/{ROW}/spp.parquet is missing" in capsys.readouterr().err
    assert not output.exists()


def test_paths_of_the_user_do_not_leave_the_machine(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home/alice"
    results = copy_experiment(finished, home / "work")
    base = {"identity": "x", "path": f"{home}/models/big"}
    write_json(results / "models/mini/base.json", base)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work")
    index = write_bundle(results, tmp_path / "paper.tar.gz")
    assert list(index["without_paths"]) == ["models/mini/base.json"]
    extract_archive(tmp_path / "paper.tar.gz", tmp_path / "out")
    for path in (tmp_path / "out").rglob("*"):
        assert not path.is_file() or b"alice" not in path.read_bytes()
    assert read_json(tmp_path / "out/results/models/mini/base.json")["path"] == "{home}/models/big"


def test_only_text_is_searched_for_paths(tmp_path: Path) -> None:
    places = Places(tmp_path / "start", tmp_path)
    for name, changed in (("a.json", True), ("a.parquet", False)):
        path = tmp_path / name
        path.write_text(f"{tmp_path}/start/x {tmp_path}/y")
        found = without_paths(path, places)
        assert found == (b"{start}/x {home}/y" if changed else None)
    assert Places(Path("/"), Path("/")).replacements() == []


def test_a_path_is_no_part_of_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("results/work /work /work/x /works /work-2 file:///work. '/work'")
    assert without_paths(path, Places(Path("/work"), Path("/"))) == (
        b"results/work {start} {start}/x /works /work-2 file://{start}. '{start}'"
    )


def test_the_commands(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = tmp_path / "paper.zip"
    assert main(["bundle", "--results", str(finished), "--output", str(archive)]) == 0
    assert "by hash" in capsys.readouterr().out
    assert main(["verify", str(archive)]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "verified" and "2/2 rows judged again" in out
    assert main(["verify", str(archive), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    bad = spoiled(archive, tmp_path, change_number, consistent=True)
    assert main(["verify", str(bad)]) == 1
    assert "DIFFERS: tables/matrix.csv" in capsys.readouterr().out


def test_what_is_no_bundle_is_a_message(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_archive(tmp_path / "other.zip", {"a.txt": b"1"})
    for name, message in (("other.zip", "no bundle"), ("none.zip", "does not exist")):
        assert main(["verify", str(tmp_path / name)]) == 2
        assert message in capsys.readouterr().err
    shutil.rmtree(tmp_path)
