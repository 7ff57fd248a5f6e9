"""Tables and figure of docs/effect.md, from the scores of an experiment with a control.

    python docs/effect_figure.py results/effect docs/effect.svg > effect-tables.md

Accuracy is the mean over seeds; intervals (95 %) draw pictures anew, all seeds of a picture
together, and, as a second interval, take the seeds as the sample (Student's t).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from sparkle.datasets.merge import question_from_row
from sparkle.files import atomic_path
from sparkle.scenes.discs import Disc, distance
from sparkle.scenes.spec import scene_from_json
from sparkle.scoring.statistics import clustered_interval, mean_interval
from sparkle.tasks import get_task

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402  # after the choice of a backend

BASE, CONTROL = "none", "forms"
BASICS = ("direction", "distance", "localization")
COMPOSITES = {"tsp3": "TSP, 3 objects", "tsp4": "TSP, 4 objects", "spp": "SPP, 3 x 3 grid"}
TSP = get_task("tsp")
Seeds = dict[str, pd.DataFrame]
Scores = dict[str, Seeds]


def read_scores(results: Path, evaluation_set: str) -> Scores:
    """Train set -> scores of each seed, indexed by question; references by their own names."""
    found: Scores = {}
    for path in sorted((results / "scores").glob(f"*/*/seed*/{evaluation_set}.parquet")):
        model, train_set = path.parts[-4], path.parts[-3]
        name = model if model in ("oracle", "chance") else train_set
        found.setdefault(name, {})[path.parts[-2]] = pd.read_parquet(path).set_index("id")
    return found


def difference(ours: Seeds, theirs: Seeds) -> str:
    """Gain in points with both intervals, on the same questions and over the seeds that both rows
    have; a base model, which has none, is the partner of every seed."""
    common = [seed for seed in ours if seed in theirs or "seed0" in theirs]
    if not common:
        return ""
    gains = [
        ours[seed]["correct"] - theirs.get(seed, theirs.get("seed0"))["correct"].astype(float)
        for seed in common
    ]
    per_picture = pd.concat(gains, axis=1).mean(axis=1)
    low, high = clustered_interval(per_picture.to_numpy(), per_picture.index.to_numpy())
    text = f"{100 * per_picture.mean():+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
    by_seed = mean_interval(np.array([gain.mean() for gain in gains]))
    if not math.isnan(by_seed[0]):
        text += f"; {len(common)} seeds [{100 * by_seed[0]:+.1f}, {100 * by_seed[1]:+.1f}]"
    return text


def accuracy(scores: Seeds) -> tuple[float, float, float]:
    """Mean over seeds in per cent, and its interval over pictures."""
    right = pd.concat([s["correct"].astype(float) for s in scores.values()], axis=1).mean(axis=1)
    low, high = clustered_interval(right.to_numpy(), right.index.to_numpy())
    return 100 * right.mean(), 100 * low, 100 * high


def table(results: Path, evaluation_set: str, order: list[str]) -> list[str]:
    scores = read_scores(results, evaluation_set)
    lines = [
        f"**{COMPOSITES.get(evaluation_set, evaluation_set)}**\n",
        "| trained on | seeds | accuracy | valid | gap of valid | against base | against control |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in [n for n in order if n in scores]:
        rows = scores[name]
        mean, low, high = accuracy(rows)
        every = pd.concat(rows.values())
        valid = f"{100 * every['valid'].mean():.1f}" if "valid" in every else ""
        gap = f"{every['optimality_gap'].mean():.3f}" if "optimality_gap" in every else ""
        trained = name not in ("chance", BASE)
        base = difference(rows, scores[BASE]) if trained else ""
        control = difference(rows, scores[CONTROL]) if trained and name != CONTROL else ""
        cells = [name, str(len(rows)), f"{mean:.1f} [{low:.1f}, {high:.1f}]", valid, gap]
        lines.append(f"| {' | '.join([*cells, base, control])} |")
    return [*lines, ""]


def by_difficulty(results: Path, evaluation_set: str, order: list[str]) -> list[str]:
    """Accuracy in fifths of the questions, from the closest call to the clearest, and the gain of
    the row `full` over the control in each."""
    scores = read_scores(results, evaluation_set)
    difficulty = next(iter(scores[BASE].values()))["difficulty"]
    fifth, edges = pd.qcut(difficulty, 5, labels=False, retbins=True)
    spans = [f"{100 * low:.0f} to {100 * high:.0f} %" for low, high in pairwise(edges)]
    lines = [f"| next best route longer by | {' | '.join(spans)} |", "|---|" + "---|" * 5]
    parts = {
        name: [
            {seed: rows[fifth.loc[rows.index] == part] for seed, rows in scores[name].items()}
            for part in range(5)
        ]
        for name in order
    }
    for name in order:
        cells = ("{:.1f} [{:.1f}, {:.1f}]".format(*accuracy(part)) for part in parts[name])
        lines.append(f"| {name} | {' | '.join(cells)} |")
    gains = map(difference, parts["full"], parts[CONTROL])
    return [*lines, f"| full against control | {' | '.join(gains)} |", ""]


def draw(results: Path, output: Path, order: list[str]) -> None:
    """One panel per composite task: accuracy of each row with its interval, chance as a line."""
    matplotlib.rcParams["svg.hashsalt"] = "sparkle"
    figure, axes = plt.subplots(1, len(COMPOSITES), figsize=(9, 2.8), sharey=True)
    shown = [name for name in order if name != "chance"][::-1]
    for axis, (evaluation_set, title) in zip(axes, COMPOSITES.items(), strict=True):
        scores = read_scores(results, evaluation_set)
        axis.axvline(accuracy(scores["chance"])[0], color="0.6", linestyle="--", linewidth=1)
        for place, name in enumerate(shown):
            if name not in scores:
                continue
            mean, low, high = accuracy(scores[name])
            colour = "0.4" if name in (BASE, CONTROL) else "#1f6fb2"
            axis.plot([low, high], [place, place], color=colour, linewidth=2)
            axis.plot(mean, place, "o", color=colour, markersize=6)
            for seed in scores[name].values() if len(scores[name]) > 1 else ():
                axis.plot(100 * seed["correct"].mean(), place, "|", color=colour, markersize=9)
        axis.set_title(title, fontsize=10)
        axis.set_ylim(-0.5, len(shown) - 0.5)
        axis.set_xlabel("accuracy in %", fontsize=9)
        axis.set_yticks(range(len(shown)), ["base" if n == BASE else n for n in shown], fontsize=9)
        axis.grid(axis="x", color="0.9")
        axis.set_axisbelow(True)
    figure.tight_layout()
    with atomic_path(output) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None, "Creator": None})


def rules_of_thumb(results: Path, evaluation_set: str) -> list[str]:
    """What a route along one axis, and one that always goes to the nearest, would score."""
    rows = pd.read_parquet(results / f"data/evaluation/{evaluation_set}.parquet").to_dict("records")
    asked = [(question_from_row(row), scene_from_json(row["scene"])) for row in rows]
    lines = [
        f"**{COMPOSITES[evaluation_set]}, by a rule**\n",
        "| rule | accuracy | gap |",
        "|---|---|---|",
    ]
    for name, order in RULES.items():
        scores = []
        for question, scene in asked:
            start = scene.find(question.subject["start"])
            route = order(start, [disc for disc in scene.basic if disc is not start])
            scores.append(TSP.score(", ".join(disc.label for disc in route), question, scene))
        right = 100 * np.mean([score.correct for score in scores])
        gap = np.mean([score.extras["optimality_gap"] for score in scores])
        lines.append(f"| {name} | {right:.1f} | {gap:.3f} |")
    return [*lines, ""]


def nearest_first(start: Disc, others: list[Disc]) -> list[Disc]:
    """The route that always goes to the nearest disc not yet visited."""
    route, left = [start], list(others)
    while left:
        route.append(min(left, key=lambda disc: distance(route[-1], disc)))
        left.remove(route[-1])
    return route


RULES: dict[str, Callable[[Disc, list[Disc]], list[Disc]]] = {
    "from left to right": lambda start, others: [start, *sorted(others, key=lambda d: d.x)],
    "from right to left": lambda start, others: [start, *sorted(others, key=lambda d: -d.x)],
    "from the top down": lambda start, others: [start, *sorted(others, key=lambda d: -d.y)],
    "from the bottom up": lambda start, others: [start, *sorted(others, key=lambda d: d.y)],
    "nearest first": nearest_first,
}


def main() -> None:
    results, output = Path(sys.argv[1]), Path(sys.argv[2])
    known = read_scores(results, "tsp3")
    wanted = ["chance", BASE, CONTROL, *BASICS, "full"]
    order = [n for n in wanted if n in known]
    print("\n".join(line for name in COMPOSITES for line in table(results, name, order)))
    print("\n".join(by_difficulty(results, "tsp3", order)))
    for name in ("tsp3", "tsp4"):
        print("\n".join(rules_of_thumb(results, name)))
    print("| trained on | " + " | ".join(BASICS) + " |\n|---|" + "---|" * len(BASICS))
    scores = {name: read_scores(results, name) for name in BASICS}
    for row in order:
        cells = ("{:.1f} [{:.1f}, {:.1f}]".format(*accuracy(scores[n][row])) for n in BASICS)
        print(f"| {row} | {' | '.join(cells)} |")
    draw(results, output, order)


if __name__ == "__main__":
    main()
