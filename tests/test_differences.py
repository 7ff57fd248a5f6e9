"""Two runs side by side: what went in and what came out otherwise."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from lineage_example import config, copy_experiment, make_experiment

from sparkle.cli import main
from sparkle.provenance.changes import Change, changes
from sparkle.provenance.differences import CodeChange, as_text, compare_runs
from sparkle.provenance.record import read_record, write_record

ROW = "mini/none/seed0"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same experiment with more distractors in one evaluation set."""
    sets = config()["evaluation_sets"]
    sets["direction"] = {**sets["direction"], "images": 16}
    return make_experiment(tmp_path_factory.mktemp("second"), evaluation_sets=sets)


def test_a_run_does_not_differ_from_its_copy(first: Path, tmp_path: Path) -> None:
    found = compare_runs(first, copy_experiment(first, tmp_path))
    assert not found and as_text(found).startswith("No difference")


def test_what_differs_is_told_by_key_path(first: Path, second: Path) -> None:
    found = compare_runs(first, second)
    assert found.config == (Change("evaluation_sets.direction.images", 12, 16),)
    changed = {change.key for change in found.data}
    assert {"data/evaluation/direction.parquet", "tables/matrix.csv", "config.yaml"} <= changed
    assert not any("spp" in name for name in changed), "the other set is as it was"
    assert {cell.evaluation_set for cell in found.cells} == {"direction"}
    text = as_text(found)
    assert "evaluation_sets.direction.images 12 -> 16" in text
    assert "matrix, accuracy" in text and f"{ROW} on direction: 0.0833 -> " in text


def test_answers_are_compared_question_by_question(first: Path, second: Path) -> None:
    """Four questions are new; chance answers the others by their place, so as before."""
    assert not [a for a in compare_runs(first, second).answers if a.row.startswith("oracle")]


def test_changed_answers_are_counted(first: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    other = copy_experiment(first, tmp_path)
    path = other / f"scores/{ROW}/direction.parquet"
    table = pq.read_table(path)
    frame = {
        "response": ["x", *table["response"].to_pylist()[1:]],
        "correct": [not table["correct"][0].as_py(), *table["correct"].to_pylist()[1:]],
    }
    for name, values in frame.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, table.schema.field(place), [values])
    pq.write_table(table, path)
    found = compare_runs(first, other).answers
    assert [(a.row, a.evaluation_set, a.shared, a.answers) for a in found] == [
        (ROW, "direction", 12, 1)
    ]
    assert found[0].gained + found[0].lost == 1


def test_code_packages_and_external_files(first: Path, tmp_path: Path) -> None:
    other = copy_experiment(first, tmp_path)
    for results, digest in ((first, "a" * 64), (other, "b" * 64)):
        record = read_record(results / f"scores/{ROW}/record.json")
        changed = dataclasses.replace(
            record, modules={**record.modules, "sparkle/files.py": digest},
                packages={"numpy": digest[0]},
            inputs={**record.inputs, "{home}/benchmark.json": digest},
        )  # fmt: skip
        write_record(results / record.name, changed)
    found = compare_runs(first, other)
    assert found.code == (CodeChange("sparkle/files.py", ("score",)),)
    assert [(c.key, c.old[0], c.new[-1]) for c in found.packages] == [("numpy", "2", "b")]
    assert found.external == (Change("{home}/benchmark.json", "a" * 64, "b" * 64),)


def test_the_command(
    first: Path, second: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", str(first), str(second)]) == 0
    assert "config:" in capsys.readouterr().out
    assert main(["diff", str(first), str(second), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["config"][0]["key"] == "evaluation_sets.direction.images"
    assert main(["diff", str(first), str(tmp_path)]) == 2
    assert "holds no records" in capsys.readouterr().err


def test_changes_of_nested_values() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": True, "same": {"x": None}}
    new = {"a": {"b": 2, "c": [1, 3]}, "e": 1, "f": [1], "same": {"x": None}}
    assert changes(old, new) == [
        Change("a.b", 1, 2), Change("a.c[1]", 2, 3), Change("d", 1, None),
        Change("e", True, 1), Change("f", None, [1]),
    ]  # fmt: skip
    assert str(Change("training.learning_rate", 1e-4, 2e-4)) == (
        "training.learning_rate 0.0001 -> 0.0002"
    )
    assert changes([1], [1, 2], "x") == [Change("x", [1], [1, 2])]
    assert len(str(Change("x", "y" * 200, None))) < 90
