"""Train sets with data of their own: shared pictures, controls, divided grids, verifiers."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import quiet, task_use, training_source

from sparkle.config.extend import merge
from sparkle.datasets.card import card, merged_layout
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.synthesis import make_item, synthesize
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import file_hash
from sparkle.rendering.blank import blank
from sparkle.scenes.grid import GridScene, part_of
from sparkle.scenes.spec import scene_to_json
from sparkle.tasks.base import Asking
from sparkle.training.rewards import rewards_of

BASIC = ("direction", "distance", "localization")
IMAGES = 30


def merged(
    folder: Path, *, source: SourceSettings | None = None, jobs: int = 1, **changes: Any
) -> Path:
    """A dataset of the basic tasks with one question per conversation."""
    asking = Asking(descriptions=False)
    source = source or training_source(*BASIC, images=IMAGES, asking=asking)
    shards = folder / "shards"
    for job in range(jobs):
        synthesize(source, shards, job=job, jobs=jobs, report=quiet)
    values = {
        "train_set": "full",
        "seed": 1,
        "capabilities": tuple(use.name for use in source.tasks),
        "questions_per_conversation": 1,
    }
    manifests = sorted(shards.glob("job-*.json"))
    merge_training(TrainingMergeSettings(**{**values, **changes}), [manifests], folder / "set")
    return folder / "set"


def rows(dataset: Path) -> list[dict[str, Any]]:
    return [row for path in open_dataset(dataset).files for row in pq.read_table(path).to_pylist()]


def turns(dataset: Path) -> list[tuple[str, str, str]]:
    """(picture, prompt, answer) of every conversation, in order."""
    return [
        (row["images"][0]["path"], *(m["content"] for m in row["messages"]))
        for row in rows(dataset)
    ]


def test_shuffled_answers_belong_to_other_questions_of_their_kind(tmp_path: Path) -> None:
    plain = turns(merged(tmp_path / "a"))
    shuffled = turns(merged(tmp_path / "b", control="shuffled_labels"))
    assert [turn[:2] for turn in plain] == [turn[:2] for turn in shuffled]
    assert sum(a[2] == b[2] for a, b in zip(plain, shuffled, strict=True)) < 0.5 * len(plain)
    # Directions and cells: each as often as before.
    words = [
        Counter(t[2] for t in some if not re.search(r"\d", t[2])) for some in (plain, shuffled)
    ]
    assert words[0] == words[1]
    for _, prompt, answer in shuffled:  # still about the objects asked about
        assert set(re.findall(r"N\d+", answer)) <= set(re.findall(r"N\d+", prompt))


def test_the_card_of_a_control_says_so(tmp_path: Path) -> None:
    for control, words in (("shuffled_labels", "wrong on purpose"), ("text_only", "are empty")):
        dataset = open_dataset(merged(tmp_path / control, control=control))
        assert words in card(dataset, merged_layout(dataset))
    plain = open_dataset(merged(tmp_path / "plain", verifiable=True))
    assert "A control" not in card(plain, merged_layout(plain))
    assert "name: verify" in card(plain, merged_layout(plain))


def test_shuffling_depends_on_neither_shards_nor_jobs(tmp_path: Path) -> None:
    asking = Asking(descriptions=False)
    sources = [
        training_source(*BASIC, images=IMAGES, images_per_shard=size, asking=asking)
        for size in (4, 30)
    ]
    hashes = {
        file_hash(next((merged(tmp_path / str(i), source=source, jobs=jobs,
                               control="shuffled_labels") / "data").glob("*.parquet")))
        for i, (source, jobs) in enumerate(zip(sources, (3, 1), strict=True))
    }  # fmt: skip
    assert len(hashes) == 1


def test_text_only_shows_one_empty_picture(tmp_path: Path) -> None:
    plain, blind = merged(tmp_path / "a"), merged(tmp_path / "b", control="text_only")
    assert turns(plain) == turns(blind)
    assert {row["images"][0]["bytes"] for row in rows(blind)} == {blank((32, 32))}


def test_fewer_images_are_the_first_of_all(tmp_path: Path) -> None:
    few, all_ = merged(tmp_path / "a", images=7), merged(tmp_path / "b")
    kept = {turn for turn in turns(all_) if int(turn[0][6:14]) < 7}
    assert set(turns(few)) == kept
    assert json.loads((few / "manifest.json").read_text())["images"] == 7
    assert pq.read_metadata(few / "scenes.parquet").num_rows == 7


def test_verifiers_judge_as_scoring_does(tmp_path: Path) -> None:
    source = training_source("spp", images=6, options={"size": 3})
    dataset = merged(tmp_path, source=source, verifiable=True)
    for row in rows(dataset):
        answer = row["messages"][1]["content"]
        assert set(rewards_of(row["verify"], answer).values()) == {1.0}
        assert rewards_of(row["verify"], "no idea") == {"correct": 0, "valid": 0, "format": 0}
        there_and_back = f"{answer}, {answer.split(', ')[-1]}"
        assert rewards_of(row["verify"], there_and_back)["correct"] == 0
    for (_, prompt, answer), row in zip(turns(dataset), rows(dataset), strict=True):
        verify = json.loads(row["verify"])
        assert (f"<image>{verify['prompt']}", verify["answer"]) == (prompt, answer)
    assert sum(1 for _ in open_dataset(dataset).tables()) == 1


def test_a_detour_is_valid_but_not_correct() -> None:
    scene = GridScene(size=3, start=1, end=3)
    question = {
        "task": "spp", "kind": "moves", "form": "open", "prompt": "", "answer": "up, up",
        "target": "up, up", "options": [], "subject": '{"length": 2}', "difficulty": None,
        "scene": scene_to_json(scene),
    }  # fmt: skip
    detour = rewards_of(json.dumps(question), "right, up, up, left")
    assert detour == {"correct": 0.0, "valid": 1.0, "format": 1.0}


def with_spp(miniature: dict[str, Any], **scenes: Any) -> Experiment:
    options = {"spp": {"size": 4}}
    changes = {
        "scenes": scenes,
        "train_sets": {"spp": {"capabilities": ["spp"], "data": {"options": options}}},
        "evaluation_sets": {"spp": {"options": {"size": 4}, "images": 200}},
    }
    return Experiment.from_mapping(merge(miniature, changes))


def test_grids_are_divided_between_training_and_evaluation(
    miniature: dict[str, Any], tmp_path: Path
) -> None:
    experiment = with_spp(miniature, split_grids=True)
    training = experiment.training_sources()["grid"].model_copy(update={"images": 400})
    evaluation = experiment.evaluation_source("spp")
    for source in (training, evaluation):
        for index in range(40):
            assert part_of(make_item(source, index)[0]) == source.role  # type: ignore[arg-type]
    dataset = merged(tmp_path / "train", source=training)
    synthesize(evaluation, tmp_path / "eval", report=quiet)
    merge_evaluation([tmp_path / "eval/job-000.json"], tmp_path / "spp.parquet")
    leaks = tmp_path / "leaks.json"
    check_leaks([dataset / "manifest.json"], [tmp_path / "spp.json"], leaks)
    assert [pair["shared"] for pair in json.loads(leaks.read_text())["pairs"]] == [0]


def test_training_on_few_grids_that_are_not_divided_is_refused(miniature: dict[str, Any]) -> None:
    with pytest.raises(SparkleError, match="split_grids"):
        with_spp(miniature)


def test_sources_are_shared_where_the_data_agree(miniature: dict[str, Any]) -> None:
    changes = {
        "direction": {"data": {"images": 20}},
        "plain": {"capabilities": ["distance"], "data": {"numbers": False}},
        "other": {"capabilities": ["direction"], "data": {"numbers": False}},
        "figure": {"capabilities": ["direction"], "data": {"geometry": "generator"}},
    }
    experiment = Experiment.from_mapping(merge(miniature, {"train_sets": changes}))
    sources = experiment.training_sources()
    assert set(sources) == {"basic", "basic-plain", "basic-figure"}
    assert experiment.sources_of("other") == ["basic-plain"]
    assert [use.name for use in sources["basic-plain"].tasks] == ["direction", "distance"]
    assert sources["basic-figure"].asking.geometry == "generator"
    # The same scenes, whatever is asked about them.
    scenes = [make_item(source, 3)[0] for source in sources.values()]
    assert scenes[0] == scenes[1] == scenes[2]
    assert task_use("direction") == sources["basic-figure"].tasks[0]
