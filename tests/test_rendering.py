"""Pictures: pinned pixels, and things where the scene says they are."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from helpers import PUBLISHED
from PIL import Image

from sparkle.rendering import RenderSpec, render_array, render_png
from sparkle.rendering.png import encode_png
from sparkle.rendering.sprites import disc_sprite
from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.grid import GridScene
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import GridSpec, Scene, sample_scene

GRAY = (211, 211, 211)
DISCS = DiscScene(
    1.1, (Disc("N1", 2.5, 7.25), Disc("N2", 6.0, 3.33), Disc("N12", 8.9, 8.9, basic=False))
)
GRID = GridScene(3, start=1, end=9, missing=((1, 2),))
SCENES: list[Scene] = [DISCS, GRID]
EDGE = 90
SIZES = [80, 97, 448]


def pixels_hash(*arrays: np.ndarray) -> str:
    return hashlib.sha256(
        b"".join(np.rint(a).astype(np.uint8).tobytes() for a in arrays)
    ).hexdigest()


def dark_centroid(image: np.ndarray) -> tuple[float, float]:
    """(x, y) of all that is not white, y downwards, in pixels."""
    rows, columns = np.nonzero(image < 255)
    return columns.mean() + 0.5, rows.mean() + 0.5


def node_pixel(scene: GridScene, node: int, size: int) -> tuple[float, float]:
    column, row = (node - 1) // scene.size, (node - 1) % scene.size
    pitch = size / scene.size
    return (column + 0.5) * pitch, size - (row + 0.5) * pitch


# The pixels of the shipped data. A change here changes every dataset: weights made before it have
# seen other pictures.


def test_sprite_pixels_are_pinned() -> None:
    colour, alpha = disc_sprite("N7", 12.0, GRAY)
    assert colour.shape == (27, 27, 3) and alpha.shape == (27, 27, 1)
    assert pixels_hash(colour, alpha * 255)[:16] == "c25f52b43932eb0e"


@pytest.mark.parametrize(
    ("scene", "shape", "expected"),
    [
        (DISCS, (80, 80), "5a0994acded1ca47"),
        (GRID, (80, 80, 3), "6f21074629411917"),
        (GRID, (300, 300, 3), "a054ff15850afecc"),
    ],
)
def test_scene_pixels_are_pinned(scene: Scene, shape: tuple[int, ...], expected: str) -> None:
    image = render_array(scene, RenderSpec(size=shape[0]))
    assert image.dtype == np.uint8 and image.shape == shape
    assert pixels_hash(image)[:16] == expected


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scene", SCENES)
def test_png_decodes_to_the_same_pixels(scene: Scene, size: int) -> None:
    spec = RenderSpec(size=size)
    picture = Image.open(io.BytesIO(render_png(scene, spec)))
    picture.verify()
    decoded = Image.open(io.BytesIO(render_png(scene, spec)))
    assert decoded.format == "PNG" and decoded.size == (size, size)
    assert decoded.mode == ("L" if isinstance(scene, DiscScene) else "P")
    assert np.array_equal(
        np.asarray(decoded.convert("RGB")),
        np.asarray(Image.fromarray(render_array(scene, spec)).convert("RGB")),
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3, 3)])
def test_png_of_noise(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    decoded = Image.open(io.BytesIO(encode_png(pixels)))
    assert np.array_equal(np.asarray(decoded), pixels)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("x", "y"), [(2.0, 8.0), (5.0, 5.0), (3.33, 1.27), (8.81, 6.66)])
def test_a_disc_stands_at_its_coordinates(x: float, y: float, size: int) -> None:
    scale = size / 10
    image = render_array(DiscScene(1.0, (Disc("N1", x, y),)), RenderSpec(size=size))
    assert dark_centroid(image) == pytest.approx((x * scale, size - y * scale), abs=0.6)
    inside = np.count_nonzero(image < 255)
    assert inside == pytest.approx(np.pi * scale**2, rel=4 / scale)


def test_y_points_upwards() -> None:
    low = render_array(DiscScene(0.5, (Disc("N1", 5.0, 1.0),)), RenderSpec(size=80))
    assert (low[:40] == 255).all() and (low[40:] < 255).any()


def test_a_disc_at_the_edge_is_whole() -> None:
    spec = RenderSpec(size=100)
    corner = render_array(DiscScene(1.0, (Disc("N1", 1.0, 9.0),)), spec)
    middle = render_array(DiscScene(1.0, (Disc("N1", 5.0, 5.0),)), spec)
    assert np.array_equal(corner[:20, :20], middle[40:60, 40:60])


def test_distractors_look_like_all_others_and_labels_differ() -> None:
    spec = RenderSpec(size=80)
    basic, noise, other = (
        render_array(DiscScene(1.0, (disc,)), spec)
        for disc in (Disc("N1", 5, 5), Disc("N1", 5, 5, basic=False), Disc("N2", 5, 5))
    )
    assert np.array_equal(basic, noise)
    assert not np.array_equal(basic, other)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("nodes", [3, 5])
def test_grid_edges_touch_their_nodes_and_no_others_are_drawn(nodes: int, size: int) -> None:
    scene = sample_scene(
        GridSpec(size=nodes, missing_edges=3, min_hops=2), item_generator(1, "test", 0)
    )
    assert isinstance(scene, GridScene)
    image = render_array(scene, RenderSpec(size=size))
    whole = GridScene(nodes, scene.start, scene.end)
    for a, b in whole.edges():
        (x0, y0), (x1, y1) = node_pixel(scene, a, size), node_pixel(scene, b, size)
        shares = np.linspace(0.0, 1.0, 4 * size)
        columns = np.clip((x0 + shares * (x1 - x0)).astype(int), 0, size - 1)
        rows = np.clip((y0 + shares * (y1 - y0)).astype(int), 0, size - 1)
        line = image[rows, columns]
        drawn = not (line == 255).all(axis=-1).any()
        assert drawn is ((a, b) in scene.edges())
        assert (line[2 * size] == EDGE).all() is np.bool_(drawn)


@pytest.mark.parametrize("size", SIZES)
def test_start_is_green_and_end_is_red(size: int) -> None:
    image = render_array(GRID, RenderSpec(size=size)).astype(int)
    found = {}
    for node in range(1, 10):
        x, y = node_pixel(GRID, node, size)
        # Between label and outline: above the text, inside the disc.
        found[node] = image[int(y - 0.2 * size / 3), int(x)].tolist()
    for node, (red, green, blue) in found.items():
        assert (green > red + 40) is (node == GRID.start)
        assert (red > green + 40) is (node == GRID.end)
        assert node in (GRID.start, GRID.end) or red == green == blue


def test_every_label_of_the_largest_grid_is_drawn_differently() -> None:
    images = {disc_sprite(f"N{node}", 14.0, GRAY)[0].tobytes() for node in range(1, 65)}
    assert len(images) == 64


def test_published_scenes_keep_their_distance() -> None:
    for index in range(20):
        scene = sample_scene(PUBLISHED, item_generator(1, "test", index))
        assert isinstance(scene, DiscScene)
        places = [complex(disc.x, disc.y) for disc in scene.discs]
        assert all(0.5 <= v <= 9.5 for p in places for v in (p.real, p.imag))
        assert min(abs(p - q) for p in places for q in places if p != q) >= 3.0
