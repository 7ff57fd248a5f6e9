"""Each row against its baseline on the same questions, and the spread over training seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sparkle.datasets.parquet import read_frame
from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.scoring.score import SCORE_SCHEMA
from sparkle.scoring.statistics import (
    cluster_sums,
    clustered_interval,
    holm,
    mcnemar_p,
    mean_interval,
    sign_flip_p,
)
from sparkle.scoring.tables import Row

ALPHA = 0.05
COLUMNS = (
    "model", "train_set", "evaluation_set", "baseline", "seeds", "n", "scenes", "base", "value",
    "difference", "low", "high", "gained", "lost", "test", "p", "p_holm", "significant",
)  # fmt: skip
SEED_COLUMNS = (
    "model", "train_set", "evaluation_set", "metric", "seeds", "mean", "low", "high", "least",
    "most",
)  # fmt: skip
Files = Mapping[Row, Mapping[str, Path]]


def compare(scores: Files, baselines: Mapping[str, str]) -> pd.DataFrame:
    """Every row that has a baseline against it, question by question; see :data:`COLUMNS`.

    The baseline of a tuned model is its base model; that of another row is named by
    ``baselines`` (model -> model). Seeds of one train set are taken together: a question's value is
    the share of seeds that got it right. The interval of the difference draws pictures anew. The
    test is McNemar's for one seed and one question per picture, else signs flipped by picture.
    P values are corrected over all comparisons of one model.
    """
    runs = _runs(scores)
    found = []
    for (model, train_set), seeds in runs.items():
        base = _baseline(model, train_set, baselines, runs)
        if base is None:
            continue
        for name in scores[model, train_set, seeds[0]]:
            right = [_correct(scores[model, train_set, seed][name]) for seed in seeds]
            before = _correct(scores[(*base, runs[base][0])][name])
            row = _compare(before, right, f"{model}/{train_set} on {name}")
            found.append(
                {"model": model, "train_set": train_set, "evaluation_set": name,
                 "baseline": "/".join(base), "seeds": len(seeds), **row}
            )  # fmt: skip
    table = pd.DataFrame(found, columns=list(COLUMNS))
    for _, rows in table.groupby("model"):
        table.loc[rows.index, "p_holm"] = holm(rows["p"].tolist())
    table["significant"] = table["p_holm"] < ALPHA
    return table


def _runs(scores: Files) -> dict[tuple[str, str], list[int]]:
    """The seeds of each model and train set."""
    runs: dict[tuple[str, str], list[int]] = {}
    for model, train_set, seed in scores:
        runs.setdefault((model, train_set), []).append(seed)
    return runs


def _baseline(
    model: str, train_set: str, baselines: Mapping[str, str], runs: Mapping[tuple[str, str], object]
) -> tuple[str, str] | None:
    """The row that another is compared with; None where there is none, or it was not run."""
    base = (baselines.get(model, model), "none")
    return base if base in runs and base != (model, train_set) else None


def _correct(path: Path) -> pd.DataFrame:
    frame = read_frame(path, SCORE_SCHEMA)
    return frame.set_index("id")[["correct", "scene_hash"]]


def _compare(before: pd.DataFrame, right: list[pd.DataFrame], where: str) -> dict[str, object]:
    for each in right:
        if not each.index.equals(before.index):
            raise SparkleError(
                f"{where}: the questions differ from those of the baseline.",
                "Run the scoring step again.",
            )
    old = before["correct"].to_numpy(dtype=float)
    new = np.mean([each["correct"].to_numpy(dtype=float) for each in right], axis=0)
    scenes = before["scene_hash"].to_numpy()
    difference = new - old
    low, high = clustered_interval(difference, scenes)
    single = len(right) == 1 and len(set(scenes)) == len(scenes)
    gained, lost = int((difference > 0).sum()), int((difference < 0).sum())
    return {
        "n": len(old),
        "scenes": len(set(scenes)),
        "base": old.mean(),
        "value": new.mean(),
        "difference": difference.mean(),
        "low": low,
        "high": high,
        "gained": gained,
        "lost": lost,
        "test": "mcnemar" if single else "sign flips over scenes",
        "p": mcnemar_p(gained, lost)
        if single
        else sign_flip_p(cluster_sums(difference, scenes)[0]),
    }


def over_seeds(matrix: pd.DataFrame) -> pd.DataFrame:
    """Mean over training seeds with Student's 95 % interval; see :data:`SEED_COLUMNS`.

    The interval tells how another training would come out, on the same questions. It is empty with
    a single seed.
    """
    rows = []
    keys = ["model", "train_set", "evaluation_set", "metric"]
    for key, group in matrix.dropna(subset=["value"]).groupby(keys, sort=False):
        values = group["value"].to_numpy()
        low, high = mean_interval(values)
        rows.append((*key, len(values), values.mean(), low, high, values.min(), values.max()))
    return pd.DataFrame(rows, columns=list(SEED_COLUMNS))


def over_scenes(scores: Files) -> pd.DataFrame:
    """Accuracy of every row that has several seeds, with an interval over pictures.

    A question's value is the share of seeds that got it right; the interval draws pictures anew.
    It tells how other pictures would come out, with the same trainings.
    """
    rows = []
    for (model, train_set), seeds in _runs(scores).items():
        for name in scores[model, train_set, seeds[0]] if len(seeds) > 1 else ():
            right = [_correct(scores[model, train_set, seed][name]) for seed in seeds]
            mean = np.mean([each["correct"].to_numpy(dtype=float) for each in right], axis=0)
            interval = clustered_interval(mean, right[0]["scene_hash"].to_numpy())
            rows.append((model, train_set, name, *interval))
    columns = ["model", "train_set", "evaluation_set", "scenes_low", "scenes_high"]
    return pd.DataFrame(rows, columns=columns)


def means_as_markdown(
    seeds: pd.DataFrame, scenes: pd.DataFrame, comparisons: pd.DataFrame, sets: Sequence[str]
) -> str:
    """Mean accuracy over seeds with both intervals and significance; empty with single seeds.

    Args:
        seeds: From :func:`over_seeds`.
        scenes: From :func:`over_scenes`.
        comparisons: From :func:`compare`.
        sets: Evaluation sets in the order of the columns.
    """
    if not len(scenes):
        return ""
    keys = ["model", "train_set", "evaluation_set"]
    table = seeds[seeds["metric"] == "accuracy"].merge(scenes, on=keys)
    table = table.merge(comparisons[[*keys, "significant"]], on=keys, how="left")
    table["cell"] = [
        f"{100 * mean:.1f} ± {50 * (high - low):.1f} [{100 * a:.1f}, {100 * b:.1f}]"
        + " *" * (significant is True or significant == 1)
        for mean, low, high, a, b, significant in table[
            ["mean", "low", "high", "scenes_low", "scenes_high", "significant"]
        ].itertuples(index=False)
    ]
    order = list(table.groupby(["model", "train_set", "seeds"], sort=False).groups)
    wide = table.pivot(
        index=["model", "train_set", "seeds"], columns="evaluation_set", values="cell"
    )
    wide = wide.loc[order, [name for name in sets if name in wide]].fillna("").reset_index()
    return (
        "Accuracy in percent, mean over seeds ± half of Student's 95 % interval over seeds [95 %"
        " bootstrap over scenes]; * = differs from its baseline, p < 0.05 after Holm's correction"
        f"\n\n{wide.to_markdown(index=False)}\n\n"
    )


def write_comparisons(comparisons: pd.DataFrame, seeds: pd.DataFrame, folder: Path) -> None:
    """Write ``comparisons.csv``, ``comparisons.md`` and ``seeds.csv``."""
    write_text(folder / "comparisons.csv", comparisons.to_csv(index=False))
    write_text(folder / "seeds.csv", seeds.to_csv(index=False))
    write_text(folder / "comparisons.md", as_markdown(comparisons))


def as_markdown(comparisons: pd.DataFrame) -> str:
    """Differences in points with intervals; a star where the corrected p is below 5 %."""
    if not len(comparisons):
        return "No row has a baseline to be compared with.\n"
    table = pd.DataFrame(
        {
            "row": comparisons["model"] + "/" + comparisons["train_set"],
            "against": comparisons["baseline"],
            "set": comparisons["evaluation_set"],
            "points": [
                f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"
                for value, low, high in 100 * comparisons[["difference", "low", "high"]].to_numpy()
            ],
            "p (Holm)": [
                f"{p:.2g}{' *' if significant else ''}"
                for p, significant in comparisons[["p_holm", "significant"]].to_numpy()
            ],
        }
    )
    return (
        "Accuracy against the baseline in points [95 % bootstrap over scenes]; * = p < 0.05 after"
        f" Holm's correction over the model's comparisons\n\n{table.to_markdown(index=False)}\n"
    )
