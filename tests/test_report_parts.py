"""Parts of the report: breakdown, scaling curves, LaTeX, origins of numbers, time and cost."""

from __future__ import annotations

import json
import re
import warnings
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_results import (
    Results,
    accuracy_row,
    make_results,
    metric_row,
    wilson,
    write_table,
)

from sparkle.cluster.journal import Entry, write_entry
from sparkle.commands.results import costs_of
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.reporting import read_material, write_figures
from sparkle.reporting.axes import legend, panels, spread, wrapped
from sparkle.reporting.breakdown import bin_edges, break_down, write_breakdown
from sparkle.reporting.breakdown_charts import rose_parts
from sparkle.reporting.charts import changed_models, draw_heat_map
from sparkle.reporting.costs import JobTime, duration, read_job_times, sum_up
from sparkle.reporting.curve_charts import scaling_key, scaling_lines
from sparkle.reporting.curves import read_curves
from sparkle.reporting.latex import escaped, latex_matrix
from sparkle.reporting.matrix import Run, read_matrix
from sparkle.reporting.origins import origins, record_of
from sparkle.reporting.palette import GREY, INK, SERIES
from sparkle.reporting.story import what_came_out, what_was_done


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make_results(tmp_path_factory.mktemp("results"))


def test_parts_add_up_to_the_matrix(results: Results) -> None:
    material = results.material()
    for by in ("class", "difficulty"):
        for run in material.matrix.runs:
            whole = material.matrix.get(run, "direction")
            parts = [part.estimate for part in material.breakdown.of("direction", by, run)]
            assert whole is not None and len(parts) > 3
            assert sum(part.n for part in parts) == whole.n
            mean = sum(part.value * part.n for part in parts) / whole.n
            assert mean == pytest.approx(whole.value)
            assert all(len(part.seeds) == len(whole.seeds) for part in parts)
    assert material.breakdown.of("tsp", "difficulty")
    assert not material.breakdown.numbers


def test_confusions_are_shares_of_the_answers(results: Results) -> None:
    breakdown = results.material().breakdown
    base = breakdown.confusions[Run("tiny", "none"), "direction"]
    for target, answers in base.items():
        assert sum(answers.values()) == pytest.approx(1.0)
        assert sum(rose_parts(target, answers).values()) == pytest.approx(1.0)
    assert any("unread" in answers for answers in base.values())
    parts = rose_parts("right", {"right": 0.5, "down right": 0.2, "left": 0.2, "unread": 0.1})
    assert parts == {"right": 0.5, "next sector": 0.2, "further off": 0.2, "unread": 0.1}


def test_bins_are_even_and_few_values_have_one_each() -> None:
    edges = bin_edges(np.arange(100.0))
    assert edges[0] == 0 and edges[-1] == 99 and len(edges) == 6
    assert len(bin_edges(np.array([2.0, 3.0, 4.0] * 9))) == 4
    assert bin_edges(np.array([1.0])) == []


def test_the_breakdown_is_a_table(results: Results, tmp_path: Path) -> None:
    breakdown = results.material().breakdown
    write_breakdown(breakdown, tmp_path / "breakdown.csv")
    lines = (tmp_path / "breakdown.csv").read_text().splitlines()
    assert len(lines) == 1 + len(breakdown.parts)
    assert lines[0].startswith("model,train_set,evaluation_set,by,part,value,low,high,n")


def test_scaling_lines_join_sizes_of_one_train_set(tmp_path: Path) -> None:
    sizes = {"full_100": 100, "full_1000": 1000, "full_10k": 10_000, "direction_100": 100}
    rows = [accuracy_row("m", name, 1, 20 + i) for i, name in enumerate(sizes)]
    table = write_table(tmp_path / "m.csv", [accuracy_row("m", "none", 0, 10), *rows])
    material = read_material(table, train_images=sizes)
    (line,) = scaling_lines(material.matrix, sizes)
    assert scaling_key(material.matrix, [line]) == {"full": SERIES[0], "base": GREY}
    assert line.name == "full" and [size for size, _ in line.runs] == [100, 1000, 10_000]
    names = [path.name for path in write_figures(material, tmp_path / "figures")]
    assert "scaling.svg" in names
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html", material=material)
    assert 'href="#scaling"' in text and "by number of training images." in text
    assert scaling_lines(material.matrix, dict.fromkeys(sizes, 100)) == []
    assert "(100 to 10,000 pictures)" in what_was_done(material.matrix, sizes)


def test_rewards_are_drawn_where_there_are_some(tmp_path: Path) -> None:
    rows = [{"step": i, "loss": -0.1, "reward": r} for i, r in enumerate(("", 0.2, 0.4))]
    log = write_table(tmp_path / "training.csv", rows, ("step", "loss", "reward"))
    (curve,) = read_curves({"m/full/1": log}, "reward")
    assert curve.steps == (1.0, 2.0) and curve.values == (0.2, 0.4)
    plain = write_table(tmp_path / "plain.csv", [{"step": 1, "loss": 2}], ("step", "loss"))
    assert read_curves({"m/full/1": plain}, "reward") == []
    table = write_table(tmp_path / "m.csv", [accuracy_row("m", "full", 1, 50)])
    material = read_material(table, training_csvs={"m/full/1": log, "m/direction/1": plain})
    assert "reward.png" in [path.name for path in write_figures(material, tmp_path / "figures")]
    assert "Training reward of m" in Results(table, {}, {}, {}).report(
        tmp_path / "r.html", material=material
    )


def test_a_legend_fits_its_figure(tmp_path: Path) -> None:
    """No name is cut off, however many there are and however long."""
    names = [f"direction-localization-distance-without-numbers-{i}" for i in range(9)]
    for colours in (dict.fromkeys(names, INK), dict.fromkeys(["base", "full"], INK)):
        figure, _ = panels(["one"], 1, 3.0, 2.5)
        legend(figure, colours)
        figure.savefig(tmp_path / "figure.png")
        (drawn,) = figure.legends
        box = drawn.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
        texts = [text.get_text().replace("\n", "") for text in drawn.get_texts()]
        assert texts == list(colours)
    assert len({round(text.get_window_extent().y0) for text in drawn.get_texts()}) == 1


@pytest.mark.parametrize("sets", [1, 2, 9])
def test_the_heat_map_has_room_for_its_caption(sets: int, tmp_path: Path) -> None:
    rows = [
        metric_row(("m", "none", 0, f"set-{i}", "direction"), "accuracy", 0.5, 0.4, 0.6, 50)
        for i in range(sets)
    ]
    figure = draw_heat_map(read_matrix(write_table(tmp_path / "m.csv", rows)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a layout that does not fit
        figure.savefig(tmp_path / "figure.png")
    (axes,) = figure.axes
    caption = axes.xaxis.label.get_window_extent()
    assert caption.x0 >= 0 and caption.x1 <= figure.bbox.x1
    cell = axes.transData.transform((1, 0))[0] - axes.transData.transform((0, 0))[0]
    assert cell > 0.9 * figure.dpi


def test_titles_are_broken_at_separators() -> None:
    assert wrapped("full, a-model-with-a-name", 12) == "full,\na-model-\nwith-a-name"
    assert wrapped("localization", 5) == "localization"


def test_a_model_without_training_has_no_slopes(tmp_path: Path) -> None:
    rows = [
        accuracy_row("m", "none", 0, 20), accuracy_row("m", "full", 1, 180),
        accuracy_row("few-shot", "none", 0, 60),
    ]  # fmt: skip
    table = write_table(tmp_path / "m.csv", rows)
    material = read_material(table)
    assert changed_models(material.matrix) == ("m",)
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html", material=material)
    assert "Accuracy of m on direction before" in text
    assert "Accuracy of few-shot on direction before" not in text
    assert what_was_done(material.matrix, {}).endswith(
        "few-shot was asked the same, without fine-tuning."
    )
    alone = read_material(write_table(tmp_path / "m.csv", rows[1:2]))
    names = [path.name for path in write_figures(alone, tmp_path / "figures")]
    assert names == ["matrix.svg", "matrix.png"]
    text = Results(table, {}, {}, {}).report(tmp_path / "r.html", material=alone)
    assert "No model was evaluated both before and after training." in text


def test_the_loss_of_reinforcement_learning_is_not_drawn(tmp_path: Path) -> None:
    rows = [{"step": i, "loss": 1e-8, "reward": 0.1 * i} for i in range(3)]
    rewarded = write_table(tmp_path / "a.csv", rows, ("step", "loss", "reward"))
    plain = write_table(tmp_path / "b.csv", [{"step": 1, "loss": 2}], ("step", "loss"))
    table = write_table(tmp_path / "m.csv", [accuracy_row("m", "full", 1, 50)])
    material = read_material(table, training_csvs={"m/grpo/1": rewarded, "m/full/1": plain})
    assert [curve.train_set for curve in material.losses] == ["full"]
    assert [curve.train_set for curve in material.rewards] == ["grpo"]


def test_latex_escapes_names_and_marks_stars(tmp_path: Path) -> None:
    rows = [accuracy_row("a_b&c", "none", 0, 20), accuracy_row("a_b&c", "direction", 1, 180)]
    comparisons = write_table(
        tmp_path / "c.csv",
        [{"model": "a_b&c", "train_set": "direction", "evaluation_set": "direction",
          "p_holm": 0.001}],
        ("model", "train_set", "evaluation_set", "p_holm"),
    )  # fmt: skip
    material = read_material(write_table(tmp_path / "m.csv", rows), comparisons_csv=comparisons)
    text = latex_matrix(material.matrix)
    assert r"\textbf{a\_b\&c}" in text and r"\underline{\textbf{90.0}}$^{*}$" in text
    assert r"{\scriptsize [85.1, 93.4]}" in text
    body = text[: text.index(r"\end{tabular}")]
    assert text.count("{") == text.count("}")
    assert all(
        len(re.findall(r"(?<!\\)&", line)) == 1 for line in body.splitlines() if "quad" in line
    )
    assert escaped("50 % \\ {x}_1~^#$") == (
        r"50 \% \textbackslash{} \{x\}\_1\textasciitilde{}\textasciicircum{}\#\$"
    )


def test_origins_tell_hashes_versions_and_files(results: Results, tmp_path: Path) -> None:
    folder = results.matrix_csv.parent.parent
    own = folder / "models/tiny/full/seed1"
    (own / "record.json").write_text(json.dumps({"weights": "w123", "base": "b456", "nested": {}}))
    found = origins(results.material().matrix, results.scores, results.evaluation_sets, folder)
    cell = dict(found["cells"]["tiny/full|direction"])
    assert cell["dataset hash"] == "data-direction" and cell["task version"] == "1"
    assert cell["seed 1: scores"].endswith("scores/tiny/full/seed1/direction.parquet")
    assert "over 40 prompts" in cell["prompt hash"]
    assert cell["seed 2: scores"] != cell["seed 1: scores"] and "scores" not in cell
    row = dict(found["rows"]["tiny/full"])
    assert row["training seeds"] == "1, 2"
    assert row["seed 1: weights hash"] == "w123" and "seed 2: weights hash" not in row
    assert not any(str(tmp_path.parent) in str(value) for value in found["rows"].values())


def test_records_are_found_beside_what_they_name(tmp_path: Path) -> None:
    artefact = tmp_path / "direction.parquet"
    assert record_of(artefact) == {}
    (tmp_path / "other.record.json").write_text('{"outputs": {"a/other.parquet": "1"}}')
    assert record_of(artefact) == {}
    record = {"outputs": {"scores/direction.parquet": "2"}, "code": "c"}
    (tmp_path / "first.record.json").write_text(json.dumps(record))
    assert record_of(artefact) == record
    (tmp_path / "record.json").write_text("{ half")
    assert record_of(artefact) == record


def test_costs_are_time_times_gpus_times_price(tmp_path: Path) -> None:
    folder = tmp_path / "training_finetune"
    folder.mkdir()
    head = "s\th:m:s\tmax_rss\n"
    (folder / "m-full-1.tsv").write_text(f"{head}7200\t2:00:00\t900.5\n")
    (folder / "m-full-2.tsv").write_text(f"{head}3600\t1:00:00\t-\n")
    (folder / "other-full-1.tsv").write_text(f"{head}99\t0:01:39\t1\n")
    names = {"training_finetune": ["m-full-1", "m-full-2"]}
    jobs = read_job_times(tmp_path, {"training": 2}, names)
    assert [job.name for job in jobs] == ["m-full-1", "m-full-2"]
    costs = sum_up(jobs, per_gpu_hour=2.5, currency="EUR")
    (step,) = costs.steps
    assert (step.jobs, step.longest, step.memory_mb) == (2, 7200, 900.5)
    assert costs.gpu_hours == pytest.approx(6.0) and costs.price(costs.gpu_hours) == "15.00 EUR"
    assert sum_up(jobs).price(6.0) == ""
    journal = sum_up(jobs, {"training_finetune": 7.5})  # failed attempts count too
    assert journal.slurm and journal.gpu_hours == 7.5
    (folder / "m-full-2.tsv").write_text("s\th:m:s\tmax_rss\n")
    with pytest.raises(SparkleError, match="has no time"):
        read_job_times(tmp_path, {}, names)


def test_costs_of_an_experiment_on_a_cluster_come_from_its_journal(
    tmp_path: Path, miniature: dict[str, Any]
) -> None:
    miniature["report"] = {"cost_per_gpu_hour": 3, "currency": "CHF"}
    folder = tmp_path / "benchmarks/training_finetune"
    folder.mkdir(parents=True)
    (folder / "mini-full-1.tsv").write_text("s\th:m:s\tmax_rss\n1800\t0:30:00\t900\n")
    arguments = Namespace(
        results=tmp_path,
        benchmarks=folder.parent,
        evaluation_sets=["spp"],
        cost_per_gpu_hour=None,
        gpus=["training=4", "inference=0"],
    )
    experiment, rows = Experiment.from_mapping(miniature), [("mini", "full", 1)]
    local = costs_of(arguments, experiment, rows)
    assert local.gpu_hours == 2.0 and not local.slurm  # half an hour on four
    assert local.price(local.gpu_hours) == "6.00 CHF"
    comment = "rule_training_finetune_wildcards_mini_full_1"
    for event, seconds in (("submitted", 0.0), ("failed", 900.0), ("succeeded", 1800.0)):
        entry = Entry(event, "1", comment=comment, gpus=4, seconds=seconds)
        write_entry(tmp_path / "work/jobs.jsonl", entry)
    cluster = costs_of(arguments, experiment, rows)
    assert cluster.gpu_hours == 3.0 and cluster.slurm
    arguments.cost_per_gpu_hour = -1.0
    with pytest.raises(SparkleError, match="cannot cost"):
        costs_of(arguments, experiment, rows)


def test_costs_in_the_report(results: Results, tmp_path: Path) -> None:
    job = JobTime("training_finetune", "x", 5400.0, None, 1)
    html = results.report(
        tmp_path / "r.html", answers=0, costs=sum_up([job], None, 2.0, "USD"), scores={}
    )
    assert "1 h 30 min" in html and "1.50 GPU hours, which is 3.00 USD" in html
    assert "Where the models err" in html and "No answers with a known difficulty" in html


def test_durations_are_for_people() -> None:
    assert [duration(s) for s in (7, 60, 3599.9, 7500)] == [
        "7 s", "1 min 00 s", "1 h 00 min", "2 h 05 min",
    ]  # fmt: skip


def test_labels_keep_apart_and_in_order() -> None:
    assert spread([50.0, 10.0], 5.0, 0.0, 100.0) == [50.0, 10.0]
    crowded = spread([0.0, 0.0, 1.0, 99.0], 8.0, 0.0, 100.0)
    assert crowded[0] >= 0 and crowded[3] == 99.0
    assert np.diff(sorted(crowded)).min() >= 8.0 - 1e-9
    assert crowded[2] == max(crowded[:3])


def test_the_first_screen_says_what_came_out(tmp_path: Path) -> None:
    def row(train_set: str, right: int, name: str = "direction") -> dict[str, object]:
        run = ("m", train_set, int(train_set != "none"), name, name)
        return metric_row(run, "accuracy", right / 200, *wilson(right, 200), 200)

    rows = [
        row("none", 10),
        row("none", 4, "tsp"),
        row("direction", 180),
        row("direction", 5, "tsp"),
    ]
    matrix = read_matrix(write_table(tmp_path / "m.csv", rows))
    assert what_was_done(matrix, {"direction": 2000}) == (
        "m was fine-tuned on 1 train set of synthetic pictures (2,000 pictures): direction;"
        " 1 fine-tuning in all. Before and after, it was asked the questions of 2 evaluation sets,"
        " 200 questions each."
    )
    trained, composite = (text.replace("\N{NO-BREAK SPACE}", " ") for text in what_came_out(matrix))
    assert trained.startswith("On what it was trained on, the run is better")
    assert "from 5.0 % to 90.0 % when trained on direction" in trained
    assert composite == (
        "On composite tasks, which were never trained on, the run is not clearly better than its"
        " base."
    )


def test_difficulties_of_another_unit_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run("tiny", "none")

    def frame(*kinds: str) -> dict[int, pd.DataFrame]:
        rows = [
            {"task": "distance", "kind": kind, "difficulty": start + i / 100, "target": "x",
             "parsed": "x", "is_parsed": True, "correct": i % 2 == 0}
            for start, kind in enumerate(kinds) for i in range(40)
        ]  # fmt: skip
        return {1: pd.DataFrame(rows)}

    frames = {
        (run, "both"): frame("shortest", "numeric"),
        (run, "numbers"): frame("numeric"),
    }
    monkeypatch.setattr("sparkle.reporting.breakdown.read_frames", lambda *_: frames)
    sets = ["both", "numbers"]
    matrix: Any = SimpleNamespace(
        evaluation_sets=sets, runs=[run], tasks=dict.fromkeys(sets, "distance")
    )
    found = break_down(matrix, {})
    assert sum(part.estimate.n for part in found.of("both", "difficulty")) == 40
    assert sum(part.estimate.n for part in found.of("both", "kind")) == 80
    assert sum(part.estimate.n for part in found.of("numbers", "difficulty")) == 40
    assert found.numbers == {"numbers": "numeric"}
