"""Samples per second and core, scene to Parquet, beside matplotlib and beside memory bandwidth.

The matplotlib reference draws the same scene and encodes it as PNG, nothing else: no scene is
sampled, no question asked, no file written. The floor is what memory alone costs: each pixel of a
fresh canvas written once and read once, and the encoded bytes written, over a set of canvases that
is larger than the caches.
"""

from __future__ import annotations

import io
import itertools
import tempfile
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from benchmarks.common import all_records, measure, one_question
from sparkle.datasets.columns import Columns
from sparkle.datasets.settings import SourceSettings
from sparkle.datasets.shards import write_shard
from sparkle.datasets.synthesis import make_items, make_tables, synthesize
from sparkle.rendering import painter
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.randomness import batch_draws
from sparkle.scenes.spec import Scene, sampler, scene_record

SAMPLES = 4000
_PLOTS = 8
_CANVASES = 400


def plot(scene: Scene) -> bytes:
    """The same picture by a plotting library."""
    assert isinstance(scene, DiscScene)
    figure = Figure(figsize=(4.48, 4.48), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0, 10))
    axes.axis("off")
    for disc in scene.discs:
        axes.add_patch(Circle((disc.x, disc.y), scene.radius, fc="lightgray", ec="none"))
        axes.text(disc.x, disc.y, disc.label, ha="center", va="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def main() -> None:
    one, everything = one_question(SAMPLES), all_records(SAMPLES)
    scenes = [scene for scene, _ in make_items(one, 0, SAMPLES)]
    paint = painter(one.render)
    encoded = [paint.png(scene) for scene in scenes[:_CANVASES]]
    canvases = np.empty((_CANVASES, 448, 448), dtype=np.uint8)
    written = np.empty(max(map(len, encoded)), dtype=np.uint8)

    def touch() -> None:
        for canvas, data in zip(canvases, encoded, strict=True):
            canvas.fill(255)
            written[: len(data)] = np.frombuffer(data, dtype=np.uint8)
        for canvas in canvases:
            canvas.max()

    with tempfile.TemporaryDirectory() as folder:
        names = (Path(folder) / str(i) for i in itertools.count())

        def whole(settings: SourceSettings) -> None:
            synthesize(settings, next(names), report=lambda _: None)

        found = measure(
            {
                "matplotlib, scene to PNG": (lambda: [plot(s) for s in scenes[:_PLOTS]], _PLOTS),
                "memory floor": (touch, _CANVASES),
                "one question": (lambda: whole(one), SAMPLES),
                "all 17 + 3 records": (lambda: whole(everything), SAMPLES),
            }
        )
        plotted, floor = found["matplotlib, scene to PNG"], found["memory floor"]
        print(f"{'scene to Parquet, 448 px':28} {'us/sample':>10} {'samples/s':>10}"
              f" {'x matplotlib':>13} {'of the floor':>13}")  # fmt: skip
        for name, seconds in found.items():
            print(f"{name:28} {1e6 * seconds:10.1f} {1 / seconds:10.0f}"
                  f" {plotted / seconds:13.1f} {floor / seconds:13.0%}")  # fmt: skip
        for name, settings in (("one question", one), ("all 17 + 3 records", everything)):
            _stages(name, settings, Path(folder))


def _stages(name: str, settings: SourceSettings, folder: Path) -> None:
    """Time of the stages by differences: each candidate does one stage more than the one before."""
    sample = sampler(settings.scene)
    paint = painter(settings.render)
    items = list(make_items(settings, 0, SAMPLES))
    tables = list(make_tables(settings, 0, SAMPLES))
    images = [paint.png(scene) for scene, _ in items]

    def columns() -> None:
        table = Columns()
        for (scene, questions), image in zip(items, images, strict=True):
            table.add(image, *scene_record(scene), questions)
        table.take(0)

    found = measure(
        {
            "scenes": (lambda: [sample(r) for r in batch_draws(1, "b", 0, SAMPLES)], SAMPLES),
            "items": (lambda: list(make_items(settings, 0, SAMPLES)), SAMPLES),
            "png": (lambda: [paint.png(scene) for scene, _ in items], SAMPLES),
            "columns": (columns, SAMPLES),
            "file": (lambda: write_shard(folder / "stage.parquet", tables, "id"), SAMPLES),
        }
    )
    stages = {
        "sample the scene": found["scenes"],
        "ask": found["items"] - found["scenes"],
        "paint and deflate": found["png"],
        "columns": found["columns"],
        "Parquet": found["file"],
    }
    text = ", ".join(f"{stage} {1e6 * seconds:.1f}" for stage, seconds in stages.items())
    print(f"stages of '{name}' in us/sample: {text}")
