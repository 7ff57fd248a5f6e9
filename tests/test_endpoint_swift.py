"""An endpoint that is a real server: `swift deploy` of the embedded model, on loopback."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
import yaml
from endpoint_runs import assert_key_is_nowhere, flaky_process, killed_and_resumed
from helpers import evaluation_source, quiet

from sparkle.config.inference import EndpointModel, Prompting
from sparkle.datasets.merge import merge_evaluation
from sparkle.datasets.synthesis import synthesize
from sparkle.experiment import Experiment
from sparkle.inference.endpoint import answer_by_endpoint
from sparkle.inference.infer import Subject, infer
from sparkle.inference.settings import EndpointSettings
from sparkle.rendering import RenderSpec
from sparkle.swift import swift_command, swift_environment
from sparkle.tasks.base import Asking
from sparkle.training.pretraining import unpack_shipped

ROOT = Path(__file__).parent.parent
COUNT = 20

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return Experiment.from_mapping(yaml.safe_load((ROOT / "config/config.yaml").read_text()))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment) -> Path:
    folder = tmp_path_factory.mktemp("model") / "base"
    unpack_shipped(experiment.pretraining("sparkle-tiny"), name="sparkle-tiny", output=folder)
    return folder


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[str]:
    """Base URL of the server."""
    folder = tmp_path_factory.mktemp("deploy")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = swift_command("deploy", {
        "model": str(weights), "model_type": "llava1_5_hf", "host": "127.0.0.1", "port": port,
        "served_model_name": "tiny", "torch_dtype": "float32", "device_map": "cpu",
        "infer_backend": "transformers", "load_args": False, "max_new_tokens": 24,
    })  # fmt: skip
    environment = swift_environment(offline=True, threads=1, gpus=0, work=folder)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}/v1"
    limit = time.monotonic() + 900
    try:
        while True:
            assert process.poll() is None and time.monotonic() < limit, (folder / "log").read_text()
            try:
                if httpx.get(f"{url}/models", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def direction_set(folder: Path, count: int) -> Path:
    source = evaluation_source(
        "direction", images=count, render=RenderSpec(size=50), asking=Asking(form="open")
    )
    synthesize(source, folder / "shards", report=quiet)
    merge_evaluation([folder / "shards/job-000.json"], folder / "direction.parquet")
    return folder / "direction.parquet"


def answered_here(experiment: Experiment, weights: Path, data: Path, folder: Path) -> pd.DataFrame:
    """The answers of the same model without a server."""
    settings = experiment.inference("sparkle-tiny")
    inference = settings.inference.model_copy(update={"max_new_tokens": 24})
    infer(
        settings.model_copy(update={"inference": inference}), Subject(str(weights), None, "base"),
        [data], folder / "local", work=folder / "work-local", report=quiet,
    )  # fmt: skip
    return pd.read_parquet(folder / "local/direction.parquet")


def settings_of(url: str) -> EndpointSettings:
    return EndpointSettings(
        base_url=url, model="tiny", max_new_tokens=24, parameters={}, prompting=Prompting()
    )


def test_a_served_model_answers_as_it_does_in_process(
    tmp_path: Path, experiment: Experiment, weights: Path, deployed: str
) -> None:
    data = direction_set(tmp_path, COUNT)
    endpoint = EndpointModel(
        source="endpoint", base_url=deployed, model="tiny", concurrency=2, timeout=300
    )
    used = answer_by_endpoint(
        endpoint, settings_of(deployed), [data], tmp_path / "served", work=tmp_path / "work",
        report=quiet,
    )  # fmt: skip
    assert used.questions == COUNT and used.prompt_tokens > COUNT and used.completion_tokens > 0
    served = pd.read_parquet(tmp_path / "served/direction.parquet")
    local = answered_here(experiment, weights, data, tmp_path)
    assert served["response"].tolist() == local["response"].tolist()
    assert served["prompt_hash"].tolist() == local["prompt_hash"].tolist()


def test_200_questions_through_faults_and_a_kill(
    tmp_path: Path, experiment: Experiment, weights: Path, deployed: str
) -> None:
    """A real model behind a door that fails often; the client is killed (-9) and resumed."""
    data = direction_set(tmp_path, 200)
    rows = pd.read_parquet(data, columns=["id"])["id"].tolist()
    with flaky_process(tmp_path, deployed) as url:
        chosen = EndpointModel(
            source="endpoint", base_url=url, model="tiny", key_variable="TEST_KEY", concurrency=4,
            timeout=5, longest_wait=0.2, budget={"money": 5, "price_in": 3, "price_out": 15},
        )  # fmt: skip
        run = killed_and_resumed(chosen, settings_of(url), data, tmp_path)
    # Every question answered once, none lost, none that was kept asked again.
    assert run.after[: len(run.before)] == run.before and len(run.after) == 200
    assert sorted(json.loads(line)["id"] for line in run.after) == sorted(rows)
    assert len(run.asked_later) == 200 - len(run.before)
    faults = Counter(note["fault"] for note in run.notes)
    assert {"429", "500", "timeout", "cut"} <= set(faults)
    served = pd.read_parquet(tmp_path / "out/direction.parquet")
    local = answered_here(experiment, weights, data, tmp_path)
    assert served["id"].tolist() == rows == local["id"].tolist()
    assert served["response"].tolist() == local["response"].tolist()
    # The cost is that of the answers kept, by the server's own count of each.
    counted = {note["key"]: note["usage"] for note in run.notes if note["fault"] is None}
    usage = json.loads((tmp_path / "out/usage.json").read_text())
    assert usage["questions"] == len(counted) == 200
    for name in ("prompt_tokens", "completion_tokens"):
        assert usage[name] == served[name].sum() == sum(each[name] for each in counted.values())
    money = (3 * usage["prompt_tokens"] + 15 * usage["completion_tokens"]) / 1e6
    assert usage["money"] == pytest.approx(money) and money > 0
    assert_key_is_nowhere(tmp_path, run.output)
    print(f"kept at the kill: {len(run.before)}; requests: {dict(faults)}; usage: {usage}")
