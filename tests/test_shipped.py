"""The shipped weights: made by the recipe of the default config, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparkle.cli import main
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


BIGGER = {"architecture": {"text_layers": 9}}
FAULTS = {
    "an unknown start": (
        {"weights": "train", "pretraining": {"start": "sparkle-tyni"}},
        ("models.sparkle-tiny.pretraining.start", "'sparkle-tyni'", "Did you mean 'sparkle-tiny'"),
    ),
    "a start of another size": (
        {"weights": "train", "pretraining": {"start": NAME}, **BIGGER},
        ("models.sparkle-tiny.pretraining.start", "another architecture.text_layers"),
    ),
    "another recipe": (
        {"pretraining": {"seed": 99}},
        (
            "made by another recipe, with other lessons, seed",
            "Set models.sparkle-tiny.weights to 'train'",
        ),
    ),
}


def check(folder: Path, models: dict[str, Any]) -> int:
    """``sparkle check`` of the default config with some changes."""
    config = {
        "extends": str(ROOT / "config/config.yaml"),
        "results": str(folder / "results"),
        "matrix": {"models": [name for name, model in models.items() if model]},
        "models": models,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return main(["check", "--config", str(folder / "config.yaml")])


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_shipped_is_told_before_anything_runs(
    fault: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    changes, words = FAULTS[fault]
    assert check(tmp_path, {NAME: changes}) == 2
    message = capsys.readouterr().err
    assert all(word in message for word in (*words, "Hint")), message


def test_a_name_without_shipped_weights_is_told_before_anything_runs(
    experiment: Experiment, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    model = experiment.config.models[NAME].model_dump(mode="json")
    assert check(tmp_path, {NAME: None, "mine": model}) == 2
    assert "models.mine: no weights are shipped under that name" in capsys.readouterr().err


def test_a_start_from_the_shipped_weights_is_possible(tmp_path: Path) -> None:
    assert check(tmp_path, {NAME: {"weights": "train", "pretraining": {"start": NAME}}}) == 0


@pytest.mark.slow
def test_the_recipe_makes_them(experiment: Experiment, tmp_path: Path) -> None:
    """About a quarter of an hour. Bit-identical on the same kind of processor and libraries."""
    output = tmp_path / "base"
    pretrain(experiment.pretraining(NAME), output=output, work=tmp_path / "work")
    shipped = SHIPPED_WEIGHTS / NAME / "model.safetensors"
    assert file_hash(output / "model.safetensors") == file_hash(shipped)
