"""A number traced to all that it was made from; whatever no longer matches is named."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from lineage_example import copy_experiment, make_experiment

from sparkle.cli import main, read_recipe
from sparkle.errors import SparkleError
from sparkle.provenance.lineage import read_lineage, results_above
from sparkle.provenance.record import Record, read_record, write_record
from sparkle.provenance.trace import Trace, trace
from sparkle.provenance.tree_text import as_text

ROW = "mini/none/seed0"
MATRIX = "tables/matrix.csv"
ANSWERS = f"predictions/{ROW}/direction.parquet"
SCORES = f"scores/{ROW}/direction.parquet"
SHARD = "data/shards/evaluation/direction/shard-00000.parquet"
QUESTIONS = "data/evaluation/direction.parquet"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of the experiment that a test may spoil."""
    return copy_experiment(finished, tmp_path)


def traced(results: Path, **options: Any) -> Trace:
    chosen = {"row": ROW, "evaluation_set": "direction", "read": read_recipe, **options}
    return trace(results, results / MATRIX, **chosen)


def names(found: Trace) -> set[str]:
    waiting, seen = [found.root], set()
    while waiting:
        node = waiting.pop()
        seen.add(node.name)
        waiting += node.children
    return seen


def flip(path: Path) -> None:
    """Flip one bit in the middle, and leave size and time of change as they were."""
    state = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def edit(results: Path, name: str, **changes: Any) -> Record:
    record = dataclasses.replace(read_record(results / name), **changes)
    write_record(results / name, record)
    return record


def test_a_number_is_traced_to_what_it_was_made_from(results: Path) -> None:
    found = traced(results, rehash=True)
    assert found.verified and found.files == len(names(found))
    assert names(found) == {
        MATRIX, SCORES, ANSWERS, QUESTIONS, SHARD, "models/mini/base",
        "data/shards/evaluation/direction/job-000.json",
    }  # fmt: skip
    frame = pd.read_csv(results / MATRIX)
    cell = frame[(frame["model"] == "mini") & (frame["evaluation_set"] == "direction")]
    assert found.number is not None
    assert found.number.value == cell[cell["metric"] == "accuracy"]["value"].item()


@pytest.mark.parametrize("name", [SCORES, ANSWERS, QUESTIONS, SHARD])
def test_one_flipped_bit_is_named(results: Path, name: str) -> None:
    flip(results / name)
    found = traced(results, rehash=True)
    assert not found.verified and f"{name}: was altered" in found.faults
    assert f"{name}: was altered" in as_text(found)
    # Size and time are as they were: that is what only --verify sees.
    quick = traced(results)
    assert f"{name}: was altered" not in quick.faults and "--verify" in as_text(quick)


def test_a_flipped_bit_of_weights_is_named_by_their_folder(results: Path) -> None:
    flip(results / "models/mini/base/model.safetensors")
    assert "models/mini/base: was altered" in traced(results, rehash=True).faults


def test_what_was_changed_the_usual_way_is_seen_without_hashing_all(results: Path) -> None:
    (results / QUESTIONS).write_bytes(b"other")
    found = traced(results)
    assert f"{QUESTIONS}: was altered" in found.faults


def test_a_missing_file_is_named(results: Path) -> None:
    (results / SHARD).unlink()
    for rehash in (False, True):
        assert f"{SHARD}: is missing" in traced(results, rehash=rehash).faults


def test_a_file_of_another_set_has_no_part_in_the_number(results: Path) -> None:
    flip(results / f"scores/{ROW}/spp.parquet")
    flip(results / "scores/oracle/none/seed0/direction.parquet")
    assert traced(results, rehash=True).verified
    whole = trace(results, results / MATRIX, rehash=True)
    assert f"scores/{ROW}/spp.parquet: was altered" in whole.faults


def test_a_number_that_its_scores_do_not_give_is_named(results: Path) -> None:
    frame = pd.read_csv(results / MATRIX)
    frame.loc[(frame["model"] == "mini") & (frame["metric"] == "accuracy"), "value"] = 0.5
    frame.to_csv(results / MATRIX, index=False)
    faults = traced(results).faults
    assert any("now gives value 0.0833" in fault for fault in faults)
    assert f"{MATRIX}: was altered" in faults


def test_scores_that_the_answers_do_not_give_are_named(results: Path) -> None:
    """Scores and records that were forged together: only judging again tells."""
    table = pq.read_table(results / SCORES)
    parsed = ["nonsense", *table["parsed"].to_pylist()[1:]]
    place = table.schema.get_field_index("parsed")
    pq.write_table(table.set_column(place, table.schema.field(place), [parsed]), results / SCORES)
    found = traced(results, rehash=True)
    assert any("1 answers are judged otherwise" in fault for fault in found.faults)


def test_an_input_that_was_made_anew_since_is_named(results: Path) -> None:
    record = read_record(results / f"predictions/{ROW}/record.json")
    edit(results, record.name, outputs={**record.outputs, ANSWERS: "f" * 64})
    assert f"{ANSWERS}: was made anew since score {ROW} read it" in traced(results).faults


def test_a_file_without_a_record_is_named(results: Path) -> None:
    (results / f"predictions/{ROW}/record.json").unlink()
    found = traced(results, rehash=True)
    assert found.verified, "its hash is in the record of the job that read it"
    with pytest.raises(SparkleError, match="no record"):
        results_above(results / ANSWERS)
    (results / "tables/record.json").unlink()
    assert f"{MATRIX}: has no record: nothing tells what made it" in traced(results).faults


def test_config_and_code_that_changed_since_are_named(results: Path) -> None:
    config = yaml.safe_load((results / "config.yaml").read_text())
    config["evaluation_sets"]["direction"]["images"] = 13
    config["inference"]["max_new_tokens"] = 25
    (results / "config.yaml").write_text(yaml.safe_dump(config))
    modules = read_record(results / f"scores/{ROW}/record.json").modules
    modules = {**modules, "sparkle/files.py": "0", "sparkle/x.py": "1"}
    edit(results, f"scores/{ROW}/record.json", modules=modules)
    edit(results, "tables/record.json", packages={"numpy": "0.0.1"})
    found = traced(results)
    assert not found.verified and not found.faults
    text = as_text(found)
    for line in (
        "config: images 12 -> 13 (used by synthesize)",
        "config: inference.max_new_tokens 24 -> 25 (used by infer)",
        "code: sparkle/files.py changed (used by score)",
        "code: sparkle/x.py no longer takes part (used by score)",
        "note: package: numpy 0.0.1 -> ",
    ):
        assert line in text


def test_settings_code_and_packages_are_shown_on_request(results: Path) -> None:
    text = as_text(traced(results), long=True)
    for line in ("config tasks: [", "config inference.max_new_tokens: 24", "package numpy: "):
        assert line in text and line not in as_text(traced(results))
    assert "code sparkle/tasks/direction.py: " in text


def test_the_order_of_the_jobs_is_that_of_the_data(results: Path) -> None:
    order = [record.step for record in read_lineage(results).order()]
    assert order.index("synthesize") < order.index("merge-evaluation") < order.index("infer")
    assert order.index("infer") < order.index("score") < order.index("tables")
    assert len(order) == len(read_lineage(results).records)


def test_many_files_of_one_job_take_few_lines(results: Path) -> None:
    record = read_record(results / "data/shards/evaluation/direction/job-000.record.json")
    more = {f"data/shards/evaluation/direction/x{n}.parquet": "0" * 64 for n in range(50)}
    edit(results, record.name, outputs={**record.outputs, **more})
    merge = read_record(results / "data/evaluation/direction.record.json")
    edit(results, merge.name, inputs={**merge.inputs, **more})
    found = traced(results)
    assert len(found.faults) == 50 and as_text(found).count("IS MISSING") == 50
    for name in more:
        (results / name).write_bytes(b"")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    edit(results, record.name, outputs={**record.outputs, **dict.fromkeys(more, digest)})
    edit(results, merge.name, inputs={**merge.inputs, **dict.fromkeys(more, digest)})
    text = as_text(traced(results))
    assert "more of the same jobs" in text and len(text.splitlines()) < 40


def test_the_command(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["trace", str(results / MATRIX), "--row", ROW, "--set", "direction"]
    assert main([*command, "--verify"]) == 0
    assert "verified: every file is what the records say" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verified"] and found["tree"]["name"] == MATRIX
    assert found["tree"]["from"][0]["made_by"]["step"] == "score"
    flip(results / ANSWERS)
    assert main([*command, "--verify"]) == 1
    assert "NOT verified" in (out := capsys.readouterr().out) and ANSWERS in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--row", "mini/none/seed1", "--set", "spp"], "It has: oracle/none/seed0, mini/none"),
        (["--row", "mini", "--set", "spp"], "MODEL/TRAIN_SET/seedN"),
        (["--row", ROW, "--set", "tsp"], "It has: direction, spp"),
        (["--row", ROW, "--set", "spp", "--metric", "x"], "accuracy, parse_rate"),
        (["--row", ROW], "belong together"),
    ],
)
def test_wrong_names_are_a_message(
    results: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["trace", str(results / MATRIX), *options]) == 2
    assert message in capsys.readouterr().err


def test_files_that_are_no_matrix_or_no_artefact_are_a_message(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = str(results / "tables/seeds.csv")
    assert main(["trace", table, "--row", ROW, "--set", "spp"]) == 2
    assert "no matrix: it lacks the columns" in capsys.readouterr().err
    assert main(["trace", str(results / "nothing.csv")]) == 2
    assert "has no record" in capsys.readouterr().err
    assert main(["trace", "x", "--results", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
