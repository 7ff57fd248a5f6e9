"""Where the solved examples of few-shot prompts come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sparkle.config.inference import Prompting
from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.synthesis import make_items
from sparkle.rendering.draw import render_png
from sparkle.scenes.spec import scene_hash


def example_pool(
    rows: Sequence[dict[str, Any]], source: SourceSettings | None, prompting: Prompting
) -> Sequence[dict[str, Any]]:
    """What examples for the questions ``rows`` are taken from.

    Args:
        source: How pictures for examples alone are drawn; without one (a set that was read from
            files, or ``examples: same_set``) the pool is the set itself.

    Returns:
        Rows with the columns that prompts need. Of drawn ones, none shows a scene of the set.
    """
    if source is None or prompting.style != "few_shot":
        return rows
    tested = {row["scene_hash"] for row in rows}
    pool = []
    for scene, (question,) in make_items(source, 0, source.images):
        name = scene_hash(scene)
        if name not in tested:
            image = render_png(scene, source.render)
            pool.append({**question._asdict(), "image": image, "scene_hash": name})
    return pool
