"""The leak rule: no scene that is tested may occur in training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sparkle.datasets.scenes_index import read_hashes, scene_ids
from sparkle.errors import SparkleError
from sparkle.files import read_json, write_json

_SHOWN = 5


@dataclass(frozen=True)
class _Set:
    """A dataset by its manifest: its name and its scene index."""

    name: str
    scenes: Path


def check_leaks(training: Sequence[Path], evaluation: Sequence[Path], output: Path) -> None:
    """Compare the scenes of every train set with those of every evaluation set.

    Writes to ``output`` the size of each set with its duplicates, and the pairs compared. Memory
    is 16 bytes per scene of the two sets at hand.

    Raises:
        SparkleError: A scene occurs on both sides; the message names the sets and the ids of the
            images on both sides.
    """
    trained = [_Set(path.parent.name, _scenes(path)) for path in training]
    tested = [_Set(path.stem, _scenes(path)) for path in evaluation]
    sets = [_described("training", each) for each in trained]
    sets += [_described("evaluation", each) for each in tested]
    pairs = []
    for train in trained:
        known = np.sort(read_hashes(train.scenes))
        for test in tested:
            hashes = read_hashes(test.scenes)
            found = shared_rows(hashes, known)
            if len(found):
                raise _leak(train, test, hashes, found)
            pairs.append({"train_set": train.name, "evaluation_set": test.name, "shared": 0})
    write_json(output, {"sets": sets, "pairs": pairs})


def shared_rows(hashes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Rows of ``hashes`` whose value occurs in the sorted array ``known``."""
    if not len(known):
        return np.zeros(0, np.int64)
    # Sorted needles walk through the haystack once: 7 times faster for 1M in 10M.
    order = np.argsort(hashes)
    needles = hashes[order]
    places = np.minimum(np.searchsorted(known, needles), len(known) - 1)
    return np.sort(order[known[places] == needles])


def _described(role: str, each: _Set) -> dict[str, Any]:
    """Size of a set, and how many of its images show a scene that an earlier one shows."""
    hashes = read_hashes(each.scenes)
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    again = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
    some = again[:_SHOWN]
    earlier, later = order[np.searchsorted(ranked, ranked[some])], order[some]
    examples = zip(scene_ids(each.scenes, earlier), scene_ids(each.scenes, later), strict=True)
    return {
        "name": each.name,
        "role": role,
        "scenes": len(hashes),
        "duplicates": len(again),
        "examples": [list(pair) for pair in examples],
    }


def _leak(train: _Set, test: _Set, hashes: np.ndarray, found: np.ndarray) -> SparkleError:
    """The error for the rows ``found`` of a test set, with the ids on both sides."""
    trained = read_hashes(train.scenes)
    shown = found[:_SHOWN]
    partners = np.array([np.flatnonzero(trained == hashes[row])[0] for row in shown])
    pairs = zip(scene_ids(test.scenes, shown), scene_ids(train.scenes, partners), strict=True)
    listed = ", ".join(f"{one} = {other}" for one, other in pairs)
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return SparkleError(
        f"{len(found)} scenes of the evaluation set '{test.name}' occur in the train set"
        f" '{train.name}': {listed}{more}.",
        "Change 'seed', or make scenes less alike (more decimals, more objects).",
    )


def _scenes(manifest: Path) -> Path:
    entry = read_json(manifest)
    try:
        return manifest.parent / str(entry["scenes"]["file"])
    except (KeyError, TypeError):
        raise SparkleError(
            f"{manifest} names no scene index.", "It was made by another version: merge again."
        ) from None
