"""What is drawn over a picture to check its answer by eye: routes, arrows, lines, regions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from sparkle.config.base import Geometry
from sparkle.datasets.glimpse import Asked, Shown
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.geometry import CANVAS, CELLS, DIRECTIONS, cell_cuts
from sparkle.scenes.grid import MOVES, GridScene
from sparkle.scenes.spec import Scene
from sparkle.tasks.parsing import parse_labels, parse_moves, parse_point

Point = tuple[float, float]
"""x and y as fractions of the picture's side, from its top left corner."""

_NODE_RADIUS = 0.3
"""Radius of a grid node as a fraction of the distance between neighbours, as rendering has it."""
_LEAST_STOPS = 3
_LEAST_ARROW = 0.08
"""Least length of an arrow, as a fraction of the side."""
_MARGIN = 0.02
"""How near to the border an arrow may end."""


@dataclass(frozen=True)
class Mark:
    """One drawn thing.

    ``arrow`` and ``line`` go from the first point to the second; ``ring`` is around its one point
    with ``radius`` (a fraction of the side); ``rule`` is a faint border line; ``box`` has its two
    points as opposite corners.
    """

    shape: Literal["arrow", "line", "ring", "rule", "box"]
    points: tuple[Point, ...]
    radius: float = 0.0


def marks(shown: Shown) -> list[Mark]:
    """What to draw over a picture.

    A route is drawn whenever an answer is one; what the other questions are about only where the
    picture has a single question, for otherwise it would be hidden under the marks.
    """
    if shown.scene is None:
        return []
    for question in shown.questions:
        route = _route(shown.scene, question)
        if route:
            return _along(shown.scene, route)
    if len(shown.questions) == 1 and isinstance(shown.scene, DiscScene):
        return _about(shown.scene, shown.questions[0])
    return []


def answer_marks(scene: Scene, question: Asked, answer: str) -> list[Mark]:
    """What an answer, right or wrong, claims about a picture; nothing where it claims no place.

    Args:
        question: What was asked; its own target plays no part.
        answer: An answer in canonical form, as parsers return it.
    """
    claimed = replace(question, target=answer)
    route = _route(scene, claimed)
    if isinstance(scene, GridScene):
        # From centre to centre: between the rims of so near nodes there is hardly a line to see.
        steps = list(pairwise(route))
        return [Mark("line", step) for step in steps[:-1]] + [Mark("arrow", s) for s in steps[-1:]]
    if route:
        return _along(scene, route)
    discs = _centres(scene)
    radius, subject = _radius(scene), question.subject
    point = parse_point(answer) if answer.startswith("(") else None
    if point is not None:
        place = (point[0] / scene.canvas, 1 - point[1] / scene.canvas)
        return [Mark("ring", (place,), 0.3 * radius)]
    pair = answer.split(" and ")
    if len(pair) == 2 and all(name in discs for name in pair):
        return [_between("line", discs[pair[0]], discs[pair[1]], radius)]
    if subject.get("from") in discs and subject.get("of") in discs and answer in DIRECTIONS:
        start, end = discs[subject["from"]], discs[subject["of"]]
        aim = end if answer == question.target else _aim(start, end, answer, radius)
        return [_between("arrow", start, aim, radius)]
    if "geometry" in subject and "from" not in subject and answer in CELLS:
        return [_cell(answer, subject["geometry"])]
    return []


def _aim(start: Point, end: Point, direction: str, radius: float) -> Point:
    """Where an arrow in the middle of a direction's sector ends: inside the picture, unless it
    would be too short there to be seen."""
    angle, length = math.radians(45 * DIRECTIONS.index(direction)), math.dist(start, end)
    way = (math.cos(angle), -math.sin(angle))
    room = [
        ((_MARGIN if step < 0 else 1 - _MARGIN) - place) / step
        for place, step in zip(start, way, strict=True)
        if abs(step) > 1e-9
    ]
    # From rim to tip, past the head of the arrow; `_between` takes the radius off both ends.
    reach = max(min(length, *room), 2 * 1.08 * radius + _LEAST_ARROW)
    return start[0] + reach * way[0], start[1] + reach * way[1]


def _cell(name: str, geometry: Geometry) -> Mark:
    row, column = divmod(CELLS.index(name), 3)
    edges = (0.0, *_cuts(geometry), 1.0)
    corners = ((edges[column], 1 - edges[row]), (edges[column + 1], 1 - edges[row + 1]))
    return Mark("box", corners)


def _route(scene: Scene, question: Asked) -> list[Point]:
    """The centres that an answer visits, or nothing where it is no route."""
    if isinstance(scene, GridScene):
        return [_node(scene, node) for node in _walk(scene, question.target)]
    known = _centres(scene)
    stops = question.target.split(", ")
    routed = question.task in (None, "tsp") and len(stops) >= _LEAST_STOPS
    return [known[stop] for stop in stops] if routed and all(s in known for s in stops) else []


def _walk(scene: GridScene, text: str) -> list[int]:
    labels = parse_labels(text, least=2)
    if labels:
        return [int(label[1:]) for label in labels if int(label[1:]) <= scene.size**2]
    nodes = [scene.start]
    for move in parse_moves(text):
        column, row = scene.position(nodes[-1])
        node = scene.node_at(column + MOVES[move][0], row + MOVES[move][1])
        if node is None:
            break
        nodes.append(node)
    return nodes if len(nodes) > 1 else []


def _node(scene: GridScene, node: int) -> Point:
    column, row = scene.position(node)
    return (column + 0.5) / scene.size, 1 - (row + 0.5) / scene.size


def _centres(scene: DiscScene) -> dict[str, Point]:
    side = scene.canvas
    return {disc.label: (disc.x / side, 1 - disc.y / side) for disc in scene.discs}


def _radius(scene: Scene) -> float:
    """Radius of a disc or node as a fraction of the side."""
    if isinstance(scene, GridScene):
        return _NODE_RADIUS / scene.size
    return scene.radius / scene.canvas


def _along(scene: Scene, route: Sequence[Point]) -> list[Mark]:
    """A ring around the start, and arrows from rim to rim, so that labels stay legible."""
    radius = _radius(scene)
    arrows = [_between("arrow", a, b, radius) for a, b in pairwise(route)]
    return [Mark("ring", (route[0],), 1.2 * radius), *arrows]


def _between(shape: Literal["arrow", "line"], a: Point, b: Point, radius: float) -> Mark:
    length = math.dist(a, b)
    share = min(radius * 1.08 / length, 0.4) if length else 0.0
    dx, dy = (b[0] - a[0]) * share, (b[1] - a[1]) * share
    return Mark(shape, ((a[0] + dx, a[1] + dy), (b[0] - dx, b[1] - dy)))


def _about(scene: DiscScene, question: Asked) -> list[Mark]:
    """What a question of a basic task is about."""
    discs = _centres(scene)
    subject, radius = question.subject, _radius(scene)
    of = subject.get("of")
    if of in discs and subject.get("from") in discs:
        return [_between("arrow", discs[subject["from"]], discs[of], radius)]
    answered = question.target.split(" and ")
    pairs = [answered] if len(answered) == 2 else subject.get("pairs", [])
    known = [(a, b) for a, b in pairs if a in discs and b in discs]
    if known:
        return [_between("line", discs[a], discs[b], radius) for a, b in known]
    if of in discs:
        cuts = _cuts(subject["geometry"]) if "geometry" in subject else ()
        upright = [Mark("rule", ((cut, 0.0), (cut, 1.0))) for cut in cuts]
        level = [Mark("rule", ((0.0, 1 - cut), (1.0, 1 - cut))) for cut in cuts]
        return [*upright, *level, Mark("ring", (discs[of],), 1.2 * radius)]
    return []


def _cuts(geometry: Geometry) -> tuple[float, ...]:
    """Where one cell ends and the next begins, as fractions of the side."""
    return tuple(cut / CANVAS for cut in cell_cuts(geometry))
