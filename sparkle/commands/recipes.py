"""What each step's outputs depend on, from its command line: see :class:`Recipe`.

The workflow judges by these what has to run; the steps themselves write them down in their record.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparkle.commands import settings
from sparkle.config.base import Settings
from sparkle.config.models import FolderModel
from sparkle.errors import SparkleError
from sparkle.external.registry import all_benchmarks, module_of
from sparkle.files import folder_hash, read_json
from sparkle.fingerprint import code_of, function_code
from sparkle.models.shipped import SHIPPED_WEIGHTS
from sparkle.provenance.recipe import Input, Recipe

DATA = ("numpy", "pyarrow")
DRAWING = (*DATA, "pillow", "isal")
TRAINING = ("accelerate", "datasets", "ms_swift", "numpy", "peft", "pyarrow", "safetensors",
            "tokenizers", "torch", "transformers")  # fmt: skip
ANSWERING = ("ms_swift", "numpy", "peft", "pillow", "safetensors", "tokenizers", "torch",
             "transformers")  # fmt: skip
SCORING = ("numpy", "pandas", "pyarrow")
STATISTICS = (*SCORING, "scipy", "statsmodels")
PAGES = (*SCORING, "jinja2", "matplotlib", "pillow")

_MEASURED = "answers carry the time that they took"
_THREADS = "sums of several threads or GPUs are added up in no fixed order"
Run = Callable[[argparse.Namespace], Iterable[Path] | None]


def with_own_code(run: Run, recipe: Callable[[argparse.Namespace], Recipe]) -> Any:
    """The recipe of a subcommand, whose code counts the subcommand's own function too."""

    def whole(arguments: argparse.Namespace) -> Recipe:
        found = recipe(arguments)
        own = function_code(run.__module__, run.__name__)
        return dataclasses.replace(found, code={**found.code, **own})

    return whole


def words_of(shell: str) -> list[str] | None:
    """The words after ``sparkle`` of a rule's shell command; None if it runs no step."""
    words = shlex.split(shell)
    end = next((i for i, word in enumerate(words) if word in (">", "2>&1", "|", ";", "&&")), None)
    words = words[:end]
    return words[words.index("sparkle") + 1 :] if "sparkle" in words else None


# Data -----------------------------------------------------------------------------------------


def synthesize(arguments: argparse.Namespace) -> Recipe:
    source = settings.source(arguments)
    manifest: Path = arguments.output / f"job-{arguments.job:03d}.json"

    def outputs() -> list[Path]:
        shards = [arguments.output / shard["file"] for shard in read_json(manifest)["shards"]]
        return [manifest, *shards]

    return Recipe(
        step="synthesize",
        subject={"source": source.source, "job": str(arguments.job)},
        folder=arguments.output,
        stem=manifest.stem,
        tree="data/shards/*/*",
        settings=_values(source),
        options={"job": arguments.job, "jobs": arguments.jobs},
        inputs=(),
        outputs=outputs,
        code=code_of(
            "sparkle.datasets.synthesis.synthesize",
            *_task_modules(use.name for use in source.tasks),
        ),
        packages=DRAWING,
        seeds={"data": source.seed},
        stored=True,
    )


def merge_training(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.merge(arguments)
    folder: Path = arguments.output
    manifests = [path for group in settings.job_manifests(arguments.sources) for path in group]

    def outputs() -> list[Path]:
        parts = sorted((folder / "data").glob("*.parquet"))
        return [folder / "manifest.json", *parts, folder / "scenes.parquet", folder / "README.md"]

    return Recipe(
        step="merge-training",
        subject={"train_set": chosen.train_set},
        folder=folder,
        stem="",
        tree="data/training/*",
        settings=_values(chosen),
        inputs=_inputs(manifests, levels=2),
        outputs=outputs,
        code=code_of("sparkle.datasets.merge.merge_training", *_CARD),
        packages=DATA,
        seeds={"data": chosen.seed},
        stored=True,
    )


_CARD = ("sparkle.datasets.card.write_merged_card", "sparkle.datasets.merged.open_dataset")


def merge_evaluation(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    manifests = [path for group in settings.job_manifests(arguments.sources) for path in group]
    scenes = output.parent / "scenes" / output.name
    return Recipe(
        step="merge-evaluation",
        subject={"evaluation_set": output.stem},
        folder=output.parent,
        stem=output.stem,
        tree="data/evaluation",
        settings={},
        options={"name": output.stem},
        inputs=_inputs(manifests, levels=2),
        outputs=lambda: [output, output.with_suffix(".json"), scenes, output.with_suffix(".md")],
        code=code_of("sparkle.datasets.merge.merge_evaluation", *_CARD),
        packages=DATA,
        stored=True,
    )


def read_benchmark(arguments: argparse.Namespace) -> Recipe:
    benchmark = settings.benchmark(arguments)
    output: Path = arguments.output
    return Recipe(
        step="read-benchmark",
        subject={"evaluation_set": benchmark.name},
        folder=output.parent,
        stem=output.stem,
        tree="data/evaluation",
        settings=_values(benchmark),
        inputs=(Input("questions", settings.questions_file(benchmark)),),
        finds_inputs=True,
        outputs=lambda: [output, output.with_suffix(".json")],
        code=code_of(
            "sparkle.external.dataset.write_benchmark", module_of(benchmark.chosen.benchmark)
        ),
        packages=(*DATA, "pillow"),
        seeds={"data": benchmark.seed},
    )


def check_leaks(arguments: argparse.Namespace) -> Recipe:
    read = [*arguments.training, *arguments.evaluation]
    return Recipe(
        step="check-leaks",
        subject={},
        folder=arguments.output.parent,
        stem=arguments.output.stem,
        tree="data",
        settings={},
        inputs=_inputs(read, levels=3),
        outputs=lambda: [arguments.output],
        code=code_of("sparkle.datasets.leaks.check_leaks"),
        packages=DATA,
    )


def describe(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    read: list[Path] = []
    for path in arguments.datasets:
        manifest = path / "manifest.json"
        read += [manifest] if manifest.exists() or not path.suffix else [path]
    return Recipe(
        step="describe",
        subject={},
        folder=output.parent,
        stem=output.stem,
        tree="data",
        settings={},
        options={"title": arguments.title},
        inputs=_inputs(read, levels=3),
        outputs=lambda: [output, output.with_suffix(".json")],
        code=code_of(
            "sparkle.datasets.statistics", "sparkle.reporting.distributions.write_distributions"
        ),
        packages=(*DATA, "jinja2", "pillow"),
    )


# Models ---------------------------------------------------------------------------------------


def unpack_model(arguments: argparse.Namespace) -> Recipe:
    recipe = settings.pretraining(arguments)
    shipped = SHIPPED_WEIGHTS / str(arguments.model)
    weights = folder_hash(shipped) if shipped.is_dir() else "none"
    return dataclasses.replace(
        _base(arguments, "unpack-model", _values(recipe)),
        code={
            **code_of("sparkle.training.pretraining.unpack_shipped"),
            f"sparkle/models/shipped/{arguments.model}": weights,
        },
        seeds={"pretraining": recipe.seed},
    )


def pretrain(arguments: argparse.Namespace) -> Recipe:
    recipe = settings.pretraining(arguments)
    return dataclasses.replace(
        _base(arguments, "pretrain", _values(recipe)),
        code=code_of(
            "sparkle.training.pretraining.pretrain",
            "sparkle.models.embedded.build_embedded",
            "sparkle.training.vision.teach_vision",
            *_task_modules(["perception"]),
        ),
        packages=tuple(sorted({*DRAWING, *TRAINING})),
        varies={"*": _THREADS} if _many(arguments) else {},
        seeds={"pretraining": recipe.seed},
        gpus=arguments.gpus,
        stored=True,
    )


def locate_model(arguments: argparse.Namespace) -> Recipe:
    located = settings.located(arguments)
    reference = arguments.output.with_suffix(".json")
    folder = isinstance(located.model, FolderModel) and Path(located.model.path)
    return dataclasses.replace(
        _base(arguments, "locate-model", _values(located)),
        inputs=(Input("base", folder),) if folder else (),
        outputs=lambda: [reference],
        code=code_of("sparkle.models.references.write_base", "sparkle.models.references.fetch"),
        varies={} if folder else {"*": "a name on a hub may come to stand for something else"},
    )


def _base(arguments: argparse.Namespace, step: str, values: Mapping[str, Any]) -> Recipe:
    output: Path = arguments.output
    return Recipe(
        step=step,
        subject={"model": output.parent.name},
        folder=output.parent,
        stem=output.name,
        tree="models/*",
        settings=values,
        inputs=(),
        outputs=lambda: [output.with_suffix(".json"), output],
        code={},
    )


def finetune(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.finetuning(arguments)
    output: Path = arguments.output
    varies = {"training.csv": "the loss curve carries times"}
    return Recipe(
        step="finetune",
        subject=_cell(output),
        folder=output,
        stem="",
        tree="models/*/*/*",
        settings=_values(chosen),
        inputs=(_base_weights(arguments.base), *_training_data(arguments.dataset)),
        outputs=lambda: [output / "weights", output / "training.csv"],
        code=code_of("sparkle.training.finetune.finetune"),
        packages=TRAINING,
        varies={**varies, "weights": _THREADS} if _many(arguments) else varies,
        seeds={"training": chosen.seed},
        gpus=arguments.gpus,
        stored=True,
    )


def _many(arguments: argparse.Namespace) -> bool:
    return bool(arguments.threads > 1 or arguments.gpus)


# Answers --------------------------------------------------------------------------------------


def infer(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.inference(arguments)
    backend = chosen.inference.backend
    tuned = () if arguments.tuned is None else (Input("tuned", arguments.tuned / "weights"),)
    unused = [] if chosen.examples else ["sparkle.datasets.synthesis"]
    recipe = _answers(arguments, "infer", _values(chosen), _MEASURED)
    return dataclasses.replace(
        recipe,
        inputs=(_base_weights(arguments.base), *tuned, *recipe.inputs),
        code=code_of("sparkle.inference.infer.infer", without=unused),
        packages=ANSWERING if backend == "transformers" else tuple(sorted({*ANSWERING, backend})),
        gpus=arguments.gpus,
        stored=True,
    )


def ask_endpoint(arguments: argparse.Namespace) -> Recipe:
    _, chosen = settings.endpoint(arguments)
    recipe = _answers(
        arguments, "ask-endpoint", _values(chosen), "an endpoint may answer otherwise"
    )
    usage = arguments.output / "usage.json"
    unused = [] if chosen.examples else ["sparkle.datasets.synthesis"]
    return dataclasses.replace(
        recipe,
        outputs=lambda: [*_predictions(arguments), usage],
        code=code_of("sparkle.inference.endpoint.answer_by_endpoint", without=unused),
        packages=("pillow", "pyarrow"),
        stored=True,
    )


def reference(arguments: argparse.Namespace) -> Recipe:
    recipe = _answers(arguments, "reference", {}, None)
    return dataclasses.replace(
        recipe,
        options={"name": arguments.name},
        code=code_of(
            "sparkle.inference.reference.answer_by_reference",
            *_modules_of_sets(arguments.evaluation_sets),
        ),
        packages=DATA,
    )


def _answers(
    arguments: argparse.Namespace, step: str, values: Mapping[str, Any], varies: str | None
) -> Recipe:
    return Recipe(
        step=step,
        subject=_cell(arguments.output),
        folder=arguments.output,
        stem="",
        tree="predictions/*/*/*",
        settings=values,
        inputs=tuple(Input(f"sets/{path.name}", path) for path in arguments.evaluation_sets),
        outputs=lambda: _predictions(arguments),
        code={},
        varies={"*": varies} if varies else {},
    )


def _predictions(arguments: argparse.Namespace) -> list[Path]:
    return [arguments.output / path.name for path in arguments.evaluation_sets]


# Results --------------------------------------------------------------------------------------


def score(arguments: argparse.Namespace) -> Recipe:
    sets: Sequence[Path] = arguments.evaluation_sets
    answers = [Input(f"predictions/{p.name}", arguments.predictions / p.name) for p in sets]
    return Recipe(
        step="score",
        subject=_cell(arguments.output),
        folder=arguments.output,
        stem="",
        tree="scores/*/*/*",
        settings={},
        inputs=(*answers, *(Input(f"sets/{path.name}", path) for path in sets)),
        outputs=lambda: [arguments.output / path.name for path in sets],
        code=code_of("sparkle.scoring.score.score", *_modules_of_sets(sets)),
        packages=SCORING,
    )


def tables(arguments: argparse.Namespace) -> Recipe:
    names = ("matrix.csv", "matrix.parquet", "matrix.md", "comparisons.csv", "comparisons.md",
             "seeds.csv")  # fmt: skip
    return Recipe(
        step="tables",
        subject={},
        folder=arguments.output,
        stem="",
        tree="tables",
        settings={},
        options={
            "rows": arguments.rows,
            "evaluation_sets": arguments.evaluation_sets,
            "baselines": arguments.baselines,
        },
        inputs=_scores(arguments.scores, arguments),
        outputs=lambda: [arguments.output / name for name in names],
        code=code_of(
            "sparkle.scoring.tables",
            "sparkle.scoring.comparisons",
            *_modules_of_sets(
                arguments.scores.parent / "data" / "evaluation" / f"{name}.parquet"
                for name in arguments.evaluation_sets
            ),
        ),
        packages=STATISTICS,
    )


def report(arguments: argparse.Namespace) -> Recipe:
    results: Path = arguments.results
    read = [
        arguments.config_file or results / "config.yaml",
        results / "tables" / "matrix.csv",
        results / "tables" / "comparisons.csv",
    ]
    sets = [
        results / "data" / "evaluation" / f"{name}.parquet" for name in arguments.evaluation_sets
    ]
    curves = [path for path in settings.curves(arguments).values() if path.exists()]
    return Recipe(
        step="report",
        subject={},
        folder=results,
        stem="report",
        tree="",
        settings={},
        options={
            "rows": arguments.rows,
            "evaluation_sets": arguments.evaluation_sets,
            "gpus": arguments.gpus,
            "answers": arguments.answers,
            "cost_per_gpu_hour": arguments.cost_per_gpu_hour,
        },
        inputs=(
            *_inputs(read, levels=1),
            *_inputs(sets, levels=3),
            *_inputs(curves, levels=4),
            *_scores(results / "scores", arguments),
        ),
        outputs=lambda: [
            results / "report.html",
            results / "tables" / "matrix.tex",
            results / "tables" / "breakdown.csv",
            *sorted((results / "figures").iterdir()),
        ],
        varies={"report.html": "it tells how long the steps took, and when models were made"},
        code=code_of(
            "sparkle.reporting.report.write_report",
            "sparkle.reporting.figures.write_figures",
            "sparkle.reporting.latex.latex_matrix",
            "sparkle.reporting.breakdown.write_breakdown",
            "sparkle.reporting.costs.sum_up",
        ),
        packages=PAGES,
    )


def freeze_config(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    return Recipe(
        step="freeze-config",
        subject={},
        folder=output.parent,
        stem=output.stem,
        tree="",
        settings=settings.whole_config(arguments),
        inputs=(),
        outputs=lambda: [output],
        code={},
        packages=("pyyaml",),
    )


# Parts ----------------------------------------------------------------------------------------


def _values(chosen: Settings) -> dict[str, Any]:
    return chosen.model_dump(mode="json")


def _inputs(paths: Iterable[Path], levels: int) -> tuple[Input, ...]:
    """Inputs whose role is the last names of their path."""
    return tuple(Input("/".join(path.parts[-levels:]), path) for path in paths)


def _scores(folder: Path, arguments: argparse.Namespace) -> tuple[Input, ...]:
    found = []
    for row in arguments.rows:
        found += [folder / row / f"{name}.parquet" for name in arguments.evaluation_sets]
    return _inputs(found, levels=5)


def _task_modules(names: Iterable[str]) -> list[str]:
    return sorted({f"sparkle.tasks.{name}" for name in names})


def _modules_of_sets(sets: Iterable[Path]) -> list[str]:
    """Modules of the tasks and benchmarks that evaluation sets are of, by their manifests."""
    tasks: set[str] = set()
    for path in sets:
        try:
            tasks.update(
                kind.split("/")[0] for kind in read_json(path.with_suffix(".json"))["by_kind"]
            )
        except (SparkleError, KeyError):
            continue  # not made yet: the step itself will find out
    known = all_benchmarks()
    return sorted(module_of(n) if n in known else f"sparkle.tasks.{n}" for n in tasks)


def _base_weights(reference_file: Path) -> Input:
    """Base weights by their identity; the reference itself as long as there is none."""
    try:
        data = read_json(reference_file)
        return Input("base", reference_file.parent / data["path"], data["identity"])
    except (SparkleError, KeyError):
        return Input("base", reference_file)


def _training_data(dataset: Path) -> list[Input]:
    """The files of a train set with the hashes that its manifest gives."""
    manifest = dataset / "manifest.json"
    try:
        files: dict[str, str] = read_json(manifest)["files"]
    except (SparkleError, KeyError):
        return [Input("manifest", manifest)]
    return [Input(name, dataset / name, sha256) for name, sha256 in files.items()]


def _cell(folder: Path) -> dict[str, str]:
    model, train_set, seed = ("", "", "", *folder.absolute().parts)[-3:]
    return {"model": model, "train_set": train_set, "seed": seed.removeprefix("seed")}
