"""A finished experiment to be edited, and what a dry run then says.

Dry runs start from a process that has imported Snakemake and the libraries, but nothing of Sparkle,
whose code is that beside the Snakefile: each is a process of its own all the same, and takes half
the time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
_CODE = ("Snakefile", "rules", "sparkle", "profiles")
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(
    ["snakemake.cli", "snakemake_executor_plugin_slurm", "pandas", "pyarrow.parquet", "pydantic",
     "scipy", "isal", "jinja2", "PIL.ImageDraw", "rocrate.rocrate"]
)  # fmt: skip


def fresh(value: Any) -> Any:
    """A copy that shares nothing with the original, nor parts of it with each other."""
    return json.loads(json.dumps(value))


@dataclass
class Bench:
    """A copy of a finished experiment.

    Attributes:
        folder: Where Snakemake is started.
        config: What the config is going to hold.
        text: The config as text, where it matters how it is written.
        targets: What is asked for; empty = all.
    """

    folder: Path
    config: dict[str, Any]
    targets: tuple[str, ...] = ()
    text: str | None = None
    code: Path = ROOT
    packages: dict[str, str] = field(default_factory=dict)

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def in_code(self, name: str, edit: Callable[[str], str]) -> None:
        """Edit a file of a copy of the code."""
        if self.code == ROOT:
            self.code = self.folder / "code"
            ignore = shutil.ignore_patterns("__pycache__")
            for part in _CODE:
                source = ROOT / part
                if source.is_dir():
                    shutil.copytree(source, self.code / part, ignore=ignore)
                else:
                    self.code.mkdir(exist_ok=True)
                    shutil.copy2(source, self.code / part)
        path = self.code / name
        before = path.read_text()
        after = edit(before)
        assert after != before, f"nothing was edited in {name}"
        path.write_text(after)

    def dry_run(self, start: Start | None = None) -> tuple[dict[str, set[str]], str]:
        """(why -> rules that would run for that, all output of Snakemake).

        Args:
            start: How Snakemake is started; :func:`prepared` unless given.
        """
        config = self.folder / "edited.yaml"
        config.write_text(self.text or yaml.safe_dump(self.config, sort_keys=False))
        plan = self.folder / "plan.json"
        plan.unlink(missing_ok=True)
        arguments = [*self.targets, "--snakefile", str(self.code / "Snakefile")]
        arguments += ["--directory", str(self.folder), "--configfile", str(config), "--cores", "2"]
        arguments += ["--dry-run", "--quiet", "rules"]
        output = self.folder / "output.txt"
        status = (start or prepared)(arguments, plan, self._fakes(), output)
        said = output.read_text()
        assert status == 0, said
        found: dict[str, set[str]] = {}
        for job in json.loads(plan.read_text())["jobs"]:
            found.setdefault(job["why"], set()).add(job["rule"])
        counted = set(re.findall(r"^(\w+) +\d+$", said, re.MULTILINE)) - {"all", "total"}
        assert counted == set().union(*found.values()), "the plan is not what Snakemake would do"
        return found, said

    def _fakes(self) -> Path:
        """A folder of packages that are installed in another version than the real ones."""
        folder = self.folder / "fakes"
        for name, version in self.packages.items():
            info = folder / f"{name}-{version}.dist-info"
            info.mkdir(parents=True, exist_ok=True)
            lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", ""]
            (info / "METADATA").write_text("\n".join(lines))
        return folder


Start = Callable[[list[str], Path, Path, Path], int | None]
"""Starts Snakemake: (arguments, plan to write, folder of packages, output to write) -> status."""


def from_the_shell(arguments: list[str], plan: Path, packages: Path, output: Path) -> int:
    """As a user does."""
    environment = {**os.environ, "SPARKLE_PLAN": str(plan), "PYTHONPATH": str(packages)}
    command = [sys.executable, "-m", "snakemake", *arguments]
    with output.open("w") as both:
        run = subprocess.run(command, cwd=plan.parent, env=environment, stdout=both, stderr=both)
    return run.returncode


def prepared(arguments: list[str], plan: Path, packages: Path, output: Path) -> int | None:
    """In a process that has imported what it needs."""
    process = _PROCESSES.Process(target=_snakemake, args=(arguments, plan, packages, output))
    process.start()
    process.join()
    return process.exitcode


def _snakemake(arguments: list[str], plan: Path, packages: Path, output: Path) -> None:
    with output.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    assert not any(name.split(".")[0] == "sparkle" for name in sys.modules)
    os.chdir(plan.parent)
    os.environ.update(SPARKLE_PLAN=str(plan), PYTHONPATH=str(packages))
    sys.path.insert(0, str(packages))
    sys.argv = ["snakemake", *arguments]
    from snakemake.cli import main

    main()


def linked(finished: Path, folder: Path) -> Path:
    """A copy of an experiment by hard links, which takes no time, but for what Snakemake writes to.

    So an edit has to put a new file in the place of an old one: see :func:`overwrite`.
    """
    shutil.copytree(
        finished, folder, symlinks=True, copy_function=os.link, ignore=_not_to_be_linked
    )
    if (finished / ".snakemake").is_dir():
        shutil.copytree(finished / ".snakemake", folder / ".snakemake", symlinks=True)
    return folder


def _not_to_be_linked(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name == ".snakemake"]


def overwrite(path: Path, data: bytes) -> None:
    """Give a file other content, and leave those alone that it is linked with."""
    path.unlink()
    path.write_bytes(data)


def flip_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    overwrite(path, data)


def touch_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            overwrite(path, path.read_bytes())


def remove(*paths: Path) -> None:
    for path in paths:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
