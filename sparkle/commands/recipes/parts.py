"""What several recipes share: packages that count, inputs by role, code behind evaluation sets."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sparkle.config.base import Settings
from sparkle.errors import SparkleError
from sparkle.external.registry import all_benchmarks, module_of
from sparkle.files import TIMES, read_json
from sparkle.provenance.recipe import Input
from sparkle.provenance.store import present

DATA = ("numpy", "pyarrow")
DRAWING = (*DATA, "pillow", "isal")
TRAINING = ("accelerate", "datasets", "ms_swift", "numpy", "peft", "pyarrow", "safetensors",
            "tokenizers", "torch", "transformers")  # fmt: skip
ANSWERING = ("ms_swift", "numpy", "peft", "pillow", "safetensors", "tokenizers", "torch",
             "transformers")  # fmt: skip
SCORING = ("numpy", "pandas", "pyarrow")
STATISTICS = (*SCORING, "scipy", "statsmodels")
PAGES = (*SCORING, "jinja2", "matplotlib", "pillow")

TIMING = {TIMES: "no two runs take the same time"}
THREADS = "sums of several threads or GPUs are added up in no fixed order"


def values_of(chosen: Settings) -> dict[str, Any]:
    return chosen.model_dump(mode="json")


def inputs_of(paths: Iterable[Path], levels: int) -> tuple[Input, ...]:
    """Inputs whose role is the last names of their path."""
    return tuple(Input("/".join(path.parts[-levels:]), path) for path in paths)


def score_inputs(folder: Path, arguments: argparse.Namespace) -> tuple[Input, ...]:
    found = []
    for row in arguments.rows:
        found += [folder / row / f"{name}.parquet" for name in arguments.evaluation_sets]
    return inputs_of(found, levels=5)


def task_modules(names: Iterable[str]) -> list[str]:
    return sorted({f"sparkle.tasks.{name}" for name in names})


def modules_of_sets(sets: Iterable[Path]) -> list[str]:
    """Modules of the tasks and benchmarks that datasets are of, by their manifests."""
    tasks: set[str] = set()
    for path in sets:
        try:
            tasks.update(
                kind.split("/")[0]
                for kind in read_json(present(path.with_suffix(".json")))["by_kind"]
            )
        except (SparkleError, KeyError):
            continue  # not made yet: the step itself will find out
    known = all_benchmarks()
    return sorted(module_of(n) if n in known else f"sparkle.tasks.{n}" for n in tasks)


def base_weights(reference_file: Path) -> Input:
    """Base weights by their identity; the reference itself as long as there is none."""
    try:
        data = read_json(present(reference_file))
        return Input("base", reference_file.parent / data["path"], data["identity"])
    except (SparkleError, KeyError):
        return Input("base", reference_file)


def training_data(dataset: Path) -> list[Input]:
    """The files of a train set with the hashes that its manifest gives."""
    manifest = dataset / "manifest.json"
    try:
        files: dict[str, str] = read_json(present(manifest))["files"]
    except (SparkleError, KeyError):
        return [Input("manifest", manifest)]
    return [Input(name, dataset / name, sha256) for name, sha256 in files.items()]


def cell_of(folder: Path) -> dict[str, str]:
    model, train_set, seed = ("", "", "", *folder.absolute().parts)[-3:]
    return {"model": model, "train_set": train_set, "seed": seed.removeprefix("seed")}


def is_parallel(arguments: argparse.Namespace) -> bool:
    return bool(arguments.threads > 1 or arguments.gpus)
