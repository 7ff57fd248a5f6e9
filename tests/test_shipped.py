"""The shipped weights: made by the recipe of the default config, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import file_hash
from sparkle.models.shipped import SHIPPED_WEIGHTS
from sparkle.training.pretraining import pretrain, unpack_shipped
from sparkle.training.settings import PretrainingSettings

ROOT = Path(__file__).parent.parent
NAME = "sparkle-tiny"


@pytest.fixture
def experiment() -> Experiment:
    return Experiment.load(ROOT / "config/config.yaml")


def test_they_carry_the_recipe_of_the_default_config(experiment: Experiment) -> None:
    recipe = json.loads((SHIPPED_WEIGHTS / NAME / "recipe.json").read_text())
    recipe = PretrainingSettings.model_validate(recipe).model_dump(mode="json")
    assert recipe == experiment.pretraining(NAME).model_dump(mode="json")


def test_they_are_small() -> None:
    assert sum(p.stat().st_size for p in (SHIPPED_WEIGHTS / NAME).iterdir()) < 10e6


def test_another_recipe_is_refused_by_name(experiment: Experiment, tmp_path: Path) -> None:
    settings = experiment.pretraining(NAME).model_copy(update={"seed": 99})
    with pytest.raises(SparkleError, match="another recipe, with other seed"):
        unpack_shipped(settings, name=NAME, output=tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_a_model_without_shipped_weights_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="no weights are shipped"):
        unpack_shipped(experiment.pretraining(NAME), name="other", output=tmp_path / "base")


@pytest.mark.slow
def test_the_recipe_makes_them(experiment: Experiment, tmp_path: Path) -> None:
    """About a quarter of an hour. Bit-identical on the same kind of processor and libraries."""
    output = tmp_path / "base"
    pretrain(experiment.pretraining(NAME), output=output, work=tmp_path / "work")
    shipped = SHIPPED_WEIGHTS / NAME / "model.safetensors"
    assert file_hash(output / "model.safetensors") == file_hash(shipped)
