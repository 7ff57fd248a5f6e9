"""Make the lock from an installed environment, and the conda files from the lock.

python envs/generate.py --freeze   write requirements.lock from this Python's packages
python envs/generate.py            write the conda files from requirements.lock
python envs/generate.py --check    exit 1 if they do not fit
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
LOCK = FOLDER / "requirements.lock"
# On a machine with GPUs, pip's torch brings CUDA; some models need these beside it.
GPU_EXTRAS = ("torchvision", "qwen-vl-utils==0.0.14")


def freeze() -> str:
    """Exact versions of all installed packages but Sparkle itself, without local labels."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    pins = [line.split("+")[0] for line in lines if "==" in line]
    head = "# Exact versions of everything, for pip. Made by `make lock`; do not edit."
    return "\n".join([head, *sorted(pins, key=str.lower)]) + "\n"


def conda_files() -> dict[Path, str]:
    """The conda environments: Python from conda, packages in the locked versions from PyPI."""
    pins = [line for line in LOCK.read_text().splitlines() if "==" in line]
    return {
        FOLDER / "sparkle.yaml": _conda("sparkle", pins),
        FOLDER / "sparkle-gpu.yaml": _conda("sparkle-gpu", [*pins, *GPU_EXTRAS]),
    }


def _conda(name: str, pins: list[str]) -> str:
    head = [
        "# Made by envs/generate.py from requirements.lock; do not edit.",
        f"# conda env create -f envs/{name}.yaml && conda activate {name}",
        "# pip install --no-deps -e .",
        f"name: {name}",
        "channels: [conda-forge]",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
    ]
    return "\n".join([*head, *(f"      - {pin}" for pin in pins)]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--freeze", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.freeze:
        LOCK.write_text(freeze())
    for path, text in conda_files().items():
        if not arguments.check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path} does not fit {LOCK.name}: run python envs/generate.py", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
