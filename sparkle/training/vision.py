"""The first lesson of the embedded model: its vision tower learns to read and to locate.

Real models start from a vision tower that was trained before (CLIP, SigLIP). A tower that starts
from noise would have to learn to read labels through the language model, which takes hours. So
tower and projector are trained alone first, on a dense task: each image patch that a disc covers
says which label the disc has, by likeness to the label's word, and where its centre is, as a point
and as the digits that the language model will have to write.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoTokenizer, LlavaForConditionalGeneration

from sparkle.config.models import VisionLesson
from sparkle.models.embedded import lookup_rotation
from sparkle.rendering.draw import RenderSpec, render_array
from sparkle.scenes.discs import DiscScene, sample_discs
from sparkle.scenes.geometry import CANVAS
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import DiscSpec
from sparkle.training.settings import PretrainingSettings

_MOST_OBJECTS = 6
_SHARPNESS = 12.0  # from cosine likeness to logits
_GRID = 5
_AXIS = 11
"""A place is told by bumps on a coarse grid, and by finer ones along either axis."""
_LENGTH = 8.0
"""Length of the label's part and of the place's part of a picture's vector."""
_REACH = 0.8
"""A patch belongs to a disc whose centre is at most so many canvas units from the patch's."""


def teach_vision(
    folder: Path, settings: PretrainingSettings, report: Callable[[str], None]
) -> None:
    """Train tower and projector of the model in ``folder`` and save it there.

    The scenes have one to six discs, at most one per label, spaced as in the perception images.
    """
    lesson, seed = settings.vision, settings.seed
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums in a fixed order: the same weights on every machine of a kind
    model = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)
    words = _words(folder, model, settings)
    sizes = settings.architecture
    images, classes, places = _lessons(settings, sizes.image_size // sizes.patch_size)
    codes = place_codes(sizes.text_width, seed)
    tower, projector = model.model.vision_tower, model.model.multi_modal_projector
    weights = [*tower.parameters(), *projector.parameters()]
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=0.02, fused=True)
    order = np.random.Generator(np.random.Philox(seed))
    queue: list[int] = []
    for step in range(lesson.steps):
        if len(queue) < lesson.batch_size:
            queue = order.permutation(lesson.images).tolist()
        batch = [queue.pop() for _ in range(lesson.batch_size)]
        rate = _learning_rate(lesson, step)
        for group in optimiser.param_groups:
            group["lr"] = rate
        features = _features(model, images[batch])
        loss, right = _loss(features, words, codes, classes[batch], places[batch])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        if (step + 1) % 100 == 0:
            report(
                f"vision: step {step + 1}/{lesson.steps}, loss {loss.item():.3f},"
                f" labels {100 * right:.0f} % right"
            )
    model.save_pretrained(folder)


def _words(
    folder: Path, model: LlavaForConditionalGeneration, settings: PretrainingSettings
) -> torch.Tensor:
    """Where the picture of each label belongs, (labels, width): its word, rotated, of length 1."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    embeddings = model.model.language_model.embed_tokens.weight
    names = [f"N{number}" for number in range(1, settings.labels + 1)]
    inside = [tokenizer.encode(f" {name}", add_special_tokens=False)[0] for name in names]
    first = [tokenizer.encode(name, add_special_tokens=False)[0] for name in names]
    with torch.no_grad():
        embeddings[first] = embeddings[inside]  # a label is the same with and without its blank
        rotation = lookup_rotation(embeddings.shape[1], settings.seed)
        return functional.normalize(embeddings[inside] @ rotation.T, dim=-1)


def _features(model: LlavaForConditionalGeneration, images: torch.Tensor) -> torch.Tensor:
    # The image processor's numbers: white is 0, black is -1 / 0.3.
    pixels = images.float().div(255).sub(1.0).div(0.3)[:, None].expand(-1, 3, -1, -1)
    states = model.model.vision_tower(pixel_values=pixels, output_hidden_states=True).hidden_states
    features: torch.Tensor = model.model.multi_modal_projector(states[-1])
    return features


def place_codes(width: int, seed: int) -> torch.Tensor:
    """Random orthonormal directions, (bumps + 1, width): of each bump, and of empty ground."""
    generator = torch.Generator().manual_seed(seed + 1)
    square = torch.randn(width, width, generator=generator)
    rows: torch.Tensor = torch.linalg.qr(square)[0][: _GRID**2 + 2 * _AXIS + 1]
    return rows


def place_bumps(places: torch.Tensor) -> torch.Tensor:
    """Heights of the bumps at places (n, 2) in canvas units: (n, bumps), of length 1 each."""
    middles = torch.linspace(1.0, CANVAS - 1.0, _GRID)
    coarse = torch.exp(-(((places[:, :, None] - middles) / 2.0) ** 2))
    grid = (coarse[:, 0, :, None] * coarse[:, 1, None, :]).flatten(1)
    ticks = torch.linspace(0.0, CANVAS, _AXIS)
    fine = torch.exp(-((places[:, :, None] - ticks) ** 2)).flatten(1)
    parts = (functional.normalize(grid, dim=-1), functional.normalize(fine, dim=-1))
    return torch.cat(parts, dim=-1) / math.sqrt(2.0)


def _loss(
    features: torch.Tensor,
    words: torch.Tensor,
    codes: torch.Tensor,
    classes: torch.Tensor,
    places: torch.Tensor,
) -> tuple[torch.Tensor, float]:
    codes, nothing = codes[:-1], codes[-1]
    kinds = torch.cat((nothing[None], words))
    scores = _SHARPNESS * functional.normalize(features, dim=-1) @ kinds.T
    reading = functional.cross_entropy(scores.flatten(0, -2), classes.flatten())
    covered = classes > 0
    told = place_bumps(places[covered]) @ codes
    wanted = _LENGTH * (words[classes[covered] - 1] + told)
    locating = (features[covered] - wanted).pow(2).sum(-1).mean() / _LENGTH**2
    ground = (features[~covered] - _LENGTH * nothing).pow(2).sum(-1).mean() / _LENGTH**2
    right = (scores.argmax(-1) == classes)[covered].float().mean()
    return reading + locating + 0.3 * ground, float(right)


def _learning_rate(lesson: VisionLesson, step: int) -> float:
    rise = min(1.0, (step + 1) / 50)
    fall = 0.5 + 0.5 * math.cos(math.pi * step / lesson.steps)
    return lesson.learning_rate * rise * fall


def _lessons(
    settings: PretrainingSettings, side: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images (n, size, size) uint8, labels per patch (n, patches), places (n, patches, 2)."""
    spec = settings.lessons[0].sources[0].scene
    assert isinstance(spec, DiscSpec)
    render = RenderSpec(size=settings.architecture.image_size)
    images, classes, places = [], [], []
    for index in range(settings.vision.images):
        rng = item_generator(settings.seed, "vision", index)
        scene = sample_discs(
            rng,
            objects=int(rng.integers(1, min(_MOST_OBJECTS, settings.labels) + 1)),
            distractors=0,
            radius=spec.radius,
            spacing=spec.spacing,
            decimals=spec.decimals,
            labels=settings.labels,
        )
        images.append(render_array(scene, render))
        label, place = _targets(scene, side)
        classes.append(label)
        places.append(place)
    return (
        torch.from_numpy(np.stack(images)),
        torch.from_numpy(np.stack(classes)),
        torch.from_numpy(np.stack(places)),
    )


def _targets(scene: DiscScene, side: int) -> tuple[np.ndarray, np.ndarray]:
    """For each patch, row by row from the top: label number (0 = none) and place in units."""
    cell = CANVAS / side
    middles = (np.arange(side) + 0.5) * cell
    xs, ys = np.meshgrid(middles, CANVAS - middles)
    nearest = np.full((side, side), np.inf)
    label = np.zeros((side, side), dtype=np.int64)
    place = np.zeros((side, side, 2), dtype=np.float32)
    for disc in scene.discs:
        dx, dy = np.abs(xs - disc.x), np.abs(ys - disc.y)
        gap = np.hypot(dx, dy)
        inside = np.maximum(dx, dy) <= cell / 2 + 1e-9
        mine = (inside | (gap < _REACH)) & (gap < nearest)
        nearest[mine] = gap[mine]
        label[mine] = int(disc.label[1:])
        place[mine] = (disc.x, disc.y)
    return label.reshape(-1), place.reshape(-1, 2)
