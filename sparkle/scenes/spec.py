"""What kind of scene to draw: one frozen description, shared by config, tasks and synthesis."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, TypeAlias

from sparkle.config.base import Closed, Palette
from sparkle.files import text_hash
from sparkle.scenes.discs import DiscScene, check_room, sample_discs
from sparkle.scenes.geometry import CANVAS
from sparkle.scenes.grid import GridScene, Part, sample_grid
from sparkle.scenes.randomness import Rng, item_generator

Scene: TypeAlias = DiscScene | GridScene


class DiscSpec(Closed):
    """Parameters of :func:`sample_discs`."""

    kind: Literal["discs"] = "discs"
    objects: int
    distractors: int
    radius: float
    spacing: float
    decimals: int
    labels: int | None = None
    palette: Palette | None = None
    canvas: float = CANVAS


class GridSpec(Closed):
    """Parameters of :func:`sample_grid`."""

    kind: Literal["grid"] = "grid"
    size: int
    missing_edges: int
    min_hops: int
    max_length: int = 1
    part: Part | None = None


SceneSpec: TypeAlias = DiscSpec | GridSpec


def sample_scene(spec: SceneSpec, rng: Rng) -> Scene:
    """Draw one scene of the described kind."""
    return sampler(spec)(rng)


def sampler(spec: SceneSpec) -> Callable[[Rng], Scene]:
    """A function that draws scenes of the described kind."""
    settings: dict[str, Any] = spec.model_dump(exclude={"kind"})
    return partial(sample_discs if spec.kind == "discs" else sample_grid, **settings)


def check_scenes(spec: SceneSpec, scenes: int) -> None:
    """Make sure that so many scenes can be drawn, before any is.

    Raises:
        SparkleError: They cannot; the message has the numbers.
    """
    if spec.kind == "discs":
        check_room(
            count=spec.objects + spec.distractors,
            radius=spec.radius,
            spacing=spec.spacing,
            decimals=spec.decimals,
            scenes=scenes,
            canvas=spec.canvas,
        )
    sample_scene(spec, item_generator(0, "check", 0))


def scene_to_json(scene: Scene) -> str:
    """The scene as canonical JSON text."""
    return scene.texts()[0]


def scene_from_json(text: str) -> Scene:
    """Inverse of :func:`scene_to_json`."""
    data = json.loads(text)
    return DiscScene.from_dict(data) if data["kind"] == "discs" else GridScene.from_dict(data)


def scene_of(text: str) -> Scene | None:
    """The scene in a row of an evaluation dataset; None for a picture from a file."""
    return scene_from_json(text) if text else None


def scene_hash(scene: Scene) -> str:
    """Hash of what can be seen: the order of the discs and their roles do not count."""
    return text_hash(scene.texts()[1])


def scene_record(scene: Scene) -> tuple[str, str]:
    """The scene as canonical JSON text and its hash, in one go."""
    text, visible = scene.texts()
    return text, text_hash(visible)
