"""What kind of scene to draw: one frozen description, shared by config, tasks and synthesis."""

from __future__ import annotations

import json
from typing import Any, Literal, TypeAlias

import numpy as np

from sparkle.config.base import Closed
from sparkle.files import canonical_json, text_hash
from sparkle.scenes.discs import DiscScene, sample_discs
from sparkle.scenes.grid import GridScene, sample_grid

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


class GridSpec(Closed):
    """Parameters of :func:`sample_grid`."""

    kind: Literal["grid"] = "grid"
    size: int
    missing_edges: int
    min_hops: int


SceneSpec: TypeAlias = DiscSpec | GridSpec


def sample_scene(spec: SceneSpec, rng: np.random.Generator) -> Scene:
    """Draw one scene of the described kind."""
    settings: dict[str, Any] = spec.model_dump(exclude={"kind"})
    return sample_discs(rng, **settings) if spec.kind == "discs" else sample_grid(rng, **settings)


def scene_to_json(scene: Scene) -> str:
    """The scene as canonical JSON text."""
    return canonical_json(scene.to_dict())


def scene_from_json(text: str) -> Scene:
    """Inverse of :func:`scene_to_json`."""
    data = json.loads(text)
    return DiscScene.from_dict(data) if data["kind"] == "discs" else GridScene.from_dict(data)


def scene_hash(scene: Scene) -> str:
    """Hash of what can be seen: the order of the discs and their roles do not count."""
    data = scene.to_dict()
    if isinstance(scene, DiscScene):
        data["discs"] = sorted([d.label, d.x, d.y] for d in scene.discs)
    return text_hash(canonical_json(data))
