"""Benchmarks by name. Every module of ``adapters`` that defines ``BENCHMARKS`` is registered."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from sparkle.config.evaluation import BenchmarkForm
from sparkle.errors import SparkleError
from sparkle.external import adapters
from sparkle.external.base import Benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.tasks import all_tasks, get_task
from sparkle.tasks.base import Task


@lru_cache(maxsize=1)
def all_benchmarks() -> dict[str, Benchmark]:
    """All registered benchmarks by name, in alphabetical order."""
    found: dict[str, Benchmark] = {}
    for module_info in pkgutil.iter_modules(adapters.__path__):
        module = importlib.import_module(f"{adapters.__name__}.{module_info.name}")
        for benchmark in getattr(module, "BENCHMARKS", ()):
            if benchmark.name in found or benchmark.name in all_tasks():
                raise SparkleError(
                    f"Two modules register the name '{benchmark.name}'.",
                    "Give each benchmark a name of its own.",
                )
            found[benchmark.name] = benchmark
    return dict(sorted(found.items()))


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of that name; an unknown one is an error that lists those there are."""
    try:
        return all_benchmarks()[name]
    except KeyError:
        raise SparkleError(
            f"There is no benchmark '{name}'.", f"Benchmarks: {', '.join(all_benchmarks())}."
        ) from None


def form_of(settings: BenchmarkSettings) -> BenchmarkForm:
    """The form of the questions, checked against those the benchmark has."""
    benchmark, chosen = get_benchmark(settings.chosen.benchmark), settings.chosen
    form = chosen.form or benchmark.forms[0]
    if form not in benchmark.forms:
        raise SparkleError(
            f"{settings.key}.form: {chosen.benchmark} cannot be asked as '{form}'.",
            f"Use one of: {', '.join(benchmark.forms)}.",
        )
    if chosen.circular and form != "choice":
        raise SparkleError(
            f"{settings.key}.circular: there is nothing to rotate in the form '{form}'.",
            "Set 'form: choice', or remove 'circular'.",
        )
    return form


def find_task(name: str) -> Task:
    """What judges the answers of a row: a synthetic task or a benchmark."""
    return all_benchmarks()[name] if name in all_benchmarks() else get_task(name)


def module_of(name: str) -> str:
    """The module that defines a benchmark, for fingerprints of code."""
    return type(get_benchmark(name)).__module__
