"""An endpoint that is a real server: `swift deploy` of the embedded model, on loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pandas as pd
import pytest
import yaml
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


def test_a_served_model_answers_as_it_does_in_process(
    tmp_path: Path, experiment: Experiment, weights: Path, deployed: str
) -> None:
    source = evaluation_source(
        "direction", images=COUNT, render=RenderSpec(size=50), asking=Asking(form="open")
    )
    synthesize(source, tmp_path / "shards", report=quiet)
    data = tmp_path / "direction.parquet"
    merge_evaluation([tmp_path / "shards/job-000.json"], data)
    endpoint = EndpointModel(
        source="endpoint", base_url=deployed, model="tiny", concurrency=2, timeout=300
    )
    asked = EndpointSettings(
        base_url=deployed, model="tiny", max_new_tokens=24, parameters={}, prompting=Prompting()
    )
    used = answer_by_endpoint(
        endpoint, asked, [data], tmp_path / "served", work=tmp_path / "work", report=quiet
    )
    assert used.questions == COUNT and used.prompt_tokens > COUNT and used.completion_tokens > 0
    served = pd.read_parquet(tmp_path / "served/direction.parquet")
    settings = experiment.inference("sparkle-tiny")
    settings = settings.model_copy(
        update={"inference": settings.inference.model_copy(update={"max_new_tokens": 24})}
    )
    infer(
        settings, Subject(str(weights), None, "base"), [data], tmp_path / "local",
        work=tmp_path / "work", report=quiet,
    )  # fmt: skip
    local = pd.read_parquet(tmp_path / "local/direction.parquet")
    assert served["response"].tolist() == local["response"].tolist()
    assert served["prompt_hash"].tolist() == local["prompt_hash"].tolist()
