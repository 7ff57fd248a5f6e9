"""Scores, intervals and the matrix, up to whole references on every task."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import evaluation_source, quiet

from sparkle.datasets.merge import EVALUATION_SCHEMA, merge_evaluation
from sparkle.datasets.parquet import read_frame
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.inference.predictions import PREDICTION_SCHEMA, Prediction, write_predictions
from sparkle.inference.reference import answer_by_reference
from sparkle.scoring.score import SCORE_SCHEMA, score
from sparkle.scoring.statistics import mean_interval, wilson
from sparkle.scoring.tables import build_matrix, metrics, write_tables
from sparkle.tasks import all_tasks
from sparkle.tasks.base import Asking

# (set, task, options, form, lowest and highest accuracy of chance in 60 questions)
SETS: list[tuple[str, str, dict[str, Any], str, float, float]] = [
    ("direction", "direction", {}, "choice", 0.0, 0.35),
    ("direction_open", "direction", {}, "open", 0.0, 0.35),
    ("distance", "distance", {}, "choice", 0.1, 0.6),
    ("distance_numeric", "distance", {"kinds": ["numeric"]}, "open", 0.0, 0.35),
    ("localization", "localization", {}, "choice", 0.0, 0.35),
    ("coordinates", "localization", {"kinds": ["coordinate"]}, "open", 0.0, 0.15),
    ("description", "description", {}, "open", 0.0, 0.1),
    ("perception", "perception", {}, "open", 0.1, 0.6),
    ("spp_moves", "spp", {"size": 3}, "open", 0.0, 0.4),
    ("spp_labels", "spp", {"answer": "labels", "missing_edges": 3}, "open", 0.0, 0.4),
    ("tsp", "tsp", {"objects": 4}, "open", 0.02, 0.4),
    ("tsp_closed", "tsp", {"objects": 4, "variant": "closed"}, "open", 0.1, 0.6),
]
COUNT = 60
COLUMNS = [
    "model", "train_set", "seed", "evaluation_set", "task", "metric", "value", "low", "high", "n",
    "interval",
]  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all evaluation sets, and both references answered and scored."""
    folder = tmp_path_factory.mktemp("results")
    for name, task, options, form, *_ in SETS:
        settings = evaluation_source(
            task, source=name, options=options, images=COUNT, asking=Asking(form=form)
        )
        synthesize(settings, folder / "shards" / name, report=quiet)
        merge_evaluation([folder / "shards" / name / "job-000.json"], folder / f"{name}.parquet")
    sets = [folder / f"{name}.parquet" for name, *_ in SETS]
    for reference in ("oracle", "chance"):
        answer_by_reference(reference, sets, folder / reference)
        for path in sets:
            score(folder / reference / path.name, path, folder / "scores" / reference / path.name)
    return folder


@pytest.fixture(scope="module")
def matrix(results: Path) -> pd.DataFrame:
    return build_matrix(
        {
            (name, "none", 0): {
                each[0]: results / "scores" / name / f"{each[0]}.parquet" for each in SETS
            }
            for name in ("oracle", "chance")
        }
    )


def value_of(matrix: pd.DataFrame, model: str, name: str, metric: str) -> float:
    row = matrix.query("model == @model and evaluation_set == @name and metric == @metric")
    return float(row["value"].item())


# References -------------------------------------------------------------------------------------


def test_every_task_is_covered() -> None:
    assert {task for _, task, *_ in SETS} == set(all_tasks())


@pytest.mark.parametrize("name", [name for name, *_ in SETS])
def test_the_oracle_is_always_right(matrix: pd.DataFrame, name: str) -> None:
    assert value_of(matrix, "oracle", name, "accuracy") == 1.0
    assert value_of(matrix, "oracle", name, "parse_rate") == 1.0


@pytest.mark.parametrize(("name", "least", "most"), [(s[0], s[4], s[5]) for s in SETS])
def test_chance_is_plausible(matrix: pd.DataFrame, name: str, least: float, most: float) -> None:
    assert least <= value_of(matrix, "chance", name, "accuracy") <= most
    assert value_of(matrix, "chance", name, "parse_rate") == 1.0


def test_references_answer_the_same_every_time(results: Path, tmp_path: Path) -> None:
    answer_by_reference("chance", [results / "direction.parquet"], tmp_path)
    again = pq.read_table(tmp_path / "direction.parquet")
    assert again.equals(pq.read_table(results / "chance/direction.parquet"))


def test_an_unknown_reference_is_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="'guess'.*\n.*oracle or chance"):
        answer_by_reference("guess", [results / "direction.parquet"], tmp_path)


# The matrix -------------------------------------------------------------------------------------


def test_matrix_columns_and_metrics(matrix: pd.DataFrame) -> None:
    assert list(matrix.columns) == COLUMNS
    basic = {"accuracy", "parse_rate", "accuracy_parsed"}
    walked = basic | {"valid_rate", "exact_match_rate", "mean_optimality_gap", "optimal_rate"}
    measured = basic | {"mean_absolute_error", "within_tolerance_rate"}
    expected = {"spp_moves": walked, "tsp": walked, "tsp_closed": walked, "spp_labels": walked}
    expected |= {"distance_numeric": measured, "coordinates": measured}
    for (_, name), rows in matrix.groupby(["model", "evaluation_set"]):
        found = set(rows["metric"])
        if (rows.query("metric == 'valid_rate'")["value"] == 0).any():
            found |= {"mean_optimality_gap"}  # There is none without a single valid answer.
        assert found == expected.get(str(name), basic)
        assert (rows["low"] <= rows["value"]).all() and (rows["value"] <= rows["high"]).all()
        assert (rows["n"] <= COUNT).all()
    assert not matrix.duplicated(["model", "train_set", "seed", "evaluation_set", "metric"]).any()


def test_chance_walks_are_judged_apart_from_their_length(matrix: pd.DataFrame) -> None:
    assert value_of(matrix, "oracle", "tsp", "mean_optimality_gap") == 0.0
    assert value_of(matrix, "chance", "tsp", "mean_optimality_gap") > 0.05
    assert value_of(matrix, "chance", "tsp", "valid_rate") == 1.0
    assert value_of(matrix, "oracle", "coordinates", "mean_absolute_error") < 0.01


def test_tables_are_written_in_three_forms(matrix: pd.DataFrame, tmp_path: Path) -> None:
    write_tables(matrix, tmp_path)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "matrix.csv"), matrix)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "matrix.parquet"), matrix)
    text = (tmp_path / "matrix.md").read_text()
    header, oracle = (line for line in text.splitlines() if "direction" in line or "oracle" in line)
    assert [cell.strip() for cell in header.split("|")[4:-1]] == [name for name, *_ in SETS]
    # Wider for small grids: scenes repeat, and intervals are over scenes.
    assert len(re.findall(r"100\.0 \[[89]\d", oracle)) == len(SETS)


def test_a_matrix_of_nothing_is_an_error() -> None:
    with pytest.raises(SparkleError, match="no scores"):
        build_matrix({})


# Metrics ----------------------------------------------------------------------------------------


def test_unparsed_answers_are_wrong_but_told_apart(results: Path, tmp_path: Path) -> None:
    questions = read_frame(results / "direction.parquet", EVALUATION_SCHEMA)
    wrong = ["\\boxed{B}" if a == "\\boxed{A}" else "\\boxed{A}" for a in questions["answer"]]
    answers = [*questions["answer"][:30], *wrong[30:40], *["I cannot tell."] * 20]
    given = [
        Prediction(name, answer, 0.5) for name, answer in zip(questions["id"], answers, strict=True)
    ]
    write_predictions(tmp_path / "answers.parquet", given)
    frame = score(
        tmp_path / "answers.parquet", results / "direction.parquet", tmp_path / "scores.parquet"
    )
    found = {name: (value, n) for name, value, _, _, n, _ in metrics(frame)}
    assert found["accuracy"] == (30 / 60, 60)
    assert found["parse_rate"] == (40 / 60, 60)
    assert found["accuracy_parsed"] == (30 / 40, 40)
    assert frame["parsed"].isna().tolist() == [False] * 40 + [True] * 20
    assert frame["response"].tolist() == answers
    saved = read_frame(tmp_path / "scores.parquet", SCORE_SCHEMA)
    pd.testing.assert_frame_equal(saved, frame)


def test_nothing_parsed_gives_no_accuracy_among_parsed(results: Path, tmp_path: Path) -> None:
    questions = read_frame(results / "tsp.parquet", EVALUATION_SCHEMA)
    write_predictions(
        tmp_path / "answers.parquet", [Prediction(name, "", None) for name in questions["id"]]
    )
    frame = score(
        tmp_path / "answers.parquet", results / "tsp.parquet", tmp_path / "scores.parquet"
    )
    found = {name: (value, low, high, n) for name, value, low, high, n, _ in metrics(frame)}
    assert found["accuracy"][0] == found["parse_rate"][0] == found["valid_rate"][0] == 0.0
    assert found["accuracy_parsed"][3] == 0
    assert all(math.isnan(value) for value in found["accuracy_parsed"][:3])
    assert "mean_optimality_gap" not in found


# (hits, trials, low, high): the closed formula with z = 1.959964, to four decimals.
WILSON = [
    (0, 10, 0.0, 0.2775),
    (10, 10, 0.7225, 1.0),
    (5, 10, 0.2366, 0.7634),
    (1, 1, 0.2065, 1.0),
    (50, 200, 0.1951, 0.3143),
    (199, 200, 0.9722, 0.9991),
]


@pytest.mark.parametrize(("hits", "trials", "low", "high"), WILSON)
def test_wilson_by_table(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_by_the_closed_formula() -> None:
    z = 1.959963984540054
    for hits, trials in ((3, 7), (17, 40), (111, 1000)):
        share = hits / trials
        centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
        half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials**2))
        half /= 1 + z * z / trials
        assert wilson(hits, trials) == pytest.approx((centre - half, centre + half))


def test_intervals_without_data() -> None:
    assert all(math.isnan(v) for v in wilson(0, 0))
    assert all(math.isnan(v) for v in mean_interval(np.array([1.0])))
    assert mean_interval(np.array([2.0, 2.0, 2.0])) == (2.0, 2.0)


def test_interval_of_a_mean() -> None:
    # Mean 3, standard error sqrt(2.5 / 5), Student's t of 4 degrees of freedom: 2.7764.
    half = 2.7764451 * math.sqrt(0.5)
    assert mean_interval(np.arange(1.0, 6.0)) == pytest.approx((3 - half, 3 + half))


# Files that do not fit --------------------------------------------------------------------------


@pytest.mark.parametrize("change", ["short", "long", "order", "other", "twice"])
def test_predictions_that_do_not_fit_are_refused(
    results: Path, tmp_path: Path, change: str
) -> None:
    table = pq.read_table(results / "oracle/direction.parquet")
    rows = table.to_pylist()
    changed = {
        "short": rows[:-1],
        "long": [*rows, {**rows[0], "id": "direction/999999"}],
        "order": rows[::-1],
        "other": [{**row, "id": row["id"].replace("direction", "other")} for row in rows],
        "twice": [rows[0], *rows[:-1]],
    }[change]
    path = tmp_path / "predictions.parquet"
    pq.write_table(pa.Table.from_pylist(changed, schema=PREDICTION_SCHEMA), path)
    with pytest.raises(SparkleError, match="predictions.parquet does not fit.*direction.parquet"):
        score(path, results / "direction.parquet", tmp_path / "scores.parquet")
    assert not (tmp_path / "scores.parquet").exists()


def test_tables_that_cannot_be_read_are_named(results: Path, tmp_path: Path) -> None:
    good = results / "direction.parquet"
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(good.read_bytes()[:-50])
    text = tmp_path / "text.parquet"
    text.write_text("no table")
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"id": ["a"], "response": ["b"]}), other)
    for path, words in (
        (tmp_path / "absent.parquet", "absent.parquet does not exist"),
        (cut, "cut.parquet is no readable Parquet file"),
        (text, "text.parquet is no readable Parquet file"),
        (other, "other.parquet has other columns.*missing: completion_tokens, prompt_hash"),
    ):
        with pytest.raises(SparkleError, match=words) as caught:
            read_frame(path, PREDICTION_SCHEMA)
        assert caught.value.hint
