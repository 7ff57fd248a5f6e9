"""Labels, worked out a second time by other means than the code's own."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from helpers import PUBLISHED, evaluation_source, items, training_source

from sparkle.config.base import Geometry
from sparkle.errors import SparkleError
from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.geometry import cell_of, direction_margin, direction_of
from sparkle.scenes.grid import GridScene, sample_grid
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking, Question, Score

RNG = np.random.default_rng(7)
GEOMETRIES: tuple[Geometry, ...] = ("figure", "generator")
UNIT_VECTORS = {
    "right": (1, 0), "top right": (1, 1), "top": (0, 1), "top left": (-1, 1),
    "left": (-1, 0), "down left": (-1, -1), "down": (0, -1), "down right": (1, -1),
}  # fmt: skip
# (angle in degrees, `figure`, `generator`, only diagonals). On a border: the next class.
ANGLES = [
    (0.0, "right", "right", "top right"),
    (11.24, "right", "right", "top right"),
    (11.26, "right", "top right", "top right"),
    (22.49, "right", "top right", "top right"),
    (22.51, "top right", "top right", "top right"),
    (45.0, "top right", "top right", "top right"),
    (67.49, "top right", "top right", "top right"),
    (67.51, "top", "top right", "top right"),
    (78.74, "top", "top right", "top right"),
    (78.76, "top", "top", "top right"),
    (89.99, "top", "top", "top right"),
    (90.0, "top", "top", "top left"),
    (101.24, "top", "top", "top left"),
    (101.26, "top", "top left", "top left"),
    (112.49, "top", "top left", "top left"),
    (112.51, "top left", "top left", "top left"),
    (157.49, "top left", "top left", "top left"),
    (157.51, "left", "top left", "top left"),
    (168.74, "left", "top left", "top left"),
    (168.76, "left", "left", "top left"),
    (179.99, "left", "left", "top left"),
    (180.0, "left", "left", "down left"),
    (180.01, "left", "left", "down left"),
    (191.24, "left", "left", "down left"),
    (191.26, "left", "down left", "down left"),
    (202.51, "down left", "down left", "down left"),
    (247.51, "down", "down left", "down left"),
    (258.74, "down", "down left", "down left"),
    (258.76, "down", "down", "down left"),
    (270.0, "down", "down", "down right"),
    (281.24, "down", "down", "down right"),
    (281.26, "down", "down right", "down right"),
    (292.51, "down right", "down right", "down right"),
    (337.49, "down right", "down right", "down right"),
    (337.51, "right", "down right", "down right"),
    (348.74, "right", "down right", "down right"),
    (348.76, "right", "right", "down right"),
    (359.99, "right", "right", "down right"),
]
# (coordinate, column in `figure`, column in `generator`); a border belongs to the next cell.
CUTS = [
    (0.0, 0, 0), (3.33, 0, 0), (3.34, 1, 0), (3.99, 1, 0), (4.0, 1, 1), (5.0, 1, 1),
    (5.99, 1, 1), (6.0, 1, 2), (6.66, 1, 2), (6.67, 2, 2), (10.0, 2, 2),
]  # fmt: skip
ROWS = (
    ("down left", "down", "down right"),
    ("left", "center", "right"),
    ("top left", "top", "top right"),
)
RECORDS = {
    "direction/pair": 3,
    "distance/longer": 1,
    "distance/longest": 1,
    "distance/numeric": 3,
    "distance/shorter": 1,
    "distance/shortest": 1,
    "localization/cell": 3,
    "localization/coordinate": 3,
    "description/whole": 1,
}
STEPS = {(0, 1): "up", (0, -1): "down", (-1, 0): "left", (1, 0): "right"}


def vector(degrees: float) -> tuple[float, float]:
    """Exact on the axes, where sine and cosine are not."""
    exact = {0.0: (2.0, 0.0), 90.0: (0.0, 2.0), 180.0: (-2.0, 0.0), 270.0: (0.0, -2.0)}
    return exact.get(degrees, (math.cos(math.radians(degrees)), math.sin(math.radians(degrees))))


def verdict(question: Question, scene: DiscScene | GridScene, answer: str) -> Score:
    task = get_task(question.task)
    return task.score(task.parse(answer, question), question, scene)


# Direction --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("degrees", "figure", "generator", "diagonal"), ANGLES)
def test_direction_by_table(degrees: float, figure: str, generator: str, diagonal: str) -> None:
    dx, dy = vector(degrees)
    assert direction_of(dx, dy, "figure") == figure
    assert direction_of(dx, dy, "generator") == generator
    assert {direction_of(dx, dy, geometry, 4) for geometry in GEOMETRIES} == {diagonal}


def test_the_negative_zero_of_a_difference_is_no_special_case() -> None:
    assert direction_of(-1.0, -0.0, "generator") == direction_of(-1.0, 0.0, "generator") == "left"
    assert direction_of(1.0, -0.0, "figure") == "right"


def test_direction_is_the_nearest_of_eight_unit_vectors() -> None:
    for dx, dy in RNG.normal(size=(500, 2)):
        cosines = {
            name: (dx * x + dy * y) / math.hypot(x, y) for name, (x, y) in UNIT_VECTORS.items()
        }
        assert direction_of(dx, dy, "figure") == max(cosines, key=cosines.__getitem__)


def test_opposite_vectors_have_opposite_directions() -> None:
    names = {xy: name for name, xy in UNIT_VECTORS.items()}
    for dx, dy in RNG.normal(size=(200, 2)):
        for geometry in GEOMETRIES:
            x, y = UNIT_VECTORS[direction_of(dx, dy, geometry)]
            assert direction_of(-dx, -dy, geometry) == names[-x, -y]


def test_direction_questions_run_from_the_second_to_the_first() -> None:
    for scene, questions in items(training_source("direction"), 30):
        for question in (q for q in questions if q.kind == "pair"):
            places = {disc.label: np.array([disc.x, disc.y]) for disc in scene.discs}
            step = places[question.subject["of"]] - places[question.subject["from"]]
            unit = {name: np.dot(step, xy) / np.hypot(*xy) for name, xy in UNIT_VECTORS.items()}
            assert question.answer == max(unit, key=unit.__getitem__)


def test_direction_prompts_say_which_object_is_meant() -> None:
    # In the same words in every template: the object asked about and the one to start from.
    orders = {
        "In which direction is {a} from {b}?", "Seen from {b}, where does {a} lie?",
        "Which way do you go from {b} to reach {a}?",
        "What is the direction of {a} relative to {b}?",
        "If you stand at {b}, in what direction do you find {a}?",
        "Name the direction that leads from {b} to {a}.",
    }  # fmt: skip
    seen = set()
    for _, questions in items(training_source("direction", asking=Asking(phrases="all")), 40):
        for question in (q for q in questions if q.kind == "pair"):
            of, start = question.subject["of"], question.subject["from"]
            seen.add(question.prompt.replace(of, "{a}").replace(start, "{b}"))
    assert seen == orders


# Localization -----------------------------------------------------------------------------------


@pytest.mark.parametrize("x", CUTS)
@pytest.mark.parametrize("y", CUTS)
def test_cells_by_table(x: tuple[float, int, int], y: tuple[float, int, int]) -> None:
    assert cell_of(x[0], y[0], "figure") == ROWS[y[1]][x[1]]
    assert cell_of(x[0], y[0], "generator") == ROWS[y[2]][x[2]]


@pytest.mark.parametrize(
    ("degrees", "directions", "gap"),
    [(350.0, 4, 10.0), (10.0, 4, 10.0), (95.0, 4, 5.0), (350.0, 8, 12.5), (0.0, 8, 22.5)],
)
def test_margins_are_measured_around_the_circle(
    degrees: float, directions: int, gap: float
) -> None:
    dx, dy = vector(degrees)
    assert direction_margin(dx, dy, "figure", directions) == pytest.approx(gap)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_cell_and_coordinate_questions(geometry: Geometry) -> None:
    cuts = {"figure": [10 / 3, 20 / 3], "generator": [4.0, 6.0]}[geometry]
    settings = training_source("localization", asking=Asking(geometry=geometry))
    for scene, questions in items(settings, 30):
        for question in (q for q in questions if q.kind != "description"):
            disc = scene.find(question.subject["of"])
            row, column = np.searchsorted(cuts, [disc.y, disc.x], side="right")
            place = f"({disc.x:.2f}, {disc.y:.2f})"
            assert question.answer == (ROWS[row][column] if question.kind == "cell" else place)
            assert disc.label in question.prompt


@pytest.mark.parametrize(
    ("offset", "correct"), [((0, 0), True), ((0.3, 0.3), True), ((0.4, 0.4), False)]
)
def test_coordinates_are_right_within_the_radius(
    offset: tuple[float, float], correct: bool
) -> None:
    settings = evaluation_source("localization", options={"kinds": ("coordinate",)})
    for scene, (question,) in items(settings, 5):
        disc = scene.find(question.subject["of"])
        score = verdict(question, scene, f"({disc.x + offset[0]:.2f}, {disc.y + offset[1]:.2f})")
        assert score.correct is correct
        assert score.extras["absolute_error"] == pytest.approx(math.hypot(*offset))


# Distance ---------------------------------------------------------------------------------------


def test_distance_questions_by_brute_force() -> None:
    picks = {"shortest": np.argmin, "shorter": np.argmin, "longest": np.argmax, "longer": np.argmax}
    seen: Counter[str] = Counter()
    for scene, questions in items(training_source("distance"), 40):
        places = {disc.label: np.array([disc.x, disc.y]) for disc in scene.discs}
        for question in (q for q in questions if q.kind != "description"):
            seen[question.kind] += 1
            pairs = question.subject["pairs"]
            assert all(label in question.prompt for pair in pairs for label in pair)
            lengths = [np.linalg.norm(places[a] - places[b]) for a, b in pairs]
            if question.kind == "numeric":
                assert question.answer == f"{lengths[0]:.2f}"
                continue
            assert len(pairs) == (2 if question.kind in ("shorter", "longer") else 3)
            assert question.answer == " and ".join(pairs[picks[question.kind](lengths)])
    assert seen == {**dict.fromkeys(picks, 40), "numeric": 120}


@pytest.mark.parametrize(("factor", "correct"), [(1.0, True), (1.09, True), (0.89, False)])
def test_numeric_distances_are_right_within_a_tenth(factor: float, correct: bool) -> None:
    settings = evaluation_source("distance", options={"kinds": ("numeric",)})
    for scene, (question,) in items(settings, 5):
        score = verdict(question, scene, f"{factor * float(question.target):.4f}")
        assert score.correct is correct


def test_tied_pairs_are_not_asked_about() -> None:
    corners = (Disc("N1", 1.0, 1.0), Disc("N2", 5.0, 1.0), Disc("N3", 1.0, 5.0))
    task = get_task("distance")
    asked = task.training_questions(DiscScene(0.5, corners), RNG, Asking(), task.Options())
    kinds = {question.kind for question in asked}
    assert "longest" in kinds and "shortest" not in kinds


# Records ----------------------------------------------------------------------------------------


def test_an_image_gives_the_published_seventeen_records() -> None:
    names = ("direction", "distance", "localization", "description")
    settings = training_source(*names, asking=Asking(descriptions=False))
    for _, questions in items(settings, 20):
        assert Counter(f"{q.task}/{q.kind}" for q in questions) == RECORDS
    assert sum(RECORDS.values()) == 17


@pytest.mark.parametrize(
    ("name", "count"), [("direction", 4), ("distance", 8), ("localization", 7)]
)
def test_a_capability_alone_has_a_description_of_its_own(name: str, count: int) -> None:
    for _, questions in items(training_source(name), 5):
        assert len(questions) == count
        assert [q.kind for q in questions].count("description") == 1


def test_without_numbers_no_answer_holds_a_decimal() -> None:
    names = ("direction", "distance", "localization", "description")
    settings = training_source(*names, asking=Asking(descriptions=False, numbers=False))
    for _, questions in items(settings, 5):
        assert len(questions) == 17 - 6
        assert not any(char in q.answer for q in questions for char in ("(", ".0", ".5"))


def test_the_description_holds_every_single_answer() -> None:
    names = ("direction", "distance", "localization", "description")
    for _, questions in items(training_source(*names), 5):
        (whole,) = (q.answer for q in questions if q.kind == "whole")
        for question in questions:
            if question.kind in ("coordinate", "numeric", "cell", "description"):
                assert question.answer in whole


def test_more_groups_ask_about_more_objects_but_never_twice() -> None:
    discs = PUBLISHED.model_copy(update={"objects": 3, "distractors": 2})
    asking = Asking(descriptions=False)
    counts = {}
    for groups in (1, 4):
        settings = training_source(
            "direction", "distance", "localization", scene=discs, asking=asking, groups=groups
        )
        found = items(settings, 10)
        for scene, questions in found:
            keys = [(q.kind, q.target, str(q.subject)) for q in questions]
            assert len(set(keys)) == len(keys)
            for question in questions:
                assert verdict(question, scene, question.answer).correct
        counts[groups] = sum(len(questions) for _, questions in found)
    assert counts[1] == 16 * 10
    assert 1.5 * counts[1] < counts[4] < 4 * counts[1]


# Shortest paths ---------------------------------------------------------------------------------


def full_grid(size: int) -> nx.Graph:
    """The grid by another construction: nodes are (column, row), labels column by column."""
    graph = nx.grid_2d_graph(size, size)
    order = {(column, row): size * column + row + 1 for column, row in graph}
    return nx.relabel_nodes(graph, order)


def write_path(path: list[int], size: int, answer: str) -> str:
    if answer == "labels":
        return ", ".join(f"N{node}" for node in path)
    places = [((node - 1) // size, (node - 1) % size) for node in path]
    return ", ".join(
        STEPS[b[0] - a[0], b[1] - a[1]] for a, b in zip(places, places[1:], strict=False)
    )


def ask_path(scene: GridScene, answer: str) -> Question:
    task = get_task("spp")
    options = task.Options(size=scene.size, answer=answer)
    (question,) = task.training_questions(scene, RNG, Asking(), options)
    return question


answers = pytest.mark.parametrize("answer", ["moves", "labels"])


def open_graph(scene: GridScene) -> nx.Graph:
    graph = full_grid(scene.size)
    graph.remove_edges_from(scene.missing)
    return graph


@answers
@pytest.mark.parametrize(
    ("size", "missing"), [(3, 0), (3, 2), (4, 0), (4, 5), (5, 0), (5, 10), (6, 0), (6, 20)]
)
def test_paths_against_all_simple_paths(size: int, missing: int, answer: str) -> None:
    detours = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scene = sample_grid(rng, size=size, missing_edges=missing, min_hops=2)
        graph, ends = open_graph(scene), (scene.start, scene.end)
        assert len(scene.missing) == missing and nx.is_connected(graph)
        hops = nx.shortest_path_length(graph, *ends)
        question = ask_path(scene, answer)
        assert hops >= 2 and question.difficulty == hops and question.subject["length"] == hops
        for path in itertools.islice(nx.all_shortest_paths(graph, *ends), 30):
            score = verdict(question, scene, write_path(path, size, answer))
            assert score.correct
            assert score.extras["valid"] == 1 and score.extras["optimality_gap"] == 0
        walks = nx.all_simple_paths(graph, *ends, cutoff=hops + 2)
        for path in itertools.islice((walk for walk in walks if len(walk) > hops + 1), 10):
            detours += 1
            score = verdict(question, scene, write_path(path, size, answer))
            assert not score.correct and score.extras["valid"] == 1
            assert score.extras["optimality_gap"] == pytest.approx(2 / hops)
    assert detours >= 8


@answers
@pytest.mark.parametrize(("size", "missing"), [(3, 4), (4, 8), (5, 12)])
def test_no_path_leads_through_a_missing_edge(size: int, missing: int, answer: str) -> None:
    blocked = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        scene = sample_grid(rng, size=size, missing_edges=missing, min_hops=2)
        question = ask_path(scene, answer)
        for path in nx.all_shortest_paths(full_grid(size), scene.start, scene.end):
            steps = {tuple(sorted(step)) for step in zip(path, path[1:], strict=False)}
            if steps & set(scene.missing):
                blocked += 1
                score = verdict(question, scene, write_path(path, size, answer))
                assert not score.correct and score.extras["valid"] == 0
                assert score.extras["optimality_gap"] is None
    assert blocked >= 8


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("moves", "up, up, up, up"),  # leaves the grid
        ("moves", "left"),
        ("moves", "up"),  # stops short
        ("moves", "up, up, right, right, up, down, left"),  # passes the end
        ("labels", "N1, N9"),  # jumps
        ("labels", "N2, N3, N6, N9"),  # starts elsewhere
        ("labels", "N1, N2, N3, N6"),  # stops short
        ("labels", "N9, N8, N7, N4, N1"),  # the wrong way round
        ("labels", "N1, N2, N99, N6, N9"),  # no such node
        ("labels", "N1, N1, N2, N3, N6, N9"),  # stands still
        ("labels", "N1, N2, N3, N4, N5, N6, N9"),  # N3 and N4 are no neighbours
    ],
)
def test_walks_that_are_no_path(answer: str, text: str) -> None:
    scene = GridScene(3, start=1, end=9)
    score = verdict(ask_path(scene, answer), scene, text)
    assert not score.correct and score.extras["valid"] == 0


def test_nodes_are_numbered_column_by_column_from_the_bottom_left() -> None:
    scene = GridScene(4, 1, 16)
    assert [scene.position(node) for node in (1, 2, 5, 16)] == [(0, 0), (0, 1), (1, 0), (3, 3)]
    assert nx.utils.graphs_equal(scene.graph(), full_grid(4))
    assert scene.node_at(4, 0) is None and scene.node_at(0, -1) is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 3, "missing_edges": 5, "min_hops": 1}, "can lose 4 edges, not 5"),
        ({"size": 2, "missing_edges": 0, "min_hops": 9}, "9 or more hops"),
    ],
)
def test_impossible_grids_are_clear_errors(settings: dict[str, int], words: str) -> None:
    with pytest.raises(SparkleError, match=words):
        sample_grid(np.random.default_rng(0), **settings)


# Tours ------------------------------------------------------------------------------------------


def all_routes(labels: list[str], variant: str, start: str) -> list[tuple[str, ...]]:
    orders = list(itertools.permutations(labels))
    if variant != "free":
        orders = [order for order in orders if order[0] == start]
    return [(*order, start) for order in orders] if variant == "closed" else orders


def lengths_of(routes: list[tuple[str, ...]], scene: DiscScene) -> np.ndarray:
    places = {disc.label: complex(disc.x, disc.y) for disc in scene.discs}
    stops = np.array([[places[label] for label in route] for route in routes])
    return np.abs(np.diff(stops, axis=1)).sum(axis=1)


@pytest.mark.parametrize("variant", ["fixed_start", "free", "closed"])
@pytest.mark.parametrize("objects", [4, 5, 6, 7])
def test_tours_against_all_permutations(objects: int, variant: str) -> None:
    discs = PUBLISHED.model_copy(update={"spacing": 2.0})
    options = {"objects": objects, "variant": variant}
    for scene, (question,) in items(evaluation_source("tsp", options=options, discs=discs), 4):
        labels = [disc.label for disc in scene.discs]
        assert len(labels) == objects
        routes = all_routes(labels, variant, question.subject["start"])
        lengths = lengths_of(routes, scene)
        best = lengths.min()
        for i in np.argsort(lengths)[[0, 1, 2, 3, -1]]:
            score = verdict(question, scene, ", ".join(routes[i]))
            gap = lengths[i] / best - 1
            assert score.correct is bool(gap < 1e-9)
            assert score.extras["valid"] == 1
            assert score.extras["optimality_gap"] == pytest.approx(gap, abs=1e-9)
        assert verdict(question, scene, question.answer).correct
        assert question.subject["length"] == pytest.approx(best)


SQUARE = DiscScene(
    0.5,
    (Disc("N1", 2.0, 2.0), Disc("N2", 2.0, 8.0), Disc("N3", 8.0, 8.0), Disc("N4", 8.0, 2.0)),
)


@pytest.mark.parametrize(("variant", "ties"), [("fixed_start", 2), ("free", 8), ("closed", 2)])
def test_all_tied_tours_are_right(variant: str, ties: int) -> None:
    task = get_task("tsp")
    subject = {"start": "N1"}
    question = Question("tsp", variant, "open", "", "", "", subject=subject)
    routes = all_routes(["N1", "N2", "N3", "N4"], variant, "N1")
    right = [r for r in routes if task.score(", ".join(r), question, SQUARE).correct]
    assert len(right) == ties


@pytest.mark.parametrize(
    ("variant", "text", "valid"),
    [
        ("fixed_start", "N1, N2, N3, N4", 1),
        ("fixed_start", "N2, N1, N3, N4", 0),  # starts elsewhere
        ("fixed_start", "N1, N2, N3", 0),  # leaves one out
        ("fixed_start", "N1, N2, N3, N3", 0),  # one twice
        ("fixed_start", "N1, N2, N3, N4, N5", 0),  # one that is not there
        ("fixed_start", "N1, N2, N3, N4, N1", 0),  # returns without being asked to
        ("free", "N4, N3, N2, N1", 1),
        ("free", "N4, N3, N2", 0),
        ("closed", "N1, N2, N3, N4, N1", 1),
        ("closed", "N1, N2, N3, N4", 1),  # the return goes without saying
        ("closed", "N2, N3, N4, N1, N2", 0),
        ("closed", "N1, N2, N3, N4, N3", 0),
        ("closed", "N1, N2, N3, N1", 0),
        ("closed", "N1", 0),
    ],
)
def test_which_tours_are_valid(variant: str, text: str, valid: int) -> None:
    question = Question("tsp", variant, "open", "", "", "", subject={"start": "N1"})
    score = verdict(question, SQUARE, text)
    assert score.extras["valid"] == valid
    assert (score.extras["optimality_gap"] is None) is (valid == 0)
