"""The experiment of config/effect.yaml: what its base may know, and a run in miniature."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import items, quiet, training_source

from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.spec import DiscSpec
from sparkle.tasks import get_task
from sparkle.training.pretraining import pretrain

ROOT = Path(__file__).parent.parent
MODEL = "tiny-forms"
DISCS = DiscSpec(objects=4, distractors=0, radius=1.0, spacing=2.5, decimals=2)


def whole() -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((ROOT / "config/effect.yaml").read_text())
    return config


def miniature() -> dict[str, Any]:
    """The same experiment with few images, two updates and one seed."""
    config = whole()
    config["results"] = "results"
    config["matrix"].update(seeds=[1], train_sets=["none", "full"])
    config["training_data"]["images"] = 24
    config["training"]["swift"]["max_steps"] = 2
    for chosen in config["evaluation_sets"].values():
        chosen["images"] = 6
    (lesson,) = config["models"][MODEL]["pretraining"]["lessons"]
    lesson["images"] = {5: 16}
    lesson["training"] = {**lesson["training"], "batch_size": 8}
    lesson["training"]["swift"] = {**lesson["training"]["swift"], "max_steps": 2}
    return config


def forms(count: int) -> list[tuple[DiscScene, list[Any]]]:
    source = training_source("perception", options={"questions": "forms"}, scene=DISCS)
    return items(source, count)  # type: ignore[return-value]


def test_nothing_that_is_trained_asks_for_a_composite_task() -> None:
    experiment = Experiment.load(ROOT / "config/effect.yaml")
    trained = {
        use.name for source in experiment.training_sources().values() for use in source.tasks
    }
    assert trained == {"direction", "distance", "localization", "perception"}
    (lesson,) = experiment.pretraining(MODEL).lessons
    assert {use.name for source in lesson.sources for use in source.tasks} == {"perception"}


def test_every_train_set_has_as_many_updates() -> None:
    experiment = Experiment.load(ROOT / "config/effect.yaml")
    steps = {experiment.training_of(t).swift["max_steps"] for t in experiment.train_sets}
    assert len(steps) == 1
    assert all(
        "perception" in experiment.config.train_sets[t].capabilities for t in experiment.train_sets
    )
    assert len(experiment.config.matrix.seeds) >= 3


AXES = {"leftmost": (0, 1), "rightmost": (0, -1), "highest": (1, -1), "lowest": (1, 1)}


def ranked(scene: DiscScene, labels: list[str], word: str) -> list[str]:
    axis, sign = AXES[word]
    places = {label: (scene.find(label).x, scene.find(label).y)[axis] for label in labels}
    return sorted(labels, key=lambda label: sign * places[label])


def test_routes_of_the_forms_are_in_any_order_or_sorted_along_an_axis() -> None:
    seen = set()
    for scene, questions in forms(60):
        for question in questions:
            if question.kind != "route":
                continue
            start, *others = question.answer.split(", ")
            assert start == question.subject["a"]
            assert set(re.findall(r"N\d", question.subject["names"])) == {start, *others}
            word = question.subject["word"].removeprefix("by the ").removesuffix(" route")
            seen.add((word, len(others) + 1))
            if word in AXES:
                assert others == ranked(scene, others, word)
    assert seen == {(word, count) for word in (*AXES, "in any order") for count in (3, 4)}


def test_a_leg_of_the_forms_is_the_first_on_such_a_route() -> None:
    seen = set()
    for scene, questions in forms(60):
        for question in (q for q in questions if q.kind == "leg"):
            others = re.findall(r"N\d", question.subject["names"])
            assert question.subject["a"] not in others
            assert question.answer == ranked(scene, others, question.subject["word"])[0]
            seen.add(question.subject["word"])
    assert seen == set(AXES)


def test_the_forms_never_ask_for_what_is_shortest_and_solve_nothing() -> None:
    tsp = get_task("tsp")
    options = tsp.Options(objects=4)
    rng = np.random.default_rng(1)
    hits = []
    for scene, questions in forms(300):
        for question in questions:
            assert "short" not in question.prompt and "near" not in question.prompt
            whole = question.answer.count(", ") == 3
            if whole and question.kind == "route" and question.subject["word"] == "in any order":
                asked = tsp.training_questions(scene, rng, training_source("tsp").asking, options)
                start = question.subject["a"]
                posed = [q for q in asked if q.subject["start"] == start]
                hits += [tsp.score(question.answer, q, scene).correct for q in posed]
    assert 0.05 < np.mean(hits) < 0.32  # one order in six


def test_moves_of_the_forms_are_any_moves() -> None:
    answers = [q.answer for _, asked in forms(200) for q in asked if q.kind == "moves"]
    assert all(get_task("spp").parse(a, _spp()) == a for a in answers)
    assert {len(a.split(", ")) for a in answers} == {2, 3, 4}


def _spp() -> Any:
    task = get_task("spp")
    source = training_source("spp")
    ((_, (question,)),) = items(source, 1)
    assert question.task == task.name
    return question


@pytest.mark.parametrize("kind", ["nearest", "furthest"])
def test_nearest_by_brute_force(kind: str) -> None:
    task = get_task("distance")
    source = training_source("distance", options={"training_kinds": (kind,)}, scene=DISCS)
    found = 0
    for scene, questions in items(source, 60):
        for question in (q for q in questions if q.kind == kind):
            centre = question.subject["centre"]
            gaps = {
                disc.label: distance(disc, scene.find(centre))
                for disc in scene.basic
                if disc.label != centre
            }
            right = (min if kind == "nearest" else max)(gaps, key=lambda label: gaps[label])
            assert question.answer == right == task.solve(question, scene)
            assert set(task.classes(question)) == set(gaps)
            assert centre not in task.classes(question)
            found += 1
    assert found >= 50


@pytest.mark.parametrize(
    ("answer", "parsed"),
    [
        ("N3", "N3"),
        ("N3.", "N3"),
        ("N3 is nearest to N2.", "N3"),
        ("N3 is nearer to N2 than N1.", "N3"),
        ("It is N3, from N2.", "N3"),
        ("N1 and N3", None),
        ("N2", None),
        ("N7", None),
        ("nothing", None),
    ],
)
def test_answers_to_nearest(answer: str, parsed: str | None) -> None:
    source = training_source("distance", options={"training_kinds": ("nearest",)}, scene=DISCS)
    question = next(q for _, asked in items(source, 1) for q in asked if q.kind == "nearest")
    pairs = [["N1", "N2"], ["N2", "N3"]]
    subject = {"pairs": pairs, "centre": "N2"}
    asked = question._replace(subject=subject, target="N3")
    assert get_task("distance").parse(answer, asked) == parsed


def test_going_on_from_weights_that_are_not_there_is_refused(tmp_path: Path) -> None:
    settings = Experiment.load(ROOT / "config/effect.yaml").pretraining(MODEL)
    other = settings.model_copy(update={"start": "nobody"})
    with pytest.raises(SparkleError, match="'nobody'"):
        pretrain(other, output=tmp_path / "base", work=tmp_path / "work", report=quiet)
    wide = settings.architecture.model_copy(update={"text_width": 64})
    with pytest.raises(SparkleError, match=r"another architecture\.text_width"):
        pretrain(
            settings.model_copy(update={"architecture": wide}),
            output=tmp_path / "base", work=tmp_path / "work", report=quiet,
        )  # fmt: skip
    assert not (tmp_path / "base").exists()


@pytest.mark.workflow
def test_it_runs_in_miniature(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(miniature(), sort_keys=False))
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), "--configfile", str(tmp_path / "config.yaml")]
    command += ["--cores", "2", "--scheduler", "greedy", "--show-failed-logs"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-6000:]
    results = tmp_path / "results"
    matrix = pd.read_csv(results / "tables/matrix.csv")
    accuracy = matrix[matrix["metric"] == "accuracy"]
    rows = accuracy[["model", "train_set"]].drop_duplicates().to_numpy().tolist()
    assert [MODEL, "none"] in rows and [MODEL, "full"] in rows
    assert set(accuracy["evaluation_set"]) == set(whole()["evaluation_sets"])
    leaks = json.loads((results / "data/leaks.json").read_text())
    assert leaks["pairs"] and not any(pair["shared"] for pair in leaks["pairs"])
    assert (results / "report.html").is_file()
    base = json.loads((results / f"models/{MODEL}/base/recipe.json").read_text())
    assert base["start"] == "sparkle-tiny"
