"""Configs that extend others, and sweeps over keys."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparkle.config.extend import merge, read_extended, with_bases
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment

ROOT = Path(__file__).parent.parent


def write(folder: Path, **files: Any) -> Path:
    for name, data in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    return folder


def test_mappings_are_merged_lists_replaced_and_null_removes() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}
    assert merge(base, {"a": {"y": [3]}, "b": None, "d": {"e": None, "f": 2}}) == {
        "a": {"x": 1, "y": [3]},
        "c": {"z": 1},
        "d": {"f": 2},
    }
    assert base["a"] == {"x": 1, "y": [1, 2]}


def test_files_extend_each_other_from_their_own_folders(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    write(tmp_path, base={"a": {"x": 1, "y": 2}, "b": 1}, middle={"extends": "base.yaml", "b": 2})
    write(tmp_path / "sub", top={"extends": "../middle.yaml", "a": {"x": 3}})
    assert read_extended(tmp_path / "sub/top.yaml") == {"a": {"x": 3, "y": 2}, "b": 2}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"one": {"extends": "two.yaml"}, "two": {"extends": "one.yaml"}}, ["circle", "two.yaml"]),
        ({"one": {"extends": "one.yaml"}}, ["circle"]),
        ({"one": {"extends": "gone.yaml"}}, ["gone.yaml", "does not exist"]),
        ({"one": {"extends": ["a.yaml"]}}, ["no file name"]),
    ],
)
def test_what_cannot_be_extended_is_named(
    tmp_path: Path, files: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(SparkleError) as error:
        read_extended(write(tmp_path, **files) / "one.yaml")
    assert all(word in str(error.value) for word in words)


def test_a_config_that_was_read_by_others_gets_its_base(tmp_path: Path) -> None:
    """Snakemake merges config files itself, and what --config says wins."""
    write(tmp_path, base={"a": 1, "b": {"c": 1}}, top={"extends": "base.yaml", "b": {"d": 2}})
    config = {"extends": "base.yaml", "b": {"d": 2}, "a": 5}
    whole = with_bases(config, [tmp_path / "top.yaml"])
    assert whole == {"a": 5, "b": {"c": 1, "d": 2}}
    assert with_bases({"a": 1}, [tmp_path / "top.yaml"]) == {"a": 1}


def test_snakemake_takes_a_config_that_extends(tmp_path: Path, miniature: dict[str, Any]) -> None:
    write(tmp_path, base=miniature, top={"extends": "base.yaml", "results": "elsewhere"})
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(tmp_path), "--configfile", str(tmp_path / "top.yaml"), "-n"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-3000:]
    assert "elsewhere/models/mini/full/seed1/weights" in run.stdout + run.stderr


def test_tiny_is_the_default_config() -> None:
    default = read_extended(ROOT / "config/config.yaml")
    assert read_extended(ROOT / "config/tiny.yaml") == {**default, "results": "results/tiny"}


def swept(miniature: dict[str, Any], sweep: Any, **changes: Any) -> Experiment:
    return Experiment.from_mapping(merge({**miniature, "sweep": sweep}, changes))


def test_a_grid_makes_a_row_of_each_train_set_and_shares_its_pictures(
    miniature: dict[str, Any],
) -> None:
    grid = {"training.learning_rate": [1e-4, 3e-4], "training_data.images": [10, 40]}
    experiment = swept(miniature, grid)
    assert experiment.train_sets == [
        f"{name}-learning_rate{rate}-images{images}"
        for name in ("direction", "full")
        for rate in ("0.0001", "0.0003")
        for images in (10, 40)
    ]
    name = "full-learning_rate0.0003-images10"
    assert experiment.training_of(name).learning_rate == 3e-4
    assert experiment.training_merge(name).images == 10
    (source,) = experiment.training_sources().values()
    assert (source.source, source.images) == ("basic", 40)


def test_named_points(miniature: dict[str, Any]) -> None:
    points = [
        {"name": "short", "training.epochs": 1, "training_data.images": 8},
        {"name": "long", "training.epochs": 3},
    ]
    experiment = swept(miniature, points)
    assert experiment.train_sets == ["direction-short", "direction-long", "full-short", "full-long"]
    assert experiment.training_of("full-long").epochs == 3
    assert experiment.data_of("full-short").images == 8


def test_only_what_a_key_belongs_to_is_multiplied(miniature: dict[str, Any]) -> None:
    experiment = swept(
        miniature,
        {
            "train_sets.full.shares.direction": [0.5, 1],
            "models.mini.architecture.text_layers": [1, 2],
            "evaluation_sets.spp.options.size": [3, 4],
        },
    )
    assert experiment.train_sets == ["direction", "full-direction0.5", "full-direction1"]
    assert experiment.models == ["mini-text_layers1", "mini-text_layers2"]
    assert {"spp-size3", "spp-size4", "tsp"} <= set(experiment.evaluation_sets)
    assert experiment.evaluation_source("spp-size4").scene.size == 4  # type: ignore[union-attr]


def test_what_starts_from_a_swept_train_set_is_swept_with_it(miniature: dict[str, Any]) -> None:
    after = {"capabilities": ["direction"], "start_from": "direction"}
    experiment = swept(
        miniature, {"train_sets.direction.training.epochs": [1, 2]}, train_sets={"after": after}
    )
    assert experiment.start_of("after-epochs2") == "direction-epochs2"


def test_the_lists_of_the_matrix_name_the_points(miniature: dict[str, Any]) -> None:
    experiment = swept(
        miniature, {"training.epochs": [1, 2]}, matrix={"train_sets": ["none", "full"]}
    )
    assert experiment.train_sets == ["full-epochs1", "full-epochs2"]
    assert "direction" in experiment.config.train_sets


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        ({"training.learning_rat": [1]}, ["training.learning_rat", "'learning_rate'"]),
        ({"trainning.epochs": [1]}, ["unknown key", "'training'"]),
        ({"training_data.imags": [1]}, ["training_data.imags", "'images'"]),
        ({"models.mini.architecture.layers": [1]}, ["unknown key", "_layers"]),
        ({"models.minni.swift.a": [1]}, ["models.minni", "'mini'"]),
        ({"scenes.radius": [1, 2]}, ["scenes.radius", "compared", "extends"]),
        ({"inference.max_new_tokens": [8]}, ["every row alike"]),
        ({"resources.training.gpus": [1]}, ["no influence on results"]),
        ({"training.epochs": 3}, ["no list"]),
        ({"training.epochs": []}, ["no list"]),
        ({"training.epochs": [-1]}, ["epochs", "-1"]),
        ([{"training.epochs": 1}], ["'name'"]),
        ([{"name": "a", "training.epochs": 1}, {"name": "a", "training.epochs": 2}], ["'name'"]),
        ({"training.swift": [{"a": 1}]}, ["readable name", "list of points"]),
        (
            [{"name": "a", "training.epochs": 1, "models.mini.architecture.text_layers": 2}],
            ["mixtures"],
        ),
    ],
)
def test_what_cannot_be_swept_over_says_why(
    miniature: dict[str, Any], sweep: Any, words: list[str]
) -> None:
    with pytest.raises(SparkleError) as error:
        swept(miniature, sweep)
    assert all(word in str(error.value) for word in words), str(error.value)
