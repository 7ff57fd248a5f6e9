"""What figures, tables and report are made of, read once from the result tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from sparkle.reporting.breakdown import Breakdown, ScoreFiles, break_down
from sparkle.reporting.curves import Curve, read_curves
from sparkle.reporting.matrix import Capabilities, Matrix, read_matrix, read_significance


@dataclass(frozen=True)
class Material:
    """The numbers of an experiment.

    Attributes:
        losses, rewards: Training curves: the reward of runs that learned by reinforcement, whose
            loss is about zero whatever they learn; the loss of all others.
        train_images: Number of training images by train set; may be partial.
    """

    matrix: Matrix
    breakdown: Breakdown
    losses: tuple[Curve, ...] = ()
    rewards: tuple[Curve, ...] = ()
    train_images: Mapping[str, int] = field(default_factory=dict)


def read_material(
    matrix_csv: Path,
    *,
    scores: ScoreFiles | None = None,
    training_csvs: Mapping[str, Path] | None = None,
    capabilities: Capabilities | None = None,
    comparisons_csv: Path | None = None,
    train_images: Mapping[str, int] | None = None,
) -> Material:
    """Read the tables.

    Args:
        scores: Score tables by (model, train set, seed) and evaluation set; may be partial.
        training_csvs: Training logs by label ``model/train_set/seed``; may be empty.
        capabilities: Tasks that each train set trains, for the marks; read off its name if absent.
        comparisons_csv: Rows against their baselines; without it the matrix has no stars.
        train_images: Number of training images by train set, for scaling curves.

    Raises:
        SparkleError: A table is missing, empty or malformed.
    """
    matrix = read_matrix(matrix_csv, capabilities)
    if comparisons_csv is not None:
        matrix = replace(matrix, significance=read_significance(comparisons_csv))
    logs = training_csvs or {}
    rewards = read_curves(logs, "reward")
    rewarded = {(curve.model, curve.train_set, curve.seed) for curve in rewards}
    return Material(
        matrix=matrix,
        breakdown=break_down(matrix, scores or {}),
        losses=tuple(
            curve
            for curve in read_curves(logs)
            if (curve.model, curve.train_set, curve.seed) not in rewarded
        ),
        rewards=tuple(rewards),
        train_images=train_images or {},
    )
