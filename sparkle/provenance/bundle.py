"""Everything that the evaluation of a paper's artefact needs, in one archive.

Predictions, evaluation sets and scores go in, so that every number can be computed again; weights,
shards and training data are named by their hashes. The same results give the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import sparkle
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import file_hash, json_text
from sparkle.provenance.archive import Content, write_archive
from sparkle.provenance.lineage import Lineage, read_lineage
from sparkle.provenance.private import Places, without_paths

FORMAT = 1
INDEX = "bundle.json"
RESULTS = "results"
LOCK = "envs/requirements.lock"
_WANTED = (
    "config.yaml",
    "report.html",
    "tables/*",
    "figures/*",
    "predictions/**/*",
    "scores/**/*",
    "data/evaluation/*",
    "data/training/*/manifest.json",
    "data/training/*/README.md",
    "data/leaks.json",
    "data/distributions.*",
    "models/*/base.json",
    "models/*/*/*/training.csv",
)
"""Files of the results folder that go in, beside all records."""

_README = """# {name}: bundle of an experiment

Made by `sparkle bundle` (Sparkle {version}). `bundle.json` lists every file with its SHA-256, and
by their hashes what is not in here: weights, shards and training data.

| path | what |
|---|---|
| `results/config.yaml` | the config, with all defaults |
| `results/tables/`, `results/figures/`, `results/report.html` | what the paper shows |
| `results/predictions/` | every answer of every model, as it was given |
| `results/scores/` | the verdict on every answer |
| `results/data/evaluation/` | the questions, with pictures and right answers, and cards |
| `results/**/*record.json` | what each file was made from: inputs, settings, code, versions |
| `envs/requirements.lock` | the versions of all packages |

To judge all answers again, make the tables again and compare, in a clone of Sparkle{at}:

    pip install torch==2.13.0 && pip install -r envs/requirements.lock && pip install --no-deps -e .
    sparkle verify ARCHIVE
"""


def write_bundle(results: Path, archive: Path, lock: Path | None = None) -> dict[str, Any]:
    """Write the bundle of a finished experiment; returns its index.

    Args:
        lock: Versions of all packages (default: that of the clone that this package lies in).

    Raises:
        SparkleError: The experiment is not finished, has no records, or there is no lock.
    """
    lineage = read_lineage(results)
    experiment = Experiment.load(results / "config.yaml")
    check_finished(results, experiment)
    lock = lock or Path(sparkle.__file__).parent.parent / LOCK
    if not lock.is_file():
        raise SparkleError(f"There is no {lock}.", "Name the list of package versions with --lock.")
    places = Places.here()
    files: dict[str, Content] = {LOCK: lock}
    original: dict[str, str] = {}
    for name in chosen_files(lineage):
        path = results / name
        changed = without_paths(path, places)
        files[f"{RESULTS}/{name}"] = path if changed is None else changed
        if changed is not None:
            original[name] = file_hash(path)
    index = _index(lineage, experiment, files, original)
    commit = next((record.commit for record in lineage.records if record.commit), None)
    files["README.md"] = _README.format(
        name=experiment.config.name,
        version=sparkle.__version__,
        at=f" at commit {commit[:12]}" if commit else "",
    ).encode()
    index["files"]["README.md"] = _entry(files["README.md"])
    files[INDEX] = json_text(index).encode()
    write_archive(archive, files)
    return index


def check_finished(results: Path, experiment: Experiment) -> None:
    """Make sure that there are predictions, scores and tables of every row and evaluation set.

    Raises:
        SparkleError: Something is missing; the message names it.
    """
    cells = experiment.reference_cells() + experiment.cells()
    wanted = ["tables/matrix.csv", "tables/comparisons.csv", "tables/seeds.csv"]
    for name in experiment.evaluation_sets:
        wanted.append(f"data/evaluation/{name}.parquet")
        wanted += [f"{kind}/{cell.folder}/{name}.parquet"
                   for kind in ("predictions", "scores") for cell in cells]  # fmt: skip
    missing = [name for name in wanted if not (results / name).is_file()]
    if missing:
        more = f" and {len(missing) - 1} other files" if len(missing) > 1 else ""
        raise SparkleError(
            f"The experiment in {results} is not finished: {missing[0]}{more} is missing.",
            "Run the workflow to its end first.",
        )


def chosen_files(lineage: Lineage) -> list[str]:
    """The files of a results folder that are handed on, by name: all but large ones, and work."""
    results = lineage.results
    found = {record.name for record in lineage.records}
    for pattern in _WANTED:
        found.update(
            path.relative_to(results).as_posix()
            for path in results.glob(pattern)
            if path.is_file() and not path.name.startswith(".")
        )
    return sorted(found)


def _index(
    lineage: Lineage, experiment: Experiment, files: dict[str, Content], original: dict[str, str]
) -> dict[str, Any]:
    made = {name: digest for record in lineage.records for name, digest in record.outputs.items()}
    return {
        "format": FORMAT,
        "sparkle": sparkle.__version__,
        "name": experiment.config.name,
        "files": {name: _entry(content) for name, content in files.items()},
        "without_paths": original,
        "not_included": {
            name: digest
            for name, digest in {**made, **lineage.external()}.items()
            if f"{RESULTS}/{name}" not in files
        },
    }


def _entry(content: Content) -> dict[str, Any]:
    if isinstance(content, bytes):
        return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {"sha256": file_hash(content), "size": content.stat().st_size}
