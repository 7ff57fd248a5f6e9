"""A new capability is one new file: nothing else is told of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import quiet

import sparkle.tasks
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.inference.reference import answer_by_reference
from sparkle.scoring.score import score
from sparkle.scoring.tables import build_matrix
from sparkle.tasks import all_tasks

TOY = '''
"""Counting: how many objects stand left of an object."""

from pydantic import Field

from sparkle.tasks.base import ClassTask, Phrasing, Question, TaskOptions, as_choice
from sparkle.tasks.parsing import last_class

_HOW_MANY = Phrasing(
    train=("How many of the labelled objects are left of {a}?",),
    heldout=("Count the labelled objects on the left of {a}.",),
)
_NUMBERS = ("0", "1", "2")


class CountingOptions(TaskOptions):
    least: int = Field(0, ge=0, le=2)


class Counting(ClassTask):
    name = "counting"
    summary = "number of objects on one side"
    Options = CountingOptions

    def training_questions(self, scene, rng, asking, options):
        asked = [self._ask(scene, disc.label, rng, asking) for disc in scene.basic]
        return [question for question in asked if int(question.target) >= options.least]

    def evaluation_question(self, scene, rng, asking, options):
        asked = self.training_questions(scene, rng, asking, options)
        return asked[int(rng.integers(len(asked)))] if asked else None

    def _ask(self, scene, label, rng, asking):
        prompt = _HOW_MANY.pick(rng, asking.phrases, a=label)
        number = self._count(scene, label)
        question = Question(
            self.name, "left", "open", prompt, number, number, subject={"of": label}
        )
        return question if asking.form == "open" else as_choice(question, _NUMBERS, rng, False)

    def _count(self, scene, label):
        return str(sum(disc.x < scene.find(label).x for disc in scene.basic))

    def classes(self, question):
        return _NUMBERS

    def solve_class(self, question, scene):
        return self._count(scene, question.subject["of"])

    def parse_open(self, answer, question):
        return last_class(answer, _NUMBERS)


TASK = Counting()
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The toy task as a file in a folder that the package looks into as well."""
    folder = tmp_path / "more_tasks"
    folder.mkdir()
    (folder / "counting.py").write_text(TOY)
    monkeypatch.setattr(sparkle.tasks, "__path__", [*sparkle.tasks.__path__, str(folder)])
    all_tasks.cache_clear()
    yield folder
    monkeypatch.undo()
    for name in ("counting", "twin"):
        sys.modules.pop(f"sparkle.tasks.{name}", None)
        vars(sparkle.tasks).pop(name, None)
    all_tasks.cache_clear()


@pytest.fixture
def config(miniature: dict[str, Any]) -> dict[str, Any]:
    miniature["train_sets"]["counting"] = {"capabilities": ["counting", "direction"]}
    miniature["evaluation_sets"] = {
        "counting": {"task": "counting", "images": 30, "form": "open"},
        "choice": {"task": "counting", "images": 30, "options": {"least": 1}},
    }
    return miniature


def test_the_toy_task_is_unknown_without_its_file(config: dict[str, Any]) -> None:
    with pytest.raises(SparkleError, match="counting"):
        Experiment.from_mapping(config)


def test_its_options_are_checked_like_all_others(toy: Path, config: dict[str, Any]) -> None:
    for options, words in (({"least": 7}, "least.*7"), ({"most": 1}, "most: unknown key")):
        config["evaluation_sets"]["choice"]["options"] = options
        with pytest.raises(SparkleError, match=words):
            Experiment.from_mapping(config)


def test_two_files_cannot_register_one_name(toy: Path) -> None:
    (toy / "twin.py").write_text(TOY)
    with pytest.raises(SparkleError, match="'counting'"):
        all_tasks()


def test_the_toy_task_runs_through_every_step(
    toy: Path, config: dict[str, Any], tmp_path: Path
) -> None:
    experiment = Experiment.from_mapping(config)
    assert "counting" in all_tasks()

    (source,) = experiment.training_sources().values()
    synthesize(source, tmp_path / "training", report=quiet)
    manifest = merge_training(
        experiment.training_merge("counting"),
        [[tmp_path / "training/job-000.json"]],
        tmp_path / "train",
    )
    assert manifest["by_kind"] == {"counting/left": 3 * 48, "direction/pair": 3 * 48}

    sets = []
    for name in experiment.evaluation_sets:
        folder = tmp_path / "shards" / name
        synthesize(experiment.evaluation_source(name), folder, report=quiet)
        sets.append(tmp_path / f"{name}.parquet")
        merge_evaluation([folder / "job-000.json"], sets[-1])

    scores = {}
    for reference in ("oracle", "chance"):
        answer_by_reference(reference, sets, tmp_path / reference)
        scores[reference, "none", 0] = {
            path.stem: tmp_path / "scores" / reference / path.name for path in sets
        }
        for path in sets:
            score(
                tmp_path / reference / path.name, path, tmp_path / "scores" / reference / path.name
            )
    matrix = build_matrix(scores)
    accuracy = matrix[matrix["metric"] == "accuracy"].set_index(["model", "evaluation_set"])[
        "value"
    ]
    assert accuracy["oracle"].tolist() == [1.0, 1.0]
    assert all(0.05 < value < 0.7 for value in accuracy["chance"])
    assert set(matrix["task"]) == {"counting"}


def test_the_registry_is_as_before_afterwards() -> None:
    assert "counting" not in all_tasks()
    assert not hasattr(sparkle.tasks, "counting")
