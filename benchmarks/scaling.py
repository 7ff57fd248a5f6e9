"""Growth: CPU time per sample and peak memory of ever larger sources, each in its own process.

``SPARKLE_BENCHMARK_SIZES=10000,100000`` chooses other sizes, ``SPARKLE_BENCHMARK_PIXELS`` another
picture (448). A million pictures of 448 pixels are 3 GB in a temporary folder.
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

from benchmarks.common import one_question
from sparkle.datasets.synthesis import synthesize
from sparkle.rendering import RenderSpec

_PER_SHARD = 100_000


def main() -> None:
    sizes = os.environ.get("SPARKLE_BENCHMARK_SIZES", "10000,100000,1000000").split(",")
    print(f"{'samples':>9} {'us CPU/sample':>14} {'growth':>7} {'wall s':>8} {'RSS MB':>7}"
          f" {'GB':>6}")  # fmt: skip
    first = 0.0
    for size in sizes:
        command = [sys.executable, "-m", "benchmarks.scaling", size]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        row = json.loads(output.splitlines()[-1])
        first = first or row["cpu"]
        print(f"{size:>9} {1e6 * row['cpu']:14.1f} {row['cpu'] / first:7.2f} {row['wall']:8.1f}"
              f" {row['rss'] / 1e6:7.0f} {row['bytes'] / 1e9:6.2f}", flush=True)  # fmt: skip


def run(images: int) -> None:
    """Make one source and print what it took as JSON."""
    pixels = int(os.environ.get("SPARKLE_BENCHMARK_PIXELS", "448"))
    settings = one_question(images).model_copy(
        update={"images_per_shard": _PER_SHARD, "render": RenderSpec(size=pixels)}
    )
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
