"""The config: what is refused, and how clearly."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparkle.commands.inspect import schema_text
from sparkle.config import load_config
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment

ROOT = Path(__file__).parent.parent
SHIPPED = sorted((ROOT / "config").glob("*.yaml"))

# (path of the key, value to set, words that the message must hold)
FAULTS = [
    ("trainnig", {}, ["trainnig: unknown key", "Did you mean 'training'?"]),
    ("training.learning_rat", 1, ["training.learning_rat: unknown key", "'learning_rate'"]),
    ("scenes.geometri", "figure", ["scenes.geometri", "Did you mean 'geometry'?"]),
    ("train_sets.direction.shares", {"distnce": 0.5}, ["no such capability"]),
    ("train_sets.direction.shares", {"direction": 0}, ["greater than 0"]),
    ("models.mini.pretraining.image", 3, ["pretraining.image: unknown key", "'images'"]),
    ("evaluation_sets.spp.option", {}, ["evaluation_sets.spp.option", "'options'"]),
    ("training.learning_rate", "fast", ["training.learning_rate", "'fast'"]),
    ("training_data.images", -5, ["training_data.images", "-5", "greater than 0"]),
    ("scenes.geometry", "round", ["scenes.geometry", "'round'", "figure"]),
    ("name", "a/b", ["name", "folder names"]),
    ("models", {}, ["models"]),
    ("models.oracle", {"source": "hub", "id": "a/b"}, ["oracle", "reference row"]),
    ("train_sets.none", {"capabilities": ["direction"]}, ["'none'", "base model"]),
    ("train_sets.full.capabilities", [], ["train_sets.full.capabilities", "no capability feeds"]),
    ("train_sets.full.capabilities", ["directions"], ["'directions'", "Did you mean 'direction'?"]),
    ("train_sets.full.training", {"epoch": 3}, ["train_sets.full.training", "'epochs'"]),
    ("evaluation_sets.spp.task", "distanz", ["evaluation_sets.spp.task", "mean 'distance'?"]),
    ("evaluation_sets.spp.options", {"sise": 4}, ["evaluation_sets.spp.options", "'size'"]),
    ("evaluation_sets.spp.options", {"size": 99}, ["evaluation_sets.spp.options", "99"]),
    ("training_data.options", {"distance": {"min_ratio": 0.2}}, ["min_ratio", "0.2"]),
    ("matrix", {"models": ["minni"]}, ["matrix.models", "'minni'", "Did you mean 'mini'?"]),
    ("matrix", {"evaluation_sets": ["sppp"]}, ["matrix.evaluation_sets", "Did you mean 'spp'?"]),
    ("matrix", {"train_sets": ["fulll"]}, ["matrix.train_sets", "Did you mean 'full'?"]),
    ("matrix", {"train_sets": []}, ["matrix.train_sets", "empty"]),
    ("matrix", {"seeds": [1, 1]}, ["matrix.seeds", "twice"]),
    ("models.mini.source", "embeded", ["models.mini", "embeded"]),
    ("train_sets.full.data", {"imags": 3}, ["train_sets.full.data", "'images'"]),
    ("train_sets.full.data", {"options": {"spp": {"sise": 3}}}, ["full.data.options.spp", "size"]),
    ("train_sets.full.control", "noise", ["train_sets.full.control", "'noise'"]),
    ("train_sets.full.start_from", "directon", ["start_from", "mean 'direction'?"]),
    ("train_sets.full.start_from", "full", ["starts from itself (full -> full)"]),
    ("train_sets.full", {"capabilities": ["spp"]}, ["fewer than 256 grids", "split_grids"]),
    (
        "train_sets.full",
        {"capabilities": ["distance"], "start_from": "direction", "training": {"method": "lora"}},
        ["method lora, 'direction' by full"],
    ),
    ("train_sets.full.training", {"algorithm": "grpo"}, ["questions_per_conversation: 1"]),
    ("train_sets.full.training", {"algorithm": "ppo"}, ["train_sets.full.training", "'ppo'"]),
    (
        "train_sets.full",
        {
            "capabilities": ["distance"],
            "data": {"questions_per_conversation": 1},
            "training": {"algorithm": "grpo", "grpo": {"generations": 3}},
        },
        ["8 answers", "grpo.generations (3)"],
    ),
    ("models.mini.architecture.heads", 3, ["vision_width", "multiple of heads"]),
    ("models.mini.architecture.image_size", 81, ["image_size", "multiple of patch_size"]),
]


def with_change(data: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of ``data`` with one key set."""
    changed = copy.deepcopy(data)
    node = changed
    *parents, last = path.split(".")
    for key in parents:
        node = node.setdefault(key, {})
    node[last] = value
    return changed


@pytest.mark.parametrize(("path", "value", "words"), FAULTS)
def test_a_fault_is_named_with_key_value_and_hint(
    miniature: dict[str, Any], path: str, value: Any, words: list[str]
) -> None:
    with pytest.raises(SparkleError) as caught:
        Experiment.from_mapping(with_change(miniature, path, value))
    for word in words:
        assert word in str(caught.value)
    assert caught.value.hint


def test_a_model_that_the_matrix_leaves_out_is_an_error(miniature: dict[str, Any]) -> None:
    data = with_change(miniature, "models.other", {"source": "folder", "path": "x"})
    data["matrix"] = {"models": ["mini"]}
    with pytest.raises(SparkleError, match="nothing is trained from this model"):
        Experiment.from_mapping(data)


def test_several_faults_are_all_listed(miniature: dict[str, Any]) -> None:
    data = with_change(miniature, "training.epochs", -1)
    data = with_change(data, "images.size", "big")
    with pytest.raises(SparkleError) as caught:
        Experiment.from_mapping(data)
    assert "training.epochs" in str(caught.value) and "images.size" in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b", "a: [1", "a: b: c"])
def test_what_is_no_mapping_is_a_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(SparkleError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="does not exist"):
        load_config(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_every_shipped_config_is_valid(path: Path) -> None:
    experiment = Experiment.load(path)
    for cell in experiment.trained_cells():
        experiment.finetune(cell.model, cell.train_set, cell.seed)
    for name in experiment.evaluation_sets:
        assert experiment.evaluation_source(name).images > 0


def test_the_schema_in_the_repository_is_the_current_one() -> None:
    assert (ROOT / "config/schema.json").read_text() == schema_text(), "run: make schema"


def test_a_value_written_in_another_way_gives_the_same_settings(miniature: dict[str, Any]) -> None:
    plain = Experiment.from_mapping(miniature)
    text = Experiment.from_mapping(with_change(miniature, "training.learning_rate", "1e-3"))
    order = Experiment.from_mapping(dict(reversed(list(miniature.items()))))
    for other in (text, order):
        assert other.finetune("mini", "full", 1) == plain.finetune("mini", "full", 1)


def test_settings_hold_only_what_a_step_depends_on(miniature: dict[str, Any]) -> None:
    before = Experiment.from_mapping(miniature)
    after = Experiment.from_mapping(with_change(miniature, "training.learning_rate", 0.5))
    assert before.finetune("mini", "full", 1) != after.finetune("mini", "full", 1)
    assert before.evaluation_source("spp") == after.evaluation_source("spp")
    assert before.training_sources() == after.training_sources()
    assert before.inference("mini") == after.inference("mini")


def test_the_matrix_is_models_by_train_sets_by_seeds(miniature: dict[str, Any]) -> None:
    experiment = Experiment.from_mapping(with_change(miniature, "matrix", {"seeds": [1, 2]}))
    assert [cell.folder for cell in experiment.cells()] == [
        "mini/none/seed0",
        "mini/direction/seed1",
        "mini/direction/seed2",
        "mini/full/seed1",
        "mini/full/seed2",
    ]


def test_the_published_experiment_has_its_published_size() -> None:
    experiment = Experiment.load(ROOT / "config/paper.yaml")
    (source,) = experiment.training_sources().values()
    assert source.images == 2000
    assert len(experiment.models) >= 4
    assert all(
        experiment.config.evaluation_sets[name].images == 200 for name in experiment.evaluation_sets
    )


def test_editors_find_the_schema() -> None:
    for path in SHIPPED:
        first = path.read_text().splitlines()[0]
        assert first == "# yaml-language-server: $schema=schema.json"
        assert yaml.safe_load(path.read_text())
