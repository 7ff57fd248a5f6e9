"""What the outputs of one job depend on, as far as it can be told before and after it has run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sparkle.files import canonical_json, text_hash
from sparkle.fingerprint import combined
from sparkle.provenance.environment import versions
from sparkle.provenance.record import HOME, RECORD, SUFFIX, name_of


@dataclass(frozen=True)
class Input:
    """Something that a job reads.

    Attributes:
        role: What it is for the job, whatever its place: ``base``, ``sets/spp.parquet``.
        path: The file or folder.
        sha256: Its content hash, where that is known without reading it.
    """

    role: str
    path: Path
    sha256: str | None = None


@dataclass(frozen=True)
class Recipe:
    """One job: what it depends on, and where its outputs lie.

    Attributes:
        step: The subcommand.
        folder: Where its record lies.
        tree: The place of ``folder`` in a results folder, with wildcards: ``models/*/*/*``.
        outputs: The outputs, to be called when the job has run.
        code: File -> hash, of the code that takes part.
        subject: What the job is for, for people.
        stem: The record is ``STEM.record.json``, or ``record.json`` if this is empty.
        settings: The settings that its outputs depend on.
        inputs: What it reads, as far as known beforehand.
        finds_inputs: It may read more, which it tells when it has run.
        packages: Names of installed packages that its outputs depend on.
        options: What else its outputs depend on, from the command line.
        varies: Pattern of names in ``folder`` -> why the bytes of such outputs may differ.
        seeds: Name -> seed.
        gpus: GPUs that it is given.
        stored: Whether the outputs go to the store of artefacts, to be used again.
    """

    step: str
    folder: Path
    tree: str
    outputs: Callable[[], list[Path]]
    code: Mapping[str, str]
    subject: Mapping[str, str] = field(default_factory=dict)
    stem: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    packages: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    varies: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    gpus: int = 0
    finds_inputs: bool = False
    stored: bool = False

    @property
    def record(self) -> Path:
        return self.folder / (f"{self.stem}{SUFFIX}" if self.stem else RECORD)

    @property
    def results(self) -> Path:
        """The results folder; the job's own folder if that does not lie in one."""
        folder, levels = self.folder.absolute(), self.tree.split("/") if self.tree else []
        place = "/".join(folder.parts[len(folder.parts) - len(levels) :])
        return folder.parents[len(levels) - 1] if levels and fnmatch(place, self.tree) else folder

    @property
    def plain_settings(self) -> dict[str, Any]:
        """The settings as records have them: no path says who we are."""
        both = {**self.settings, **self.options}
        return dict(without_home(both))

    @property
    def versions(self) -> dict[str, str]:
        return versions(self.packages)

    @property
    def made_with(self) -> str:
        """Hash of code and packages, for keys of partial work that must not outlive them."""
        return text_hash(canonical_json([combined(self.code), self.versions]))

    def identity(self, hashes: Mapping[str, str]) -> str:
        """Hash of all that the outputs depend on, given the hash of each input by its role."""
        values = {
            "step": self.step,
            "settings": self.plain_settings,
            "code": combined(self.code),
            "packages": self.versions,
            "inputs": dict(hashes),
        }
        return text_hash(canonical_json(values), 32)

    def reason_to_vary(self, output: Path) -> str | None:
        """Why the bytes of an output may differ when it is made again; None if they may not."""
        name = name_of(output, self.folder)
        return next((why for glob, why in self.varies.items() if fnmatch(name, glob)), None)


def without_home(value: Any, home: str | None = None) -> Any:
    """A value that came from JSON, with the user's home (``home``) in it marked as such."""
    home = str(Path.home()) if home is None else home
    if isinstance(value, Mapping):
        return {key: without_home(each, home) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_home(each, home) for each in value]
    if isinstance(value, str) and (value == home or value.startswith(f"{home}/")):
        return HOME + value[len(home) :]
    return value
