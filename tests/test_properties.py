"""Properties of geometry, sampling, solvers and pictures, against independent oracles."""

from __future__ import annotations

import io
import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from sparkle.config.base import Geometry, Ground, Style
from sparkle.errors import SparkleError
from sparkle.rendering import RenderSpec, render_array, render_png
from sparkle.scenes.discs import Disc, DiscScene, distance, sample_discs
from sparkle.scenes.geometry import (
    CELLS,
    DIRECTIONS,
    cell_margin,
    cell_of,
    direction_margin,
    direction_of,
)
from sparkle.scenes.grid import GridScene, sample_grid, shortest_path
from sparkle.scenes.randomness import batch_draws, item_draws
from sparkle.scenes.spec import scene_from_json, scene_to_json
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking
from sparkle.tasks.tsp import _best_of_all, _held_karp, best_and_next, best_route, route_length

settings.register_profile(
    "sparkle", deadline=None, max_examples=60, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
settings.load_profile("sparkle")

geometries = st.sampled_from(["figure", "generator"])
seeds = st.integers(0, 2**63)
steps = st.integers(-900, 900)
places = st.integers(0, 1000).map(lambda k: k / 100)


# Geometry ---------------------------------------------------------------------------------------


@given(steps, steps, geometries, st.sampled_from([4, 8]), st.integers(1, 1000))
def test_directions_do_not_depend_on_length(
    dx: int, dy: int, geometry: Geometry, classes: int, factor: int
) -> None:
    assume((dx, dy) != (0, 0))
    name = direction_of(dx, dy, geometry, classes)
    assert direction_of(dx * factor, dy * factor, geometry, classes) == name
    assert name in DIRECTIONS


@given(steps, steps, geometries)
def test_a_quarter_turn_moves_on_two_classes(dx: int, dy: int, geometry: Geometry) -> None:
    assume((dx, dy) != (0, 0))
    assume(direction_margin(dx, dy, geometry) > 1e-9)
    place = DIRECTIONS.index(direction_of(dx, dy, geometry))
    assert direction_of(-dy, dx, geometry) == DIRECTIONS[(place + 2) % 8]
    assert direction_margin(-dy, dx, geometry) == pytest.approx(direction_margin(dx, dy, geometry))


@given(steps, steps, geometries, st.sampled_from([4, 8]), st.booleans())
def test_no_turn_within_the_margin_changes_the_direction(
    dx: int, dy: int, geometry: Geometry, classes: int, left: bool
) -> None:
    assume((dx, dy) != (0, 0))
    margin = direction_margin(dx, dy, geometry, classes)
    turned = complex(dx, dy) * np.exp(1j * math.radians((margin - 1e-6) * (1 if left else -1)))
    assume(margin > 1e-5)
    name = direction_of(dx, dy, geometry, classes)
    assert direction_of(turned.real, turned.imag, geometry, classes) == name
    beyond = complex(dx, dy) * np.exp(1j * math.radians(margin + 1e-6))
    other = complex(dx, dy) * np.exp(-1j * math.radians(margin + 1e-6))
    names = {direction_of(z.real, z.imag, geometry, classes) for z in (beyond, other)}
    assert names != {name}


@given(st.integers(1, 1000), geometries)
def test_exactly_opposite_has_a_direction(length: int, geometry: Geometry) -> None:
    for dy in (0.0, -0.0):
        assert direction_of(-length / 100, dy, geometry) == "left"
        assert direction_margin(-length / 100, dy, geometry) > 0


@given(places, places, geometries, st.floats(0, 2 * math.pi))
def test_no_move_within_the_margin_changes_the_cell(
    x: float, y: float, geometry: Geometry, angle: float
) -> None:
    margin = cell_margin(x, y, geometry)
    name = cell_of(x, y, geometry)
    assert name in CELLS and margin >= 0
    reach = margin * (1 - 1e-9)
    assert cell_of(x + reach * math.cos(angle), y + reach * math.sin(angle), geometry) == name


# Sampling ---------------------------------------------------------------------------------------


@given(
    seeds, st.integers(1, 6), st.integers(0, 2), st.floats(0.1, 1.0), st.floats(0.0, 1.5),
    st.integers(0, 4),
)  # fmt: skip
def test_discs_keep_their_distance_and_lie_inside(
    seed: int, objects: int, distractors: int, radius: float, gap: float, decimals: int
) -> None:
    spacing = 2 * radius + gap
    assume(objects + distractors <= 4 or spacing < 2.5)
    scene = sample_discs(
        item_draws(seed, "p", 0), objects=objects, distractors=distractors, radius=radius,
        spacing=spacing, decimals=decimals,
    )  # fmt: skip
    assert len(scene.basic) == objects and len(scene.discs) == objects + distractors
    assert {d.label for d in scene.discs} == {f"N{i + 1}" for i in range(len(scene.discs))}
    for disc in scene.discs:
        for value in (disc.x, disc.y):
            assert radius - 1e-9 <= value <= 10 - radius + 1e-9
            assert value == round(value, decimals)
    for a, b in itertools.combinations(scene.discs, 2):
        assert distance(a, b) >= spacing - 1e-9
    assert scene_from_json(scene_to_json(scene)) == scene


@given(seeds, st.integers(3, 12), st.integers(0, 5), st.integers(0, 2**40))
def test_an_item_is_the_same_in_every_batch(seed: int, count: int, place: int, first: int) -> None:
    place = min(place, count - 1)
    batch = list(batch_draws(seed, "p", first, count))[place]
    alone = item_draws(seed, "p", first + place)
    assert [batch.random() for _ in range(200)] == [alone.random() for _ in range(200)]


@given(seeds, st.integers(0, 30))
def test_draws_are_what_they_should_be(seed: int, count: int) -> None:
    rng = item_draws(seed, "p", 0)
    assert sorted(rng.permutation(count)) == list(range(count))
    assert 3 <= rng.integers(3, 5) < 5 and 0 <= rng.integers(4) < 4
    assert all(-1 <= v < 2 for v in rng.uniform(-1.0, 2.0, 10))
    assert set(rng.choice("ab", 5)) <= {"a", "b"}


def test_permutations_are_uniform() -> None:
    counts: dict[tuple[int, ...], int] = {}
    for rng in batch_draws(1, "p", 0, 6000):
        order = tuple(rng.permutation(3))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6 and all(850 < n < 1150 for n in counts.values())


@given(seeds, st.integers(3, 8), st.integers(0, 20), st.integers(1, 4), st.integers(1, 9))
def test_grids_are_connected_and_paths_optimal(
    seed: int, size: int, missing: int, hops: int, longest: int
) -> None:
    missing = min(missing, (size - 1) ** 2)
    scene = sample_grid(
        item_draws(seed, "p", 0), size=size, missing_edges=missing, min_hops=hops,
        max_length=longest,
    )  # fmt: skip
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(size, size), 1, ordering="sorted")
    graph.remove_edges_from(scene.missing)
    assert nx.is_connected(graph) and len(scene.missing) == missing
    for a, b, length in scene.weights:
        assert 1 <= length <= longest
        graph[a][b]["weight"] = length
    assert nx.shortest_path_length(graph, scene.start, scene.end) >= hops
    path = shortest_path(scene)
    assert (path[0], path[-1]) == (scene.start, scene.end)
    assert all(graph.has_edge(a, b) for a, b in itertools.pairwise(path))
    best = nx.dijkstra_path_length(graph, scene.start, scene.end)
    assert nx.path_weight(graph, path, "weight") if scene.weights else len(path) - 1 == best
    assert scene.path_length(path) == best
    assert scene_from_json(scene_to_json(scene)) == scene
    _check_all_optima(scene, graph)


def _check_all_optima(scene: GridScene, graph: nx.Graph) -> None:
    """Every optimal path is right, in both forms of answer; one step more is not."""
    task = get_task("spp")
    weight = "weight" if scene.weights else None
    optima = nx.all_shortest_paths(graph, scene.start, scene.end, weight=weight)
    options = [task.Options(answer="labels"), task.Options(answer="labels", reasoning=True)]
    for chosen in options:
        (question,) = task.training_questions(scene, item_draws(1, "q", 0), Asking(), chosen)
        assert task.score(task.parse(question.answer, question), question, scene).correct
        for path in itertools.islice(optima, 20):
            answer = ", ".join(f"N{node}" for node in path)
            assert task.score(task.parse(answer, question), question, scene).correct
            detour = ", ".join(f"N{n}" for n in (*path, path[-2], path[-1]))
            assert not task.score(task.parse(detour, question), question, scene).correct


# Tours ------------------------------------------------------------------------------------------


def lengths_by_force(scene: DiscScene, variant: str, start: str) -> list[float]:
    labels = [disc.label for disc in scene.basic]
    found = []
    for order in itertools.permutations(labels):
        if variant == "free" or order[0] == start:
            whole = [*order, order[0]] if variant == "closed" else list(order)
            found.append(route_length(scene, whole))
    return found


@given(seeds, st.integers(4, 8), st.sampled_from(["fixed_start", "free", "closed"]))
def test_tours_are_optimal(seed: int, objects: int, variant: str) -> None:
    scene = sample_discs(
        item_draws(seed, "p", 0), objects=objects, distractors=0, radius=0.3, spacing=1.0,
        decimals=2,
    )  # fmt: skip
    start = scene.basic[seed % objects].label
    route = best_route(scene, variant, start)
    assert sorted(route[:objects]) == sorted(disc.label for disc in scene.basic)
    assert variant == "free" or route[0] == start
    lengths = sorted(lengths_by_force(scene, variant, start))
    assert route_length(scene, route) == pytest.approx(lengths[0])
    longer = [length for length in lengths if length > lengths[0] * (1 + 1e-9)]
    _, gap = best_and_next(scene, variant, start)
    assert gap == pytest.approx(longer[0] / lengths[0] - 1, abs=1e-8)


def test_the_gap_to_the_next_route_is_the_same_by_force_and_by_programming() -> None:
    for seed, variant in itertools.product(range(30), ("fixed_start", "free", "closed")):
        scene = sample_discs(
            item_draws(seed, "p", 0), objects=4 + seed % 4, distractors=0, radius=0.2,
            spacing=1.0, decimals=seed % 3,
        )  # fmt: skip
        discs = scene.basic
        gaps = np.array([[distance(a, b) for b in discs] for a in discs])
        order, best, after = _best_of_all(gaps, variant)
        _, same_best, same_after = _held_karp(gaps, variant)
        assert same_best == pytest.approx(best) and same_after == pytest.approx(after)
        assert sorted(order) == list(range(len(discs)))


def test_routes_that_tie_are_not_the_next() -> None:
    square = [
        Disc("N1", 2.0, 2.0),
        Disc("N2", 2.0, 8.0),
        Disc("N3", 8.0, 8.0),
        Disc("N4", 8.0, 2.0),
    ]
    scene = DiscScene(0.5, tuple(square))
    # Along the sides 18, the next 12 + 6 sqrt 2; around 24, the next 12 + 12 sqrt 2.
    for variant, gap in (("fixed_start", (12 + 6 * math.sqrt(2)) / 18 - 1),
                         ("closed", (1 + math.sqrt(2)) / 2 - 1)):  # fmt: skip
        assert best_and_next(scene, variant, "N1")[1] == pytest.approx(gap)
    triangle = DiscScene(0.5, tuple(square[:3]))
    assert best_and_next(triangle, "closed", "N1")[1] is None  # one round trip, either way round


@pytest.mark.parametrize("variant", ["fixed_start", "free", "closed"])
def test_twelve_objects_on_a_ring(variant: str) -> None:
    angles = 2 * math.pi * np.arange(12) / 12
    order = np.random.default_rng(3).permutation(12)
    discs = [
        Disc(f"N{order[i] + 1}", 5 + 4 * math.cos(a), 5 + 4 * math.sin(a))
        for i, a in enumerate(angles)
    ]
    scene = DiscScene(0.5, tuple(discs))
    side = 2 * 4 * math.sin(math.pi / 12)
    length = route_length(scene, best_route(scene, variant, "N5"))
    assert length == pytest.approx(side * (12 if variant == "closed" else 11))


# Pictures ---------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    seeds, st.sampled_from([224, 300, 448]), st.sampled_from(["outlined", "figure"]),
    st.sampled_from(["white", "transparent"]), st.sampled_from([None, "train", "test"]),
)  # fmt: skip
def test_each_disc_is_found_within_half_a_pixel(
    seed: int, size: int, style: Style, ground: Ground, palette: str | None
) -> None:
    scene = sample_discs(
        item_draws(seed, "p", 0), objects=4, distractors=1, radius=0.5, spacing=1.4, decimals=2,
        palette=palette,  # type: ignore[arg-type]
    )  # fmt: skip
    data = render_png(scene, RenderSpec(size=size, style=style, ground=ground))
    decoded = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)
    marked = (decoded[..., 3] > 0) & (decoded[..., :3] < 255).any(axis=2)
    regions, count = ndimage.label(marked)
    assert count == len(scene.discs)
    scale = size / 10
    centroids = ndimage.center_of_mass(marked, regions, range(1, count + 1))
    found = [(column + 0.5, row + 0.5) for row, column in centroids]
    for disc in scene.discs:
        x, y = disc.x * scale, size - disc.y * scale
        gaps = [max(abs(x - cx), abs(y - cy)) for cx, cy in found]
        # The frozen sprites of ``outlined`` are an eighth of a pixel too large to one side.
        assert min(gaps) <= (0.5 + 0.125 if style == "outlined" else 0.25)


@settings(max_examples=30)
@given(seeds, st.sampled_from([60, 160]))
def test_the_fast_way_gives_the_pixels_of_plain_blending(seed: int, size: int) -> None:
    scene = sample_discs(
        item_draws(seed, "p", 0), objects=4, distractors=0, radius=0.8, spacing=1.65, decimals=2
    )
    one_by_one = np.full((size, size), 255, dtype=int)
    for disc in scene.discs:
        alone = render_array(DiscScene(scene.radius, (disc,)), RenderSpec(size=size))
        one_by_one = np.minimum(one_by_one, alone)
    together = render_array(scene, RenderSpec(size=size)).astype(int)
    # Where outlines of neighbours share a pixel both darken it, by blending once only.
    assert np.abs(together - one_by_one).max() <= 64
    assert (together <= one_by_one).all()


def test_too_many_colours_are_a_clear_error() -> None:
    with pytest.raises(SparkleError, match="5 discs.*colour.*yellow"):
        sample_discs(
            item_draws(1, "p", 0), objects=5, distractors=0, radius=0.5, spacing=1.0, decimals=2,
            palette="train",
        )  # fmt: skip
