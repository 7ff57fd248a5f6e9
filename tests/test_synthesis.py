"""Synthesis: the same data however it is divided, refused beforehand when it cannot be made."""

from __future__ import annotations

import hashlib
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from helpers import PUBLISHED, evaluation_source, files_in, items, quiet, training_source

from sparkle.datasets.columns import Columns
from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.shards import read_shards
from sparkle.datasets.synthesis import make_item, make_items, make_row, synthesize
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment, check_scenes
from sparkle.files import canonical_json
from sparkle.rendering import RenderSpec
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.geometry import cell_margin
from sparkle.scenes.grid import GridScene
from sparkle.scenes.names import COLOURS, DISTRACTOR_COLOURS, PALETTES
from sparkle.scenes.spec import scene_hash
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

BASIC = ("direction", "distance", "localization", "description")
IMAGES = 48
COLOURED = PUBLISHED.model_copy(update={"palette": "test", "distractors": 2})


def content_hash(settings: SourceSettings, folder: Path, **division: Any) -> str:
    """Hash of all rows, pictures included, in order, whatever files they are in."""
    jobs = division.pop("jobs", 1)
    for job in range(jobs):
        synthesize(settings, folder, job=job, jobs=jobs, report=quiet, **division)
    digest = hashlib.sha256()
    for table in read_shards(sorted(folder.glob("job-*.json"))):
        for row in table.to_pylist():
            digest.update(hashlib.sha256(row.pop("image")).digest())
            digest.update(canonical_json(row).encode())
    return digest.hexdigest()


def test_shards_jobs_and_processes_leave_no_trace(tmp_path: Path) -> None:
    settings = training_source(*BASIC, images=IMAGES, groups=2)
    divisions = [(48, 1, 1), (16, 1, 1), (16, 1, 2), (3, 1, 1), (3, 2, 1)]
    found = {
        content_hash(
            settings.model_copy(update={"images_per_shard": size}),
            tmp_path / str(i), jobs=jobs, processes=processes,
        )
        for i, (size, jobs, processes) in enumerate(divisions)
    }  # fmt: skip
    assert len(found) == 1


def test_batches_leave_no_trace() -> None:
    settings = evaluation_source("direction", images=1200)
    far = list(make_items(settings, 0, 1100))
    for index in (0, 499, 500, 1099):
        assert make_item(settings, index) == far[index]
    assert list(make_items(settings, 490, 20)) == far[490:510]


def test_two_seeds_share_no_scene() -> None:
    one, two = (
        {scene_hash(s) for s, _ in items(evaluation_source("direction", seed=seed), 600)}
        for seed in (1, 2)
    )
    assert len(one) == len(two) == 600 and not one & two


def test_faults_keep_their_hint_between_processes() -> None:
    fault = pickle.loads(pickle.dumps(SparkleError("cause", "what to do")))
    assert (fault.message, fault.hint) == ("cause", "what to do")


@pytest.mark.parametrize("objects", [12, 9])
def test_a_crowded_source_is_refused_with_numbers(objects: int, tmp_path: Path) -> None:
    crowd = PUBLISHED.model_copy(update={"objects": objects, "spacing": 3.0 + (12 - objects) / 4})
    settings = training_source("direction", scene=crowd)
    with pytest.raises(SparkleError, match=rf"No room for {objects} discs.*on average.*60 trials"):
        synthesize(settings, tmp_path, report=quiet)
    assert files_in(tmp_path) == []


def test_discs_that_may_cover_each_other_are_refused(tmp_path: Path) -> None:
    near = PUBLISHED.model_copy(update={"spacing": 0.9})
    with pytest.raises(SparkleError, match="only 0.9 apart may cover each other"):
        synthesize(training_source("direction", scene=near), tmp_path, report=quiet)
    assert files_in(tmp_path) == []


def test_unknown_styles_and_crowds_are_refused_by_the_config(miniature: dict[str, Any]) -> None:
    crowded = {"task": "tsp", "options": {"objects": 12}}
    miniature["evaluation_sets"]["crowded"] = crowded
    with pytest.raises(SparkleError, match="'crowded': No room for 12 discs"):
        check_scenes(Experiment.from_mapping(miniature))
    crowded["options"] |= {"spacing": 1.3, "radius": 0.5}
    check_scenes(Experiment.from_mapping(miniature))
    for key, words in (("style", "style.*cubist"), ("ground", "ground.*cubist")):
        miniature["images"] = {"size": 50, key: "cubist"}
        with pytest.raises(SparkleError, match=words):
            Experiment.from_mapping(miniature)


def test_too_few_colours_are_refused_by_the_config(miniature: dict[str, Any]) -> None:
    miniature["scenes"] |= {"names": "colours"}
    with pytest.raises(SparkleError, match=r"evaluation_sets.\w+: \d+ discs.*colour"):
        miniature["evaluation_sets"]["tsp"]["options"] = {"objects": 5}
        Experiment.from_mapping(miniature)
    miniature["evaluation_sets"]["tsp"]["colours"] = "all"
    Experiment.from_mapping(miniature)


# Names by colour --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["open", "choice"])
@pytest.mark.parametrize("name", ["direction", "distance", "localization", "tsp"])
def test_coloured_questions_name_colours_and_their_answers_are_right(name: str, form: Any) -> None:
    settings = evaluation_source(name, discs=COLOURED, asking=Asking(form=form), options=(
        {"objects": 4} if name == "tsp" else {}
    ))  # fmt: skip
    task = get_task(name)
    for scene, (question,) in items(settings, 15):
        assert isinstance(scene, DiscScene)
        assert not re.search(r"N\d", question.prompt + question.answer)
        assert {d.label for d in scene.basic} <= set(PALETTES["test"])
        assert {d.label for d in scene.discs if not d.basic} <= set(DISTRACTOR_COLOURS)
        for answer in (question.answer, task.solve(question, scene)):
            assert task.score(task.parse(answer, question), question, scene).correct
        wordy = question.target.replace(" and ", " disc and the ").replace(", ", " disc, then ")
        if name in ("distance", "tsp") and form == "open":
            parsed = task.parse(f"The answer: the {wordy} disc.", question)
            assert task.score(parsed, question, scene).correct


def test_training_and_test_colours_are_apart() -> None:
    assert not set(PALETTES["train"]) & set(PALETTES["test"])
    assert not set(PALETTES["all"]) & set(DISTRACTOR_COLOURS)
    assert len(set(COLOURS)) == len(COLOURS)


# Descriptions, records, pictures ----------------------------------------------------------------


def test_descriptions_leave_out_what_is_ambiguous() -> None:
    options = {"min_gap": 0.5}
    left_out = 0
    for scene, questions in items(training_source("localization", options=options), 30):
        assert isinstance(scene, DiscScene)
        (text,) = [q.answer for q in questions if q.kind == "description"]
        clear = [d for d in scene.basic if cell_margin(d.x, d.y, "figure") >= 0.5]
        assert text.count(" part.") == len(clear)
        left_out += len(scene.basic) - len(clear)
    assert left_out > 10


def test_subjects_are_canonical_whatever_came_before() -> None:
    columns = Columns()
    for _, questions in items(evaluation_source("tsp"), 5):
        for question in questions:
            expected = canonical_json(dict(question.subject))
            assert columns.subject_text(question) == columns.subject_text(question) == expected


def test_reasoning_ends_in_the_answer() -> None:
    options = {"reasoning": True, "max_length": 9, "size": 5}
    for scene, (question,) in items(training_source("spp", options=options), 10):
        assert isinstance(scene, GridScene) and scene.weights
        assert question.answer.endswith(f"\\boxed{{{question.target}}}")
        assert f"length {scene.path_length([]) or question.subject['length']}." in question.answer


@pytest.mark.parametrize("style", ["outlined", "figure"])
@pytest.mark.parametrize("ground", ["white", "textured", "transparent"])
@pytest.mark.parametrize("name", ["direction", "spp"])
def test_pictures_do_not_depend_on_those_before(style: Any, ground: Any, name: str) -> None:
    settings = evaluation_source(name, render=RenderSpec(size=64, style=style, ground=ground))
    forwards = [make_row(settings, index)["image"] for index in range(4)]
    assert [make_row(settings, index)["image"] for index in reversed(range(4))][::-1] == forwards
    assert len(set(forwards)) == 4
