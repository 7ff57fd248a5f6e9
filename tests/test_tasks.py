"""What every registered task promises, whatever it asks."""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers import PUBLISHED, evaluation_source, items, training_source
from pydantic import ValidationError

from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.synthesis import make_item
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.scenes.discs import DiscScene, distance
from sparkle.scenes.spec import scene_from_json, scene_hash, scene_to_json
from sparkle.tasks import all_tasks, get_task
from sparkle.tasks.base import Asking, Phrasing, Question, Task

TASKS = list(all_tasks())
ASKINGS = [
    Asking(geometry="figure", directions=8, form="open", phrases="train"),
    Asking(geometry="generator", directions=8, form="open", phrases="heldout"),
    Asking(geometry="figure", directions=4, form="open", phrases="all"),
    Asking(geometry="figure", directions=8, form="choice", phrases="heldout"),
    Asking(geometry="generator", directions=4, form="choice", shuffle_options=True),
]
# Options beside the default ones under which a task asks something else.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in TASKS),
    ("distance", {"kinds": ("shorter", "longer")}),
    ("distance", {"kinds": ("numeric",)}),
    ("localization", {"kinds": ("coordinate",)}),
    ("spp", {"answer": "labels", "missing_edges": 4}),
    ("spp", {"size": 3, "min_hops": 1}),
    ("tsp", {"variant": "free"}),
    ("tsp", {"variant": "closed", "objects": 4}),
]
# (task, options, asking, probability that a random answer is right)
CHANCE = [
    ("direction", {}, Asking(), 1 / 8),
    ("direction", {}, Asking(form="choice", shuffle_options=True), 1 / 8),
    ("direction", {}, Asking(directions=4, form="choice"), 1 / 4),
    ("localization", {}, Asking(), 1 / 9),
    ("localization", {}, Asking(form="choice"), 1 / 9),
    ("distance", {}, Asking(), 1 / 3),
    ("distance", {}, Asking(form="choice"), 1 / 3),
    ("distance", {"kinds": ("shorter", "longer")}, Asking(form="choice"), 1 / 2),
    ("tsp", {"objects": 4}, Asking(), 1 / 6),
    ("tsp", {"objects": 4, "variant": "closed"}, Asking(), 1 / 3),
]
NONSENSE = ["", " \n", "?", "lorem ipsum dolor", "\x00\ud800", "x" * 100_000, "N99, N98 " * 9_000]

variants = pytest.mark.parametrize(("name", "options"), VARIANTS)
askings = pytest.mark.parametrize("asking", ASKINGS)


def judge(question: Question, scene: Any, answer: str) -> bool:
    task = get_task(question.task)
    return task.score(task.parse(answer, question), question, scene).correct


def prompts_without_labels(settings: SourceSettings) -> set[str]:
    questions = [q for _, found in items(settings, 40) for q in found]
    return {re.sub(r"N\d+|[\d.,() ]+", "", q.prompt.split("\n")[0]) for q in questions}


@pytest.mark.parametrize("name", TASKS)
def test_unknown_options_are_refused(name: str, miniature: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="nonsense"):
        get_task(name).Options(nonsense=1)
    miniature["evaluation_sets"]["some"] = {"task": name, "options": {"nonsense": 1}}
    with pytest.raises(SparkleError, match=r"evaluation_sets.some.options.*\n?.*nonsense"):
        Experiment.from_mapping(miniature)


def test_an_unknown_task_is_refused_with_those_there_are() -> None:
    with pytest.raises(SparkleError, match="'flying'") as caught:
        get_task("flying")
    assert all(name in caught.value.hint for name in TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_tasks_say_what_they_are(name: str) -> None:
    task = get_task(name)
    assert isinstance(task, Task) and task.name == name
    assert task.summary and task.version >= 1 and task.parser_version >= 1


@variants
@pytest.mark.parametrize("make", [evaluation_source, training_source])
def test_items_depend_on_seed_and_index_only(name: str, options: dict[str, Any], make: Any) -> None:
    settings = make(name, options=options)
    forwards = [make_item(settings, index) for index in range(4)]
    otherwise = settings.model_copy(update={"images_per_shard": 1, "images": 999})
    assert forwards == [make_item(otherwise, index) for index in reversed(range(4))][::-1]
    assert forwards != items(settings.model_copy(update={"seed": 43}), 4)


@pytest.mark.parametrize("name", TASKS)
def test_neighbouring_seeds_and_roles_share_no_scene(name: str) -> None:
    scenes: list[str] = []
    for seed in (42, 43):
        for source in (evaluation_source(name, seed=seed), training_source(name, seed=seed)):
            scenes += [scene_hash(scene) for scene, _ in items(source, 50)]
    # There are fewer than 200 different small grids, so only their order can be unrelated.
    if get_task(name).family == "grid":
        assert len({tuple(scenes[i : i + 50]) for i in range(0, 200, 50)}) == 4
    else:
        assert len(set(scenes)) == 200


@variants
@askings
def test_own_answer_and_solution_are_right(
    name: str, options: dict[str, Any], asking: Asking
) -> None:
    settings = evaluation_source(name, options=options, asking=asking)
    for scene, (question,) in items(settings, 12):
        read_back = scene_from_json(scene_to_json(scene))
        assert read_back == scene
        for answer in (question.answer, get_task(name).solve(question, read_back)):
            assert judge(question, read_back, answer), answer


@variants
@pytest.mark.parametrize("asking", [Asking(), Asking(geometry="generator", directions=4)])
def test_training_answers_are_right(name: str, options: dict[str, Any], asking: Asking) -> None:
    found = 0
    for scene, questions in items(training_source(name, options=options, asking=asking), 6):
        for question in (q for q in questions if q.kind != "description"):
            found += 1
            assert question.task == name and question.form == "open"
            assert judge(question, scene, question.answer)
            assert judge(question, scene, get_task(name).solve(question, scene))
    assert found >= 6


@variants
@askings
def test_nonsense_is_wrong_but_never_an_error(
    name: str, options: dict[str, Any], asking: Asking
) -> None:
    settings = evaluation_source(name, options=options, asking=asking)
    scene, (question,) = make_item(settings, 0)
    task = get_task(name)
    for answer in NONSENSE:
        assert not judge(question, scene, answer)
    assert task.parse("", question) is None
    assert not task.score(None, question, scene).correct
    if task.name not in ("description", "perception"):  # These take any text for an answer.
        assert task.parse("lorem ipsum dolor", question) is None


@variants
@askings
def test_chance_is_well_formed(name: str, options: dict[str, Any], asking: Asking) -> None:
    task = get_task(name)
    rng = np.random.default_rng(0)
    for scene, (question,) in items(evaluation_source(name, options=options, asking=asking), 12):
        answer = task.chance(question, scene, rng)
        assert task.parse(answer, question) is not None, answer


@pytest.mark.parametrize(("name", "options", "asking", "expected"), CHANCE)
def test_chance_is_as_right_as_it_should_be(
    name: str, options: dict[str, Any], asking: Asking, expected: float
) -> None:
    count, rng, task = 500, np.random.default_rng(0), get_task(name)
    settings = evaluation_source(name, options=options, asking=asking)
    hits = sum(
        judge(question, scene, task.chance(question, scene, rng))
        for scene, (question,) in items(settings, count)
    )
    assert abs(hits / count - expected) < 4 * math.sqrt(expected * (1 - expected) / count)


@pytest.mark.parametrize("name", ["direction", "distance", "localization"])
def test_choices_are_lettered_in_the_prompt(name: str) -> None:
    orders = set()
    settings = evaluation_source(name, asking=Asking(form="choice", shuffle_options=True))
    for _, (question,) in items(settings, 20):
        lines = question.prompt.split("\n")[1:-1]
        assert lines == [f"{chr(65 + i)}. {text}" for i, text in enumerate(question.options)]
        assert question.target in question.options
        assert (
            question.answer == f"\\boxed{{{'ABCDEFGHI'[question.options.index(question.target)]}}}"
        )
        orders.add(question.options)
    assert len(orders) > 10
    fixed = items(evaluation_source("direction", asking=Asking(form="choice")), 20)
    assert len({question.options for _, (question,) in fixed}) == 1


def all_phrasings() -> Iterator[tuple[str, Phrasing]]:
    for name, task in all_tasks().items():
        for value in vars(importlib.import_module(type(task).__module__)).values():
            for part in value.values() if isinstance(value, dict) else [value]:
                if isinstance(part, Phrasing):
                    yield name, part


def test_heldout_templates_are_never_trained_on() -> None:
    phrasings = list(all_phrasings())
    assert {name for name, _ in phrasings} == set(TASKS)
    train = {text for _, phrasing in phrasings for text in phrasing.train}
    heldout = {text for _, phrasing in phrasings for text in phrasing.heldout}
    assert train.isdisjoint(heldout)
    assert all(phrasing.train and phrasing.heldout for _, phrasing in phrasings)


@variants
def test_heldout_prompts_are_never_trained_on(name: str, options: dict[str, Any]) -> None:
    trained, heldout = (
        prompts_without_labels(make(name, options=options, asking=Asking(phrases=phrases)))
        for make, phrases in ((training_source, "train"), (evaluation_source, "heldout"))
    )
    assert trained and heldout and trained.isdisjoint(heldout)


@pytest.mark.parametrize("name", [n for n in TASKS if get_task(n).family in ("basic", "tour")])
def test_questions_name_basic_discs_only(name: str) -> None:
    discs = PUBLISHED.model_copy(update={"distractors": 2})
    for scene, (question,) in items(evaluation_source(name, discs=discs), 20):
        assert isinstance(scene, DiscScene)
        named = set(re.findall(r"N\d+", question.prompt))
        assert named <= {disc.label for disc in scene.discs if disc.basic}


def angle_gap(scene: DiscScene, question: Question) -> float:
    a, b = scene.find(question.subject["of"]), scene.find(question.subject["from"])
    angle = math.degrees(math.atan2(a.y - b.y, a.x - b.x))
    return min(abs((angle - border + 180) % 360 - 180) for border in np.arange(22.5, 360, 45))


def length_ratio(scene: DiscScene, question: Question) -> float:
    pairs = question.subject["pairs"]
    lengths = sorted(distance(scene.find(a), scene.find(b)) for a, b in pairs)
    near = question.kind in ("shortest", "shorter")
    return lengths[1] / lengths[0] if near else lengths[-1] / lengths[-2]


def cell_gap(scene: DiscScene, question: Question) -> float:
    disc = scene.find(question.subject["of"])
    return min(abs(v - cut) for v in (disc.x, disc.y) for cut in (10 / 3, 20 / 3))


@pytest.mark.parametrize("make", [training_source, evaluation_source])
@pytest.mark.parametrize(
    ("name", "option", "value", "measure"),
    [
        ("direction", "min_angle", 12.0, angle_gap),
        ("distance", "min_ratio", 1.3, length_ratio),
        ("localization", "min_gap", 0.4, cell_gap),
    ],
)
def test_margins_are_kept_and_recorded(
    make: Any, name: str, option: str, value: float, measure: Any
) -> None:
    least = {}
    for chosen in ({}, {option: value}):
        margins = []
        for scene, questions in items(make(name, options=chosen, asking=Asking()), 60):
            for question in questions:
                if question.difficulty is None or question.kind in ("numeric", "coordinate"):
                    continue
                assert question.difficulty == pytest.approx(measure(scene, question))
                margins.append(question.difficulty)
        assert len(margins) >= 20
        least[bool(chosen)] = min(margins)
    assert least[False] < value <= least[True]


def test_numbers_are_harder_where_less_error_is_allowed_or_others_are_near() -> None:
    for scene, questions in items(training_source("distance", "localization"), 20):
        assert isinstance(scene, DiscScene)
        for question in questions:
            if question.kind == "numeric":
                ((a, b),) = question.subject["pairs"]
                allowed = distance(scene.find(a), scene.find(b)) / 10
                assert question.difficulty == pytest.approx(allowed, abs=0.001)
            elif question.kind == "coordinate":
                disc = scene.find(question.subject["of"])
                gaps = [distance(disc, d) for d in scene.discs if d.label != disc.label]
                assert question.difficulty == min(gaps)


def test_a_margin_that_no_scene_meets_is_a_clear_error() -> None:
    settings = evaluation_source("distance", options={"min_ratio": 5.0})
    with pytest.raises(SparkleError, match=r"'distance'.*ambiguous.*min_ratio"):
        make_item(settings, 0)
