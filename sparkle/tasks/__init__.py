"""Tasks, one file each. Every module of this package that defines a ``TASK`` is registered."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from sparkle.errors import SparkleError
from sparkle.tasks.base import Task


@lru_cache(maxsize=1)
def all_tasks() -> dict[str, Task]:
    """All registered tasks by name, in alphabetical order."""
    found: dict[str, Task] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        task = getattr(module, "TASK", None)
        if task is None:
            continue
        if task.name in found:
            raise SparkleError(
                f"Two modules of sparkle.tasks register the name '{task.name}'.",
                "Give each task a name of its own.",
            )
        found[task.name] = task
    return dict(sorted(found.items()))


def get_task(name: str) -> Task:
    """The task of that name; an unknown one is an error that lists those there are."""
    try:
        return all_tasks()[name]
    except KeyError:
        raise SparkleError(
            f"There is no task '{name}'.", f"Registered tasks: {', '.join(all_tasks())}."
        ) from None
