"""Benchmarks, prompting baselines and an endpoint through the whole workflow."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from draw_benchmarks import draw_all
from flaky_server import FlakyServer

ROOT = Path(__file__).parent.parent
CONFIG = yaml.safe_load((ROOT / "tests/miniature_benchmarks.yaml").read_text())
SETS = list(CONFIG["evaluation_sets"])

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--configfile", str(folder / "config.yaml")]
    command += ["--cores", "2", "--scheduler", "greedy", "--show-failed-logs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture(scope="module")
def server() -> Iterator[FlakyServer]:
    found = FlakyServer()
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, server: FlakyServer) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    draw_all(folder / "benchmarks")
    CONFIG["models"]["hosted"]["base_url"] = server.url
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    run = snakemake(folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    return folder


@pytest.fixture(scope="module")
def matrix(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "results/tables/matrix.csv")


def test_every_row_answered_every_set(matrix: pd.DataFrame) -> None:
    rows = {tuple(row) for row in matrix[["model", "train_set", "seed"]].to_numpy().tolist()}
    assert rows == {
        ("oracle", "none", 0), ("chance", "none", 0), ("most_frequent", "none", 0),
        ("mini", "none", 0), ("mini", "direction", 1), ("mini-shots", "none", 0),
        ("mini-reasons", "none", 0), ("mini-blind", "none", 0), ("hosted", "none", 0),
    }  # fmt: skip
    assert set(matrix["evaluation_set"]) == set(SETS)


def test_the_oracle_is_right_by_every_measure(matrix: pd.DataFrame) -> None:
    oracle = matrix[(matrix["model"] == "oracle") & ~matrix["metric"].str.startswith("mean_")]
    assert (oracle["value"] == 1.0).all()
    assert {"pair_accuracy", "set_accuracy", "item_accuracy"} <= set(oracle["metric"])


def test_a_constant_reference_scores_chance(matrix: pd.DataFrame) -> None:
    value = matrix.set_index(["model", "evaluation_set", "metric"])["value"]
    assert value["most_frequent", "whatsup_a", "accuracy"] == 0.25
    assert value["most_frequent", "whatsup_a-yes", "accuracy"] == 0.5


def test_every_way_of_asking_was_another_prompt(finished: Path) -> None:
    predictions = finished / "results/predictions"
    rows = ("mini", "mini-shots", "mini-reasons", "mini-blind")
    hashes = [
        tuple(pd.read_parquet(predictions / row / "none/seed0/own.parquet")["prompt_hash"])
        for row in rows
    ]
    assert len(set(hashes)) == len(rows)
    oracle = pd.read_parquet(predictions / "oracle/none/seed0/own.parquet")["prompt_hash"]
    assert tuple(oracle) == hashes[0]


def test_the_endpoint_answered_through_its_faults(finished: Path, server: FlakyServer) -> None:
    folder = finished / "results/predictions/hosted/none/seed0"
    found = pd.read_parquet(folder / "mmbench.parquet")
    assert found["response"].str.startswith("answer ").all()
    usage = json.loads((folder / "usage.json").read_text())
    assert usage["questions"] == sum(len(pd.read_parquet(folder / f"{s}.parquet")) for s in SETS)
    assert usage["money"] > 0 and any(note["fault"] for note in server.notes)


def test_rows_are_compared_and_notes_are_shown(finished: Path) -> None:
    table = pd.read_csv(finished / "results/tables/comparisons.csv")
    assert set(table["model"]) == {"mini", "mini-shots", "mini-reasons", "mini-blind"}
    assert set(table["baseline"]) == {"mini/none"} and table["p_holm"].between(0, 1).all()
    note = "labels corrected: pillow_left_of_chair"
    assert note in (finished / "results/tables/matrix.md").read_text()
    assert note in (finished / "results/report.html").read_text()


def test_nothing_is_left_to_do_and_a_limit_asks_nothing_anew(finished: Path) -> None:
    run = snakemake(finished, "--dry-run")
    assert "Nothing to be done" in run.stdout + run.stderr
    text = (finished / "config.yaml").read_text()
    (finished / "config.yaml").write_text(text.replace("price_in: 1.0", "price_in: 9.0"))
    run = snakemake(finished, "--dry-run", "--quiet", "rules")
    assert "inference_endpoint" not in run.stdout + run.stderr
    (finished / "config.yaml").write_text(text)


def test_another_file_of_questions_is_read_anew(finished: Path) -> None:
    path = finished / "benchmarks/whatsup/controlled_clevr_dataset.json"
    text = path.read_text()
    path.write_text(text + " ")
    run = snakemake(finished, "--dry-run", "--quiet", "rules")
    planned = run.stdout + run.stderr
    assert "data_read_benchmark" in planned and "training_finetune" not in planned
    path.write_text(text)
