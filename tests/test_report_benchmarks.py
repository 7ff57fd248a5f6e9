"""The report on benchmarks: hostile captions and answers are text; stars and notes are shown."""

from __future__ import annotations

import json
import re

import pytest
from draw_benchmarks import draw_all
from helpers import unpacked

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_rows
from sparkle.external.dataset import write_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.inference.predictions import Prediction, write_predictions
from sparkle.inference.reference import answer_by_reference
from sparkle.reporting.material import read_material
from sparkle.reporting.report import write_report
from sparkle.scoring.comparisons import compare, over_seeds, write_comparisons
from sparkle.scoring.score import score
from sparkle.scoring.tables import build_matrix, notes_of, write_tables

CAPTION = "<script>alert('caption')</script> <img src=x onerror=alert(1)>"
ANSWER = "</code></div><script>alert('answer')</script><svg onload=alert(2)> \\boxed{A}"


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    draw_all(folder)
    file = folder / "whatsup/controlled_images_dataset.json"
    rows = json.loads(file.read_text())
    for row in rows:
        row["caption_options"] = [f"{CAPTION} {text}" for text in row["caption_options"]]
    file.write_text(json.dumps(rows))
    chosen = BenchmarkSetConfig(
        benchmark="whatsup_a", path=str(folder / "whatsup"), rows=16, strict=False
    )
    data = folder / "up.parquet"
    write_benchmark(BenchmarkSettings(name="up", seed=1, chosen=chosen), data)
    questions = read_rows(data, EVALUATION_SCHEMA)
    answers = {
        ("m", "none", 0): [ANSWER.replace("A}", "?}")] * len(questions),
        ("m", "full", 1): [row["answer"] + ANSWER.split("\\")[0] for row in questions],
    }
    scores = {}
    for row, given in answers.items():
        predictions = folder / f"{row[1]}-predictions.parquet"
        pairs = zip(questions, given, strict=True)
        write_predictions(predictions, [Prediction(q["id"], a, None) for q, a in pairs])
        scores[row] = {"up": folder / f"{row[1]}.parquet"}
        score(predictions, data, scores[row]["up"])
    answer_by_reference("chance", [data], folder / "chance")
    scores["chance", "none", 0] = {"up": folder / "chance-scores.parquet"}
    score(folder / "chance/up.parquet", data, folder / "chance-scores.parquet")
    matrix = build_matrix(scores)
    write_tables(matrix, folder / "tables", notes_of(scores))
    write_comparisons(compare(scores, {}), over_seeds(matrix), folder / "tables")
    write_report(
        material=read_material(
            folder / "tables/matrix.csv", scores=scores,
            comparisons_csv=folder / "tables/comparisons.csv",
        ),
        scores=scores, evaluation_sets={"up": data}, config_yaml="a: 1",
        path=folder / "report.html", title=CAPTION,
        notes={**notes_of(scores), "other": [CAPTION]},
    )  # fmt: skip
    return (folder / "report.html").read_text()


def test_html_in_captions_answers_titles_and_notes_is_text(html: str) -> None:
    assert "&lt;script&gt;alert(&#39;caption&#39;)" in html
    assert html.count("<script>") == 1  # our own, allowed by its hash
    assert html.count("<script") == 1 + len(re.findall(r'<script type="(?:text|applic)', html))
    assert not re.search(r"<(?:svg|img)[^>]*\son\w+=", html)
    assert "<svg onload" not in html and "<img src=x" not in html
    held = unpacked(html)
    assert any("alert('answer')" in text for text in held["texts"])
    assert any("alert('caption')" in text for text in held["texts"])


def test_stars_and_notes(html: str) -> None:
    assert re.search(r"100\.0\*", html) and "after Holm&#39;s correction" in html
    assert "repeated rows dropped, incomplete sets left out" in html
