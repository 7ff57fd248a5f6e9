"""Every metric of What's Up again, from the published JSON and the raw answers by definition.

Nothing of the package's reading, parsing or grouping is used: file names are taken apart anew,
options and words are read from the prompts, and intervals follow the closed formula.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from draw_benchmarks import FOLDERS, ROWS, draw_all

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_rows
from sparkle.external.dataset import write_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.scoring.score import score
from sparkle.scoring.tables import metrics

FILES = {"whatsup_a": "controlled_images", "whatsup_b": "controlled_clevr"}
NAME = re.compile(r"(.+)_(left_of|right_of|on|under|in-front_of|behind_of)_(.+)\.jpeg")
OPPOSITE = {"left_of": "right_of", "on": "under", "in-front_of": "behind_of"}
WORD = {"left_of": "left", "right_of": "right", "in-front_of": "in front", "behind_of": "behind"}
SWAPPED = {"pillow_left_of_chair", "pillow_right_of_chair"}
CASES = [
    {"form": "choice"}, {"form": "choice", "circular": True}, {"form": "yes_no"},
    {"form": "words"}, {"form": "words", "words": 6},
]  # fmt: skip
SPOILED = "I cannot tell."


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    draw_all(folder)
    return folder


def answer(row: dict[str, Any]) -> str:
    """Right for most rows, a constant or unreadable for the others."""
    draw = sum(row["id"].encode()) % 9
    constant = {"choice": "\\boxed{A}", "yes_no": "yes", "words": "left"}[row["kind"]]
    return row["answer"] if draw < 6 else SPOILED if draw == 6 else constant


def is_right(said: str, row: dict[str, Any], caption: str, relation: str) -> bool:
    """The verdict, from the prompt and the true caption."""
    if row["kind"] == "choice":
        lines = dict(line.split(". ", 1) for line in row["prompt"].split("\n")[1:-1])
        return lines.get(said[-2]) == caption
    if row["kind"] == "yes_no":
        return said == ("yes" if f"“{caption}”" in row["prompt"] else "no")
    return said == WORD.get(relation, relation)


def wilson(hits: int, count: int) -> tuple[float, float]:
    z = 1.959963984540054
    share, weight = hits / count, 1 + z * z / count
    half = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2)) / weight
    centre = (share + z * z / (2 * count)) / weight
    return centre - half, centre + half


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
@pytest.mark.parametrize(
    ("name", "corrected"), [("whatsup_a", False), ("whatsup_a", True), ("whatsup_b", False)]
)
def test_every_metric(
    drawn: Path, tmp_path: Path, name: str, corrected: bool, case: dict[str, Any]
) -> None:
    chosen = BenchmarkSetConfig(
        benchmark=name, path=str(drawn / FOLDERS[name]), rows=ROWS[name], correct_labels=corrected,
        **case,
    )  # fmt: skip
    data = tmp_path / "set.parquet"
    write_benchmark(BenchmarkSettings(name="set", seed=3, chosen=chosen), data)
    rows = read_rows(data, EVALUATION_SCHEMA)
    write_predictions(tmp_path / "p.parquet", [Prediction(r["id"], answer(r), None) for r in rows])
    frame = score(tmp_path / "p.parquet", data, tmp_path / "scores.parquet")
    found = {each[0]: each[1:] for each in metrics(frame)}
    expected = by_definition(drawn / "whatsup", name, corrected, rows)
    assert set(found) == set(expected)
    for metric, flags in expected.items():
        value, low, high, count, how = found[metric]
        assert (value, count) == (pytest.approx(sum(flags) / len(flags)), len(flags)), metric
        assert 0 <= low <= value <= high <= 1
        if how == "wilson":
            assert (low, high) == pytest.approx(wilson(sum(flags), len(flags)), abs=1e-9), metric
    assert found["pair_accuracy"][3] == ROWS[name] // 2
    assert found["set_accuracy"][3] == ROWS[name] // 4
    assert found["set_accuracy"][4] == found["pair_accuracy"][4] == "wilson"


def by_definition(
    folder: Path, name: str, corrected: bool, rows: list[dict[str, Any]]
) -> dict[str, list[bool]]:
    """Metric -> one flag per question, picture, pair or set."""
    captions: dict[str, str] = {}
    for entry in json.loads((folder / f"{FILES[name]}_dataset.json").read_text()):
        captions[Path(entry["image_path"]).name] = entry["caption_options"][0]
    if corrected:
        first, second = (f"{stem}.jpeg" for stem in sorted(SWAPPED))
        captions[first], captions[second] = captions[second], captions[first]
    relations = {}
    for file in captions:
        match = NAME.fullmatch(file)
        assert match
        relations[file] = match[2]
    if corrected:
        relations[first], relations[second] = relations[second], relations[first]
    verdicts: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        file = row["id"].split("/")[1] + ".jpeg"
        said = answer(row)
        right = said != SPOILED and is_right(said, row, captions[file], relations[file])
        verdicts[file].append(right)
    single = [flag for each in verdicts.values() for flag in each]
    read = [answer(row) != SPOILED for row in rows]
    expected = {
        "accuracy": single,
        "parse_rate": read,
        "accuracy_parsed": [True] * sum(single) + [False] * (sum(read) - sum(single)),
    }
    for relation in set(relations.values()):
        expected[f"relation_{relation}"] = [
            flag for file, each in verdicts.items() if relations[file] == relation for flag in each
        ]
    whole = {file: all(each) for file, each in verdicts.items()}
    if len(single) > len(whole):
        expected["item_accuracy"] = list(whole.values())
    parts = {file: NAME.fullmatch(file).groups() for file in whole}  # type: ignore[union-attr]
    objects = {(thing, other) for thing, _, other in parts.values()}
    axes = [(one, two) for one, two in OPPOSITE.items() if one in set(relations.values())]
    expected["pair_accuracy"] = [
        whole[f"{thing}_{one}_{other}.jpeg"] and whole[f"{thing}_{two}_{other}.jpeg"]
        for (thing, other), (one, two) in itertools.product(objects, axes)
    ]
    expected["set_accuracy"] = [
        all(whole[file] for file, part in parts.items() if (part[0], part[2]) == names)
        for names in objects
    ]
    return expected
