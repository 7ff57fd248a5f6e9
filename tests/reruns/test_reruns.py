"""The table of edits: what each makes run again, by a dry run on the finished miniature.

A row is ``row(name, edit, runs, perhaps, stored)``. ``runs`` are the rules that must run; those in
``perhaps`` come after them, and compute only if what they read comes out different; ``stored`` are
rules whose outputs are taken from the store. Rules that a row does not name must not run: a new
rule adds its name to the rows that are to run it, and a row for what is special to it.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import MINIATURE, run_snakemake
from tests.draw_benchmarks import custom as draw_own
from tests.reruns.bench import (
    Bench,
    flip_a_byte,
    fresh,
    from_the_shell,
    linked,
    overwrite,
    remove,
    touch_all,
)

pytestmark = pytest.mark.workflow

Edit = Callable[[Bench], object]

# What hangs on what, in short names.
CONFIG = "report_config"
RESULTS = "scoring_score scoring_tables report_write"
ANSWERS = f"inference_tuned {RESULTS}"
AFTER_TRAINING_DATA = f"data_check_leaks data_describe training_finetune {ANSWERS}"
AFTER_SETS = (
    f"data_check_leaks data_describe inference_base inference_reference inference_tuned {RESULTS}"
)
MERGES = "data_merge_training data_merge_evaluation"
SYNTHESIS = "data_synthesize_training data_synthesize_evaluation"
EVERYTHING_AFTER_SYNTHESIS = f"{MERGES} training_finetune {AFTER_SETS}"


def row(name: str, edit: Edit, runs: str = "", perhaps: str = "", stored: str = "") -> Any:
    return pytest.param(edit, runs, perhaps, stored, id=name)


def put(key: str, value: Any) -> Edit:
    """Set a key of the config, given with dots."""

    def edit(bench: Bench) -> None:
        *parents, last = key.split(".")
        place = bench.config
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value

    return edit


def code(name: str, old: str, new: str) -> Edit:
    return lambda bench: bench.in_code(f"sparkle/{name}", lambda text: text.replace(old, new, 1))


def append(name: str, line: str) -> Edit:
    return lambda bench: bench.in_code(f"sparkle/{name}", lambda text: f"{text}\n{line}\n")


def package(name: str) -> Edit:
    return lambda bench: bench.packages.update({name: "99.9"})


def in_results(change: Callable[..., object], *names: str) -> Edit:
    return lambda bench: change(*(bench.results / name for name in names))


def both(*edits: Edit) -> Edit:
    return lambda bench: [edit(bench) for edit in edits]


def swap(bench: Bench) -> None:
    training = bench.config["training"]
    training["warmup"], training["weight_decay"] = 0.1, 0.05  # the defaults are 0.05 and 0.1


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(each) for key, each in reversed(value.items())}
    return value


def reverse(bench: Bench) -> None:
    """The order of sections and settings; that of rows and sets is an order of the report."""
    named = ("train_sets", "evaluation_sets", "models")
    kept = {key: bench.config[key] for key in named}
    bench.config = {**reversed_keys(bench.config), **kept}


def other_notation(bench: Bench) -> None:
    text = yaml.safe_dump(bench.config, sort_keys=False)
    bench.text = text.replace("learning_rate: 0.001", "learning_rate: 1e-3")
    assert bench.text != text


def reformat(name: str) -> Edit:
    """Comments gone, other layout."""
    return lambda bench: bench.in_code(f"sparkle/{name}", lambda text: ast.unparse(ast.parse(text)))


def docstring(name: str) -> Edit:
    return lambda bench: bench.in_code(
        f"sparkle/{name}", lambda text: '"""Other words."""\n' + text.split('"""', 2)[2]
    )


WEIGHTS = "models/mini/full/seed1/weights/model.safetensors"
PREDICTIONS = "predictions/mini/full/seed1/spp.parquet"
SHARD = "data/shards/training/basic/shard-00000.parquet"

TABLE = [
    # Values of the config
    row("nothing at all", lambda bench: None),
    row("learning rate", put("training.learning_rate", 0.002),
        f"training_finetune {CONFIG}", ANSWERS),
    row("learning rate of one train set", put("train_sets.full.training.learning_rate", 0.002),
        f"training_finetune {CONFIG}", ANSWERS),
    row("values of two keys swapped", swap, f"training_finetune {CONFIG}", ANSWERS),
    row("an option of swift sft", put("training.swift", {"adam_beta2": 0.9}),
        f"training_finetune {CONFIG}", ANSWERS),
    row("longest answer", put("inference.max_new_tokens", 25),
        f"inference_base inference_tuned {CONFIG}", RESULTS),
    row("an option of one evaluation set", put("evaluation_sets.spp.options.size", 4),
        f"data_synthesize_evaluation {CONFIG}", f"data_merge_evaluation {AFTER_SETS}"),
    # A merge takes so many pictures of what may be a larger source, so it knows the number too.
    row("number of training images", put("training_data.images", 50),
        f"data_synthesize_training data_merge_training {CONFIG}", AFTER_TRAINING_DATA),
    row("questions per conversation", put("training_data.questions_per_conversation", 2),
        f"data_merge_training {CONFIG}", AFTER_TRAINING_DATA),
    row("share of a capability", put("train_sets.full.shares", {"direction": 0.5}),
        f"data_merge_training {CONFIG}", AFTER_TRAINING_DATA),
    row("size of pictures", put("images.size", 60),
        f"{SYNTHESIS} {CONFIG}", EVERYTHING_AFTER_SYNTHESIS),
    row("seed of the data", put("seed", 2),
        f"{SYNTHESIS} data_merge_training {CONFIG}",
        f"data_merge_evaluation training_finetune {AFTER_SETS}"),
    row("recipe of the base weights", put("models.mini.pretraining.vision.steps", 11),
        f"model_pretrain {CONFIG}", f"training_finetune inference_base {ANSWERS}"),
    row("an evaluation set, and the epochs of a train set", both(
            put("evaluation_sets.spp.options.size", 4),
            put("train_sets.full.training.epochs", 2)),
        f"data_synthesize_evaluation training_finetune {CONFIG}",
        f"data_merge_evaluation {AFTER_SETS}"),
    row("one more seed of training", put("matrix", {"seeds": [1, 2]}),
        f"training_finetune {ANSWERS} {CONFIG}"),
    row("one more reference", put("matrix", {"references": ["oracle", "chance", "most_frequent"]}),
        f"inference_reference {RESULTS} {CONFIG}"),
    # Code of the package
    row("code of a task", append("tasks/distance.py", "_NEW = 1"),
        f"{SYNTHESIS} inference_reference scoring_score scoring_tables",
        f"{MERGES} data_check_leaks data_describe training_finetune inference_base inference_tuned"
        " report_write"),
    row("code of a task that nothing uses", append("tasks/description.py", "_NEW = 1")),
    row("code of drawing", code("rendering/sprites.py", "_SUPERSAMPLE = 8", "_SUPERSAMPLE = 9"),
        f"{SYNTHESIS} model_pretrain", f"inference_base {EVERYTHING_AFTER_SYNTHESIS}"),
    row("code of merging", code("datasets/merge.py", "_GROUP_ROWS = 1000", "_GROUP_ROWS = 999"),
        f"{MERGES} model_pretrain", f"training_finetune {AFTER_SETS}"),
    row("code of fine-tuning",
        code("training/finetune.py", "_STOP_SECONDS = 60", "_STOP_SECONDS = 9"),
        "model_pretrain training_finetune", f"inference_base {ANSWERS}"),
    row("code of the command line of ms-swift", code("swift.py", '"true" if', '"True" if'),
        "model_pretrain training_finetune inference_base inference_tuned", RESULTS),
    row("code of inference", code("inference/infer.py", '"temperature": 0', '"temperature": 0.0'),
        "inference_base inference_tuned", RESULTS),
    row("code of scoring", code("scoring/score.py", "_LONGEST_CACHED = 500", "_LONGEST_CACHED = 5"),
        "scoring_score", "scoring_tables report_write"),
    row("code of statistics", code("scoring/statistics.py", "RESAMPLES = 2000", "RESAMPLES = 999"),
        "scoring_tables", "report_write"),
    row("code of a subcommand", code("commands/results.py", "build_matrix(files)",
                                     "build_matrix(dict(files))"),
        "scoring_tables", "report_write"),
    row("a chart", code("reporting/charts.py", "_HEADING = 13", "_HEADING = 14"), "report_write"),
    row("a template", lambda bench: bench.in_code(
            "sparkle/reporting/templates/report.html.j2", lambda text: text + "<!-- new -->"),
        "data_describe report_write"),
    row("comments and layout of a task", reformat("tasks/distance.py")),
    row("comments and layout of a lower module", reformat("files.py")),
    row("a docstring", docstring("training/finetune.py")),
    row("a function that nothing here calls", append("files.py", "def new() -> None: ...")),
    row("code of the cluster", append("cluster/driver.py", "_NEW = 1")),
    row("a rule's comment", lambda bench: bench.in_code(
            "rules/training.smk", lambda text: "# New.\n" + text)),
    # The environment
    row("another version of torch", package("torch"),
        "model_pretrain training_finetune inference_base inference_tuned", RESULTS),
    row("another version of numpy", package("numpy"),
        f"{SYNTHESIS} {MERGES} data_check_leaks data_describe model_pretrain training_finetune"
        f" inference_base inference_reference {ANSWERS}"),
    row("another version of matplotlib", package("matplotlib"), "report_write"),
    row("another version of what has no influence", package("snakemake-interface-common")),
    # What lies there
    row("every file touched", lambda bench: touch_all(bench.results)),
    row("no .snakemake", lambda bench: remove(bench.folder / ".snakemake")),
    row("no .snakemake, and an edit", both(lambda bench: remove(bench.folder / ".snakemake"),
                                           put("training.learning_rate", 0.002)),
        f"training_finetune {CONFIG}", ANSWERS),
    row("a shard deleted", in_results(remove, SHARD), stored="data_synthesize_training"),
    row("one bit of a shard", in_results(flip_a_byte, SHARD), stored="data_synthesize_training"),
    row("one bit of a dataset", in_results(flip_a_byte, "data/evaluation/spp.parquet"),
        stored="data_merge_evaluation"),
    row("one bit of the weights", in_results(flip_a_byte, WEIGHTS), stored="training_finetune"),
    row("one bit of the base weights",
        in_results(flip_a_byte, "models/mini/base/model.safetensors"),
        stored="model_pretrain"),
    row("predictions deleted", in_results(remove, PREDICTIONS), stored="inference_tuned"),
    row("all models deleted", in_results(remove, "models"),
        stored="model_pretrain training_finetune"),
    row("weights deleted, no store", both(in_results(remove, "models/mini/full/seed1/weights"),
                                          lambda bench: remove(bench.folder / ".sparkle")),
        "training_finetune"),
    row("predictions deleted, no store", both(in_results(remove, PREDICTIONS),
                                              lambda bench: remove(bench.folder / ".sparkle")),
        "inference_tuned"),
    row("a score deleted", in_results(remove, "scores/mini/full/seed1/spp.parquet"),
        "scoring_score"),
    row("the leak check deleted", in_results(remove, "data/leaks.json"), "data_check_leaks"),
    row("the record of the leak check deleted", in_results(remove, "data/leaks.record.json"),
        "data_check_leaks"),
    row("the record of a training deleted",
        in_results(remove, "models/mini/full/seed1/record.json"),
        stored="training_finetune"),
    row("a record cut off", in_results(lambda path: overwrite(path, b"{"), "tables/record.json"),
        "scoring_tables", "report_write"),
    row("the work folder deleted", in_results(remove, "work")),
    row("logs and benchmarks of runs deleted", lambda bench: remove(
            bench.folder / "logs", bench.folder / "benchmarks")),
    # What has no influence
    row("threads, memory and time", put("resources", {
            "training": {"threads": 2, "memory_mb": 9000, "minutes": 9},
            "inference": {"threads": 2}, "synthesis": {"threads": 2}})),
    row("the order of keys", reverse),
    row("a number in other notation", other_notation),
    row("a default written out", put("training.weight_decay", 0.1)),
    row("the name of the experiment", put("name", "other"),
        f"data_describe {CONFIG}", "report_write"),
    row("another number of synthesis jobs", put("synthesis.jobs", 3),
        f"data_synthesize_training data_merge_training {CONFIG}", AFTER_TRAINING_DATA),
    row("another results folder", put("results", "elsewhere"),
        f"{CONFIG} data_check_leaks data_describe inference_reference {RESULTS}",
        stored=f"{SYNTHESIS} {MERGES} model_pretrain training_finetune inference_base"
               " inference_tuned"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "runs", "perhaps", "stored"), TABLE)
def test_an_edit_reruns_what_it_affects(
    finished_miniature: Path, tmp_path: Path, edit: Edit, runs: str, perhaps: str, stored: str
) -> None:
    folder = linked(finished_miniature, tmp_path / "experiment")
    check(Bench(folder, fresh(yaml.safe_load(MINIATURE.read_text()))), edit, runs, perhaps, stored)


def test_a_start_from_the_shell_says_the_same(finished_miniature: Path, tmp_path: Path) -> None:
    """The table starts Snakemake from a prepared process: that must make no difference."""
    bench = Bench(linked(finished_miniature, tmp_path / "e"), yaml.safe_load(MINIATURE.read_text()))
    for edit in (put("training.learning_rate", 0.002), package("numpy"),
                 append("tasks/distance.py", "_NEW = 1")):  # fmt: skip
        edit(bench)
    assert bench.dry_run()[0] == bench.dry_run(from_the_shell)[0]


def check(bench: Bench, edit: Edit, runs: str, perhaps: str, stored: str) -> None:
    edit(bench)
    found, said = bench.dry_run()
    sure = found.get("changed", set()) | found.get("lost", set())
    expected = [set(text.split()) for text in (runs, perhaps, stored)]
    assert [sure, found.get("after", set()), found.get("stored", set())] == expected, said


# Files from outside: benchmarks, and models in folders -----------------------------------------

OWN, MODEL = "files/own", "files/model"
EXTERNAL = {
    "name": "external",
    "matrix": {"train_sets": ["none"]},
    "train_sets": {},
    "evaluation_sets": {"own": {"benchmark": "custom", "path": OWN}},
    "models": {"located": {"source": "folder", "path": MODEL}},
}
TARGETS = ("results/data/evaluation/own.parquet", "results/models/located/base.json")


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A benchmark that was read and a model folder that was looked at."""
    folder = tmp_path_factory.mktemp("external")
    draw_own(folder / OWN)
    (folder / MODEL).mkdir()
    (folder / MODEL / "config.json").write_text("{}")
    (folder / MODEL / "model.safetensors").write_bytes(bytes(1000))
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(EXTERNAL))
    run = run_snakemake(folder, config, *TARGETS)
    assert run.returncode == 0, run.stdout + run.stderr
    return Bench(folder, EXTERNAL, TARGETS)


def in_files(change: Callable[..., object], name: str) -> Edit:
    return lambda bench: change(bench.folder / name)


EXTERNAL_TABLE = [
    row("nothing at all", lambda bench: None),
    row("a question reworded", in_files(
            lambda p: p.write_text(p.read_text().replace("At which", "At what")),
            f"{OWN}/questions.jsonl"), "data_read_benchmark"),
    row("one bit of a picture", in_files(flip_a_byte, f"{OWN}/pictures/left.png"),
        "data_read_benchmark"),
    row("a picture deleted", in_files(remove, f"{OWN}/pictures/left.png"), "data_read_benchmark"),
    row("files touched", in_files(touch_all, "files")),
    row("a further file beside them", in_files(lambda p: p.write_text("new"), f"{OWN}/notes.txt")),
    row("one bit of the model", in_files(flip_a_byte, f"{MODEL}/model.safetensors"),
        "model_locate"),
    row("a further file in the model", in_files(lambda p: p.write_text("{}"), f"{MODEL}/more.json"),
        "model_locate"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "runs", "perhaps", "stored"), EXTERNAL_TABLE)
def test_an_edit_of_outside_files_reruns_what_reads_them(
    external: Bench, tmp_path: Path, edit: Edit, runs: str, perhaps: str, stored: str
) -> None:
    folder = tmp_path / "experiment"
    shutil.copytree(external.folder, folder)
    check(Bench(folder, fresh(EXTERNAL), TARGETS), edit, runs, perhaps, stored)
