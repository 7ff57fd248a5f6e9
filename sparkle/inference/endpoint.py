"""Inference by an OpenAI-compatible endpoint: concurrent, patient, within a budget, resumable."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from sparkle.config.inference import EndpointModel
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError
from sparkle.files import (
    canonical_json,
    exclusive,
    file_hash,
    make_folder,
    text_hash,
    write_json,
)
from sparkle.inference.answers import append_answers, read_answers
from sparkle.inference.examples import example_pool
from sparkle.inference.predictions import Prediction, write_predictions, write_times
from sparkle.inference.prompting import check_examples, conversation, prompt_hash
from sparkle.inference.requests import ask, request_of
from sparkle.inference.settings import EndpointSettings

Row = Mapping[str, Any]


@dataclass
class Usage:
    """What was used so far; ``largest`` is the dearest answer, to keep within the caps."""

    questions: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    money: float = 0.0
    largest_tokens: int = 0
    largest_money: float = 0.0


class Meter:
    """Counts tokens and money against the budget of an endpoint, over all evaluation sets."""

    def __init__(self, endpoint: EndpointModel) -> None:
        self.budget = endpoint.budget
        self.usage = Usage()

    def add(self, answer: Prediction) -> None:
        """Count one answer.

        Raises:
            SparkleError: There is a budget, but the server does not tell what was used.
        """
        untold = answer.prompt_tokens is None or answer.completion_tokens is None
        if untold and (self.budget.tokens is not None or self.budget.money is not None):
            raise SparkleError(
                "The endpoint does not report the tokens it used, so that the budget cannot be"
                " kept.",
                "Remove 'budget.tokens' and 'budget.money', and watch the cost elsewhere.",
            )
        inwards, outwards = answer.prompt_tokens or 0, answer.completion_tokens or 0
        money = (inwards * self.budget.price_in + outwards * self.budget.price_out) / 1e6
        used = self.usage
        used.questions += 1
        used.prompt_tokens += inwards
        used.completion_tokens += outwards
        used.money += money
        used.largest_tokens = max(used.largest_tokens, inwards + outwards)
        used.largest_money = max(used.largest_money, money)

    def allows(self, under_way: int) -> bool:
        """Whether one more request fits, if it and those under way cost as much as the dearest."""
        used, more = self.usage, under_way + 1
        tokens = used.prompt_tokens + used.completion_tokens + more * used.largest_tokens
        money = used.money + more * used.largest_money
        if used.questions == 0 and under_way and (self.budget.tokens or self.budget.money):
            return False  # the first answer tells what one costs
        return (self.budget.tokens is None or tokens <= self.budget.tokens) and (
            self.budget.money is None or money <= self.budget.money
        )


class Pace:
    """Spaces requests evenly, so that no more than so many begin in a minute."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may begin."""
        with self._lock:
            now = time.monotonic()
            begin = max(now, self._next)
            self._next = begin + self._gap
        time.sleep(max(0.0, begin - now))


def answer_by_endpoint(
    endpoint: EndpointModel,
    settings: EndpointSettings,
    evaluation_sets: Sequence[Path],
    folder: Path,
    *,
    work: Path,
    report: Callable[[str], None] = print,
) -> Usage:
    """Answer all questions of all evaluation sets and write ``folder/{set}.parquet``.

    Each answer is on disk before the next is counted: a run that is killed goes on without asking
    anything twice that was answered. ``folder/usage.json`` tells tokens and money,
    ``folder/times.json`` how long answers took.

    Raises:
        SparkleError: The key is missing, the server refuses, a question fails in all attempts, or
            the budget is spent; answers until then are kept.
    """
    headers = headers_of(endpoint)
    make_folder(work)
    lock = work / "locks" / f"endpoint-{text_hash(settings.identity())}"
    with exclusive(lock, report):  # two runs at once would pay for each question twice
        return _answer_all(endpoint, settings, evaluation_sets, folder, work, headers, report)


def _answer_all(
    endpoint: EndpointModel,
    settings: EndpointSettings,
    evaluation_sets: Sequence[Path],
    folder: Path,
    work: Path,
    headers: dict[str, str],
    report: Callable[[str], None],
) -> Usage:
    meter, pace = Meter(endpoint), Pace(endpoint.requests_per_minute)
    limits = httpx.Limits(max_connections=endpoint.concurrency)
    plans = [_plan(path, settings, work) for path in evaluation_sets]
    pools = [
        example_pool(rows, settings.examples.get(path.stem), settings.prompting)
        for path, (rows, _, _) in zip(evaluation_sets, plans, strict=True)
    ]
    for (rows, _, _), pool in zip(plans, pools, strict=True):
        check_examples(rows, pool, settings.prompting)
    for _, _, known in plans:
        for answer in known.values():
            meter.add(answer)
    answered: dict[str, list[Prediction]] = {}
    with httpx.Client(headers=headers, timeout=endpoint.timeout, limits=limits) as client:
        for path, (rows, log, known), drawn in zip(evaluation_sets, plans, pools, strict=True):
            waiting = [row for row in rows if row["id"] not in known]
            if known and waiting:
                report(f"{path.stem}: {len(known)} answers kept from before")

            def one(row: Row, pool: Sequence[Row] = drawn) -> Prediction:
                turns = conversation(row, pool, settings.prompting)
                begin = time.perf_counter()
                reply = ask(client, endpoint, request_of(settings, turns), pace.wait)
                seconds = time.perf_counter() - begin
                return Prediction(row["id"], reply.text, seconds, prompt_hash(turns), *reply.tokens)

            for answer in _all(waiting, one, endpoint.concurrency, meter):
                append_answers(log, [answer])
                known[answer.id] = answer
                report(f"{path.stem}: {len(known)}/{len(rows)} answered")
            answered[path.stem] = [known[row["id"]] for row in rows]
            write_predictions(folder / path.name, answered[path.stem])
    write_times(folder, answered)
    write_json(folder / "usage.json", asdict(meter.usage))
    return meter.usage


def headers_of(endpoint: EndpointModel) -> dict[str, str]:
    """The headers of every request, with the key from the environment.

    Raises:
        SparkleError: The environment variable of the key is not set, or holds no usable key.
    """
    if endpoint.key_variable is None:
        return {}
    key = os.environ.get(endpoint.key_variable, "").strip()
    if not key:
        raise SparkleError(
            f"The environment variable {endpoint.key_variable} with the key of {endpoint.base_url}"
            " is not set.",
            f"Set it where the workflow runs: export {endpoint.key_variable}=...",
        )
    if not key.isascii() or not key.isprintable():
        raise SparkleError(
            f"The environment variable {endpoint.key_variable} holds no usable key.",
            "It has characters that cannot be sent.",
        )
    return {"Authorization": f"Bearer {key}"}


def _plan(
    path: Path, settings: EndpointSettings, work: Path
) -> tuple[list[dict[str, Any]], Path, dict[str, Prediction]]:
    """Questions of a set, the file of its answers, and the answers that are there already."""
    rows = read_rows(path, EVALUATION_SCHEMA)
    if not rows:
        raise SparkleError(f"The evaluation set {path} is empty.", "Raise its 'images'.")
    key = {"settings": settings.model_dump(mode="json"), "data": file_hash(path)}
    log = work / f"{path.stem}-{text_hash(canonical_json(key))}.jsonl"
    ids = {row["id"] for row in rows}
    return rows, log, {name: a for name, a in read_answers(log).items() if name in ids}


def _all(
    rows: Sequence[Row], one: Callable[[Row], Prediction], concurrency: int, meter: Meter
) -> Iterator[Prediction]:
    """Answers as they come. After a failure those under way are awaited and given out first."""
    todo = list(reversed(rows))
    under_way: set[Future[Prediction]] = set()
    failure: BaseException | None = None
    with ThreadPoolExecutor(concurrency) as threads:
        while under_way or (todo and failure is None):
            while todo and failure is None and len(under_way) < concurrency:
                if not meter.allows(len(under_way)):
                    if not under_way:
                        failure = _spent(meter, len(todo))
                    break
                under_way.add(threads.submit(one, todo.pop()))
            if not under_way:
                break
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                error = future.exception()
                if error is not None:
                    failure = failure or error
                    continue
                answer = future.result()
                yield answer
                try:
                    meter.add(answer)
                except SparkleError as problem:
                    failure = failure or problem
    if failure is not None:
        raise failure


def _spent(meter: Meter, left: int) -> SparkleError:
    used = meter.usage
    return SparkleError(
        "The budget of the endpoint is spent:"
        f" {used.prompt_tokens + used.completion_tokens} tokens,"
        f" {used.money:.4f} in money for {used.questions} answers; {left} questions of this set are"
        " left.",
        "Raise 'budget' of the model and run again: the answers are kept.",
    )
