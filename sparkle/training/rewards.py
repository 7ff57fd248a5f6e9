"""Rewards for ``swift rlhf --rlhf_type grpo``: the verdicts of the tasks' own verifiers.

ms-swift imports this file by its path (``--external_plugins``) and finds the rewards by name. What
a verifier needs comes with each record, in the column ``verify`` of the dataset.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sparkle.datasets.merge import question_from_row
from sparkle.scenes.spec import scene_of
from sparkle.tasks import get_task

NAMES = ("correct", "valid", "format")


def rewards_of(verify: str, answer: str) -> dict[str, float]:
    """The three rewards of one answer, each 0 or 1.

    Args:
        verify: The question with its scene, as the merge writes it.
        answer: What the model wrote.

    Returns:
        ``correct``: right, by the verifier that also scores. ``valid``: it keeps the rules of a
        path or tour, the shortest or not; where a task has no such measure, the same as ``format``.
        ``format``: the parser finds an answer in it.
    """
    row = json.loads(verify)
    question = question_from_row(row)
    task = get_task(question.task)
    parsed = task.parse(answer, question)
    score = task.score(parsed, question, scene_of(row["scene"]))
    readable = float(parsed is not None)
    valid = score.extras.get("valid")
    return {
        "correct": float(score.correct),
        "valid": readable if valid is None else float(valid),
        "format": readable,
    }


def register(rewards: dict[str, Any], base: type) -> None:
    """Add the rewards to those of ms-swift, as ``sparkle_correct`` and so on.

    The log calls each by the name of its class: ``rewards/SparkleCorrect/mean``.
    """
    for name in NAMES:

        def call(
            self: Any,
            completions: Sequence[str],
            verify: Sequence[str],
            _name: str = name,
            **_: Any,
        ) -> list[float]:
            pairs = zip(verify, completions, strict=True)
            return [rewards_of(question, answer)[_name] for question, answer in pairs]

        own = type(f"Sparkle{name.capitalize()}", (base,), {"__call__": call})
        rewards[f"sparkle_{name}"] = own
