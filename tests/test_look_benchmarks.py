"""Leak check, exports, previews and distributions of sets from files, whatever is in the files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from draw_benchmarks import FOLDERS, ROWS, draw_all
from helpers import files_in, quiet
from PIL import Image

from sparkle.config.evaluation import BenchmarkSetConfig
from sparkle.datasets.examples import examples
from sparkle.datasets.exports import FORMATS, export_dataset
from sparkle.datasets.glimpse import glimpse
from sparkle.datasets.leaks import check_leaks
from sparkle.datasets.merged import open_dataset
from sparkle.datasets.statistics import describe_evaluation
from sparkle.external.dataset import write_benchmark
from sparkle.external.settings import BenchmarkSettings
from sparkle.files import read_json
from sparkle.reporting.distributions import write_distributions
from sparkle.reporting.preview import write_preview

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"
SETS = ("whatsup_a", "custom", "mmbench", "textvqa")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluation datasets of benchmarks whose captions, options and answers are hostile."""
    folder = tmp_path_factory.mktemp("looks")
    draw_all(folder)
    captions = folder / "whatsup/controlled_images_dataset.json"
    rows = json.loads(captions.read_text())
    for row in rows:
        row["caption_options"] = [f"{HOSTILE} {text}" for text in row["caption_options"]]
    captions.write_text(json.dumps(rows))
    lines = folder / "custom/questions.jsonl"
    own = [json.loads(line) for line in lines.read_text().splitlines()]
    for row in own:
        row["category"] = HOSTILE
        row["question"] += HOSTILE
        if row.get("options"):
            right = row["answer"] if row["answer"] in row["options"] else None
            row["options"] = [HOSTILE + text for text in row["options"]]
            row["answer"] = row["answer"] if right is None else HOSTILE + right
    lines.write_text("\n".join(map(json.dumps, own)))
    for name in SETS:
        chosen = BenchmarkSetConfig(
            benchmark=name, path=str(folder / FOLDERS[name]), rows=ROWS[name],
            circular=name == "whatsup_a",
        )  # fmt: skip
        settings = BenchmarkSettings(name=f"my-{name}", seed=1, chosen=chosen)
        write_benchmark(settings, folder / f"sets/my-{name}.parquet")
    return folder / "sets"


def harmless(html: str) -> None:
    assert "<script" not in html and "<img src=x" not in html
    assert not re.search(r"<[^>]*\son(?:error|load)\s*=", html)


@pytest.mark.parametrize("name", SETS)
def test_previews_show_text_as_text(data: Path, tmp_path: Path, name: str) -> None:
    seen = glimpse(data / f"my-{name}.parquet", 100)
    assert all(shown.scene is None for shown in seen.shown)
    sheet, page = write_preview(seen, tmp_path / name)
    with Image.open(sheet) as image:
        assert image.height > 500
    html = page.read_text()
    harmless(html)
    assert ("&lt;script&gt;" in html) == (name in ("whatsup_a", "custom"))


def test_distributions_show_text_as_text(data: Path, tmp_path: Path) -> None:
    found = [describe_evaluation(open_dataset(data / f"my-{name}.parquet")) for name in SETS]
    assert [each.places for each in found] == [[]] * len(SETS)
    assert found[0].images == 16 and found[0].kinds == {"whatsup_a/choice": 64}
    write_distributions(found, tmp_path / "page.html", HOSTILE)
    html = (tmp_path / "page.html").read_text()
    harmless(html)
    assert "&lt;script&gt;" in html and "Where objects are" not in html


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", SETS)
def test_exports_keep_every_row_and_the_kind_of_picture(
    data: Path, tmp_path: Path, name: str, form: str
) -> None:
    dataset = open_dataset(data / f"my-{name}.parquet")
    record = export_dataset(dataset, form, tmp_path / "out", quiet)
    assert record["rows"] == dataset.rows == len(list(examples(dataset)))
    card = (tmp_path / "out/README.md").read_text()
    assert "license: other" in card and "MIT licence" not in card
    assert not re.search(r"(?<!\\)<(?:script|img)", card)
    if form == "plain":
        lines = pd.read_json(tmp_path / "out/data.jsonl", lines=True)
        for image in lines["image"]:
            path = (tmp_path / "out" / image).resolve()
            assert path.is_relative_to(tmp_path / "out")
            with Image.open(path) as opened:
                assert {"JPEG": ".jpg", "PNG": ".png"}[opened.format or ""] == path.suffix


def test_the_leak_check_lists_sets_from_files_without_comparing(data: Path, tmp_path: Path) -> None:
    manifests = [data / f"my-{name}.json" for name in SETS]
    check_leaks([], manifests, tmp_path / "leaks.json")
    report = read_json(tmp_path / "leaks.json")
    assert report["pairs"] == []
    assert report["sets"][0] == {
        "name": "my-whatsup_a", "role": "evaluation", "pictures": 16, "compared": False,
    }  # fmt: skip


def test_nothing_is_left_behind(data: Path) -> None:
    assert files_in(data) == sorted(f"my-{n}.{end}" for n in SETS for end in ("json", "parquet"))
