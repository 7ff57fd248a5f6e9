"""Figures and report from a small results folder, made with the real tasks."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.settings import SourceSettings, TaskUse
from sparkle.datasets.synthesis import make_item, make_row, question_to_row
from sparkle.errors import SparkleError
from sparkle.rendering.draw import RenderSpec
from sparkle.reporting import write_figures, write_report
from sparkle.reporting.curves import running_mean, split_label
from sparkle.reporting.gallery import choose
from sparkle.reporting.matrix import COLUMNS, Estimate, Run, compare, read_matrix
from sparkle.reporting.summary import headline, summarise, warnings
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

DISCS = DiscSpec(objects=3, distractors=2, radius=1.1, spacing=3.0, decimals=2)
ATTACK = '<script>alert("x")</script><img src=http://evil.example/a.png>'
SETS = {"direction": "direction", "distance": "distance", "spp_4x4": "spp", "tsp": "tsp"}
# Chance that a run works the answer out; otherwise it guesses.
SKILLS = {
    ("tiny", "none"): {},
    ("tiny", "direction"): {"direction": 0.95},
    ("tiny", "full"): {"direction": 0.9, "distance": 0.8, "spp": 0.3, "tsp": 0.1},
}


@dataclass(frozen=True)
class Results:
    """Where the made-up results lie, as the arguments of the reporting functions."""

    matrix_csv: Path
    scores: dict[tuple[str, str, int], dict[str, Path]]
    evaluation_sets: dict[str, Path]
    training_csvs: dict[str, Path]

    def report(self, path: Path, **changes: Any) -> str:
        arguments: dict[str, Any] = {
            "matrix_csv": self.matrix_csv, "scores": self.scores, "path": path, "title": "A trial",
            "evaluation_sets": self.evaluation_sets, "training_csvs": self.training_csvs,
            "config_yaml": "seed: 1\nnote: <b>bold</b>\n",
        }  # fmt: skip
        write_report(**{**arguments, **changes})
        return path.read_text()


def wilson(right: int, n: int) -> tuple[float, float]:
    share, z = right / n, 1.96
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def make_results(
    folder: Path,
    *,
    skills: dict[tuple[str, str], dict[str, float]] = SKILLS,
    sets: dict[str, str] = SETS,
    images: int = 40,
    seeds: tuple[int, ...] = (1, 2),
) -> Results:
    """Ask the real tasks, answer with ``solve`` or ``chance``, and write all tables."""
    sources = {name: _source(name, task, images) for name, task in sets.items()}
    datasets = {name: _write_items(folder, name, source) for name, source in sources.items()}
    rows: list[dict[str, Any]] = []
    scores: dict[tuple[str, str, int], dict[str, Path]] = {}
    references = {("oracle", "none"): dict.fromkeys(sets.values(), 1.0), ("chance", "none"): {}}
    for (model, train_set), skill in {**skills, **references}.items():
        for seed in (0,) if train_set == "none" else seeds:
            for name, source in sources.items():
                answers = _answers(source, skill, (model, train_set, seed))
                rows += _metrics(answers, (model, train_set, seed, name, sets[name]))
                if model not in ("oracle", "chance"):
                    path = folder / "scores" / model / train_set / f"seed{seed}" / f"{name}.parquet"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    pq.write_table(pa.Table.from_pylist(answers), path)
                    scores.setdefault((model, train_set, seed), {})[name] = path
    matrix = write_table(folder / "tables" / "matrix.csv", rows)
    logs = {
        f"{model}/{train_set}/seed{seed}": _write_log(folder, model, train_set, seed)
        for model, train_set in skills if train_set != "none" for seed in seeds
    }  # fmt: skip
    return Results(matrix, scores, datasets, logs)


def _source(name: str, task: str, images: int) -> SourceSettings:
    options = get_task(task).Options()
    return SourceSettings(
        source=name, role="evaluation", seed=1, images=images, images_per_shard=images,
        scene=get_task(task).scene_spec(DISCS, options), render=RenderSpec(size=80),
        asking=Asking.model_validate({"form": "choice"}), tasks=(TaskUse(name=task, version=1),),
    )  # fmt: skip


def _write_items(folder: Path, name: str, source: SourceSettings) -> Path:
    rows = []
    for index in range(source.images):
        row = make_row(source, index)
        (question,) = row.pop("questions")
        rows.append({"id": f"{name}/{row.pop('index'):06d}", **row, **question})
    path = folder / "data" / "evaluation" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=EVALUATION_SCHEMA), path)
    return path


def _answers(
    source: SourceSettings, skill: dict[str, float], run: tuple[str, str, int]
) -> list[dict[str, Any]]:
    rng = np.random.default_rng([*"/".join(map(str, run)).encode(), len(source.source)])
    task = get_task(source.tasks[0].name)
    rows = []
    for index in range(source.images):
        scene, (question,) = make_item(source, index)
        knows = rng.random() < skill.get(task.name, 0.0)
        response = task.solve(question, scene) if knows else task.chance(question, scene, rng)
        if run[:2] == ("tiny", "none") and index % 3 == 0:
            response = ATTACK
        parsed = task.parse(response, question)
        score = task.score(parsed, question, scene)
        shown = question_to_row(question)
        rows.append({
            "id": f"{source.source}/{index:06d}", "response": response, "parsed": parsed,
            "is_parsed": parsed is not None, "correct": score.correct, "latency": None,
            **{key: shown[key] for key in ("task", "kind", "form", "difficulty", "target")},
            **{key: score.extras.get(key) for key in ("valid", "optimality_gap", "exact_match")},
        })  # fmt: skip
    return rows


def _metrics(
    answers: list[dict[str, Any]], run: tuple[str, str, int, str, str]
) -> list[dict[str, Any]]:
    n = len(answers)
    right = sum(row["correct"] for row in answers)
    read = sum(row["is_parsed"] for row in answers)
    counts = {"accuracy": (right, n), "parse_rate": (read, n), "accuracy_parsed": (right, read)}
    if run[-1] in ("spp", "tsp"):
        counts["valid_rate"] = (int(sum(row["valid"] for row in answers)), n)
    rows = [_row(run, name, a / b, *wilson(a, b), b) for name, (a, b) in counts.items() if b]
    gaps = [row["optimality_gap"] for row in answers if row["optimality_gap"] is not None]
    if gaps:
        rows.append(_row(run, "mean_optimality_gap", sum(gaps) / len(gaps), "", "", len(gaps)))
    return rows


def _row(run: tuple[str, str, int, str, str], metric: str, *numbers: Any) -> dict[str, Any]:
    return dict(zip(COLUMNS, (*run, metric, *numbers), strict=True))


def _write_log(folder: Path, model: str, train_set: str, seed: int) -> Path:
    rng = np.random.default_rng([seed, *train_set.encode()])
    rows = [
        {"step": step, "loss": 3 * math.exp(-step / 300) + 0.2 + 0.1 * rng.random(), "epoch": 0}
        for step in range(0, 1000, 10)
    ]
    path = folder / "models" / model / train_set / f"seed{seed}" / "training.csv"
    return write_table(path, rows, ("step", "loss", "epoch"))


def write_table(path: Path, rows: list[dict[str, Any]], columns: Any = COLUMNS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as handle:
        writer = csv.DictWriter(handle, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def accuracy_row(model: str, train_set: str, seed: int, right: int, n: int = 200) -> dict[str, Any]:
    run = (model, train_set, seed, "direction", "direction")
    return _row(run, "accuracy", right / n, *wilson(right, n), n)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def html(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return results.report(tmp_path_factory.mktemp("report") / "report.html")


def test_figures_are_written_and_equal_inputs_give_equal_bytes(
    results: Results, tmp_path: Path
) -> None:
    first = write_figures(results.matrix_csv, results.training_csvs, tmp_path / "a")
    second = write_figures(results.matrix_csv, results.training_csvs, tmp_path / "b")
    assert [path.name for path in first] == [
        "matrix.svg", "matrix.png", "before_after.svg", "before_after.png",
        "training.svg", "training.png",
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
        pictures.append(write_figures(table, {}, tmp_path / str(right))[0].read_bytes())
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
    marked = re.findall(r'data-tip="([^"]*?):[^"]*" class="trained"', html)
    assert marked == ["tiny, direction on direction", "tiny, full on direction",
                      "tiny, full on distance"]  # fmt: skip


def test_report_loads_nothing(html: str) -> None:
    outside = html.replace("http://evil.example", "")  # said by a model, and escaped
    assert not re.search(r"https?:|//\w+\.\w|@import|<link|<iframe", outside)
    assert set(re.findall(r'\bsrc="(.{5})', html)) == {"data:"}
    assert set(re.findall(r"url\((.)", html)) <= {"#"}
    assert "default-src 'none'" in html


def test_ids_are_unique_and_references_resolve(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', html)
    assert {a or b for a, b in used} <= set(ids)


def test_model_answers_and_config_are_escaped(html: str) -> None:
    assert "&lt;script&gt;alert(&#34;x&#34;)&lt;/script&gt;" in html
    assert ATTACK not in html
    assert html.count("<script>") == 1
    assert "&lt;b&gt;bold&lt;/b&gt;" in html and "<b>bold</b>" not in html


def test_gallery_shows_verdicts_of_each_kind(html: str) -> None:
    assert html.count("card sample") == 6 * len(SETS)
    for verdict in ("✓ right", "✗ wrong", "? unparsed"):
        assert verdict in html
    assert "wrong before, right after" in html and "wrong before and after" in html
    assert html.count('class="pixelated"') == 6 * len(SETS)


def test_gallery_takes_turns_between_outcomes() -> None:
    outcomes = {f"{i:02d}": "learned" if i < 8 else "still wrong" for i in range(10)}
    assert choose(outcomes, 6) == ["00", "08", "01", "09", "02", "03"]
    assert choose(outcomes, 99) and len(choose(outcomes, 99)) == 10
    assert choose({}, 3) == []


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
        _row(run, "parse_rate", 0.25, 0.2, 0.3, 200), accuracy_row("oracle", "none", 0, 190),
        _row(run, "accuracy_parsed", 0.8, 0.7, 0.9, 50),
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
            _row(("n", "none", 0, "tsp", "tsp"), "accuracy", 0.5, "", "", 10)]  # fmt: skip
    table = write_table(tmp_path / "m.csv", rows)
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html")
    assert "not measured" in text and "No clear change" in text
    assert 'id="training"' not in text and 'id="samples"' not in text
    assert len(write_figures(table, {}, tmp_path / "figures")) == 4


def test_many_models_are_all_shown(tmp_path: Path) -> None:
    rows = [
        accuracy_row(f"model-{i}", name, int(name != "none"), 20 * i)
        for i in range(1, 9) for name in ("none", "direction", "distance", "localization", "full")
    ]  # fmt: skip
    table = write_table(tmp_path / "m.csv", rows)
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html")
    assert text.count("<td data-tip=") == 40
    assert len(write_figures(table, {}, tmp_path / "figures")) == 4


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
        lambda: write_figures(path, {}, tmp_path / "figures"),
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
    with pytest.raises(SparkleError, match="not the Parquet table"):
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
