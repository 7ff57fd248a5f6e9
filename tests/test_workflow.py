"""The whole workflow on the miniature experiment, with real ms-swift and a real tiny model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from sparkle.provenance.record import hash_of, record_of
from tests.conftest import run_snakemake

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "tests/miniature.yaml"
SETS = ("direction", "distance", "localization", "spp", "tsp")

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_snakemake(folder, CONFIG, *arguments)


@pytest.fixture(scope="module")
def finished(finished_miniature: Path) -> Path:
    """The folder of a finished miniature experiment."""
    return finished_miniature


@pytest.fixture(scope="module")
def matrix(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "results/tables/matrix.csv")


def test_the_matrix_has_every_row_and_column(matrix: pd.DataFrame) -> None:
    rows = {tuple(row) for row in matrix[["model", "train_set", "seed"]].to_numpy().tolist()}
    assert rows == {
        ("oracle", "none", 0),
        ("chance", "none", 0),
        ("mini", "none", 0),
        ("mini", "direction", 1),
        ("mini", "full", 1),
    }
    assert set(matrix["evaluation_set"]) == set(SETS)
    assert (matrix[matrix["metric"] == "accuracy"]["n"] == 12).all()


def test_the_oracle_is_always_right_and_always_parsed(matrix: pd.DataFrame) -> None:
    oracle = matrix[matrix["model"] == "oracle"]
    rates = oracle[oracle["metric"].isin(["accuracy", "parse_rate", "accuracy_parsed"])]
    assert len(rates) == 3 * len(SETS)
    assert (rates["value"] == 1.0).all()


def test_every_answer_is_a_models_own(finished: Path) -> None:
    for row in ("mini/none/seed0", "mini/full/seed1"):
        times = json.loads((finished / f"results/predictions/{row}/times.json").read_text())
        assert set(times) == set(SETS)
        assert all(t["questions"] == 12 and t["seconds_per_question"] > 0 for t in times.values())
        for name in SETS:
            path = finished / "results/predictions" / row / f"{name}.parquet"
            predictions = pd.read_parquet(path)
            questions = pd.read_parquet(finished / f"results/data/evaluation/{name}.parquet")
            assert predictions["id"].tolist() == questions["id"].tolist()


def test_training_changed_the_weights_and_left_its_curve(finished: Path) -> None:
    models = finished / "results/models/mini"
    base = json.loads((models / "base.json").read_text())["identity"]
    hashes = {
        record_of(models / name / "seed1/weights").outputs[f"models/mini/{name}/seed1/weights"]
        for name in ("direction", "full")
    }
    assert len(hashes | {base}) == 3
    curve = pd.read_csv(models / "full/seed1/training.csv")
    assert curve["step"].is_monotonic_increasing and curve["loss"].iloc[-1] < curve["loss"].iloc[0]


def test_the_report_is_one_page_without_network(finished: Path) -> None:
    page = (finished / "results/report.html").read_text()
    assert "miniature" in page
    for loader in ('src="http', "src='http", "url(http", '<link rel="stylesheet" href="http'):
        assert loader not in page
    assert list((finished / "results/figures").glob("*.svg"))


def test_a_second_run_does_nothing(finished: Path) -> None:
    run = snakemake(finished, "--dry-run")
    assert run.returncode == 0
    assert "Nothing to be done" in run.stdout + run.stderr


def test_an_edit_of_one_evaluation_set_trains_nothing(finished: Path, tmp_path: Path) -> None:
    config = tmp_path / "edited.yaml"
    config.write_text(CONFIG.read_text().replace("options: {size: 3}", "options: {size: 4}"))
    run = snakemake(finished, "--dry-run", "--quiet", "rules", "--configfile", str(config))
    planned = run.stdout + run.stderr
    assert run.returncode == 0, planned
    assert "inference_tuned" in planned and "data_synthesize_evaluation" in planned
    assert "training_finetune" not in planned and "model_pretrain" not in planned


FINETUNE = "mini/full/seed1"


def interruptible(finished: Path, folder: Path) -> list[str]:
    """The command that fine-tunes on the train set `full` into ``folder``."""
    results = finished / "results"
    return [
        sys.executable, "-m", "sparkle", "finetune", "--config", str(CONFIG),
        "--model", "mini", "--train-set", "full", "--seed", "1",
        "--base", str(results / "models/mini/base.json"),
        "--dataset", str(results / "data/training/full"),
        "--output", str(folder / "output"), "--work", str(folder / "work"),
    ]  # fmt: skip


@pytest.fixture
def interrupted(finished: Path, tmp_path: Path) -> Iterator[Path]:
    """A fine-tuning that got Ctrl-C after its first checkpoint."""
    process = subprocess.Popen(
        interruptible(finished, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, cwd=ROOT, start_new_session=True,
        # What a shell starts in the background ignores Ctrl-C, and so does what that starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    limit = time.monotonic() + 300
    while not list(tmp_path.glob("work/training/*/output/checkpoint-*/trainer_state.json")):
        assert process.poll() is None and time.monotonic() < limit, process.communicate()[0]
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 130, output
    assert "run the same command again" in output and "Traceback" not in output.splitlines()[-1]
    assert not (tmp_path / "output/weights").exists()
    yield tmp_path


def test_an_interrupted_training_ends_as_if_it_had_not_been(
    finished: Path, interrupted: Path
) -> None:
    again = subprocess.run(
        interruptible(finished, interrupted), capture_output=True, text=True, cwd=ROOT
    )
    assert again.returncode == 0, again.stdout[-3000:]
    # On a busy machine the last update may be done before the signal is noticed.
    assert "going on from checkpoint-" in again.stdout or "had reached its end" in again.stdout
    whole = finished / f"results/models/{FINETUNE}/weights"
    assert hash_of(interrupted / "output/weights") == hash_of(whole)


def test_answers_already_given_are_kept(finished: Path, tmp_path: Path) -> None:
    """Half of the answers of a set removed from the work file: only those are asked again."""
    results = finished / "results"
    work = tmp_path / "work/inference"
    work.mkdir(parents=True)
    for path in (results / "work/inference").glob("*.jsonl"):
        (work / path.name).write_text("\n".join(path.read_text().splitlines()[:6])[:-5])
    run = subprocess.run(
        [
            sys.executable, "-m", "sparkle", "infer", "--config", str(CONFIG), "--model", "mini",
            "--base", str(results / "models/mini/base.json"),
            "--evaluation-sets", str(results / "data/evaluation/spp.parquet"),
            "--output", str(tmp_path / "out"), "--work", str(tmp_path / "work"),
        ],
        capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    assert "spp: 5 answers kept from before" in run.stdout
    first = pd.read_parquet(results / "predictions/mini/none/seed0/spp.parquet")
    again = pd.read_parquet(tmp_path / "out/spp.parquet")
    assert first["response"].tolist() == again["response"].tolist()


def sparkle(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sparkle", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_a_number_is_traced_to_shards_and_weights(finished: Path) -> None:
    matrix = finished / "results/tables/matrix.csv"
    words = ("trace", matrix, "--row", FINETUNE, "--set", "direction", "--verify", "--json")
    run = sparkle(*words)
    assert run.returncode == 0 and json.loads(run.stdout)["verified"], run.stdout[-3000:]
    for name in (f"models/{FINETUNE}/weights", "data/shards/training/basic/shard-00002.parquet"):
        assert f'"name": "{name}"' in run.stdout


def test_a_training_is_replayed_to_the_same_weights(finished: Path) -> None:
    run = sparkle("replay", finished / f"results/models/{FINETUNE}/weights", "--run")
    assert run.returncode == 0, run.stdout[-3000:]
    assert f"models/{FINETUNE}/weights: identical" in run.stdout


def test_a_bundle_is_verified_elsewhere(finished: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "paper.tar.gz"
    assert sparkle("bundle", "--results", finished / "results", "--output", bundle).returncode == 0
    run = sparkle("verify", bundle)
    assert run.returncode == 0 and run.stdout.rstrip().endswith("verified"), run.stdout
    assert "300 answers in 25 files were judged again" in run.stdout


def test_snakemakes_report_has_captions_and_categories(finished: Path, tmp_path: Path) -> None:
    run = snakemake(finished, "--report", str(tmp_path / "report.html"))
    assert run.returncode == 0, run.stderr[-3000:]
    page = (tmp_path / "report.html").read_text()
    for words in ("Training", "corrected for all comparisons", "sparkle trace", "no tested scene"):
        assert words in page
