"""Intervals over scenes, paired tests, Holm's correction, seeds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from sparkle.errors import SparkleError
from sparkle.scoring.comparisons import (
    compare,
    means_as_markdown,
    over_scenes,
    over_seeds,
    write_comparisons,
)
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.statistics import (
    clustered_interval,
    holm,
    mcnemar_p,
    measure_interval,
    proportion_interval,
    sign_flip_p,
    wilson,
)


def scores(path: Path, correct: list[bool], scenes: list[str] | None = None) -> Path:
    """A score file with just what comparisons look at."""
    rows = [
        {"id": f"q{i}", "task": "direction", "kind": "pair", "correct": flag, "is_parsed": True,
         "scene_hash": scenes[i] if scenes else f"s{i}"}
        for i, flag in enumerate(correct)
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=SCORE_SCHEMA), path)
    return path


def test_clustered_interval_against_its_own_definition() -> None:
    """Clusters drawn one by one in plain Python give the same interval."""
    rng = np.random.default_rng(5)
    clusters = np.repeat(np.arange(60), 4)
    flags = (rng.random(60)[clusters] + 0.3 * rng.random(240)) > 0.7
    groups = [flags[clusters == c] for c in range(60)]
    means = []
    for _ in range(4000):
        drawn = [groups[i] for i in rng.integers(60, size=60)]
        means.append(np.concatenate(drawn).mean())
    low, high = clustered_interval(flags, clusters)
    assert (low, high) == pytest.approx(tuple(np.percentile(means, [2.5, 97.5])), abs=0.02)
    assert clustered_interval(flags, clusters) == (low, high)


def test_questions_on_one_picture_widen_the_interval() -> None:
    """Each picture asked four times with the same verdict: no more is known than from one."""
    once = np.array([True, False] * 50)
    low, high, how = proportion_interval(np.repeat(once, 4), np.repeat(np.arange(100), 4))
    assert how == "bootstrap over scenes"
    naive = wilson(200, 400)
    assert high - low > 1.7 * (naive[1] - naive[0])
    assert (low, high) == pytest.approx(wilson(50, 100), abs=0.02)


def test_unanimous_clusters_get_wilson_on_the_clusters() -> None:
    low, high, how = proportion_interval(np.ones(40, bool), np.repeat(np.arange(10), 4))
    assert (low, high) == wilson(10, 10) and how == "wilson over scenes"
    assert proportion_interval(np.ones(10, bool), np.arange(10))[2] == "wilson"


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        clusters = np.repeat(np.arange(80), 3)
        flags = rng.random(240) < rng.beta(3, 2, 80)[clusters]
        low, high = clustered_interval(flags, clusters)
        covered += low <= 0.6 <= high
    assert 88 <= covered <= 100


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (5, 0), (8, 2), (10, 10), (60, 30)])
def test_mcnemar_is_the_sign_test_of_discordant_pairs(gained: int, lost: int) -> None:
    exact = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar_p(gained, lost) == pytest.approx(exact)


def test_sign_flips_agree_with_all_sign_patterns() -> None:
    values = np.array([1.0, 2.0, -0.5, 1.5, 0.0, 3.0])
    moved = values[values != 0]
    means = [
        np.mean(moved * signs) for signs in np.array(np.meshgrid(*[[1, -1]] * 5)).T.reshape(-1, 5)
    ]
    exact = 2 * np.mean(np.array(means) >= moved.mean() - 1e-12)
    assert sign_flip_p(values) == pytest.approx(min(exact, 1.0))
    assert sign_flip_p(np.zeros(4)) == 1.0


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_tuned_rows_are_compared_with_their_base(tmp_path: Path) -> None:
    base = [True] * 20 + [False] * 80
    better = [True] * 60 + [False] * 40
    same = [True] * 19 + [False] * 80 + [True]
    files = {
        ("m", "none", 0): {"x": scores(tmp_path / "base.parquet", base)},
        ("m", "good", 1): {"x": scores(tmp_path / "good.parquet", better)},
        ("m", "idle", 1): {"x": scores(tmp_path / "idle.parquet", same)},
        ("m-cot", "none", 0): {"x": scores(tmp_path / "cot.parquet", better)},
        ("chance", "none", 0): {"x": scores(tmp_path / "chance.parquet", same)},
    }
    table = compare(files, {"m-cot": "m"}).set_index(["model", "train_set"])
    assert list(table.index) == [("m", "good"), ("m", "idle"), ("m-cot", "none")]
    good = table.loc["m", "good"]
    assert (good["gained"], good["lost"], good["n"], good["test"]) == (40, 0, 100, "mcnemar")
    assert good["difference"] == pytest.approx(0.4) and good["low"] > 0.29
    assert good["p_holm"] == pytest.approx(2 * 0.5**39) and good["significant"]  # 2 x the sign test
    assert not table.loc["m", "idle"]["significant"]
    assert table.loc["m-cot", "none"]["baseline"] == "m/none"
    write_comparisons(table.reset_index(), over_seeds(matrix()), tmp_path)
    text = (tmp_path / "comparisons.md").read_text()
    assert "+40.0 [" in text and text.count(" *") >= 2
    assert len(pd.read_csv(tmp_path / "comparisons.csv")) == 3


def test_seeds_are_taken_together_and_scenes_are_clusters(tmp_path: Path) -> None:
    scenes = [f"s{i // 2}" for i in range(40)]
    base = [False] * 40
    one, two = [True] * 30 + [False] * 10, [True] * 20 + [False] * 20
    files = {
        ("m", "none", 0): {"x": scores(tmp_path / "0.parquet", base, scenes)},
        ("m", "t", 1): {"x": scores(tmp_path / "1.parquet", one, scenes)},
        ("m", "t", 2): {"x": scores(tmp_path / "2.parquet", two, scenes)},
    }
    row = compare(files, {}).iloc[0]
    assert row["seeds"] == 2 and row["scenes"] == 20 and row["value"] == pytest.approx(50 / 80)
    assert row["test"] == "sign flips over scenes" and row["significant"]


def test_other_questions_are_refused(tmp_path: Path) -> None:
    files = {
        ("m", "none", 0): {"x": scores(tmp_path / "0.parquet", [True] * 3)},
        ("m", "t", 1): {"x": scores(tmp_path / "1.parquet", [True] * 4)},
    }
    with pytest.raises(SparkleError, match="m/t on x: the questions differ"):
        compare(files, {})


def matrix() -> pd.DataFrame:
    rows = [("m", "t", seed, "x", "accuracy", value) for seed, value in enumerate((0.5, 0.6, 0.7))]
    rows += [("m", "u", 1, "x", "accuracy", 0.5)]
    return pd.DataFrame(
        rows, columns=["model", "train_set", "seed", "evaluation_set", "metric", "value"]
    )


def test_over_seeds() -> None:
    table = over_seeds(matrix()).set_index("train_set")
    assert table.loc["t", "mean"] == pytest.approx(0.6) and table.loc["t", "seeds"] == 3
    half = stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3)
    assert table.loc["t", "high"] == pytest.approx(0.6 + half)
    assert math.isnan(table.loc["u", "low"])


def test_statistics_against_other_ways_to_compute_them(tmp_path: Path) -> None:
    """Wilson by statsmodels, McNemar by adding up the binomial, Holm step by step."""
    for hits, trials in ((0, 7), (3, 7), (55, 200), (200, 200)):
        assert wilson(hits, trials) == pytest.approx(
            proportion_confint(hits, trials, method="wilson"), abs=1e-12
        )
    for gained, lost in ((1, 0), (9, 3), (4, 4), (12, 30)):
        count, fewer = gained + lost, min(gained, lost)
        tail = sum(math.comb(count, k) for k in range(fewer + 1)) / 2**count
        assert mcnemar_p(gained, lost) == pytest.approx(min(1.0, 2 * tail))
    p_values = np.random.default_rng(3).random(12) ** 3
    corrected, least = [0.0] * 12, 0.0
    for step, place in enumerate(np.argsort(p_values)):
        least = max(least, min(1.0, (12 - step) * p_values[place]))
        corrected[place] = least
    assert holm(p_values.tolist()) == pytest.approx(corrected)


def test_the_interval_of_a_difference_draws_pairs_of_pictures(tmp_path: Path) -> None:
    """Paired: base and tuned answers to one picture are drawn together, in plain Python too."""
    rng = np.random.default_rng(11)
    scenes = [f"s{i // 2}" for i in range(120)]
    base = rng.random(120) < 0.4
    tuned = base | (rng.random(120) < 0.3)
    files = {
        ("m", "none", 0): {"x": scores(tmp_path / "0.parquet", base.tolist(), scenes)},
        ("m", "t", 1): {"x": scores(tmp_path / "1.parquet", tuned.tolist(), scenes)},
    }
    row = compare(files, {}).iloc[0]
    moved = (tuned.astype(float) - base).reshape(60, 2).mean(axis=1)
    drawn = [moved[rng.integers(60, size=60)].mean() for _ in range(4000)]
    assert (row["low"], row["high"]) == pytest.approx(
        tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.02
    )
    assert row["difference"] == pytest.approx(moved.mean())


def test_a_mean_over_several_questions_a_picture_draws_pictures() -> None:
    values, pictures = np.repeat(np.arange(20.0), 3), np.repeat(np.arange(20), 3)
    low, high, count, how = measure_interval(values, pictures)
    assert how == "bootstrap over scenes" and count == 60
    once = measure_interval(np.arange(20.0), np.arange(20))
    assert once[3] == "student" and (low, high) == pytest.approx(once[:2], abs=0.6)


@pytest.mark.parametrize("differences", [[], [0.0], [0.5], [0.0, -0.25, 0.0]])
def test_fewer_than_two_moved_pictures_prove_nothing(differences: list[float]) -> None:
    assert sign_flip_p(np.array(differences)) == 1.0


def test_several_seeds_have_one_line_with_both_intervals(tmp_path: Path) -> None:
    base, one, two = [False] * 40, [True] * 30 + [False] * 10, [True] * 20 + [False] * 20
    files = {
        ("m", "none", 0): {"x": scores(tmp_path / "0.parquet", base)},
        ("m", "t", 1): {"x": scores(tmp_path / "1.parquet", one)},
        ("m", "t", 2): {"x": scores(tmp_path / "2.parquet", two)},
    }
    values = [("m", "t", 1, "x", "accuracy", 0.75), ("m", "t", 2, "x", "accuracy", 0.5)]
    columns = ["model", "train_set", "seed", "evaluation_set", "metric", "value"]
    scenes, seeds = over_scenes(files), over_seeds(pd.DataFrame(values, columns=columns))
    low, high = scenes.iloc[0][["scenes_low", "scenes_high"]]
    assert 0.45 < low < 0.625 < high < 0.8
    text = means_as_markdown(seeds, scenes, compare(files, {}), ["x"])
    half = 100 * stats.t.ppf(0.975, 1) * 0.125
    assert f"62.5 ± {half:.1f} [{100 * low:.1f}, {100 * high:.1f}] *" in text
    assert "| m" in text and text.count("62.5") == 1


def test_single_seeds_have_no_mean(tmp_path: Path) -> None:
    files = {("m", "t", 1): {"x": scores(tmp_path / "1.parquet", [True, False])}}
    assert means_as_markdown(over_seeds(matrix()), over_scenes(files), compare(files, {}), []) == ""
