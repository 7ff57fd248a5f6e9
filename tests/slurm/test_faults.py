"""What may go wrong, done for real; each time the results are those of an undisturbed run.

docs/reliability.md is the table of these tests.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import pandas as pd
import pytest

from sparkle.cluster.slurm import seconds_of
from tests.slurm.experiment import ANSWERS, CURVE, RECORD, TRAINING, Experiment, random_steps

pytestmark = pytest.mark.slurm

INFERENCE = "rule_inference_tuned"


def whole(
    experiment: Experiment, reference: Experiment, run: subprocess.CompletedProcess[str]
) -> None:
    """The run ended well, its results are those of the reference, and it left nothing behind."""
    assert run.returncode == 0, run.stdout[-6000:]
    assert experiment.contents() == reference.contents()
    assert not experiment.jobs(active=True)
    assert not list((experiment.folder / ".snakemake/locks").glob("*"))
    assert not (experiment.folder / "results/work/driver.json").exists()
    dry = experiment.run("--dry-run")
    assert "Nothing to be done" in dry.stdout, dry.stdout[-3000:]


# Jobs -----------------------------------------------------------------------------------------


def test_a_job_fails_then_succeeds(untrained: Experiment, reference: Experiment) -> None:
    obstacle = untrained.folder / "results/work/training"
    obstacle.write_text("a file where a folder is wanted")
    main = untrained.start()
    untrained.cluster.wait(lambda: "ended as FAILED" in untrained.output(main), 300)
    assert "cannot be made" in untrained.output(main)  # the cause, on the screen
    obstacle.unlink()
    whole(untrained, reference, untrained.finish(main))


def test_synthesis_killed(unsynthesized: Experiment, reference: Experiment) -> None:
    main = unsynthesized.start()
    unsynthesized.kill("synthesize", "001")
    run = unsynthesized.finish(main)
    assert "ended as FAILED" in run.stdout
    whole(unsynthesized, reference, run)


def test_training_killed_at_three_random_steps(
    untrained: Experiment, reference: Experiment
) -> None:
    main = untrained.start("--retries", "3")
    for step in random_steps(3):
        untrained.wait_for_step(step)
        untrained.kill("swift.cli.sft")
    whole(untrained, reference, untrained.finish(main))


def test_only_the_parent_of_the_training_killed(
    untrained: Experiment, reference: Experiment
) -> None:
    main = untrained.start()
    untrained.wait_for_step(10)
    untrained.kill("sparkle", "finetune")
    whole(untrained, reference, untrained.finish(main))


def test_inference_killed(unanswered: Experiment, reference: Experiment) -> None:
    main = unanswered.start()
    answers = unanswered.folder / "results/work/inference"
    unanswered.cluster.wait(lambda: any(log.stat().st_size for log in answers.glob("*.jsonl")), 300)
    unanswered.kill("sparkle", "infer")
    run = unanswered.finish(main)
    logs = list((unanswered.folder / "logs/inference_tuned").glob("*.log"))
    assert any("answers kept from before" in log.read_text() for log in logs)
    whole(unanswered, reference, run)


# Slurm ----------------------------------------------------------------------------------------


@pytest.mark.quick
def test_scancel(untrained: Experiment, reference: Experiment) -> None:
    main = untrained.start()
    untrained.wait_for_step(10)
    subprocess.run(["scancel", untrained.running()], env=untrained.cluster.environment, check=True)
    run = untrained.finish(main)
    assert "ended as CANCELLED" in run.stdout
    whole(untrained, reference, run)


def test_requeue(untrained: Experiment, reference: Experiment) -> None:
    main = untrained.start()
    untrained.wait_for_step(10)
    job = untrained.running()
    untrained.cluster.query("scontrol", "requeue", job)
    untrained.until(main, lambda: untrained.hurry(job))
    assert len(untrained.jobs(TRAINING)) == 1
    whole(untrained, reference, untrained.finish(main))


def test_time_limit(untrained: Experiment, reference: Experiment) -> None:
    """Slurm's signal comes two minutes before the limit: a checkpoint, and back into the queue."""
    main = untrained.start()
    untrained.wait_for_step(10)
    job = untrained.running()
    with untrained.paused():
        elapsed = seconds_of(untrained.cluster.query("squeue", "-hj", job, "-o", "%M")) or 0
        limit = f"TimeLimit={int(elapsed // 60) + 2}"
        untrained.cluster.query("scontrol", "update", f"JobId={job}", limit)
        time.sleep(45)  # Slurm looks at time limits twice a minute
    log = untrained.folder / "logs/training_finetune/sparkle-tiny-direction-1.log"
    untrained.cluster.wait(lambda: "is put back into the queue" in log.read_text(), 200)
    assert "asked to end: checkpoint-" in log.read_text()
    untrained.cluster.query("scontrol", "update", f"JobId={job}", "TimeLimit=600")
    untrained.until(main, lambda: untrained.hurry(job))
    whole(untrained, reference, untrained.finish(main))


def test_preempted(untrained: Experiment, reference: Experiment) -> None:
    """A job of the partition `gpu` takes both GPU nodes from ours in `spot`."""
    untrained.change_training(slurm_partition="'spot'")
    main = untrained.start()
    untrained.wait_for_step(10)
    job = untrained.running()
    with untrained.paused():
        untrained.cluster.query(
            "sbatch", "-p", "gpu", "-N2", "--exclusive", "-t", "1", "-o", "/dev/null",
            "--wrap", "sleep 5",
        )  # fmt: skip
        time.sleep(5)
    untrained.cluster.wait(lambda: job not in untrained._running(TRAINING), 120)
    untrained.until(main, lambda: untrained.hurry(job))
    assert len(untrained.jobs(TRAINING)) == 1
    whole(untrained, reference, untrained.finish(main))


@pytest.fixture
def mended(untrained: Experiment) -> Iterator[Experiment]:
    """Nodes are brought back after the test."""
    yield untrained
    for node in ("gpu1", "gpu2"):
        if node not in untrained.cluster.processes:
            untrained.cluster.start_node(node)
        untrained.cluster.query("scontrol", "update", f"NodeName={node}", "State=resume")
    untrained.cluster.wait(
        lambda: "down" not in untrained.cluster.query("sinfo", "-hN", "-o", "%T"), 60
    )


def test_node_lost(mended: Experiment, reference: Experiment) -> None:
    main = mended.start()
    mended.wait_for_step(10)
    job = mended.running()
    node = next(j["node"] for j in mended.jobs(TRAINING))
    mended.cluster.kill_node(node)
    mended.until(main, lambda: mended.hurry(job))
    assert len(mended.jobs(TRAINING)) == 1
    whole(mended, reference, mended.finish(main))


def test_node_drained(mended: Experiment, reference: Experiment) -> None:
    main = mended.start()
    mended.wait_for_step(10)
    node = next(j["node"] for j in mended.jobs(TRAINING))
    mended.cluster.query("scontrol", "update", f"NodeName={node}", "State=drain", "Reason=test")
    run = mended.finish(main)
    assert {j["node"] for j in mended.jobs(INFERENCE)}.isdisjoint({node})
    whole(mended, reference, run)


def test_out_of_memory(untrained: Experiment, reference: Experiment) -> None:
    untrained.change_training(mem_mb="450 * attempt ** 2")
    run = untrained.run()
    states = [job["state"] for job in untrained.jobs(TRAINING)]
    assert len(states) > 1 and "COMPLETED" in states
    assert "it needed more memory than it asked for; the next attempt gets more" in run.stdout
    whole(untrained, reference, run)


def test_slurm_does_not_answer_for_a_minute(untrained: Experiment, reference: Experiment) -> None:
    main = untrained.start()
    untrained.wait_for_step(1)
    with untrained.paused():
        untrained.cluster.kill_controller()
        time.sleep(60)
        untrained.cluster.start_controller()
    run = untrained.finish(main)
    assert "Slurm answers again" in run.stdout
    assert len(untrained.jobs(TRAINING)) == 1
    whole(untrained, reference, run)


def test_slurm_forgets_that_a_job_has_started(mended: Experiment, reference: Experiment) -> None:
    """Killed before it has saved that, the controller starts the job again on a busy node."""
    cluster = mended.cluster
    state, saved = cluster.folder / "state/job_state", cluster.folder / "job_state"
    for node in ("gpu1", "gpu2"):
        cluster.query("scontrol", "update", f"NodeName={node}", "State=drain", "Reason=test")
    main = mended.start()
    cluster.wait(lambda: mended.jobs(TRAINING, active=True), 200)
    submitted = time.time()
    cluster.wait(lambda: state.stat().st_mtime > submitted + 1, 60)
    shutil.copy2(state, saved)
    for node in ("gpu1", "gpu2"):
        cluster.query("scontrol", "update", f"NodeName={node}", "State=resume")
    mended.running()
    cluster.kill_controller()
    shutil.copy2(saved, state)
    cluster.start_controller()
    cluster.wait(lambda: cluster.query("sinfo", "--noheader"))
    cluster.query("scontrol", "update", "NodeName=gpu1", "State=resume")  # forgotten as well
    cluster.query("scontrol", "update", "NodeName=gpu2", "State=resume")
    # Slurm either starts it a second time, or holds it back: then another one is submitted.
    whole(mended, reference, mended.finish(main))


# The main process -----------------------------------------------------------------------------


@pytest.mark.quick
def test_main_killed_and_restarted_at_once(untrained: Experiment, reference: Experiment) -> None:
    main = untrained.start()
    job = untrained.running()
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()
    run = untrained.run()
    assert f"Slurm job {job} (RUNNING) of an earlier run is taken over" in run.stdout
    assert len(untrained.jobs(TRAINING)) == 1
    whole(untrained, reference, run)


def test_main_killed_and_restarted_after_the_job_ended(
    untrained: Experiment, reference: Experiment
) -> None:
    main = untrained.start()
    untrained.running()
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()
    untrained.cluster.wait(lambda: not untrained.jobs(active=True), 400)
    # The job has told Snakemake itself that its outputs are complete.
    run = untrained.run()
    assert len(untrained.jobs(TRAINING)) == 1
    whole(untrained, reference, run)


def test_main_killed_and_the_config_changed(untrained: Experiment) -> None:
    """The old job is cancelled: what it makes is no longer wanted."""
    main = untrained.start()
    job = untrained.running()
    os.killpg(main.pid, signal.SIGKILL)
    main.wait()
    text = untrained.config.read_text()
    untrained.config.write_text(text.replace("epochs: 4", "epochs: 1"))
    run = untrained.run(CURVE)
    assert run.returncode == 0, run.stdout[-3000:]
    assert f"no longer fit: {job}" in run.stdout
    assert [j["state"] for j in untrained.jobs(TRAINING) if j["id"] == job] == ["CANCELLED"]
    assert '"epochs": 1.0' in (untrained.folder / RECORD).read_text()
    # And not a weight of the old run: steps of one epoch only.
    assert pd.read_csv(untrained.folder / CURVE)["step"].max() == 16


def test_two_mains(untrained: Experiment, reference: Experiment) -> None:
    main = untrained.start()
    untrained.running()
    second = untrained.run()
    assert second.returncode != 0
    assert f"already being run by process {main.pid}" in second.stdout
    untrained.wait_for_step(1)
    with untrained.paused():
        status = untrained.sparkle("status").stdout
    assert f"Run by process {main.pid}" in status
    assert re.search(r"training_finetune .* Slurm job \d+ on gpu1, ", status), status
    whole(untrained, reference, untrained.finish(main))


def test_config_and_code_edited_while_the_job_waits(
    untrained: Experiment, reference: Experiment
) -> None:
    code = untrained.own_code()
    for node in ("gpu1", "gpu2"):
        untrained.cluster.query(
            "scontrol", "update", f"NodeName={node}", "State=drain", "Reason=test"
        )
    try:
        main = untrained.start()
        untrained.cluster.wait(lambda: untrained.jobs(TRAINING, active=True), 200)
        before = untrained.config.read_text()
        untrained.config.write_text("this: is no config of an experiment\n")
        module = code / "sparkle/training/finetune.py"
        module.write_text("raise SystemExit('edited')\n")
        (code / "Snakefile").write_text("this is no Snakefile\n")
    finally:
        for node in ("gpu1", "gpu2"):
            untrained.cluster.query("scontrol", "update", f"NodeName={node}", "State=resume")
    run = untrained.finish(main)
    untrained.config.write_text(before)
    shutil.rmtree(code)
    untrained.code = reference.code
    whole(untrained, reference, run)


# Machines -------------------------------------------------------------------------------------


def test_full_disk(untrained: Experiment, reference: Experiment) -> None:
    """The results lie on a disk that is full; the message names it; with room, it goes on."""
    results = untrained.folder / "results"
    aside = untrained.folder / "aside"
    results.rename(aside)
    results.mkdir()
    size = sum(p.stat().st_size for p in aside.rglob("*") if p.is_file()) // 2**20 + 14
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(results)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        subprocess.run(["cp", "-a", f"{aside}/.", str(results)], check=True)
        run = untrained.run("--retries", "0")
        assert run.returncode != 0
        assert "No space left on device" in run.stdout
        remount = ["mount", "-o", f"remount,size={size + 400}m", str(results)]
        subprocess.run(remount, check=True)
        whole(untrained, reference, untrained.run())
    finally:
        try:
            untrained.stop()
        finally:
            subprocess.run(["umount", "-l", str(results)], check=True)


def test_clock_of_a_node_an_hour_ahead(unsynthesized: Experiment, reference: Experiment) -> None:
    """Files of the synthesis bear a time that is an hour ahead of all later ones."""
    experiment = unsynthesized
    run = experiment.run("--until", "data_synthesize_training", "data_synthesize_evaluation")
    assert run.returncode == 0, run.stdout[-3000:]
    later = time.time() + 3600
    for path in (experiment.folder / "results/data/shards").rglob("*"):
        os.utime(path, (later, later))
    run = experiment.run()
    assert "rule data_synthesize" not in run.stdout
    whole(experiment, reference, run)


def test_answers_are_there(reference: Experiment) -> None:
    assert (reference.folder / ANSWERS).exists()
