"""Steps leave records, outputs are judged by them, and the store gives back what was made."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from sparkle.errors import SparkleError
from sparkle.provenance import environment
from sparkle.provenance import store as artefacts
from sparkle.provenance.hashes import Hashes
from sparkle.provenance.judging import changes, judge, summary
from sparkle.provenance.recipe import Input, Recipe
from sparkle.provenance.record import hash_of, read_record
from sparkle.provenance.writing import STORE, input_hashes, plain_command, run_recorded

COMMAND = ["sparkle", "score"]


def recipe(results: Path, **changed: object) -> Recipe:
    folder = results / "scores/m/full/seed1"
    values: dict[str, object] = {
        "step": "score", "subject": {"model": "m"}, "folder": folder, "stem": "",
        "tree": "scores/*/*/*", "settings": {"rate": 0.001, "home": f"{Path.home()}/x"},
        "inputs": (Input("sets/a", results / "data/a.parquet"),),
        "outputs": lambda: [folder / "a.parquet", folder / "weights"],
        "code": {"sparkle/a.py": "1"}, "packages": ("numpy",), "varies": {"weights": "threads"},
        "stored": True,
    }  # fmt: skip
    return Recipe(**{**values, **changed})  # type: ignore[arg-type]


class Step:
    """A step that writes what it read, and counts how often it ran."""

    def __init__(self, made: Recipe) -> None:
        self.recipe, self.ran = made, 0

    def __call__(self) -> Iterable[Path] | None:
        self.ran += 1
        (self.recipe.folder / "weights").mkdir(parents=True, exist_ok=True)
        text = self.recipe.inputs[0].path.read_text()
        (self.recipe.folder / "a.parquet").write_text(text.upper())
        (self.recipe.folder / "weights/w").write_text(text * 2)
        return None

    def run(self) -> None:
        run_recorded(self.recipe, COMMAND, self)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv(STORE, raising=False)
    return with_input(tmp_path / "results")


def with_input(results: Path) -> Path:
    (results / "data").mkdir(parents=True)
    (results / "data/a.parquet").write_text("abc")
    return results


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(STORE, str(tmp_path / "store"))
    return tmp_path / "store"


def test_a_step_leaves_a_record_of_what_it_did(results: Path) -> None:
    step = Step(recipe(results))
    step.run()
    record = read_record(results / "scores/m/full/seed1/record.json")
    assert record.name == "scores/m/full/seed1/record.json"
    assert set(record.inputs) == {"data/a.parquet"}
    assert record.outputs["scores/m/full/seed1/weights"] == hash_of(step.recipe.folder / "weights")
    assert record.varies == {"scores/m/full/seed1/weights": "threads"}
    assert record.settings["home"] == "{home}/x"
    assert record.started <= record.ended and record.peak_memory_mb > 0
    text = step.recipe.record.read_text()
    assert os.uname().nodename not in text and str(results) not in text


def test_a_step_that_fails_leaves_none(results: Path) -> None:
    step = Step(recipe(results))
    step.run()

    def fail() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        run_recorded(step.recipe, COMMAND, fail)
    assert not step.recipe.record.exists()
    assert judge(step.recipe, Hashes()).reasons == ("not made yet",)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"settings": {"home": f"{Path.home()}/x", "rate": 1e-3}}, ""),
        ({"settings": {"rate": 0.002, "home": f"{Path.home()}/x"}}, "rate 0.001 -> 0.002"),
        ({"code": {"sparkle/a.py": "2"}}, "sparkle/a.py changed"),
        ({"code": {"sparkle/a.py": "1", "sparkle/b.py": "1"}}, "sparkle/b.py takes part"),
        ({"packages": ("numpy", "none-such")}, "package none-such not noted -> not installed"),
        ({"inputs": ()}, "data/a.parquet is no longer read"),
        ({"gpus": 8, "seeds": {"x": 1}}, ""),
    ],
)
def test_reasons_to_run_again(results: Path, changed: dict[str, object], reason: str) -> None:
    Step(recipe(results)).run()
    assert judge(recipe(results, **changed), Hashes()).reasons == ((reason,) if reason else ())


def test_outputs_and_inputs_are_judged_by_content(results: Path) -> None:
    step = Step(recipe(results))
    step.run()
    output, source = step.recipe.folder / "a.parquet", results / "data/a.parquet"
    for path in (output, source):
        os.utime(path, (1, 1))
    assert not judge(step.recipe, Hashes()).reasons
    source.write_text("abd")
    assert judge(step.recipe, Hashes()).reasons == ("data/a.parquet changed",)
    source.write_text("abc")
    output.write_text("ABD")
    verdict = judge(step.recipe, Hashes())
    assert verdict.lost and verdict.reasons == ("scores/m/full/seed1/a.parquet was altered",)
    output.unlink()
    assert judge(step.recipe, Hashes()).reasons == ("scores/m/full/seed1/a.parquet is missing",)


def test_a_file_is_read_once(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(recipe(results))
    step.run()
    os.utime(step.recipe.folder / "a.parquet", (1, 1))
    first = Hashes(results / "work/hashes.json")
    judge(step.recipe, first)
    first.save()

    def never(path: Path) -> str:
        raise AssertionError(f"{path} was read again")

    monkeypatch.setattr("sparkle.provenance.hashes.hash_of", never)
    assert not judge(step.recipe, Hashes(results / "work/hashes.json")).reasons


def test_the_same_thing_is_made_once_for_two_experiments(
    results: Path, store: Path, tmp_path: Path
) -> None:
    Step(recipe(results)).run()
    other = Step(recipe(with_input(tmp_path / "other"), code={"sparkle/a.py": "1"}))
    other.run()
    assert other.ran == 0
    record = read_record(other.recipe.record)
    assert record.reused == record.identity and record.command == COMMAND
    assert not judge(other.recipe, Hashes()).reasons
    assert (other.recipe.folder / "weights/w").stat().st_nlink == 3  # no room of its own
    changed = Step(recipe(tmp_path / "other", code={"sparkle/a.py": "2"}))
    changed.run()
    assert changed.ran == 1


def test_a_damaged_entry_is_not_taken(results: Path, store: Path, tmp_path: Path) -> None:
    first = Step(recipe(results))
    first.run()
    entry = store / read_record(first.recipe.record).identity
    stored = entry / "files/weights/w"
    stored.unlink()
    stored.write_text("other")
    again = Step(recipe(with_input(tmp_path / "other")))
    again.run()
    assert again.ran == 1 and (again.recipe.folder / "weights/w").read_text() == "abcabc"
    hashes = input_hashes(again.recipe)
    assert hashes is not None and artefacts.find(store, again.recipe.identity(hashes)) is not None


def test_what_no_results_folder_holds_is_unused(results: Path, store: Path) -> None:
    step = Step(recipe(results))
    step.run()
    assert [entry.used for entry in artefacts.entries(store)] == [True]
    (step.recipe.folder / "a.parquet").unlink()
    (step.recipe.folder / "weights/w").unlink()
    (entry,) = artefacts.entries(store)
    assert not entry.used and entry.bytes == 9
    artefacts.drop(store, entry.record.identity)
    assert not list(artefacts.entries(store))


def test_partial_work_does_not_outlive_code(results: Path) -> None:
    made = recipe(results)
    assert made.made_with == dataclasses.replace(made, settings={}).made_with
    assert made.made_with != dataclasses.replace(made, code={"sparkle/a.py": "2"}).made_with
    assert made.made_with != dataclasses.replace(made, packages=()).made_with


def test_versions_are_those_of_the_python_that_runs_the_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_elsewhere", None)
    wrapper = tmp_path / "python"
    wrapper.write_text('#!/bin/sh\necho \'[["Some.Package", "7"], ["numpy", "0"]]\'\n')
    wrapper.chmod(0o755)
    environment.use_versions_of(wrapper)
    found = environment.versions(["some_package", "numpy", "torch"])
    assert found == {"some_package": "7", "numpy": "0", "torch": "not installed"}
    environment._version.cache_clear()
    with pytest.raises(SparkleError, match="does not tell"):
        environment.use_versions_of(tmp_path / "none")


def test_differences_in_words() -> None:
    before = {"a": {"rate": 1e-4, "flag": 1}, "list": [1, {"x": 2}], "gone": None}
    now = {"a": {"rate": 2e-4, "flag": True}, "list": [1, {"x": 3}]}
    expected = ["a.flag 1 -> True", "a.rate 0.0001 -> 0.0002", "list[1].x 2 -> 3"]
    assert [str(change) for change in changes(before, now)] == expected
    assert changes({"n": 1}, {"n": 1.0}) == []
    assert summary(("a", "b", "c", "d", "e")) == "a, b, c, and 2 more"


def test_a_command_names_files_and_nobody(results: Path) -> None:
    words = ["finetune", "--base", str(results / "b.json"), "--x", f"{Path.home()}/secret/y"]
    plain = plain_command(words, recipe(results), [results / "b.json"])
    assert plain == ["sparkle", "finetune", "--base", "{results}/b.json", "--x", "{home}/secret/y"]
