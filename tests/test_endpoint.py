"""Endpoints as rows, against a real HTTP server on the loopback device that fails often."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from draw_benchmarks import picture
from endpoint_runs import KEY, assert_key_is_nowhere, flaky_process, killed_and_resumed
from flaky_server import FlakyServer
from helpers import quiet

from sparkle.config.inference import EndpointModel, Prompting
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.inference.endpoint import Pace, answer_by_endpoint
from sparkle.inference.prompting import conversation
from sparkle.inference.requests import PassingFailure, read_reply, request_of, retry_after
from sparkle.inference.settings import EndpointSettings

PROMPTING = Prompting()


@pytest.fixture
def server() -> Iterator[FlakyServer]:
    found = FlakyServer()
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def questions(path: Path, count: int) -> list[dict[str, Any]]:
    rows = [
        {"id": f"{path.stem}/{i}", "image": picture("mug", "left"), "scene": "", "task": "custom",
         "scene_hash": f"picture-{i}", "kind": "text", "form": "open", "prompt": f"Question {i}?",
         "answer": "x", "target": "x", "options": [], "difficulty": None,
         "subject": f'{{"item":"{i}","answers":["x"]}}'}
        for i in range(count)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema=EVALUATION_SCHEMA), path)
    return rows


def endpoint(url: str, **changes: Any) -> EndpointModel:
    values = {"source": "endpoint", "base_url": url, "model": "m", "timeout": 2.0,
              "longest_wait": 0.05, "concurrency": 8, **changes}  # fmt: skip
    return EndpointModel(**values)


def settings(chosen: EndpointModel) -> EndpointSettings:
    return EndpointSettings(
        base_url=chosen.base_url, model=chosen.model, max_new_tokens=20,
        parameters=chosen.parameters, prompting=chosen.prompting,
    )  # fmt: skip


def run(chosen: EndpointModel, path: Path, folder: Path, report: Any = quiet) -> Any:
    return answer_by_endpoint(
        chosen, settings(chosen), [path], folder / "out", work=folder / "work", report=report
    )


def expected(server: FlakyServer, chosen: EndpointModel, rows: list[dict[str, Any]]) -> list[str]:
    return [
        server.answer(request_of(settings(chosen), conversation(row, rows, chosen.prompting)))
        for row in rows
    ]


def test_200_questions_through_faults(server: FlakyServer, tmp_path: Path) -> None:
    rows = questions(tmp_path / "set.parquet", 200)
    chosen = endpoint(server.url, budget={"price_in": 3.0, "price_out": 15.0})
    used = run(chosen, tmp_path / "set.parquet", tmp_path)
    found = pd.read_parquet(tmp_path / "out/set.parquet")
    assert found["id"].tolist() == [row["id"] for row in rows]
    assert found["response"].tolist() == expected(server, chosen, rows)
    faults = Counter(note["fault"] for note in server.notes)
    assert {"429", "500", "timeout", "cut"} <= set(faults) and faults[None] >= 200
    assert (used.questions, used.prompt_tokens, used.completion_tokens) == (200, 20_000, 2_000)
    assert used.money == pytest.approx(200 * (100 * 3 + 10 * 15) / 1e6)
    assert json.loads((tmp_path / "out/usage.json").read_text())["questions"] == 200
    server.notes.clear()
    assert run(chosen, tmp_path / "set.parquet", tmp_path).questions == 200
    assert not server.notes  # nothing is asked again


def test_killed_in_the_middle_and_resumed(tmp_path: Path) -> None:
    """A process of its own is killed with SIGKILL; the next one asks only what is left."""
    rows = questions(tmp_path / "set.parquet", 200)
    with flaky_process(tmp_path) as url:
        chosen = endpoint(url, key_variable="TEST_KEY", concurrency=4)
        run = killed_and_resumed(chosen, settings(chosen), tmp_path / "set.parquet", tmp_path)
    assert len(run.asked_later) == 200 - len(run.before)  # what was kept is not asked again
    assert run.after[: len(run.before)] == run.before and len(run.after) == 200
    assert {json.loads(line)["id"] for line in run.after} == {row["id"] for row in rows}
    assert {note["authorization"] for note in run.notes} == {f"Bearer {KEY}"}
    found = pd.read_parquet(tmp_path / "out/set.parquet")
    assert found["id"].tolist() == [row["id"] for row in rows]
    assert found["response"].tolist() == expected(FlakyServer(), chosen, rows)
    usage = json.loads((tmp_path / "out/usage.json").read_text())
    assert usage["questions"] == 200 and usage["prompt_tokens"] == 20_000
    assert_key_is_nowhere(tmp_path, run.output)


@pytest.mark.parametrize("cap", [{"tokens": 1_200}, {"money": 0.012, "price_in": 10.0,
                                                      "price_out": 10.0}])  # fmt: skip
def test_a_budget_is_kept_and_can_be_raised(
    server: FlakyServer, tmp_path: Path, cap: dict[str, float]
) -> None:
    server.faults = {}
    questions(tmp_path / "set.parquet", 40)
    with pytest.raises(SparkleError, match="budget of the endpoint is spent: 1\\d\\d\\d tokens"):
        run(endpoint(server.url, budget=cap), tmp_path / "set.parquet", tmp_path)
    assert len(server.notes) == 10 and not (tmp_path / "out/set.parquet").exists()
    run(endpoint(server.url), tmp_path / "set.parquet", tmp_path)
    assert len(server.notes) == 40  # the ten answers were kept


def test_a_budget_needs_a_server_that_counts(server: FlakyServer, tmp_path: Path) -> None:
    server.faults, server.usage = {}, False
    questions(tmp_path / "set.parquet", 5)
    with pytest.raises(SparkleError, match="does not report the tokens"):
        run(endpoint(server.url, budget={"tokens": 9_000}), tmp_path / "set.parquet", tmp_path)
    assert run(endpoint(server.url), tmp_path / "set.parquet", tmp_path).questions == 5


def test_a_server_that_never_recovers_is_given_up(server: FlakyServer, tmp_path: Path) -> None:
    server.fault = lambda key, attempt: "500"  # type: ignore[method-assign]
    questions(tmp_path / "set.parquet", 3)
    chosen = endpoint(server.url, attempts=3, concurrency=1)
    with pytest.raises(SparkleError, match="did not answer in 3 attempts: HTTP 500.\n.*kept"):
        run(chosen, tmp_path / "set.parquet", tmp_path)
    assert len(server.notes) == 3
    with pytest.raises(SparkleError, match="connection failed"):
        run(endpoint("http://127.0.0.1:9", attempts=2), tmp_path / "set.parquet", tmp_path)


def test_a_refusal_is_not_tried_again(server: FlakyServer, tmp_path: Path) -> None:
    questions(tmp_path / "set.parquet", 3)
    url = server.url.replace("127.0.0.1", "127.0.0.1") + "/nowhere"
    server.RequestHandlerClass.do_POST, old = refuse, server.RequestHandlerClass.do_POST  # type: ignore[attr-defined]
    try:
        with pytest.raises(SparkleError, match="refuses with HTTP 401: 'no such key'"):
            run(endpoint(url, concurrency=1), tmp_path / "set.parquet", tmp_path)
    finally:
        server.RequestHandlerClass.do_POST = old  # type: ignore[attr-defined]


def refuse(self: Any) -> None:
    self.rfile.read(int(self.headers["Content-Length"]))
    self._send(401, b"no such key")


def test_a_key_that_the_server_repeats_is_not_shown(
    server: FlakyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults, server.secret = {}, True
    monkeypatch.setenv("TEST_KEY", KEY)
    questions(tmp_path / "set.parquet", 1)
    said: list[str] = []
    with pytest.raises(SparkleError, match=r"HTTP 401: 'no such key: Bearer \*\*\*'") as caught:
        run(endpoint(server.url, key_variable="TEST_KEY"), tmp_path / "set.parquet", tmp_path,
            said.append)  # fmt: skip
    assert_key_is_nowhere(tmp_path, "".join(said) + str(caught.value))


class Dripping(BaseHTTPRequestHandler):
    """Sends a byte now and then, and never comes to an end."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" ")
                time.sleep(0.05)

    def log_message(self, *arguments: Any) -> None:
        """No lines on the screen."""


def test_an_answer_that_drips_counts_as_late(tmp_path: Path) -> None:
    questions(tmp_path / "set.parquet", 1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as dripping:
        dripping.daemon_threads = True
        threading.Thread(target=dripping.serve_forever, daemon=True).start()
        chosen = endpoint(f"http://127.0.0.1:{dripping.server_port}", timeout=0.5, attempts=2)
        with pytest.raises(SparkleError, match="in 2 attempts: no answer within 0.5 s"):
            run(chosen, tmp_path / "set.parquet", tmp_path)
        dripping.shutdown()


def test_two_runs_at_once_pay_once(server: FlakyServer, tmp_path: Path) -> None:
    questions(tmp_path / "set.parquet", 30)
    server.faults, server.delay = {}, 0.02
    with ThreadPoolExecutor(2) as threads:
        both = [
            threads.submit(run, endpoint(server.url), tmp_path / "set.parquet", tmp_path)
            for _ in range(2)
        ]
    assert [each.result().questions for each in both] == [30, 30] and len(server.notes) == 30


def test_the_rate_limit_spaces_requests(server: FlakyServer, tmp_path: Path) -> None:
    server.faults = {}
    questions(tmp_path / "set.parquet", 12)
    run(endpoint(server.url, requests_per_minute=1200), tmp_path / "set.parquet", tmp_path)
    times = sorted(note["time"] for note in server.notes)
    assert times[-1] - times[0] >= 11 * 0.05 - 0.05
    Pace(None).wait()


def test_keys_come_from_the_environment_alone(
    server: FlakyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions(tmp_path / "set.parquet", 1)
    monkeypatch.delenv("TEST_KEY", raising=False)
    with pytest.raises(SparkleError, match="TEST_KEY .*is not set.\n.*export TEST_KEY"):
        run(endpoint(server.url, key_variable="TEST_KEY"), tmp_path / "set.parquet", tmp_path)
    for wrong in ({"key_variable": "sk-abc123"}, {"base_url": "https://u:p@x.org/v1"},
                  {"base_url": "https://x.org/v1?key=1"}, {"base_url": "ftp://x.org"},
                  {"parameters": {"model": "y"}}, {"api_key": "sk"}):  # fmt: skip
        with pytest.raises(ValueError):
            endpoint(**{"url": server.url, **wrong} if "base_url" not in wrong else {
                "url": wrong["base_url"]})  # fmt: skip


@pytest.mark.parametrize("text", [
    "", "{", "null", "[]", "{}", '{"choices": []}', '{"choices": [{}]}', '{"choices": 3}',
    '{"choices": [{"message": null}]}', "<html>", "[" * 100_000,
])  # fmt: skip
def test_broken_answers_are_asked_again(text: str) -> None:
    with pytest.raises(PassingFailure):
        read_reply(text)


def test_answers_that_are_read() -> None:
    def reply(content: Any, **more: Any) -> str:
        return json.dumps({"choices": [{"message": {"content": content}}], **more})

    assert read_reply(reply("a", usage={"prompt_tokens": 3, "completion_tokens": 1})).tokens == (
        3,
        1,
    )
    assert read_reply(reply("a", usage={"prompt_tokens": "x"})).tokens == (None, None)
    assert (
        read_reply(reply([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])).text
        == "ab"
    )
    assert read_reply(reply(None)).text == ""
    assert read_reply(reply("half \ud800 a pair \0")).text == "half ? a pair \0"
    for many in (10**30, -1, 1.5, "9", None):
        usage = {"prompt_tokens": many, "completion_tokens": 1}
        assert read_reply(reply("a", usage=usage)).tokens == (None, 1)
    assert retry_after("2.5") == 2.5 and retry_after("soon") is None and retry_after("-4") == 0.0
    assert [retry_after(x) for x in ("nan", "inf", "-0", "Mon, 1 Jan 9999999 0:0:0 GMT", "")] == [
        0.0, 3600.0, 0.0, None, None]  # fmt: skip
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


# In the experiment --------------------------------------------------------------------------------


def test_an_endpoint_is_a_row_that_is_never_trained(miniature: dict[str, Any]) -> None:
    miniature["models"]["hosted"] = {
        "source": "endpoint", "base_url": "https://api.example.org/v1/", "model": "x",
        "key_variable": "EXAMPLE_KEY",
    }  # fmt: skip
    experiment = Experiment.from_mapping(miniature)
    rows = [cell.folder for cell in experiment.cells()]
    assert "hosted/none/seed0" in rows and not any(r.startswith("hosted/full") for r in rows)
    chosen, asked = experiment.endpoint("hosted")
    assert asked.base_url == "https://api.example.org/v1"
    faster = {**miniature["models"]["hosted"], "concurrency": 9, "budget": {"tokens": 5}}
    miniature["models"]["hosted"] = faster
    other, same = Experiment.from_mapping(miniature).endpoint("hosted")
    assert other != chosen and same.identity() == asked.identity()
    with pytest.raises(SparkleError, match="cannot be fine-tuned"):
        experiment.finetune("hosted", "full", 1)


def test_variants_are_rows_of_the_base_weights(miniature: dict[str, Any]) -> None:
    miniature["models"]["mini-cot"] = {
        "source": "variant", "of": "mini", "prompting": {"style": "chain_of_thought"},
        "max_new_tokens": 99,
    }  # fmt: skip
    experiment = Experiment.from_mapping(miniature)
    assert experiment.baselines() == {"mini-cot": "mini"}
    assert experiment.base_of("mini-cot") == "mini"
    inference = experiment.inference("mini-cot")
    assert inference.prompting.style == "chain_of_thought"
    assert inference.inference.max_new_tokens == 99
    for of in ("nobody", "mini-cot"):
        miniature["models"]["mini-cot"]["of"] = of
        with pytest.raises(SparkleError, match="models.mini-cot.of"):
            Experiment.from_mapping(miniature)
