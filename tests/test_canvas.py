"""Canvases other than the published 10 x 10: places, labels, pixels, answers, errors."""

from __future__ import annotations

import io
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import PUBLISHED, evaluation_source, files_in, items, quiet, training_source
from PIL import Image
from scipy import ndimage

from sparkle.config.base import Ground, Style
from sparkle.datasets.glimpse import glimpse
from sparkle.datasets.statistics import describe_shards
from sparkle.datasets.synthesis import synthesize
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment, check_scenes
from sparkle.rendering import RenderSpec, render_array, render_png
from sparkle.reporting.overlay import answer_marks, marks
from sparkle.scenes.discs import DiscScene, check_room, sample_discs
from sparkle.scenes.randomness import item_draws
from sparkle.scenes.spec import scene_from_json, scene_hash, scene_to_json
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

CANVASES = (5.0, 20.0, 37.5)
ROWS = ("down", "", "top")
COLUMNS = ("left", "", "right")


def spec(canvas: float, **changes: Any) -> Any:
    """Discs as published, as large and as far apart in the picture."""
    scale = canvas / 10
    sizes = {"canvas": canvas, "radius": 0.5 * scale, "spacing": 3.0 * scale}
    return PUBLISHED.model_copy(update=sizes | changes)


def cell(scene: DiscScene, label: str, cuts: tuple[float, float]) -> str:
    """The cell by the share of the side that an object has on either side of it."""
    disc = scene.find(label)
    column, row = (sum(v / scene.canvas > cut for cut in cuts) for v in (disc.x, disc.y))
    return f"{ROWS[row]} {COLUMNS[column]}".strip() or "center"


@pytest.mark.parametrize("canvas", CANVASES)
@pytest.mark.parametrize(
    ("geometry", "cuts"), [("figure", (1 / 3, 2 / 3)), ("generator", (0.4, 0.6))]
)
def test_labels_by_shares_of_the_side(
    canvas: float, geometry: Any, cuts: tuple[float, float]
) -> None:
    asking = Asking(geometry=geometry)
    source = training_source(
        "localization", "direction", "distance", scene=spec(canvas), asking=asking
    )
    kinds, furthest = set(), 0.0
    for scene, questions in items(source, 60):
        assert isinstance(scene, DiscScene) and scene.canvas == canvas
        furthest = max(furthest, *(max(d.x, d.y) for d in scene.discs))
        names = [d.label for d in scene.basic]
        for question in questions:
            kinds.add(question.kind)
            subject = question.subject
            if question.kind == "cell":
                assert question.answer == cell(scene, subject["of"], cuts)
                disc = scene.find(subject["of"])
                shares = [abs(v / canvas - cut) for v in (disc.x, disc.y) for cut in cuts]
                assert question.difficulty == pytest.approx(canvas * min(shares))
            elif question.kind == "coordinate":
                disc = scene.find(subject["of"])
                assert question.answer == f"({disc.x:.2f}, {disc.y:.2f})"
            elif question.kind in ("shortest", "longest"):
                gaps = {
                    f"{a} and {b}": math.dist(scene.find(a)[1:3], scene.find(b)[1:3])
                    for a, b in itertools.combinations(names, 2)
                }
                pick = min if question.kind == "shortest" else max
                assert question.answer == pick(gaps, key=lambda pair: gaps[pair])
            elif question.task == "localization" and question.kind == "description":
                for name in names:  # all but one on a border
                    x, y = (v / canvas for v in scene.find(name)[1:3])
                    if min(abs(v - cut) for v in (x, y) for cut in cuts) < 1e-9:
                        continue
                    assert f"in the {cell(scene, name, cuts)} part" in question.answer
    assert {"cell", "coordinate", "shortest", "longest", "pair", "numeric"} <= kinds
    assert 0.85 * canvas < furthest <= 0.95 * canvas + 1e-9


@pytest.mark.parametrize("style", ["outlined", "figure"])
@pytest.mark.parametrize("ground", ["white", "transparent"])
def test_discs_are_found_within_half_a_pixel(style: Style, ground: Ground) -> None:
    for seed in range(10):
        scene = sample_discs(
            item_draws(seed, "p", 0), objects=6, distractors=2, radius=0.8, spacing=2.4,
            decimals=2, canvas=20.0,
        )  # fmt: skip
        data = render_png(scene, RenderSpec(size=448, style=style, ground=ground))
        decoded = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
        marked = (decoded[..., 3] > 0) & (decoded[..., :3] < 255).any(axis=2)
        regions, count = ndimage.label(marked)
        assert count == len(scene.discs) == 8
        found = ndimage.center_of_mass(marked, regions, range(1, count + 1))
        for disc in scene.discs:
            x, y = disc.x * 448 / 20, 448 - disc.y * 448 / 20
            gaps = [max(abs(x - column - 0.5), abs(y - row - 0.5)) for row, column in found]
            assert min(gaps) <= (0.5 + 0.125 if style == "outlined" else 0.25)


@pytest.mark.parametrize("ground", ["white", "transparent"])
@pytest.mark.parametrize("style", ["outlined", "figure"])
def test_twice_the_units_are_the_same_picture(style: Style, ground: Ground) -> None:
    scene, _ = items(evaluation_source("direction"), 1)[0]
    assert isinstance(scene, DiscScene)
    discs = tuple(d._replace(x=2 * d.x, y=2 * d.y) for d in scene.discs)
    twice = DiscScene(2 * scene.radius, discs, 2 * scene.canvas)
    render = RenderSpec(size=200, style=style, ground=ground)
    assert (render_array(scene, render) == render_array(twice, render)).all()
    assert scene_hash(scene) != scene_hash(twice)


def test_scenes_name_a_canvas_that_is_not_the_published_one() -> None:
    for canvas in (10.0, 20.0):
        scene = sample_discs(
            item_draws(3, "p", 0), objects=3, distractors=0, radius=0.5, spacing=3.0, decimals=2,
            canvas=canvas,
        )  # fmt: skip
        text = scene_to_json(scene)
        assert ('"canvas":20.0' in text) == (canvas == 20.0)
        assert scene_from_json(text) == scene
        moved = DiscScene(scene.radius, scene.discs, 15.0)
        assert scene_hash(moved) != scene_hash(scene)


@pytest.mark.parametrize(("canvas", "error", "correct"), [
    (20.0, 0.99, True), (20.0, 1.01, False), (5.0, 0.24, True), (5.0, 0.26, False),
])  # fmt: skip
def test_coordinates_are_right_within_a_twentieth(
    canvas: float, error: float, correct: bool
) -> None:
    task = get_task("localization")
    source = evaluation_source(
        "localization", scene=spec(canvas), options={"kinds": ("coordinate",)},
        asking=Asking(form="open"),
    )  # fmt: skip
    scene, (question,) = items(source, 1)[0]
    assert isinstance(scene, DiscScene)
    disc = scene.find(question.subject["of"])
    parsed = task.parse(f"({disc.x + error:.4f}, {disc.y:.4f})", question)
    assert task.score(parsed, question, scene).correct == correct


@pytest.mark.parametrize(
    ("name", "kind"), [("localization", "coordinate"), ("distance", "numeric")]
)
def test_random_numbers_span_the_canvas(name: str, kind: str) -> None:
    task = get_task(name)
    source = evaluation_source(name, scene=spec(40.0), options={"kinds": (kind,)})
    scene, (question,) = items(source, 1)[0]
    rng = np.random.default_rng(5)
    found = [task.chance(question, scene, rng).strip("()").split(", ") for _ in range(300)]
    values = [float(number) for answer in found for number in answer]
    assert 0 <= min(values) < 2 and 38 < max(values) <= 40


def test_places_and_marks_are_shares_of_the_canvas(tmp_path: Path) -> None:
    settings = training_source("localization", scene=spec(20.0), images=60)
    synthesize(settings, tmp_path / "shards", report=quiet)
    places = np.array(describe_shards(tmp_path / "shards").places)
    expected = np.zeros_like(places)
    for scene, _ in items(settings, 60):
        assert isinstance(scene, DiscScene)
        for disc in scene.discs:
            expected[int(20 - disc.y), int(disc.x)] += 1
    assert places.sum() == 180 and np.abs(places - expected).sum() <= 4  # on a bin's border
    seen = glimpse(tmp_path / "shards", 3)
    shown = seen.shown[0]
    scene, question = shown.scene, shown.questions[0]
    assert isinstance(scene, DiscScene) and question.kind == "cell"
    disc = scene.find(question.subject["of"])
    (ring,) = answer_marks(scene, question, f"({disc.x:.2f}, {disc.y:.2f})")
    assert ring.points[0] == pytest.approx((disc.x / 20, 1 - disc.y / 20))
    (box,) = answer_marks(scene, question, question.target)
    (left, bottom), (right, top) = box.points
    assert left <= disc.x / 20 <= right and top <= 1 - disc.y / 20 <= bottom
    assert marks(shown) == []  # several questions: nothing is drawn over the picture


def test_what_does_not_fit_is_refused_with_the_canvas(
    miniature: dict[str, Any], tmp_path: Path
) -> None:
    crowd = PUBLISHED.model_copy(update={"objects": 6, "canvas": 6.0})
    with pytest.raises(SparkleError, match=r"No room for 6 discs.*6 x 6 canvas") as error:
        synthesize(training_source("direction", scene=crowd), tmp_path, report=quiet)
    assert "scenes.canvas" in error.value.hint and files_in(tmp_path) == []
    check_room(count=6, radius=0.5, spacing=3.0, decimals=2, scenes=1000, canvas=20.0)
    miniature["scenes"] |= {"canvas": 4, "radius": 0.8, "spacing": 3.5}
    with pytest.raises(SparkleError, match="4 x 4 canvas"):
        check_scenes(Experiment.from_mapping(miniature))


@pytest.mark.parametrize(("changes", "words"), [
    ({"canvas": 3}, "canvas"),
    ({"canvas": 101}, "canvas"),
    ({"radius": 2.5}, "radius 2.5 is more than a fifth of the canvas"),
    ({"canvas": 5, "radius": 0.5, "spacing": 4.6}, "spacing 4.6 is more than nine tenths"),
])  # fmt: skip
def test_sizes_beyond_the_canvas_are_refused_by_the_config(
    miniature: dict[str, Any], changes: dict[str, float], words: str
) -> None:
    miniature["scenes"] |= changes
    with pytest.raises(SparkleError, match=words):
        Experiment.from_mapping(miniature)


def test_a_config_with_another_canvas_uses_it_everywhere(miniature: dict[str, Any]) -> None:
    miniature["scenes"] |= {"canvas": 20, "radius": 1.0, "spacing": 4.0}
    experiment = Experiment.from_mapping(miniature)
    check_scenes(experiment)
    sources = list(experiment.training_sources().values())
    sources += [experiment.evaluation_source(name) for name in experiment.synthetic_sets]
    assert {s.scene.canvas for s in sources if s.scene.kind == "discs"} == {20.0}
