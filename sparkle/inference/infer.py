"""Inference by ms-swift: one model load, all evaluation sets, every answer kept as it comes."""

from __future__ import annotations

import base64
import importlib.util
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparkle.config.training import SwiftOptions
from sparkle.datasets.merge import EVALUATION_SCHEMA
from sparkle.datasets.parquet import read_rows
from sparkle.errors import SparkleError, Stopped
from sparkle.files import canonical_json, exclusive, file_hash, make_folder, text_hash
from sparkle.inference.answers import append_answers, read_answers
from sparkle.inference.examples import example_pool
from sparkle.inference.predictions import Prediction, write_predictions, write_times
from sparkle.inference.prompting import Turn, check_examples, conversation, prompt_hash
from sparkle.inference.settings import InferenceSettings
from sparkle.swift import swift_environment, to_arguments


@dataclass(frozen=True)
class Subject:
    """The model under test: base weights, and perhaps tuned ones.

    Attributes:
        base: Folder or hub name of the base weights.
        tuned: Folder of fine-tuned weights (a whole model or adapters), or None.
        identity: Hash that tells this model from all others.
    """

    base: str
    tuned: Path | None
    identity: str


def infer(
    settings: InferenceSettings,
    subject: Subject,
    evaluation_sets: Sequence[Path],
    folder: Path,
    *,
    work: Path,
    threads: int = 1,
    gpus: int = 0,
    made_with: str = "",
    report: Callable[[str], None] = print,
    asked_to_end: Callable[[], bool] = lambda: False,
) -> None:
    """Answer all questions of all evaluation sets and write ``folder/{set}.parquet``.

    ``folder/times.json`` tells how long a question of each set took.

    Answers are appended to a file in ``work`` batch by batch, keyed by model, settings, dataset and
    ``made_with`` (a hash of code and packages): an interrupted run goes on, and finished sets are
    not asked again.

    Raises:
        Stopped: ``asked_to_end`` said so; the answers given until then are kept.
    """
    check_backend(settings.inference.backend)
    make_folder(work)
    _check_examples(settings, evaluation_sets)
    engine: Any = None
    progressed = False
    answered: dict[str, list[Prediction]] = {}
    for path in evaluation_sets:
        rows = read_rows(path, EVALUATION_SCHEMA)
        if not rows:
            raise SparkleError(f"The evaluation set {path} is empty.", "Raise its 'images'.")
        key = {
            "model": subject.identity,
            "settings": settings.model_dump(mode="json"),
            "data": file_hash(path),
            "made_with": made_with,
        }
        name = f"{path.stem}-{text_hash(canonical_json(key))}"
        log = work / f"{name}.jsonl"
        with exclusive(work / "locks" / name, report):
            known = read_answers(log)
            waiting = [row for row in rows if row["id"] not in known]
            if known and waiting:
                report(f"{path.stem}: {len(known)} answers kept from before")
            if waiting and asked_to_end():
                raise _stopped(path, known, progressed)
            if waiting and engine is None:
                engine = load_engine(settings, subject, threads=threads, gpus=gpus, work=work)
            pool = example_pool(rows, settings.examples.get(path.stem), settings.prompting)
            for batch in _answer(engine, settings, waiting, pool):
                append_answers(log, batch)
                known.update({answer.id: answer for answer in batch})
                report(f"{path.stem}: {len(known)}/{len(rows)} answered")
                progressed = True
                if asked_to_end() and len(known) < len(rows):
                    raise _stopped(path, known, progressed)
        answered[path.stem] = [known[row["id"]] for row in rows]
        write_predictions(folder / path.name, answered[path.stem])
    write_times(folder, answered)


def _check_examples(settings: InferenceSettings, evaluation_sets: Sequence[Path]) -> None:
    """Look at all sets before the model is loaded: a later one may lack few-shot examples."""
    if settings.prompting.style == "few_shot":
        for path in evaluation_sets:
            rows = read_rows(path, EVALUATION_SCHEMA)
            pool = example_pool(rows, settings.examples.get(path.stem), settings.prompting)
            check_examples(rows, pool, settings.prompting)


def _stopped(path: Path, known: dict[str, Prediction], progressed: bool) -> Stopped:
    done = f"{len(known)} answers to {path.stem} are kept"
    return Stopped(f"The inference was asked to end: {done}.", progressed=progressed)


def infer_options(settings: InferenceSettings, subject: Subject, gpus: int) -> SwiftOptions:
    """The options of ``swift infer`` for this model."""
    inference = settings.inference
    options: SwiftOptions = {
        "model": subject.base,
        "max_batch_size": inference.batch_size,
        "max_new_tokens": inference.max_new_tokens,
        "temperature": 0,
        "stream": False,
        "load_args": False,
        "torch_dtype": inference.precision,
        "infer_backend": inference.backend,
    }
    if subject.tuned is not None:
        if (subject.tuned / "adapter_config.json").exists():
            options["adapters"] = [str(subject.tuned)]
        else:
            options["model"] = str(subject.tuned)
    if gpus == 0:
        options["device_map"] = "cpu"
    options.update(settings.swift)
    options.update(inference.swift)
    return options


_MODULES = {"vllm": "vllm", "sglang": "sglang", "lmdeploy": "lmdeploy"}


def check_backend(backend: str) -> None:
    """Make sure that the engine of the inference is installed, before a model is loaded."""
    module = _MODULES.get(backend)
    if module is not None and importlib.util.find_spec(module) is None:
        raise SparkleError(
            f"inference.backend: '{backend}' is not installed in this environment.",
            f"pip install {module} (it brings a torch of its own choice: best into an environment"
            " apart), or set 'backend: transformers'.",
        )


def load_engine(
    settings: InferenceSettings, subject: Subject, *, threads: int, gpus: int, work: Path
) -> Any:
    """ms-swift's inference pipeline with the model loaded (its engine and request config)."""
    # The libraries read their environment on import, so it is set before that.
    os.environ.update(swift_environment(offline=True, threads=threads, gpus=gpus, work=work))
    from swift.pipelines.infer.infer import SwiftInfer

    return SwiftInfer(to_arguments(infer_options(settings, subject, gpus)))


def _answer(
    engine: Any,
    settings: InferenceSettings,
    rows: list[dict[str, Any]],
    pool: Sequence[dict[str, Any]],
) -> Iterator[list[Prediction]]:
    if not rows:
        return
    from swift.infer_engine import InferRequest

    config = engine.args.get_request_config()
    size = settings.inference.batch_size
    for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        asked = [conversation(row, pool, settings.prompting) for row in batch]
        requests = [InferRequest(**_request(turns)) for turns in asked]
        begin = time.perf_counter()
        answers = engine.infer(requests, config, use_tqdm=False, **engine.infer_kwargs)
        seconds = time.perf_counter() - begin
        yield [
            Prediction(
                row["id"],
                answer.choices[0].message.content,
                seconds / len(batch),
                prompt_hash(turns),
            )
            for row, turns, answer in zip(batch, asked, answers, strict=True)
        ]


def _request(turns: Sequence[Turn]) -> dict[str, Any]:
    """Messages and pictures as ms-swift takes them: a mark in the text for each picture."""
    return {
        "messages": [
            {"role": turn.role, "content": ("<image>" if turn.image else "") + turn.text}
            for turn in turns
        ],
        "images": [base64.b64encode(turn.image).decode() for turn in turns if turn.image],
    }
