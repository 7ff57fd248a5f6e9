"""Intervals, by scipy."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (Wilson, 1927); NaNs without trials."""
    if trials == 0:
        return math.nan, math.nan
    interval = stats.binomtest(successes, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """Student's 95 % interval of a mean; NaNs with fewer than two values."""
    if len(values) < 2:
        return math.nan, math.nan
    centre, error = float(np.mean(values)), float(stats.sem(values))
    if error == 0.0:
        return centre, centre
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, loc=centre, scale=error)
    return float(low), float(high)
