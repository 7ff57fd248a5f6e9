"""Intervals and tests, by scipy and statsmodels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are first used

CONFIDENCE = 0.95
RESAMPLES = 2000
_BATCH_CELLS = 20_000_000
"""Resampled values held in memory at once: 160 MB."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson, 1927); NaNs without trials."""
    if trials == 0:
        return math.nan, math.nan
    interval = scipy.stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Student's 95 % interval of a mean; NaNs with fewer than two values."""
    if len(values) < 2:
        return math.nan, math.nan
    centre, error = float(np.mean(values)), float(scipy.stats.sem(values))
    if error == 0.0:
        return centre, centre
    low, high = scipy.stats.t.interval(CONFIDENCE, len(values) - 1, loc=centre, scale=error)
    return float(low), float(high)


def cluster_sums(values: Any, clusters: Any) -> tuple[np.ndarray, np.ndarray]:
    """(sum of the values, number of values) of each cluster, in order of first appearance."""
    codes, names = pd.factorize(np.asarray(clusters))
    sums = np.bincount(codes, weights=np.asarray(values, dtype=float), minlength=len(names))
    return sums, np.bincount(codes, minlength=len(names)).astype(float)


def clustered_interval(values: Any, clusters: Any) -> tuple[float, float]:
    """95 % percentile interval of a mean, by drawing whole clusters anew (Efron and Tibshirani).

    Questions about one picture are not independent, so pictures are drawn, not questions.
    Deterministic. NaNs with fewer than two clusters.
    """
    sums, counts = cluster_sums(values, clusters)
    if len(sums) < 2:
        return math.nan, math.nan

    def ratio(a: np.ndarray, b: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(a.sum(axis=axis) / b.sum(axis=axis))

    if np.ptp(sums / counts) == 0.0:  # nothing to draw from: every draw is the same
        mean = float(sums[0] / counts[0])
        return mean, mean
    found = scipy.stats.bootstrap(
        (sums, counts), ratio, paired=True, vectorized=True, n_resamples=RESAMPLES,
        batch=max(1, _BATCH_CELLS // len(sums)), confidence_level=CONFIDENCE,
        method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip
    low, high = found.confidence_interval
    return float(low), float(high)


def proportion_interval(flags: Any, clusters: Any | None = None) -> tuple[float, float, str]:
    """(low, high, how) of a proportion: Wilson, or a bootstrap where clusters hold several flags.

    Where all flags agree the bootstrap sees no spread: then it is Wilson's on the clusters.
    """
    hits, trials = int(np.sum(flags)), len(flags)
    if clusters is None or len(set(clusters)) == trials:
        return (*wilson(hits, trials), "wilson")
    if hits in (0, trials):
        scenes = len(set(clusters))
        return (*wilson(scenes if hits else 0, scenes), "wilson over scenes")
    low, high = clustered_interval(flags, clusters)
    return low, high, "bootstrap over scenes"


def measure_interval(values: Any, clusters: Any) -> tuple[float, float, int, str]:
    """(low, high, n, how) of a mean: Student's, or a bootstrap where clusters hold several."""
    if len(set(clusters)) == len(values):
        return (*mean_interval(np.asarray(values)), len(values), "student")
    return (*clustered_interval(values, clusters), len(values), "bootstrap over scenes")


def mcnemar_p(gained: int, lost: int) -> float:
    """Exact two-sided McNemar test of two answerers on the same questions (McNemar, 1947)."""
    from statsmodels.stats.contingency_tables import mcnemar  # slow to import, seldom needed

    if gained + lost == 0:
        return 1.0
    return float(mcnemar([[0, gained], [lost, 0]], exact=True).pvalue)


def sign_flip_p(differences: np.ndarray) -> float:
    """Two-sided permutation test that differences, one per cluster, are symmetric about zero."""
    moved = differences[differences != 0.0]
    if len(moved) < 2:
        return 1.0  # one difference is as likely with either sign

    def mean(values: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(values.mean(axis=axis))

    found = scipy.stats.permutation_test(
        (moved,), mean, permutation_type="samples", vectorized=True, n_resamples=9999,
        batch=max(1, _BATCH_CELLS // len(moved)), rng=np.random.default_rng(0),
    )  # fmt: skip
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P values corrected for being several (Holm, 1979)."""
    from statsmodels.stats.multitest import multipletests

    if not len(p_values):
        return []
    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]
