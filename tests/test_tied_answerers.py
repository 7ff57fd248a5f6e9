"""Who always says the same, or cannot decide, gets chance or less, in every benchmark and form."""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from draw_benchmarks import FOLDERS, ROWS, draw_all

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_rows
from sparkle.external.dataset import write_benchmark
from sparkle.external.registry import all_benchmarks
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.scoring.score import score
from sparkle.scoring.tables import metrics

CLOSED = [
    (name, form)
    for name, each in all_benchmarks().items()
    for form in each.forms
    if form != "text" and name != "custom"
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmarks")
    draw_all(folder)
    return folder


def written(drawn: Path, folder: Path, name: str, seed: int = 1, **changes: Any) -> Path:
    chosen = {"benchmark": name, "path": str(drawn / FOLDERS[name]), "rows": ROWS[name], **changes}
    settings = BenchmarkSettings(name="set", seed=seed, chosen=BenchmarkSetConfig(**chosen))
    write_benchmark(settings, folder / "set.parquet")
    return folder / "set.parquet"


def accuracy(path: Path, folder: Path, answer: Callable[[dict[str, Any]], str]) -> float:
    rows = read_rows(path, EVALUATION_SCHEMA)
    write_predictions(folder / "p.parquet", [Prediction(r["id"], answer(r), None) for r in rows])
    frame = score(folder / "p.parquet", path, folder / "s.parquet")
    return next(value for name, value, *_ in metrics(frame) if name == "accuracy")


def most_by_chance(rows: list[dict[str, Any]]) -> Fraction:
    """Share of questions that the same place can be right for, with the remainders rounded up."""
    counts = Counter(len(row["options"]) for row in rows)
    return Fraction(sum(-(-count // options) for options, count in counts.items()), len(rows))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("name", "form"), CLOSED)
def test_always_the_same_place(
    drawn: Path, tmp_path: Path, name: str, form: str, seed: int
) -> None:
    path = written(drawn, tmp_path, name, seed, form=form)
    rows = read_rows(path, EVALUATION_SCHEMA)
    bound = Fraction(1, 2) if form == "yes_no" else most_by_chance(rows)
    for place in range(max(len(row["options"]) for row in rows)):

        def said(row: dict[str, Any], place: int = place) -> str:
            shown = row["options"]
            if form == "choice":
                return f"({string.ascii_uppercase[place]})"
            return str(shown[min(place, len(shown) - 1)])

        assert accuracy(path, tmp_path, said) <= bound


@pytest.mark.parametrize(("name", "form"), CLOSED)
def test_undecided_answers_are_not_right(drawn: Path, tmp_path: Path, name: str, form: str) -> None:
    """All options at once, as a scorer with ties would give them, is no answer."""
    path = written(drawn, tmp_path, name, form=form)

    def all_letters(row: dict[str, Any]) -> str:
        return " or ".join(string.ascii_uppercase[: len(row["options"])])

    said = {"choice": all_letters, "yes_no": lambda row: "yes and no"}.get(
        form, lambda row: ", ".join(row["options"])
    )
    found = accuracy(path, tmp_path, said)
    assert (
        found == 0
        if form != "words"
        else found <= most_by_chance(read_rows(path, EVALUATION_SCHEMA))
    )


@pytest.mark.parametrize("words", [4, 6])
def test_words_are_offered_in_a_dealt_order(drawn: Path, tmp_path: Path, words: int) -> None:
    path = written(drawn, tmp_path, "whatsup_a", form="words", words=words)
    rows = read_rows(path, EVALUATION_SCHEMA)
    places = Counter(row["options"].index(row["target"]) for row in rows)
    assert max(places.values()) - min(places.values()) <= 1 and len(places) == words
    assert all(f"one of these: {', '.join(row['options'])}." in row["prompt"] for row in rows)
    path = written(drawn, tmp_path, "whatsup_a", form="words", words=words, shuffle_options=False)
    assert len({tuple(row["options"]) for row in read_rows(path, EVALUATION_SCHEMA)}) == 1


def test_options_do_not_depend_on_the_order_of_the_file(drawn: Path, tmp_path: Path) -> None:
    """Rows the other way round in the file ask each question the same."""
    first = read_rows(written(drawn, tmp_path, "whatsup_a"), EVALUATION_SCHEMA)
    file = drawn / "whatsup/controlled_images_dataset.json"
    (drawn / "whatsup/turned.json").write_text(json.dumps(json.loads(file.read_text())[::-1]))
    turned = read_rows(written(drawn, tmp_path, "whatsup_a", file="turned.json"), EVALUATION_SCHEMA)
    assert [row["id"] for row in turned] == [row["id"] for row in first][::-1]
    key = {row["id"]: row["prompt"] for row in first}
    assert all(row["prompt"] == key[row["id"]] for row in turned)
