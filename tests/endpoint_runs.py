"""A run of `sparkle ask-endpoint` that is killed in the middle and started again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.config.inference import EndpointModel
from sparkle.inference.settings import EndpointSettings

ROOT = Path(__file__).parent.parent
KEY = "sk-secret-of-the-test"
LIMIT = 540


@dataclass(frozen=True)
class Run:
    """Lines of the work file when killed and at the end, the server's notes, all that was said."""

    before: list[str]
    after: list[str]
    notes: list[dict[str, Any]]
    asked: int
    output: str

    @property
    def asked_later(self) -> set[str]:
        """What was asked and answered after the kill."""
        return {note["key"] for note in self.notes[self.asked :] if note["fault"] is None}


@contextlib.contextmanager
def flaky_process(folder: Path, *upstream: str) -> Iterator[str]:
    """The URL of a flaky server in a process of its own; its notes are in ``server.jsonl``."""
    port, log = folder / "url", folder / "server.jsonl"
    command = [sys.executable, str(ROOT / "tests/flaky_server.py"), port, log, *upstream]
    server = subprocess.Popen(command)
    try:
        while not port.exists() or not port.read_text():
            assert server.poll() is None
            time.sleep(0.05)
        yield port.read_text()
    finally:
        server.kill()
        server.wait()


def killed_and_resumed(
    chosen: EndpointModel, settings: EndpointSettings, path: Path, folder: Path, least: int = 60
) -> Run:
    """Kill with SIGKILL once ``least`` answers are there, then run again to the end."""
    command = [
        sys.executable, "-m", "sparkle", "ask-endpoint",
        "--settings", settings.model_dump_json(), "--endpoint", chosen.model_dump_json(),
        "--work", str(folder / "work"), "--evaluation-sets", str(path),
        "--output", str(folder / "out"),
    ]  # fmt: skip
    environment = {**os.environ, "TEST_KEY": KEY}
    with open(folder / "first.log", "w") as said:
        first = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        limit = time.monotonic() + LIMIT
        while len(kept(folder)) < least:
            assert first.poll() is None and time.monotonic() < limit
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.wait()
    before = kept(folder)
    assert least <= len(before) < 200 and not (folder / "out" / path.name).exists()
    asked = len((folder / "server.jsonl").read_text().splitlines())
    again = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT
    )
    assert again.returncode == 0, again.stdout + again.stderr
    notes = [json.loads(line) for line in (folder / "server.jsonl").read_text().splitlines()]
    output = (folder / "first.log").read_text() + again.stdout + again.stderr
    return Run(before, kept(folder), notes, asked, output)


def kept(folder: Path) -> list[str]:
    """The answers in the work file so far, a cut last line left out."""
    return [
        line
        for p in folder.glob("work/inference/*.jsonl")
        for line in p.read_text().split("\n")[:-1]
    ]


def assert_key_is_nowhere(folder: Path, output: str) -> None:
    """No log, record or result holds the key (the flaky server's own notes do)."""
    assert KEY not in output
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "server.jsonl":
            assert KEY.encode() not in path.read_bytes(), path
