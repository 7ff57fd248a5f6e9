"""What the outputs of the steps that make data depend on."""

from __future__ import annotations

import argparse
from pathlib import Path

from sparkle.commands import settings
from sparkle.commands.recipes.parts import DATA, DRAWING, inputs_of, task_modules, values_of
from sparkle.external.registry import module_of
from sparkle.files import read_json
from sparkle.fingerprint import code_of
from sparkle.provenance.recipe import Input, Recipe
from sparkle.provenance.record import SUFFIX
from sparkle.provenance.store import present


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
        settings=values_of(source),
        options={"job": arguments.job, "jobs": arguments.jobs},
        outputs=outputs,
        code=code_of(
            "sparkle.datasets.synthesis.synthesize",
            *task_modules(use.name for use in source.tasks),
        ),
        packages=DRAWING,
        seeds={"data": source.seed},
        stored=True,
    )


def merge_training(arguments: argparse.Namespace) -> Recipe:
    chosen = settings.merge(arguments)
    folder: Path = arguments.output

    def outputs() -> list[Path]:
        parts = sorted((folder / "data").glob("*.parquet"))
        return [folder / "manifest.json", *parts, folder / "scenes.parquet", folder / "README.md"]

    return Recipe(
        step="merge-training",
        subject={"train_set": chosen.train_set},
        folder=folder,
        tree="data/training/*",
        settings=values_of(chosen),
        inputs=_shards_of(arguments),
        outputs=outputs,
        code=code_of("sparkle.datasets.merge.merge_training", *_CARD),
        packages=DATA,
        seeds={"data": chosen.seed},
        stored=True,
    )


def _shards_of(arguments: argparse.Namespace) -> tuple[Input, ...]:
    """The manifests of all jobs that have made shards for a merge."""
    groups = settings.job_manifests(arguments.sources)
    return inputs_of([path for group in groups for path in group], levels=2)


_CARD = ("sparkle.datasets.card.write_merged_card", "sparkle.datasets.merged.open_dataset")


def merge_evaluation(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    scenes = output.parent / "scenes" / output.name
    return Recipe(
        step="merge-evaluation",
        subject={"evaluation_set": output.stem},
        folder=output.parent,
        stem=output.stem,
        tree="data/evaluation",
        options={"name": output.stem},
        inputs=_shards_of(arguments),
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
        settings=values_of(benchmark),
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
        folder=arguments.output.parent,
        stem=arguments.output.stem,
        tree="data",
        inputs=inputs_of(read, levels=3),
        outputs=lambda: [arguments.output],
        code=code_of("sparkle.datasets.leaks.check_leaks"),
        packages=DATA,
    )


def describe(arguments: argparse.Namespace) -> Recipe:
    output: Path = arguments.output
    read: list[Path] = []
    for path in arguments.datasets:
        # A merged train set, shards of several jobs, or a file.
        manifests = [p for p in [path / "manifest.json"] if present(p).exists()]
        jobs = [p for p in path.glob("job-*.json") if not p.name.endswith(SUFFIX)]
        read += manifests or sorted(jobs) or [path]
    return Recipe(
        step="describe",
        folder=output.parent,
        stem=output.stem,
        tree="data",
        options={"title": arguments.title},
        inputs=inputs_of(read, levels=3),
        outputs=lambda: [output, output.with_suffix(".json")],
        code=code_of(
            "sparkle.datasets.statistics", "sparkle.reporting.distributions.write_distributions"
        ),
        packages=(*DATA, "jinja2", "pillow"),
    )
