"""What runs on clusters, without one: the driver's record, frozen code, the journal, status."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparkle.cluster import check, driver, nodes, slurm
from sparkle.cluster.clocks import bring_back_all, present_of
from sparkle.cluster.driver import drive, read_driver, remove_stale_locks
from sparkle.cluster.frozen import freeze_code, freeze_config, prune
from sparkle.cluster.journal import Entry, read_entries, write_entry
from sparkle.cluster.requeue import requeue
from sparkle.cluster.status import expected_seconds, read_status
from sparkle.cluster.supervise import DRIVER, JOURNAL, PLAN, job_name
from sparkle.commands.cluster import status_lines
from sparkle.errors import SparkleError, Stopped
from sparkle.experiment import Experiment
from sparkle.files import exclusive

ROOT = Path(__file__).parent.parent


# The driver -----------------------------------------------------------------------------------


def test_a_second_driver_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    record = tmp_path / DRIVER
    with drive(record):
        refused = pytest.raises(SparkleError, match=f"being run by process {os.getpid()}")
        with refused, drive(record):
            pass
        assert record.exists()
    assert not record.exists()


def test_a_dead_driver_is_followed(tmp_path: Path) -> None:
    record = tmp_path / DRIVER
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom sparkle.cluster.driver import drive\n"
        "with drive(Path(sys.argv[1])): os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code, str(record)], env=environment)
    dead = read_driver(record)
    assert dead is not None and not dead.alive
    with drive(record):
        found = read_driver(record)
        assert found is not None and found.alive and found.pid == os.getpid()


def test_a_driver_elsewhere_lives_as_long_as_it_is_heard_of(tmp_path: Path) -> None:
    record = tmp_path / DRIVER
    record.parent.mkdir()
    record.write_text(json.dumps({"host": "elsewhere", "pid": 1, "started": 1, "boot": "x"}))
    with pytest.raises(SparkleError, match="elsewhere"), drive(record):
        pass
    past = time.time() - 2 * driver.SILENT_SECONDS
    os.utime(record, (past, past))
    with drive(record):
        found = read_driver(record)
        assert found is not None and found.host == socket.gethostname()


def test_a_cut_record_is_nobody(tmp_path: Path) -> None:
    record = tmp_path / DRIVER
    record.parent.mkdir()
    record.write_text('{"host": "else')
    past = time.time() - 60
    os.utime(record, (past, past))
    with drive(record):
        assert read_driver(record) is not None


def test_only_locks_of_these_results_are_stale(tmp_path: Path) -> None:
    mine, other = tmp_path / "0.input.lock", tmp_path / "1.output.lock"
    mine.write_text("results/data/a.json\n")
    other.write_text("results-of-others/data/a.json\n")
    assert remove_stale_locks(tmp_path, Path("results")) == 1
    assert not mine.exists() and other.exists()


def test_one_process_at_a_time_in_a_work_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom sparkle.files import exclusive\n"
        "with exclusive(Path(sys.argv[1])):\n    print('in', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    first = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    )
    assert first.stdout is not None and first.stdout.readline() == b"in\n"
    said: list[str] = []

    def report(line: str) -> None:
        said.append(line)
        first.kill()  # the lock ends with the process

    with exclusive(tmp_path, report):
        assert "another process works" in said[0]
    first.wait()


# Frozen code and config -----------------------------------------------------------------------


def test_frozen_code_is_whole_and_does_not_change(tmp_path: Path) -> None:
    code = freeze_code(ROOT, tmp_path)
    assert freeze_code(ROOT, tmp_path) == code
    assert (code / "rules/common.smk").exists() and not list(code.rglob("__pycache__"))
    shown = subprocess.run(
        [sys.executable, "-c", "import sparkle; print(sparkle.__file__)"],
        env={**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"},
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout.strip() == str(code / "sparkle/__init__.py")


def test_old_copies_go(tmp_path: Path) -> None:
    for number in range(7):
        (tmp_path / f"code-{number}").mkdir()
        os.utime(tmp_path / f"code-{number}", (number, number))
    prune(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code-5", "code-6"]


def test_a_config_is_frozen_as_it_was_read(tmp_path: Path) -> None:
    path = freeze_config({"b": 1, "a": {"x": [1, 2]}}, tmp_path)
    assert freeze_config({"a": {"x": [1, 2]}, "b": 1}, tmp_path) == path
    assert yaml.safe_load(path.read_text()) == {"a": {"x": [1, 2]}, "b": 1}


def test_times_of_the_future_are_brought_back(tmp_path: Path) -> None:
    ahead, behind = tmp_path / "ahead", tmp_path / "a/behind"
    behind.parent.mkdir()
    for path, offset in ((ahead, 3600), (behind, -3600)):
        path.write_text("")
        os.utime(path, (time.time() + offset, time.time() + offset))
    before = behind.stat().st_mtime
    present = present_of(tmp_path)
    assert bring_back_all(tmp_path, present) == 1
    assert ahead.stat().st_mtime <= present_of(tmp_path) and behind.stat().st_mtime == before


# Slurm's words --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0:07", 7), ("12:34", 754), ("1:00:00", 3600), ("2-03:04:05", 183845), ("UNLIMITED", None),
     ("INVALID", None)],
)  # fmt: skip
def test_durations(text: str, seconds: float | None) -> None:
    assert slurm.seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("gres", "gpus"),
    [("N/A", 0), ("(null)", 0), ("gpu:2", 2), ("gres:gpu:a100:4", 4), ("gpu", 1),
     ("gpu:a100:4(S:0-1)", 4)],
)  # fmt: skip
def test_gpus_in_gres(gres: str, gpus: int) -> None:
    assert slurm.gpus_of(gres) == gpus


def test_a_line_of_squeue() -> None:
    job = slurm.parse_line("7|PENDING|gpu||gpu:1|0:00|1:00:00|Resources|name|rule_a_wildcards_b|c")
    assert (job.id, job.limit, job.active, job.reason) == ("7", 3600.0, True, "Resources")
    assert job.comment == "rule_a_wildcards_b|c" and not job.held_after_failed_launch
    held = slurm.parse_line("7|PENDING|gpu||1|0:00|1:00|launch failed requeued held|name|rule_a")
    assert held.held_after_failed_launch


@pytest.mark.parametrize(
    ("line", "memory"),
    [
        ("slurmstepd-gpu1: error: StepId=45.0 exceeded memory limit (2 > 1), being killed", True),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=3.batch.", True),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", False),
    ],
)
def test_memory_is_named_where_the_state_does_not(tmp_path: Path, line: str, memory: bool) -> None:
    log = tmp_path / "7.log"
    assert not slurm.ran_out_of_memory(log)
    log.write_text(f"first\n{line}\nlast\n")
    assert slurm.ran_out_of_memory(log) is memory


def program(folder: Path, name: str, text: str) -> None:
    """A stand-in for one of Slurm's programs."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_a_failing_program_is_a_message(programs: Path) -> None:
    program(programs, "squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(SparkleError, match="Unable to contact"):
        slurm.queue("name")


@pytest.mark.parametrize(
    ("state", "progressed", "requeued"),
    [("RUNNING", True, True), ("COMPLETING", True, False), ("RUNNING", False, False)],
)
def test_only_a_running_job_that_progressed_goes_back(
    programs: Path, monkeypatch: pytest.MonkeyPatch, state: str, progressed: bool, requeued: bool
) -> None:
    program(programs, "squeue", f"echo {state}")
    program(programs, "scontrol", f"echo $@ > {programs}/called")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert requeue(Stopped("ended", progressed=progressed), lambda _: None) is requeued
    assert (programs / "called").exists() is requeued


def test_nothing_goes_back_outside_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert not requeue(Stopped("ended", progressed=True))


def test_the_name_of_jobs_tells_experiments_apart(tmp_path: Path) -> None:
    first, second = job_name("a b/c", tmp_path / "1"), job_name("a b/c", tmp_path / "2")
    assert first != second and first == job_name("a b/c", tmp_path / "1")
    assert first.startswith("sparkle-a-b-c-")


# Journal and status ---------------------------------------------------------------------------


def test_the_journal_survives_a_cut_line(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    write_entry(path, Entry("submitted", "1", "rule_a"))
    with open(path, "a") as handle:
        handle.write('{"event": "fai')
    write_entry(path, Entry("failed", "1", "rule_a"))
    assert [entry.event for entry in read_entries(path)] == ["submitted", "failed"]


def planned(rule: str, output: Path, gpus: int = 0) -> dict[str, object]:
    log = output.parent / f"{rule}.log"
    return {"rule": rule, "wildcards": {"x": "1"}, "comment": f"rule_{rule}_wildcards_1",
            "outputs": [str(output)], "log": [str(log)], "gpus": gpus, "local": False}  # fmt: skip


def test_status_tells_what_runs_waits_failed_and_is_left(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results"
    (results / "work").mkdir(parents=True)
    rules = ("made", "train", "ask", "broken", "later")
    jobs = [planned(rule, results / rule, gpus=rule in ("train", "ask")) for rule in rules]
    (results / PLAN).write_text(json.dumps({"name": "sparkle-x", "jobs": jobs}))
    (results / "made").write_text("")
    (results / "broken.log").write_text("first\nOutOfMemoryError: too much\n")
    for number, rule in enumerate(("train", "ask", "broken"), 1):
        entry = Entry("submitted", str(number), f"rule_{rule}_wildcards_1", gpus=rule != "broken")
        write_entry(results / JOURNAL, entry)
    write_entry(results / JOURNAL, Entry("failed", "3", "rule_broken_wildcards_1"))
    write_entry(
        results / JOURNAL, Entry("failed", "0", "rule_train_wildcards_1", gpus=2, seconds=3600)
    )
    write_entry(results / JOURNAL, Entry("submitted", "1", "rule_train_wildcards_1", gpus=1))
    line = "{}|{}|gpu|{}|gpu:1|{}|1:00:00|{}|sparkle-x|rule_{}_wildcards_1"
    lines = [line.format(1, "RUNNING", "node7", "30:00", "None", "train"),
             line.format(2, "PENDING", "", "0:00", "Resources", "ask")]  # fmt: skip
    program(programs, "squeue", "cat <<'E'\n" + "\n".join(lines) + "\nE")
    benchmarks = tmp_path / "benchmarks/runs/train"
    benchmarks.mkdir(parents=True)
    (benchmarks / "a.tsv").write_text("s\th:m:s\n5400.0\t1:30:00\n")

    status = read_status(results)
    assert [job.state for job in status.jobs] == ["done", "running", "waiting", "failed", "to come"]
    assert status.gpu_hours == pytest.approx(2.5)
    assert status.seconds_left == 3600 and status.unknown == 3
    text = "\n".join(status_lines(status))
    assert "node7, 0:30:00 of 1:00:00" in text and "waits for: Resources" in text
    assert "| OutOfMemoryError: too much" in text and "about 1:00:00" in text


def test_status_of_nothing_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(SparkleError, match="No run has been started"):
        read_status(tmp_path)


def test_no_benchmark_no_expectation(tmp_path: Path) -> None:
    assert expected_seconds([]) is None


# Profile and check ----------------------------------------------------------------------------


def test_the_shipped_profile_says_where_steps_go() -> None:
    profile = check.read_profile(ROOT / "profiles/slurm")
    experiment = Experiment.load(ROOT / "config/paper.yaml")
    found = {
        wish.step: (wish.partition, wish.attempts) for wish in check.wishes(profile, experiment)
    }
    assert found == {"synthesis": ("cpu", 3), "training": ("gpu", 3), "inference": ("gpu", 3)}


def test_every_entry_of_the_profile_is_commented() -> None:
    lines = (ROOT / "profiles/slurm/config.yaml").read_text().splitlines()
    keys = [n for n, line in enumerate(lines) if line[:1].isalpha()]
    for number in keys:
        below = lines[number + 1].lstrip() if number + 1 < len(lines) else ""
        assert lines[number - 1].startswith("#") or below.startswith("#"), lines[number]


@pytest.mark.parametrize(
    ("line", "complaints"),
    [
        ("up|infinite|64|512000|gpu:a100:4|8", []),
        ("up|2:00:00|64|512000|gpu:a100:4|8", ["1440 minutes"]),
        ("up|infinite|4|512000|gpu:a100:4|8", ["8 CPUs"]),
        ("up|infinite|64|64000|gpu:a100:4|8", ["192000 MB"]),
        ("up|infinite|64|512000|(null)|8", ["1 GPUs"]),
        ("down|infinite|64|512000|gpu:a100:4|8", ["is up"]),
        ("", ["no partition 'gpu'"]),
    ],
)
def test_offers_are_compared_with_wishes(programs: Path, line: str, complaints: list[str]) -> None:
    program(programs, "sinfo", f"echo '{line}'")
    experiment = Experiment.load(ROOT / "config/paper.yaml")
    profile = check.read_profile(ROOT / "profiles/slurm")
    wish = next(w for w in check.wishes(profile, experiment) if w.step == "training")
    failed = [finding.text for finding in check.check_offers(wish) if finding.ok is False]
    assert len(failed) == len(complaints)
    assert all(complaint in text for complaint, text in zip(complaints, failed, strict=True))
    assert all(finding.hint for finding in check.check_offers(wish) if finding.ok is False)


def edited(tmp_path: Path, change: Callable[[dict[str, Any]], object]) -> Experiment:
    """The published experiment with a change."""
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text())
    change(config)
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(config))
    return Experiment.load(path)


def wish_of_training(experiment: Experiment, **resources: str) -> check.Wish:
    profile = check.read_profile(ROOT / "profiles/slurm")
    profile["set-resources"]["training_finetune"].update(resources)
    return next(w for w in check.wishes(profile, experiment) if w.step == "training")


def test_a_kind_of_gpu_is_named_otherwise_for_several_nodes(programs: Path, tmp_path: Path) -> None:
    program(programs, "sinfo", "echo 'up|infinite|64|512000|gpu:a100:4|1'")
    experiment = edited(tmp_path, lambda c: c["resources"]["training"].update(nodes=2, gpus=4))
    wish = wish_of_training(experiment, gpu_model="'a100'")
    failed = [finding for finding in check.check_offers(wish) if finding.ok is False]
    assert ["2 nodes" in failed[0].text, "gpu_model" in failed[1].text] == [True, True]
    assert "gpu:a100:4" in failed[1].hint


def test_nodes_need_what_the_config_asks_for(tmp_path: Path) -> None:
    experiment = edited(
        tmp_path,
        lambda c: c["training"].update(swift={"deepspeed": "zero2", "attn_impl": "flash_attn"}),
    )
    wish = wish_of_training(experiment)
    assert (wish.modules, wish.precision) == (("deepspeed", "flash_attn"), "bfloat16")
    good = {**nodes.describe(), "gpus": 1, "device": "A100", "bfloat16": True,
            "modules": ["deepspeed", "flash_attn"]}  # fmt: skip
    assert all(finding.ok for finding in nodes.judge_node(wish, good))
    old = {**good, "device": "V100", "bfloat16": False, "modules": ["flash_attn"]}
    failed = [finding for finding in nodes.judge_node(wish, old) if finding.ok is False]
    assert "deepspeed" in failed[0].text and "float16" in failed[1].hint
