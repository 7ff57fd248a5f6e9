"""Figures and report from a small results folder, made with the real tasks."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_results import (
    ATTACK,
    SETS,
    Results,
    accuracy_row,
    make_results,
    metric_row,
    write_table,
)

from sparkle.errors import SparkleError
from sparkle.reporting import read_material, write_figures
from sparkle.reporting.curves import running_mean, split_label
from sparkle.reporting.matrix import COLUMNS, Estimate, Run, compare, read_matrix
from sparkle.reporting.summary import headline, summarise, warnings


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def html(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return results.report(tmp_path_factory.mktemp("report") / "report.html")


def test_figures_are_written_and_equal_inputs_give_equal_bytes(
    results: Results, tmp_path: Path
) -> None:
    first = write_figures(results.material(), tmp_path / "a")
    second = write_figures(results.material(), tmp_path / "b")
    assert [path.name for path in first] == [
        "matrix.svg", "matrix.png", "before_after.svg", "before_after.png",
        "training.svg", "training.png", "directions_direction.svg", "directions_direction.png",
        "difficulty_direction.svg", "difficulty_direction.png", "difficulty_distance.svg",
        "difficulty_distance.png", "difficulty_spp_4x4.svg", "difficulty_spp_4x4.png",
        "difficulty_tsp.svg", "difficulty_tsp.png",
    ]  # fmt: skip
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        magic = b"\x89PNG" if one.suffix == ".png" else b"<?xml"
        assert one.read_bytes().startswith(magic)
        assert one.stat().st_size > 5000
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(p.name for p in first)


def test_figures_follow_the_numbers(tmp_path: Path) -> None:
    pictures = []
    for right in (50, 150):
        table = write_table(tmp_path / "m.csv", [accuracy_row("m", "none", 0, right)])
        pictures.append(write_figures(read_material(table), tmp_path / str(right))[0].read_bytes())
    assert pictures[0] != pictures[1]


def test_report_is_deterministic(results: Results, html: str, tmp_path: Path) -> None:
    assert results.report(tmp_path / "again.html") == html


def test_report_shows_every_cell_with_interval_and_count(results: Results, html: str) -> None:
    matrix = read_matrix(results.matrix_csv)
    cells = re.findall(r'<td data-tip="([^"]*)"[^>]*>([\d.]+)<small>(\d+)–(\d+)</small>', html)
    assert len(cells) == 5 * len(SETS)  # three runs and two references
    tips = {tip: (value, low, high) for tip, value, low, high in cells}
    for run in matrix.runs:
        for name in SETS:
            estimate = matrix.get(run, name)
            assert estimate is not None and estimate.low is not None and estimate.high is not None
            (tip,) = [t for t in tips if t.startswith(f"{run.model}, {run.label} on {name}:")]
            expected = (100 * estimate.value, 100 * estimate.low, 100 * estimate.high)
            assert tips[tip] == (f"{expected[0]:.1f}", f"{expected[1]:.0f}", f"{expected[2]:.0f}")
            assert f"n = {estimate.n}" in tip


def test_report_marks_exactly_the_trained_capabilities(html: str) -> None:
    marked = re.findall(r'data-tip="([^"]*?):[^"]*"[^>]* class="trained"', html)
    assert marked == ["tiny, direction on direction", "tiny, full on direction",
                      "tiny, full on distance"]  # fmt: skip


def test_report_loads_nothing(html: str) -> None:
    outside = html.replace("http://www.w3.org/2000/svg", "")  # a name, not a place
    assert not re.search(r"https?:|//\w+\.\w|@import|<link|<iframe", outside)
    assert not re.findall(r"\bsrc=", outside)  # pictures are made by the script, as data
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "default-src 'none'" in html


def test_ids_are_unique_and_references_resolve(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', html)
    assert {a or b for a, b in used} <= set(ids)


def test_model_answers_and_config_are_escaped(html: str) -> None:
    assert ATTACK not in html  # it is in the packed answers, see tests/test_gallery.py
    assert len(re.findall(r"<script>", html)) == 1
    assert "&lt;b&gt;bold&lt;/b&gt;" in html and "<b>bold</b>" not in html


def test_summary_tells_gains_from_overlaps(tmp_path: Path) -> None:
    rows = [
        accuracy_row("m", "none", 0, 40), accuracy_row("chance", "none", 0, 45),
        accuracy_row("m", "direction", 1, 180), accuracy_row("m", "distance", 1, 44),
        accuracy_row("m", "localization", 1, 10),
    ]  # fmt: skip
    matrix = read_matrix(write_table(tmp_path / "m.csv", rows))
    found = {entry.run.train_set: entry.changes[0] for entry in summarise(matrix, "m")}
    assert {name: change.verdict for name, change in found.items()} == {
        "direction": "better", "distance": "unclear", "localization": "worse",
    }  # fmt: skip
    assert found["direction"].points == pytest.approx(70.0)
    assert [found[n].at_chance for n in ("direction", "distance")] == [False, True]
    sentences = [headline(entry) for entry in summarise(matrix, "m")]
    assert sentences == [
        "Better on direction (20 → 90\N{NO-BREAK SPACE}% [85–93]).",
        "No clear change, and not told apart from chance, on direction.",
        "Worse on direction (20 → 5\N{NO-BREAK SPACE}% [3–9]).",
    ]


def test_summary_warns_of_format_gains_and_of_a_failing_oracle(tmp_path: Path) -> None:
    run = ("m", "none", 0, "direction", "direction")
    rows = [
        accuracy_row("m", "none", 0, 40), accuracy_row("m", "full", 1, 180),
        metric_row(run, "parse_rate", 0.25, 0.2, 0.3, 200), accuracy_row("oracle", "none", 0, 190),
        metric_row(run, "accuracy_parsed", 0.8, 0.7, 0.9, 50),
    ]  # fmt: skip
    matrix = read_matrix(write_table(tmp_path / "m.csv", rows))
    note = summarise(matrix, "m")[0].changes[0].format_note
    assert note.replace("\N{NO-BREAK SPACE}", " ") == (
        "25.0 % of the base answers could be read, and 80.0 % of those were right"
    )
    (warning,) = warnings(matrix)
    assert "oracle misses" in warning and "direction" in warning


def test_seeds_are_averaged_and_the_interval_holds_them_all(tmp_path: Path) -> None:
    rows = [accuracy_row("m", "full", 1, 100), accuracy_row("m", "full", 2, 180)]
    estimate = read_matrix(write_table(tmp_path / "m.csv", rows)).get(Run("m", "full"), "direction")
    assert estimate is not None and estimate.value == pytest.approx(0.7)
    assert (estimate.low, estimate.high) == (0.5, pytest.approx(max(0.9, estimate.high or 0)))
    assert [seed.value for seed in estimate.seeds] == [0.5, 0.9] and estimate.n == 200


def test_compare_needs_intervals_apart() -> None:
    low, middle, high = (Estimate(v, v - 0.1, v + 0.1, 9, ()) for v in (0.2, 0.35, 0.6))
    assert [compare(high, low), compare(low, high), compare(middle, low)] == [1, -1, 0]


def test_rows_go_base_first_then_narrow_to_wide(tmp_path: Path) -> None:
    names = ("full", "direction", "none", "direction_distance")
    rows = [accuracy_row("m", name, int(name != "none"), 100) for name in names]
    matrix = read_matrix(write_table(tmp_path / "m.csv", rows))
    order = [run.train_set for run in matrix.runs]
    assert order == ["none", "direction", "direction_distance", "full"]
    other = read_matrix(tmp_path / "m.csv", {"full": ["tsp"]})
    assert not other.trains(Run("m", "full"), "direction")


def test_report_without_logs_scores_and_some_measures(tmp_path: Path) -> None:
    rows = [accuracy_row("m", "none", 0, 100), accuracy_row("m", "full", 1, 100),
            metric_row(("n", "none", 0, "tsp", "tsp"), "accuracy", 0.5, "", "", 10)]  # fmt: skip
    table = write_table(tmp_path / "m.csv", rows)
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html")
    assert "not measured" in text and "No clear change" in text
    assert "Nothing was trained" in text and "No answers are held" in text
    assert "No times of the steps" in text and 'href="#scaling"' not in text
    assert len(write_figures(read_material(table), tmp_path / "figures")) == 4


def test_many_models_are_all_shown(tmp_path: Path) -> None:
    rows = [
        accuracy_row(f"model-{i}", name, int(name != "none"), 20 * i)
        for i in range(1, 9) for name in ("none", "direction", "distance", "localization", "full")
    ]  # fmt: skip
    table = write_table(tmp_path / "m.csv", rows)
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html")
    assert text.count("<td data-tip=") == 40
    assert len(write_figures(read_material(table), tmp_path / "figures")) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "does not exist"),
        ("", "lacks the columns"),
        (",".join(COLUMNS) + "\n", "has no rows"),
        (",".join(COLUMNS) + "\nm,none,0,d,direction,parse_rate,1,1,1,9\n", "'accuracy'"),
        (",".join(COLUMNS) + "\nm,none,0,d,direction,accuracy,high,1,1,9\n", "line 2"),
        (",".join(COLUMNS) + "\nm,none,0,d,direction,accuracy,,,,9\n", "'accuracy'"),
        (",".join(COLUMNS) + "\nchance,none,0,d,direction,accuracy,0,0,1,9\n", "of any model"),
    ],
)
def test_bad_matrices_are_clear_errors(text: str | None, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv"
    if text is not None:
        path.write_text(text)
    for write in (
        lambda: write_figures(read_material(path), tmp_path / "figures"),
        lambda: Results(path, {}, {}, {}).report(tmp_path / "r.html"),
    ):
        with pytest.raises(SparkleError, match=expected) as caught:
            write()
        assert str(path) in caught.value.message and caught.value.hint
    assert not (tmp_path / "r.html").exists()


def test_bad_logs_scores_and_pictures_are_clear_errors(results: Results, tmp_path: Path) -> None:
    empty = write_table(tmp_path / "training.csv", [], ("step", "loss"))
    with pytest.raises(SparkleError, match="finite loss"):
        results.report(tmp_path / "r.html", training_csvs={"a/b/1": empty})
    gone = {("tiny", "none", 0): {"direction": tmp_path / "gone.parquet"}}
    with pytest.raises(SparkleError, match="does not exist"):
        results.report(tmp_path / "r.html", scores=gone)
    with pytest.raises(SparkleError, match="no readable Parquet"):
        results.report(tmp_path / "r.html", scores={("tiny", "none", 0): {"direction": empty}})
    table = pq.read_table(results.evaluation_sets["direction"])
    broken = table.set_column(1, "image", pa.array([b"no picture"] * len(table)))
    pq.write_table(broken, tmp_path / "broken.parquet")
    with pytest.raises(SparkleError, match="image cannot be read"):
        broken_sets = {"direction": tmp_path / "broken.parquet"}
        results.report(tmp_path / "r.html", evaluation_sets=broken_sets)


def test_curve_labels_and_smoothing() -> None:
    assert split_label("org/model/full/seed3") == ("org/model", "full", "3")
    assert split_label("anything") == ("", "anything", "")
    assert running_mean((1.0, 5.0, 3.0)) == (1.0, 5.0, 3.0)
    assert running_mean(tuple(float(i) for i in range(200))) == tuple(float(i) for i in range(200))
