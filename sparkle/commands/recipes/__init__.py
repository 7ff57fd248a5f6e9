"""What each step's outputs depend on, from its command line: see :class:`Recipe`.

The workflow judges by these what has to run; the steps themselves write them down in their record.
"""

from __future__ import annotations

import argparse
import dataclasses
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sparkle.commands.recipes.answers import ask_endpoint, infer, reference
from sparkle.commands.recipes.data import (
    check_leaks,
    describe,
    merge_evaluation,
    merge_training,
    read_benchmark,
    synthesize,
)
from sparkle.commands.recipes.models import finetune, locate_model, pretrain, unpack_model
from sparkle.commands.recipes.results import freeze_config, report, score, tables
from sparkle.fingerprint import function_code
from sparkle.provenance.recipe import Recipe

__all__ = [
    "ask_endpoint", "check_leaks", "describe", "finetune", "freeze_config", "infer",
    "locate_model", "merge_evaluation", "merge_training", "pretrain", "read_benchmark",
    "reference", "report", "score", "synthesize", "tables", "unpack_model", "with_own_code",
    "words_of",
]  # fmt: skip

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
