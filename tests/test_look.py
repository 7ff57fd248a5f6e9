"""Looking at data: distribution reports and contact sheets of shards, train and evaluation sets."""

from __future__ import annotations

import base64
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers import PUBLISHED, evaluation_source, files_in, quiet, training_source
from PIL import Image

from sparkle.cli import main
from sparkle.datasets import statistics
from sparkle.datasets.glimpse import Asked, Shown, glimpse, rows_at
from sparkle.datasets.merge import merge_evaluation, merge_training
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.settings import SourceSettings, TrainingMergeSettings
from sparkle.datasets.shards import read_shards
from sparkle.datasets.statistics import (
    describe_evaluation,
    describe_shards,
    describe_training,
    histogram,
)
from sparkle.datasets.synthesis import make_item, synthesize
from sparkle.errors import SparkleError
from sparkle.rendering import RenderSpec, render_png
from sparkle.reporting.contact_sheet import draw_sheet
from sparkle.reporting.distributions import (
    class_balance,
    class_bars,
    heat_map,
    unit,
    write_distributions,
)
from sparkle.reporting.overlay import _cuts, marks
from sparkle.reporting.preview import write_preview
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.grid import GridScene
from sparkle.scenes.spec import Scene
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

BASIC = ("direction", "distance", "localization")
SETS = (*BASIC, "spp", "tsp")
IMAGES = 30


def tour_source() -> SourceSettings:
    return training_source("tsp", images=10, images_per_shard=10)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment's data folder: shards, two train sets, five evaluation sets."""
    folder = tmp_path_factory.mktemp("data")
    shards = folder / "shards/training"
    basic = training_source(*BASIC, images=IMAGES, asking=Asking(descriptions=False))
    for source in (basic, tour_source()):
        synthesize(source, shards / source.source, report=quiet)
    for name, capabilities in (("full", BASIC), ("mixed", ("direction", "tsp"))):
        settings = TrainingMergeSettings(
            train_set=name, seed=1, capabilities=capabilities, questions_per_conversation=5
        )
        families = ("basic",) if name == "full" else ("basic", "tour")
        manifests = [[shards / family / "job-000.json"] for family in families]
        merge_training(settings, manifests, folder / "training" / name)
    for name in SETS:
        options = {"variant": "closed"} if name == "tsp" else {}
        source = evaluation_source(name, images=20, options=options, asking=Asking(form="open"))
        synthesize(source, folder / "shards/evaluation" / name, report=quiet)
        job = folder / "shards/evaluation" / name / "job-000.json"
        merge_evaluation([job], folder / f"evaluation/{name}.parquet")
    return folder


# Statistics -------------------------------------------------------------------------------------


def test_training_statistics_are_those_of_the_questions(data: Path) -> None:
    found = describe_training(open_dataset(data / "training/full"), data / "shards/training")
    rows = pa.concat_tables(read_shards([data / "shards/training/basic/job-000.json"])).to_pylist()
    asked = [question for row in rows for question in row["questions"]]
    assert found.kinds == Counter(f"{q['task']}/{q['kind']}" for q in asked)
    assert (found.images, found.sampled) == (IMAGES, IMAGES)
    pairs = Counter(q["target"] for q in asked if q["task"] == "direction")
    assert found.classes["direction/pair"] == dict(sorted(pairs.items()))
    assert (
        "distance/numeric" not in found.classes and "localization/coordinate" not in found.classes
    )
    margins = [q["difficulty"] for q in asked if q["kind"] == "cell"]
    entry = found.difficulty["localization/cell"]
    assert sum(entry["counts"]) == len(margins) and entry["median"] == np.median(margins)
    assert sum(map(sum, found.places)) == 3 * IMAGES


def test_only_the_capabilities_of_a_train_set_count(data: Path) -> None:
    found = describe_training(open_dataset(data / "training/mixed"), data / "shards/training")
    assert found.kinds == {"direction/pair": 3 * IMAGES, "tsp/fixed_start": 10}
    assert found.images == IMAGES + 10


def test_shards_and_evaluation_sets_agree(data: Path) -> None:
    for name in SETS:
        merged = describe_evaluation(open_dataset(data / f"evaluation/{name}.parquet"))
        shards = describe_shards(data / "shards/evaluation" / name)
        assert {**merged.to_dict(), "role": ""} == {**shards.to_dict(), "role": ""}
        assert sum(merged.kinds.values()) == 20


def test_places_are_where_the_objects_are(data: Path) -> None:
    found = describe_evaluation(open_dataset(data / "evaluation/tsp.parquet"))
    expected = np.zeros((20, 20), int)
    for index in range(20):
        scene, _ = make_item(
            evaluation_source("tsp", images=20, options={"variant": "closed"},
                              asking=Asking(form="open")), index)  # fmt: skip
        assert isinstance(scene, DiscScene)
        for disc in scene.discs:
            expected[int((10 - disc.y) * 2), int(disc.x * 2)] += 1
    assert abs(np.array(found.places) - expected).sum() <= 4  # centres on a border of bins
    grid = describe_evaluation(open_dataset(data / "evaluation/spp.parquet"))
    assert np.array(grid.places).shape == (4, 4) and np.sum(grid.places) == 40


def test_places_and_difficulty_of_large_sets_come_from_a_sample(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "_SAMPLED", 10)
    found = describe_shards(data / "shards/training/basic")
    assert (found.images, found.sampled) == (30, 10)
    assert sum(found.difficulty["direction/pair"]["counts"]) == 3 * 10
    assert found.kinds["direction/pair"] == 3 * 30


def test_histograms_have_a_bin_per_whole_number_or_twenty() -> None:
    whole = histogram(np.array([2.0, 3, 3, 6]))
    assert whole["counts"] == [1, 2, 0, 0, 1] and whole["edges"][:2] == [1.5, 2.5]
    real = histogram(np.linspace(0, 45, 1000))
    assert len(real["counts"]) == 20 and sum(real["counts"]) == 1000
    assert histogram(np.array([0.25]))["counts"].count(1) == 1


def test_shards_of_other_settings_are_not_described(data: Path, tmp_path: Path) -> None:
    other = training_source(*BASIC, images=IMAGES, seed=7, asking=Asking(descriptions=False))
    synthesize(other, tmp_path / "basic", report=quiet)
    with pytest.raises(SparkleError, match="not those that 'full' was merged"):
        describe_training(open_dataset(data / "training/full"), tmp_path)
    with pytest.raises(SparkleError, match="holds no shards"):
        describe_training(open_dataset(data / "training/full"), tmp_path / "nowhere")


def test_the_page_and_its_numbers(data: Path, tmp_path: Path) -> None:
    datasets = [str(data / "training/full"), str(data / "shards/training/tour")]
    datasets += [str(data / f"evaluation/{name}.parquet") for name in SETS]
    for _ in range(2):
        output = tmp_path / "out.html"
        assert main(["describe", "--datasets", *datasets, "--output", str(output)]) == 0
        page = output.read_text()
        assert files_in(tmp_path) == ["out.html", "out.json", "out.record.json"]
    entries = json.loads((tmp_path / "out.json").read_text())
    assert [entry["name"] for entry in entries] == ["full", "tour", *SETS]
    for words in ("direction/pair", "Train set", "Evaluation set", "Shards", "top right"):
        assert words in page
    assert "http" not in re.sub(r"<meta[^>]*>", "", page) and "<script" not in page
    assert page.count('class="places"') == len(datasets)


def test_text_of_data_is_escaped(tmp_path: Path) -> None:
    found = statistics.Statistics("<b>x</b>", "shards", classes={"a/b": {"<i>": 3}})
    found.kinds, found.places = Counter({"a/b": 3}), [[1]]
    write_distributions([found], tmp_path / "x.html", "<t>")
    page = (tmp_path / "x.html").read_text()
    assert "<b>x" not in page and "<i>" not in page.replace('<i style="', "") and "<t>" not in page
    assert 'aria-label="Where objects are in the pictures of &lt;b&gt;' in page


def test_bars_are_in_proportion() -> None:
    bars = class_bars({"left": 3, "right": 1})
    assert [(bar.share, round(bar.width, 1)) for bar in bars] == [(0.75, 100), (0.25, 33.3)]
    assert class_balance({"left": 3, "right": 1}) == (
        "2 answers; most often “left”, 75.0% (even: 50.0%)"
    )
    assert 'fill-opacity="0.500"' in heat_map([[2, 1], [0, 0]], "x")


def rgb(scene: Scene, spec: RenderSpec) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(render_png(scene, spec))).convert("RGB"))


# Glimpses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "unit", "total"),
    [
        ("shards/training/basic", "images", IMAGES),
        ("training/full", "conversations", 4 * IMAGES),
        ("evaluation/spp.parquet", "questions", 20),
    ],
)
def test_a_glimpse_shows_rows_that_are_there(data: Path, path: str, unit: str, total: int) -> None:
    seen = glimpse(data / path, 6, seed=3)
    assert (seen.unit, seen.total, len(seen.shown)) == (unit, total, 6)
    assert glimpse(data / path, 6, seed=3) == seen != glimpse(data / path, 6, seed=4)
    assert len(glimpse(data / path, 10_000).shown) == total
    size = RenderSpec(size=32)
    for shown in seen.shown:
        pixels = np.asarray(Image.open(io.BytesIO(shown.image)).convert("RGB"))
        assert (pixels == rgb(shown.scene, size)).all(), "the scene belongs to the picture"
        for question in shown.questions:
            assert question.prompt and question.answer and "<image>" not in question.prompt


def test_rows_are_read_by_number_over_files(tmp_path: Path) -> None:
    for part in range(3):
        table = pa.table({"n": list(range(10 * part, 10 * part + 10))})
        pq.write_table(table, tmp_path / f"{part}.parquet", row_group_size=4)
    files = sorted(tmp_path.iterdir())
    numbers = [0, 3, 4, 9, 10, 21, 29]
    assert [row["n"] for row in rows_at(files, numbers)] == numbers
    files[1].write_bytes(b"PAR1")
    with pytest.raises(SparkleError, match=r"1.parquet is no readable"):
        rows_at(files, numbers)


# Overlays ---------------------------------------------------------------------------------------


def shown_of(name: str, index: int = 0, **options: Any) -> Shown:
    source = evaluation_source(
        name, options=options, asking=Asking(form="open"), render=RenderSpec(size=320)
    )
    scene, (question,) = make_item(source, index)
    asked = Asked(question.prompt, question.answer, question.target, question.task,
                  question.kind, dict(question.subject))  # fmt: skip
    return Shown("x/1", b"", scene, (asked,))


@pytest.mark.parametrize("answer", ["moves", "labels"])
@pytest.mark.parametrize("index", range(5))
def test_a_path_is_drawn_from_green_to_red_along_edges(index: int, answer: str) -> None:
    shown = shown_of("spp", index, answer=answer, missing_edges=3)
    scene = shown.scene
    assert isinstance(scene, GridScene)
    ring, *arrows = marks(shown)
    assert (ring.shape, {arrow.shape for arrow in arrows}) == ("ring", {"arrow"})
    steps = len(shown.questions[0].target.split(", "))
    assert len(arrows) == steps - (answer == "labels")
    pixels = rgb(scene, RenderSpec(size=320)).astype(int)

    def colour(point: tuple[float, float]) -> np.ndarray:
        # Off the label in the middle of the node, still inside it.
        x, y = (round(320 * value) for value in point)
        return pixels[y - round(0.22 * 320 / scene.size), x]

    start = colour(ring.points[0])
    assert start[1] > start[0] and start[1] > start[2], "the ring is around the green node"
    tail, head = arrows[-1].points
    end = colour((head[0] + 0.3 / scene.size * np.sign(round(head[0] - tail[0], 6)),
                  head[1] + 0.3 / scene.size * np.sign(round(head[1] - tail[1], 6))))  # fmt: skip
    assert end[0] > end[1] and end[0] > end[2], "the last arrow ends at the red node"
    for arrow in arrows:
        (ax, ay), (bx, by) = arrow.points
        middle = pixels[round(320 * (ay + by) / 2), round(320 * (ax + bx) / 2)]
        assert (middle < 120).all(), "every arrow lies on a drawn edge"


@pytest.mark.parametrize("variant", ["fixed_start", "free", "closed"])
def test_a_tour_visits_the_objects_of_the_answer(variant: str) -> None:
    shown = shown_of("tsp", variant=variant, objects=5)
    ring, *arrows = marks(shown)
    assert isinstance(shown.scene, DiscScene)
    labels = shown.questions[0].target.split(", ")
    assert len(arrows) == len(labels) - 1
    first = shown.scene.find(labels[0])
    assert ring.points[0] == (first.x / 10, 1 - first.y / 10)
    for arrow, a, b in zip(arrows, labels, labels[1:], strict=False):
        one, two = shown.scene.find(a), shown.scene.find(b)
        (ax, ay), (bx, by) = arrow.points
        # From rim to rim on the line between the centres.
        cross = (bx - ax) * (one.y - two.y) - (by - ay) * (two.x - one.x)
        assert abs(cross) < 1e-9
        assert np.hypot(ax - one.x / 10, ay - 1 + one.y / 10) > shown.scene.radius / 10


def test_train_sets_know_routes_by_their_answers(data: Path) -> None:
    seen = glimpse(data / "training/mixed", 10_000)
    drawn = [shown for shown in seen.shown if marks(shown)]
    tours = [shown for shown in seen.shown if shown.id.startswith("tour/")]
    assert len(tours) == 10 and drawn == tours


def test_basic_questions_show_what_they_are_about() -> None:
    def shapes(name: str, **options: Any) -> list[str]:
        return [mark.shape for mark in marks(shown_of(name, **options))]

    assert shapes("direction") == ["arrow"]
    assert shapes("distance") == ["line"]
    assert shapes("localization") == ["rule"] * 4 + ["ring"]


@pytest.mark.parametrize("geometry", ["figure", "generator"])
def test_border_lines_are_those_of_the_cells(geometry: Any) -> None:
    low, high = {"figure": (1 / 3, 2 / 3), "generator": (0.4, 0.6)}[geometry]
    assert _cuts(geometry) == pytest.approx((low, high), abs=0.002)


def test_an_answer_that_is_no_route_draws_nothing() -> None:
    shown = shown_of("spp")
    for answer in ("", "I do not know", "N99, N98", "left " * 50):
        scene: Scene = shown.scene
        question = Asked("?", answer, answer)
        assert all(mark.shape in ("ring", "arrow") for mark in marks(
            Shown("x/1", b"", scene, (question,))))  # fmt: skip


# Contact sheets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["shards/training/basic", "training/full", "evaluation/tsp.parquet"]
)
def test_a_preview_is_a_picture_and_a_page(
    data: Path, tmp_path: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "sheet.v1"
    arguments = ["preview", "--dataset", str(data / path), "--count", "5", "--columns", "3"]
    assert main([*arguments, "--output", str(output)]) == 0
    assert "5 of" in capsys.readouterr().out
    assert files_in(tmp_path) == ["sheet.v1.html", "sheet.v1.png"]
    first = [(tmp_path / name).read_bytes() for name in files_in(tmp_path)]
    assert main([*arguments, "--output", str(output)]) == 0
    assert [(tmp_path / name).read_bytes() for name in files_in(tmp_path)] == first
    sheet = Image.open(tmp_path / "sheet.v1.png")
    assert sheet.width == 28 + 3 * (480 + 48 + 28)
    page = (tmp_path / "sheet.v1.html").read_text()
    assert page.count("data:image/png;base64,") == page.count("<figure") == 5
    assert "http" not in re.sub(r"<meta[^>]*>", "", page) and "<script" not in page
    if path.endswith("tsp.parquet"):
        assert page.count('marker-end="url(#head)"') == 5 * get_task("tsp").Options().objects


def test_large_pictures_are_shrunk_in_the_page(tmp_path: Path) -> None:
    source = evaluation_source("direction", images=2, render=RenderSpec(size=1600))
    synthesize(source, tmp_path / "shards", report=quiet)
    _, page = write_preview(glimpse(tmp_path / "shards", 2), tmp_path / "out")
    (first, _) = re.findall(r"base64,([^\"]+)", page.read_text())

    assert Image.open(io.BytesIO(base64.b64decode(first))).size == (512, 512)


def test_long_texts_are_wrapped_and_cut(tmp_path: Path) -> None:
    source = training_source("direction", images=1, render=RenderSpec(size=64))
    synthesize(source, tmp_path, report=quiet)
    seen = glimpse(tmp_path, 1)
    long = Asked("x" * 5000, "word " * 2000, "")
    (shown,) = seen.shown
    many = Shown(shown.id, shown.image, shown.scene, (long,) * 9)
    changed = type(seen)(seen.name, seen.role, seen.total, seen.unit, (many,))
    assert Image.open(io.BytesIO(draw_sheet(changed))).height < 4500


FAULTS = [
    (["preview", "--dataset", "nowhere", "--output", "x"], "no merged dataset"),
    (["preview", "--dataset", "DATA/training/full", "--count", "0", "--output", "x"], "1 or more"),
    (["preview", "--dataset", "nowhere", "--columns", "0", "--output", "x"], "--columns"),
    (["preview", "--dataset", "DATA/training/full", "--count", "800", "--columns", "1",
      "--output", "x"], "too high"),
    (["describe", "--datasets", "DATA/evaluation", "--output", "x"], "no merged dataset"),
    (["describe", "--datasets", "DATA/training/full", "--shards", "nowhere", "--output", "x"],
     "holds no shards"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "words"), FAULTS, ids=[str(i) for i in range(len(FAULTS))])
def test_a_fault_is_a_message_and_leaves_no_file(
    data: Path, tmp_path: Path, argv: list[str], words: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main([part.replace("DATA", str(data)) for part in argv]) == 2
    message = capsys.readouterr().err
    assert words in message and "Hint" in message and "Traceback" not in message
    assert files_in(tmp_path) == []


def test_a_picture_that_is_none_is_an_error(tmp_path: Path) -> None:
    synthesize(training_source("direction", images=1, scene=PUBLISHED), tmp_path, report=quiet)
    seen = glimpse(tmp_path, 1)
    (shown,) = seen.shown
    broken = Shown(shown.id, b"no picture", shown.scene, shown.questions)
    with pytest.raises(SparkleError, match=f"{shown.id}: the picture cannot be read"):
        draw_sheet(type(seen)(seen.name, seen.role, seen.total, seen.unit, (broken,)))


@pytest.mark.parametrize(("kind", "words"), [
    ("distance/shortest", "ratio"), ("distance/numeric", "err"), ("tsp/free", "next best route"),
    ("localization/coordinate", "other object"), ("toy/any", ""),
])  # fmt: skip
def test_difficulties_have_a_unit(kind: str, words: str) -> None:
    assert words in unit(kind) if words else unit(kind) == ""
