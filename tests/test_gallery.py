"""The answers held in the report: all of them, each text and picture once, with their marks."""

from __future__ import annotations

import base64
import io
import math
import re
from pathlib import Path

import pytest
from helpers import unpacked
from made_results import ATTACK, SETS, Results, make_results
from PIL import Image

from sparkle.datasets.glimpse import Asked
from sparkle.reporting.overlay import Mark, answer_marks
from sparkle.reporting.pictures import gather
from sparkle.reporting.samples import choose
from sparkle.scenes.discs import Disc, DiscScene
from sparkle.scenes.geometry import DIRECTIONS
from sparkle.scenes.grid import GridScene

SCENE = DiscScene(1.0, (Disc("N1", 2.0, 2.0), Disc("N2", 8.0, 2.0), Disc("N3", 2.0, 8.0)))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return make_results(tmp_path_factory.mktemp("results"), seeds=(2, 1))


@pytest.fixture(scope="module")
def html(results: Results, tmp_path_factory: pytest.TempPathFactory) -> str:
    return results.report(tmp_path_factory.mktemp("report") / "report.html")


def test_every_answer_is_held_with_its_verdict(results: Results, html: str) -> None:
    held = unpacked(html)
    assert len(held["questions"]["id"]) == 40 * len(SETS)
    assert [run["label"] for run in held["runs"]] == ["base", "direction", "full"]
    assert [run["seed"] for run in held["runs"]] == [0, 1, 1]  # the lowest
    for run, table in zip(held["runs"], held["answers"], strict=True):
        assert len(table["q"]) == 40 * len(SETS)
        matrix = results.material().matrix
        (estimate,) = [
            matrix.get(each, "direction") for each in matrix.runs if each.label == run["label"]
        ]
        assert estimate is not None
        seed = {each.seed: each.value for each in estimate.seeds}[run["seed"]]
        right = [
            verdict == 0
            for q, verdict in zip(table["q"], table["verdict"], strict=True)
            if held["sets"][held["questions"]["set"][q]]["name"] == "direction"
        ]
        assert sum(right) / len(right) == pytest.approx(seed)
    base = held["answers"][0]
    unread = [i for i, verdict in enumerate(base["verdict"]) if verdict == 2]
    assert unread and all(held["texts"][base["text"][i]] == ATTACK for i in unread)


def test_pictures_are_those_of_the_questions_and_each_is_held_once(html: str) -> None:
    held = unpacked(html)
    (text,) = re.findall(r'id="gallery-pictures">([^<]*)<', html)
    assert sum(length for _, length in held["pictures"]) == len(text)
    starts = [0]
    for _, length in held["pictures"]:
        starts.append(starts[-1] + length)
    number = held["questions"]["image"][5]
    data = base64.b64decode(text[starts[number] : starts[number + 1]])
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (80, 80)
    assert len(set(held["questions"]["image"])) == len(held["pictures"])


def test_pictures_shrink_to_what_a_page_can_hold(results: Results) -> None:
    path = results.evaluation_sets["spp_4x4"]
    wanted = [(path, {f"spp_4x4/{i:06d}": str(i) for i in range(40)})]
    whole = sum(len(text) for text in gather(wanted).texts)
    small = gather(wanted, budget=30_000)
    assert sum(len(text) for text in small.texts) < min(whole, 30_000 * 4 / 3 * 1.2)
    assert len(small.texts) == 40


def test_rows_with_one_key_share_a_picture(results: Results) -> None:
    path = results.evaluation_sets["tsp"]
    found = gather([(path, {"tsp/000000": "same", "tsp/000001": "same", "tsp/000002": "other"})])
    assert len(found.texts) == 2 and found.kinds == ["png", "png"]


def test_a_limit_takes_whole_questions_and_says_so(results: Results, tmp_path: Path) -> None:
    html = results.report(tmp_path / "r.html", answers=60)
    held = unpacked(html)
    assert len(held["questions"]["id"]) == 5 * len(SETS)  # 60 answers, 4 sets, 3 runs
    assert {len(table["q"]) for table in held["answers"]} == {20}
    assert "a selection of 480" in html
    none = results.report(tmp_path / "none.html", answers=0)
    assert "No answers are held" in none and 'id="gallery-data"' not in none


def test_questions_take_turns_between_outcomes() -> None:
    outcomes = {f"{i:02d}": "learned" if i < 8 else "still wrong" for i in range(10)}
    assert choose(outcomes, 6) == ["00", "08", "01", "09", "02", "03"]
    assert len(choose(outcomes, 99)) == 10
    assert choose({}, 3) == []


def asked(task: str, kind: str, target: str, **subject: object) -> Asked:
    return Asked("?", target, target, task, kind, subject)


def test_marks_of_answers_show_what_was_claimed() -> None:
    question = asked("direction", "pair", "right", **{"of": "N2", "from": "N1"})
    (right,) = answer_marks(SCENE, question, "right")
    (wrong,) = answer_marks(SCENE, question, "top")
    assert right.points[1][1] == pytest.approx(right.points[0][1])  # level, towards N2
    assert right.points[1][0] > right.points[0][0]
    assert wrong.points[0][0] == pytest.approx(wrong.points[1][0])  # upright
    assert 0 < wrong.points[1][1] < wrong.points[0][1]
    (outside,) = answer_marks(SCENE, question, "down")
    assert 0 <= outside.points[1][1] <= 1  # it would leave the picture
    for answer in DIRECTIONS:  # long enough to be seen, where there is hardly room for it too
        (arrow,) = answer_marks(SCENE, question, answer)
        assert math.dist(*arrow.points) >= 0.08 - 1e-9
    cell = asked("localization", "cell", "down left", of="N1", geometry="figure")
    (box,) = answer_marks(SCENE, cell, "top right")
    assert box.shape == "box"
    assert box.points == (pytest.approx((2 / 3, 1 / 3), abs=2e-3), (1.0, 0.0))
    pair = asked("distance", "shortest", "N1 and N2", pairs=[["N1", "N2"], ["N1", "N3"]])
    assert [mark.shape for mark in answer_marks(SCENE, pair, "N1 and N3")] == ["line"]
    point = asked("localization", "coordinate", "(2.00, 2.00)", of="N1")
    (ring,) = answer_marks(SCENE, point, "(5.00, 7.50)")
    assert ring == Mark("ring", ((0.5, 0.25),), ring.radius)
    assert answer_marks(SCENE, pair, "nonsense") == []


def test_marks_of_routes_follow_the_answer() -> None:
    tour = asked("tsp", "fixed_start", "N1, N2, N3", start="N1", length=1.0)
    assert len(answer_marks(SCENE, tour, "N1, N3, N2")) == 3  # a ring and two arrows
    grid = GridScene(3, 1, 9)
    path = asked("spp", "moves", "right, right, up, up", length=4)
    line, arrow = answer_marks(grid, path, "up, up, up")  # the third would leave the grid
    assert (line.shape, arrow.shape) == ("line", "arrow")
    assert line.points == (pytest.approx((1 / 6, 5 / 6)), pytest.approx((1 / 6, 1 / 2)))
    assert arrow.points[0] == line.points[1]
