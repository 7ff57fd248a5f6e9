"""Growth: CPU time per sample and peak memory of ever larger sources, each in its own process.

Medians of three runs of each source but the largest. The process has made some samples before, so
that growth is not hidden by its start.

``SPARKLE_BENCHMARK_SIZES=10000,100000`` chooses other sizes, ``SPARKLE_BENCHMARK_PIXELS`` another
picture (448). A million pictures of 448 pixels are 4 GB in a temporary folder.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.common import one_question
from sparkle.datasets.synthesis import synthesize
from sparkle.rendering import RenderSpec

_PER_SHARD = 100_000
_WARM = 2000


def main() -> None:
    sizes = os.environ.get("SPARKLE_BENCHMARK_SIZES", "10000,100000,1000000").split(",")
    print(f"{'samples':>9} {'us CPU/sample':>14} {'growth':>7} {'wall s':>8} {'RSS MB':>7}"
          f" {'GB':>6}")  # fmt: skip
    *smaller, largest = sizes
    # The smaller ones before and after the largest, so that a busy moment does not count for one.
    found: dict[str, list[dict[str, float]]] = {size: [] for size in sizes}
    for size in (*smaller, *smaller, largest, *smaller):
        command = [sys.executable, "-m", "benchmarks.scaling", size]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[size].append(json.loads(output.splitlines()[-1]))
    rows = [{key: median([run[key] for run in runs]) for key in runs[0]} for runs in found.values()]
    for size, row in zip(sizes, rows, strict=True):
        print(f"{size:>9} {1e6 * row['cpu']:14.1f} {row['cpu'] / rows[0]['cpu']:7.2f}"
              f" {row['wall']:8.1f} {row['rss'] / 1e6:7.0f} {row['bytes'] / 1e9:6.2f}")  # fmt: skip


def run(images: int) -> None:
    """Make one source and print what it took as JSON."""
    pixels = int(os.environ.get("SPARKLE_BENCHMARK_PIXELS", "448"))
    settings = one_question(images).model_copy(
        update={"images_per_shard": _PER_SHARD, "render": RenderSpec(size=pixels)}
    )
    with tempfile.TemporaryDirectory() as folder:
        # What is loaded and cached once would count for the smallest source most.
        first = settings.model_copy(update={"images": _WARM, "seed": 2})
        synthesize(first, Path(folder) / "first", report=lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        synthesize(settings, Path(folder), report=lambda _: None)
        row = {
            "wall": time.perf_counter() - wall,
            "cpu": (time.process_time() - cpu) / images,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "bytes": sum(path.stat().st_size for path in Path(folder).iterdir()),
        }
    print(json.dumps(row))


if __name__ == "__main__":
    run(int(sys.argv[1]))
