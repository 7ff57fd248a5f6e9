"""Time the hot paths beside a reference doing the same work, and print the ratios.

Each pair runs in turn, several rounds, and the median of each is compared, so that a machine whose
speed drifts slows both.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable

import networkx as nx
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from sparkle.datasets.merge import question_from_row
from sparkle.datasets.settings import SourceSettings, TaskUse
from sparkle.datasets.synthesis import make_row
from sparkle.rendering import RenderSpec, render_array, render_png
from sparkle.rendering.png import encode_png
from sparkle.scenes.discs import DiscScene
from sparkle.scenes.grid import GridScene
from sparkle.scenes.randomness import item_generator
from sparkle.scenes.spec import DiscSpec, sample_scene, scene_from_json
from sparkle.tasks import get_task
from sparkle.tasks.base import Asking

ROUNDS = 7
SPEC = RenderSpec(size=448)
DISCS = DiscSpec(objects=3, distractors=2, radius=0.5, spacing=3.0, decimals=2)


def seconds(work: Callable[[], object], times: int) -> float:
    """Seconds of one call, averaged over ``times`` calls."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def compare(
    name: str, ours: Callable[[], object], reference: Callable[[], object], times: tuple[int, int]
) -> None:
    """Print the medians of both and how many times faster ours is."""
    ours(), reference()
    pairs = [(seconds(ours, times[0]), seconds(reference, times[1])) for _ in range(ROUNDS)]
    ratios = sorted(b / a for a, b in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(
        f"{name:44} {1e3 * mine:9.3f} ms {1e3 * theirs:9.3f} ms"
        f"   x{statistics.median(ratios):7.1f}  ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    )


def plot_with_matplotlib(scene: DiscScene) -> bytes:
    """The same picture by a plotting library, as the reference for rendering."""
    figure = Figure(figsize=(4.48, 4.48), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 10), ylim=(0, 10))
    axes.axis("off")
    for disc in scene.discs:
        from matplotlib.patches import Circle

        axes.add_patch(Circle((disc.x, disc.y), scene.radius, fc="lightgray", ec="black"))
        axes.text(disc.x, disc.y, disc.label, ha="center", va="center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def save_with_pillow(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def bench_rendering() -> None:
    scene = sample_scene(DISCS, item_generator(1, "bench", 0))
    assert isinstance(scene, DiscScene)
    compare(
        "scene to PNG (448 px); matplotlib", lambda: render_png(scene, SPEC),
        lambda: plot_with_matplotlib(scene), (20, 3),
    )  # fmt: skip
    pixels = render_array(scene, SPEC)
    compare(
        "pixels to PNG bytes; Pillow's default", lambda: encode_png(pixels),
        lambda: save_with_pillow(pixels), (50, 50),
    )  # fmt: skip


def bench_synthesis() -> None:
    names = ("direction", "distance", "localization", "description")
    settings = SourceSettings(
        source="bench", role="training", seed=1, images=100, images_per_shard=100, scene=DISCS,
        render=SPEC, asking=Asking(), tasks=tuple(TaskUse(name=n, version=1) for n in names),
    )  # fmt: skip
    scene = sample_scene(DISCS, item_generator(1, "bench", 0))
    assert isinstance(scene, DiscScene)
    compare(
        "one training image, all records; matplotlib alone", lambda: make_row(settings, 7),
        lambda: plot_with_matplotlib(scene), (20, 3),
    )  # fmt: skip


def bench_scoring() -> None:
    task = get_task("spp")
    spec = task.scene_spec(DISCS, task.Options(size=5))  # type: ignore[call-arg]
    settings = SourceSettings(
        source="bench", role="evaluation", seed=1, images=10, images_per_shard=10, scene=spec,
        render=SPEC, asking=Asking(), tasks=(TaskUse(name="spp", version=1),),
    )  # fmt: skip
    row = make_row(settings, 0)
    row.update(row.pop("questions")[0])
    question, scene = question_from_row(row), scene_from_json(row["scene"])
    assert isinstance(scene, GridScene)
    graph = scene.graph()
    compare(
        "score one SPP answer; networkx, all optima",
        lambda: task.score(task.parse(question.answer, question), question, scene),
        lambda: list(nx.all_shortest_paths(graph, scene.start, scene.end)), (200, 50),
    )  # fmt: skip


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    print(f"{'what; reference':44} {'ours':>12} {'reference':>12}   times faster (range)")
    bench_rendering()
    bench_synthesis()
    bench_scoring()


if __name__ == "__main__":
    main()
