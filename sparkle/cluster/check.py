"""Whether a cluster is as the profile and the config expect, before anything is submitted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sparkle.cluster import slurm
from sparkle.config.models import StepResources
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.experiment.parts import for_device

STEPS = {
    "synthesis": "data_synthesize_training",
    "training": "training_finetune",
    "inference": "inference_tuned",
}
"""The rule that stands for each step of the config's resources."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``ok`` is None if it could not be."""

    ok: bool | None
    text: str
    hint: str = ""


@dataclass(frozen=True)
class Partition:
    """What a partition offers: most minutes (None: unlimited) and the largest of its nodes."""

    name: str
    up: bool
    nodes: int
    minutes: float | None
    cpus: int
    memory_mb: int
    gpus: int
    kinds: frozenset[str]


@dataclass(frozen=True)
class Wish:
    """What a step will ask Slurm for, and what it then needs on a node.

    Attributes:
        kind: Kind of the GPUs, or empty.
        attempts: How often it is tried at most; each attempt asks for more.
        precision: Number format in which it computes; empty if that is no matter.
        modules: Python modules that its options need beyond Sparkle's own.
    """

    step: str
    partition: str
    account: str
    kind: str
    attempts: int
    needs: StepResources
    precision: str = ""
    modules: tuple[str, ...] = ()


def read_profile(folder: Path) -> dict[str, Any]:
    """The profile's settings.

    Raises:
        SparkleError: It is missing or no YAML mapping.
    """
    path = folder / "config.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SparkleError(f"{path} does not exist.", "Name the profile with --profile.") from None
    except yaml.YAMLError as error:
        raise SparkleError(f"{path} is no YAML: {error}", "Compare with profiles/slurm.") from None
    if not isinstance(values, dict):
        raise SparkleError(f"{path} holds no settings.", "Compare with profiles/slurm.")
    return values


def wishes(profile: dict[str, Any], experiment: Experiment) -> list[Wish]:
    """What the steps of an experiment ask for under a profile."""
    found = []
    for step, rule in STEPS.items():
        resources = {
            **(profile.get("default-resources") or {}),
            **((profile.get("set-resources") or {}).get(rule) or {}),
        }
        found.append(
            Wish(
                step,
                _plain(resources.get("slurm_partition", "")),
                _plain(resources.get("slurm_account", "")),
                _plain(resources.get("gpu_model", "")),
                1 + int(profile.get("retries", 0)),
                needs := getattr(experiment.config.resources, step),
                _precision(experiment, step, needs),
                _modules(experiment, step),
            )
        )
    return found


def _precision(experiment: Experiment, step: str, needs: StepResources) -> str:
    if step == "synthesis":
        return ""
    return for_device(getattr(experiment.config, step), needs).precision


def _modules(experiment: Experiment, step: str) -> tuple[str, ...]:
    """Modules that options of ms-swift ask for and that are no part of the environment."""
    if step == "synthesis":
        return ()
    section = getattr(experiment.config, step)
    models = [getattr(experiment.model(name), "swift", {}) for name in experiment.models]
    options = [section.swift, *models]
    found = {"flash_attn" for o in options if str(o.get("attn_impl", "")).startswith("flash_att")}
    if step == "training":
        found |= {"deepspeed" for o in options if o.get("deepspeed")}
    elif section.backend != "transformers":
        found.add(section.backend)
    return tuple(sorted(found))


def check_offers(wish: Wish) -> Iterator[Finding]:
    """Compare one wish with what its partition offers."""
    if not wish.partition:
        yield Finding(None, f"{wish.step}: no partition is named; Slurm's default is used")
        return
    partition = read_partition(wish.partition)
    if partition is None:
        yield Finding(
            False,
            f"{wish.step}: there is no partition '{wish.partition}'",
            "Write one of `sinfo -o %P` into the lines marked SITE of the profile.",
        )
        return
    needs, name = wish.needs, f"{wish.step}: partition '{wish.partition}'"
    yield Finding(partition.up, f"{name} is up", "Ask your site, or choose another.")
    raise_hint = f"Choose another partition, or lower resources.{wish.step} in the config."
    yield Finding(
        partition.gpus >= needs.gpus,
        f"{name} has nodes with {needs.gpus} GPUs (most: {partition.gpus})",
        raise_hint,
    )
    yield Finding(
        partition.nodes >= needs.nodes,
        f"{name} has {needs.nodes} nodes for a job (there: {partition.nodes})",
        raise_hint,
    )
    if wish.kind and needs.nodes > 1:
        yield Finding(
            False,
            f"{wish.step}: gpu_model does not go with a job of several nodes",
            f"Replace it in the profile by gres: \"'gpu:{wish.kind}:{needs.gpus}'\".",
        )
    elif wish.kind:
        known = ", ".join(sorted(partition.kinds)) or "none is named"
        yield Finding(
            wish.kind in partition.kinds,
            f"{name} has GPUs of the kind '{wish.kind}' (there: {known})",
            "Write a kind that `sinfo -o %G` shows, or leave gpu_model out.",
        )
    yield Finding(
        partition.cpus >= needs.threads,
        f"{name} has nodes with {needs.threads} CPUs (most: {partition.cpus})",
        raise_hint,
    )
    most = needs.memory_mb * wish.attempts
    yield Finding(
        partition.memory_mb >= most,
        f"{name} has nodes with {most} MB, asked for by attempt {wish.attempts}"
        f" (most: {partition.memory_mb})",
        raise_hint,
    )
    minutes = needs.minutes * wish.attempts
    yield Finding(
        partition.minutes is None or partition.minutes >= minutes,
        f"{name} allows {minutes} minutes, asked for by attempt {wish.attempts}",
        raise_hint,
    )


def read_partition(name: str) -> Partition | None:
    """What a partition offers; None if there is none of that name.

    Raises:
        SparkleError: Slurm does not answer.
    """
    text = slurm.run("sinfo", "--noheader", "--partition", name, "--format", "%a|%l|%c|%m|%G|%D")
    rows = [line.split("|") for line in text.splitlines() if line.strip()]
    if not rows:
        return None
    limit = slurm.seconds_of(rows[0][1])
    gres = [row[4] for row in rows]
    kinds = {
        part.split(":")[1]
        for entry in gres
        for part in entry.split("(")[0].split(",")
        if part.startswith("gpu:") and part.count(":") > 1
    }
    return Partition(
        name,
        any(row[0].strip() == "up" for row in rows),
        sum(int(row[5]) for row in rows),
        None if limit is None else limit / 60,
        max(int(row[2].strip("+ ")) for row in rows),
        max(int(row[3].strip("+ ")) for row in rows),
        max(slurm.gpus_of(entry) for entry in gres),
        frozenset(kinds),
    )


def check_account(account: str) -> Finding:
    """Whether the account exists for this user, where Slurm can tell."""
    if not account:
        return Finding(None, "no account is named; sites that have accounts refuse such jobs")
    user = os.environ.get("USER", "")
    try:
        text = slurm.run(
            "sacctmgr", "--noheader", "--parsable2", "show", "associations",
            f"user={user}", f"account={account}", "format=account",
        )  # fmt: skip
    except SparkleError:
        return Finding(None, f"account '{account}': Slurm's data base does not tell")
    return Finding(
        account in text.split(),
        f"account '{account}' is yours",
        "Write one of `sacctmgr show associations user=$USER` into the profile.",
    )


def check_status_command(profile: dict[str, Any]) -> Finding:
    """Whether squeue keeps ended jobs long enough for their end to be seen."""
    text = slurm.run("scontrol", "show", "config")
    ages = [line.split("=")[1] for line in text.splitlines() if line.startswith("MinJobAge")]
    seconds = int("".join(c for c in ages[0] if c.isdigit())) if ages else 0
    polling = int(profile.get("slurm-init-seconds-before-status-checks", 40))
    return Finding(
        seconds >= 3 * polling,
        f"squeue shows ended jobs for {seconds} s, three looks apart by {polling} s",
        "Lower slurm-init-seconds-before-status-checks in the profile to a third of that.",
    )


def check_environment_variable() -> Finding:
    """SLURM_CONF does not reach the steps inside jobs."""
    return Finding(
        "SLURM_CONF" not in os.environ,
        "Slurm finds its config without SLURM_CONF",
        "Jobs lose that variable and 'srun' fails in them: ask your site for /etc/slurm, or put"
        " wrappers that set it first into PATH.",
    )


def _plain(value: Any) -> str:
    """A resource of a profile without the quotes of its Python expression."""
    return str(value or "").strip().strip("'\"")
