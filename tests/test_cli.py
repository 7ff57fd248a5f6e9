"""The command line: help with examples, and messages instead of tracebacks."""

from __future__ import annotations

import argparse
import errno
import importlib.util
from pathlib import Path

import pytest

from sparkle.cli import build_parser, main
from sparkle.commands import room
from sparkle.errors import SparkleError, Stopped

ROOT = Path(__file__).parent.parent


def subcommands() -> dict[str, argparse.ArgumentParser]:
    (action,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(action.choices)


@pytest.mark.parametrize("name", subcommands())
def test_every_command_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"sparkle {name}" in text.split("example:")[1]


@pytest.mark.parametrize("name", subcommands())
def test_every_example_is_one_that_the_parser_takes(name: str) -> None:
    example = (subcommands()[name].epilog or "").split("sparkle ")[1]
    assert build_parser().parse_args(example.split()).run


FAULTS = [
    (["check", "--config", "none.yaml"], "does not exist"),
    (["synthesize", "--source", "basik", "--output", "x"], "'basik' is not known"),
    (["synthesize", "--output", "x"], "--source is missing"),
    (["synthesize", "--settings", "{", "--output", "x"], "no JSON"),
    (["synthesize", "--settings", "{}", "--output", "x"], "required"),
    (["merge-evaluation", "--sources", "nowhere", "--output", "x"], "nowhere"),
    (["reference", "--name", "sage", "--evaluation-sets", "x", "--output", "y"], "'sage'"),
    (["score", "--predictions", "p", "--evaluation-sets", "x", "--output", "y"], "does not exist"),
    (["tables", "--scores", "s", "--rows", "a", "--evaluation-sets", "x", "--output", "y"], "'a'"),
    (["unpack-model", "--output", "x"], "--model is missing"),
    (["locate-model", "--model", "sparkle-tiny", "--output", "x"], "embedded"),
    (
        ["finetune", "--model", "sparkle-tiny", "--train-set", "full", "--base", "b.json",
         "--dataset", "d", "--output", "o"],
        "b.json does not exist",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "words"), FAULTS, ids=lambda v: v[0] if isinstance(v, list) else v
)
def test_a_fault_is_a_message_with_a_hint_and_status_2(
    argv: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text((ROOT / "config/config.yaml").read_text())
    assert main(argv) == 2
    message = capsys.readouterr().err
    assert words in message and "Traceback" not in message


def test_a_results_folder_that_cannot_be_written_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("a file where the folder should be")
    text = (ROOT / "tests/miniature.yaml").read_text()
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("results: results", f"results: {tmp_path}/results/deep"))
    assert main(["check", "--config", str(config)]) == 2
    message = capsys.readouterr().err
    assert f"{tmp_path}/results" in message and "Hint" in message


def test_a_missing_model_folder_is_named_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = (ROOT / "tests/miniature.yaml").read_text()
    head = text.split("models:")[0]
    config = tmp_path / "config.yaml"
    config.write_text(head + "models:\n  mine: {source: folder, path: /nowhere/model}\n")
    assert main(["check", "--config", str(config)]) == 2
    message = capsys.readouterr().err
    assert "models.mine.path" in message and "/nowhere/model" in message


def test_an_engine_that_is_not_installed_is_named_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert importlib.util.find_spec("lmdeploy") is None
    text = (ROOT / "tests/miniature.yaml").read_text()
    text = text.replace("results: results", f"results: {tmp_path}/results")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("inference: {", "inference: {backend: lmdeploy, "))
    assert main(["check", "--config", str(config)]) == 2
    message = capsys.readouterr().err
    assert "'lmdeploy' is not installed" in message and "pip install lmdeploy" in message


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tasks"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("direction", "distance", "localization", "spp", "tsp"))


def test_an_error_on_a_full_disk_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SparkleError, match="^unexpected pos$"), room.lack_of_room_named(tmp_path):
        raise SparkleError("unexpected pos")
    monkeypatch.setattr(room.os, "posix_fallocate", full)
    refused = pytest.raises(SparkleError, match="No space left")
    with refused as found, room.lack_of_room_named(tmp_path):
        raise SparkleError("unexpected pos")
    assert "unexpected pos" in found.value.message and "Make room" in found.value.hint
    with pytest.raises(Stopped), room.lack_of_room_named(tmp_path):
        raise Stopped("asked to end", progressed=True)
