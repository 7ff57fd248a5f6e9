"""A finished experiment as a Workflow Run RO-Crate, for archives and other tools.

Profiles: Provenance Run Crate 0.5, which extends Workflow Run Crate 0.5, Process Run Crate 0.5 and
Workflow RO-Crate 1.0, on RO-Crate 1.1. The Snakefile is the workflow, each subcommand a tool and a
step (``HowToStep``), each record the run of a tool (``CreateAction``) that a ``ControlAction`` ties
to its step. Weights, shards and training data are described by their hashes, not copied.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import snakemake
from rocrate.model.contextentity import ContextEntity
from rocrate.model.preview import Preview
from rocrate.rocrate import ROCrate

import sparkle
from sparkle.errors import SparkleError
from sparkle.experiment import Experiment
from sparkle.files import atomic_path
from sparkle.provenance.bundle import RESULTS, chosen_files
from sparkle.provenance.crate_page import crate_page
from sparkle.provenance.lineage import Lineage, is_hash, label, read_lineage
from sparkle.provenance.private import Places, without_paths
from sparkle.provenance.record import Record

_TERMS = {
    name: f"https://w3id.org/ro/terms/workflow-run#{name}" for name in ("sha256", "resourceUsage")
}
"""Terms that RO-Crate 1.1 does not have; the Workflow Run RO-Crate profiles define them."""
_PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
NOT_STATED = "not stated; the workflow itself is under the MIT licence"
_README = """# Sparkle experiment {name}

A Workflow Run RO-Crate. Open `ro-crate-preview.html` in a browser; `ro-crate-metadata.json` is the
same for programs. Every file of `results/` has a record that names what it was made from.
"""
PREVIEW = Preview.BASENAME
_WORKFLOW_TYPES = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
_WORKFLOW = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
_PARAMETER = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
_COMPLETED = "http://schema.org/CompletedActionStatus"
_MEGABYTE = "https://qudt.org/vocab/unit/MegaBYTE"
_FORMATS = {
    ".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet", ".png": "image/png", ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
}  # fmt: skip
_MAIN = ("tables/matrix.csv", "tables/comparisons.csv", "tables/seeds.csv", "report.html")
_CONFIG = "config.yaml"


def write_crate(
    results: Path,
    output: Path,
    *,
    author: str | None = None,
    licence: str = NOT_STATED,
    code: Path | None = None,
) -> int:
    """Write the crate of a finished experiment into the folder ``output``; returns its entities.

    Args:
        author: Name of who ran the experiment, or their ORCID as a URL.
        licence: Of the results: a URL, or words.
        code: Folder with the Snakefile and ``rules/`` (default: the clone of this package).

    Raises:
        SparkleError: There are no records, no Snakefile, or ``output`` exists.
    """
    if output.exists():
        raise SparkleError(f"{output} exists already.", "Name a folder that does not.")
    code = code or Path(sparkle.__file__).parent.parent
    if not (code / "Snakefile").is_file():
        raise SparkleError(f"There is no {code / 'Snakefile'}.", "Name its folder with --code.")
    lineage = read_lineage(results)
    name = Experiment.load(results / _CONFIG).config.name
    with tempfile.TemporaryDirectory() as scratch, atomic_path(output) as temporary:
        build = _Build(lineage, code, Path(scratch), author)
        build.root(name, licence)
        build.readme(name)
        build.files()
        build.workflow(name)
        for record in lineage.order():
            build.job(record)
        build.run(name)
        build.preview()
        build.crate.write(temporary)
    return len(list(build.crate.get_entities()))


@dataclass
class _Build:
    lineage: Lineage
    code: Path
    scratch: Path
    author: str | None
    crate: ROCrate = field(init=False)
    actions: list[Any] = field(default_factory=list)
    controls: list[Any] = field(default_factory=list)
    steps: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.crate = ROCrate(version="1.1")
        self.crate.metadata.extra_terms.update(_TERMS)

    def entity(self, identifier: str, /, **properties: Any) -> Any:
        """A contextual entity; one that is there is taken as it is."""
        known = self.crate.dereference(identifier)
        properties = {
            "@type" if key == "type" else key: _plain(value) for key, value in properties.items()
        }
        return known or self.crate.add(ContextEntity(self.crate, identifier, properties))

    def root(self, name: str, licence: str) -> None:
        root = self.crate.root_dataset
        root["name"] = f"Sparkle experiment {name}"
        root["description"] = (
            "A vision language model fine-tuned on synthetic questions about 2D space, and"
            " evaluated: questions, answers, scores, tables, and what each was made from."
        )
        root["datePublished"] = max(record.ended for record in self.lineage.records)
        root["license"] = (
            self.entity(licence, type="CreativeWork", name=licence,
                        description="Licence of the results")
            if licence.startswith("http") else licence
        )  # fmt: skip
        root["conformsTo"] = [
            self.entity(url, type="CreativeWork", name=title, version=version)
            for url, (title, version) in _PROFILES.items()
        ]
        if self.author:
            identifier = self.author if self.author.startswith("http") else "#author"
            self.entity(identifier, type="Person", name=self.author)
            root["author"] = self.crate.dereference(identifier)

    def readme(self, name: str) -> None:
        """A word for those who find the folder without knowing what a crate is."""
        path = self.scratch / "README.md"
        path.write_text(_README.format(name=name), encoding="utf-8")
        self.crate.add_file(path, "README.md", properties={
            "name": "README", "encodingFormat": "text/markdown", "about": {"@id": "./"},
        })  # fmt: skip

    # Files ----------------------------------------------------------------------------------------

    def files(self) -> None:
        """Copy what is small and describe the rest."""
        places, made = Places.here(), self._hashes()
        for name in chosen_files(self.lineage):
            path = self.lineage.results / name
            changed = without_paths(path, places)
            if changed is not None:
                path = self.scratch / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(changed)
            properties = {
                "name": name,
                "encodingFormat": _FORMATS.get(path.suffix, "application/octet-stream"),
                "contentSize": str(path.stat().st_size),
            }
            if name in made and changed is None:
                properties["sha256"] = made[name]
            self.crate.add_file(path, f"{RESULTS}/{name}", properties=properties)
        for name, digest in sorted(made.items()):
            if self.crate.dereference(f"{RESULTS}/{name}") is None:
                self._absent(name, digest)

    def _hashes(self) -> dict[str, str]:
        found = dict(self.lineage.external())
        for record in self.lineage.records:
            found.update(record.outputs)
        return found

    def _absent(self, name: str, digest: str) -> None:
        path = self.lineage.path(name)
        values: dict[str, Any] = {
            "name": name,
            "description": "Not part of this crate: known by its hash.",
            "identifier": digest,
        }
        if path.is_dir():
            values["description"] += " SHA-256 over names and contents of a folder's files."
            values["size"] = str(sum(p.stat().st_size for p in path.rglob("*") if p.is_file()))
        elif path.is_file():
            values.update(sha256=digest, contentSize=str(path.stat().st_size))
        elif is_hash(digest):
            values["sha256"] = digest
        self.entity(_absent_id(name), type="CreativeWork", **values)

    def file(self, name: str) -> Any:
        return self.crate.dereference(f"{RESULTS}/{name}") or self.crate.dereference(
            _absent_id(name)
        )

    # The workflow and its runs --------------------------------------------------------------------

    def workflow(self, name: str) -> None:
        commit = next((r.commit for r in self.lineage.records if r.commit), None)
        version = sparkle.__version__ + (f" at {commit[:12]}" if commit else "")
        workflow = self.crate.add_workflow(
            self.code / "Snakefile", "workflow/Snakefile", main=True, lang="snakemake",
            properties={"@type": _WORKFLOW_TYPES, "name": "Sparkle", "version": version,
                        "license": "MIT", "encodingFormat": "text/plain"},
        )  # fmt: skip
        workflow["conformsTo"] = self.entity(
            _WORKFLOW, type="CreativeWork", name="ComputationalWorkflow", version="1.0"
        )
        for path in sorted((self.code / "rules").glob("*.smk")):
            self.crate.add_file(path, f"workflow/rules/{path.name}", properties={
                "name": f"Rules: {path.stem}", "encodingFormat": "text/plain",
            })  # fmt: skip
        workflow["input"] = self._parameter("config", _CONFIG)
        workflow["output"] = [self._parameter(Path(n).stem, n) for n in _MAIN if self.file(n)]

    def _parameter(self, name: str, file: str) -> Any:
        entity = self.file(file)
        parameter = self.entity(
            f"#parameter-{name}", type="FormalParameter", name=name, additionalType="File",
            workExample=entity,
            conformsTo=self.entity(
                _PARAMETER, type="CreativeWork", name="FormalParameter", version="1.0"
            ),
        )  # fmt: skip
        entity["exampleOfWork"] = parameter
        return parameter

    def step(self, name: str) -> Any:
        """The step of the workflow for a subcommand, with the tool that it is."""
        if name not in self.steps:
            tool = self.entity(
                f"#tool-{name}", type="SoftwareSourceCode", name=f"sparkle {name}",
                version=sparkle.__version__,
            )  # fmt: skip
            position = str(len(self.steps) + 1)
            self.steps[name] = self.entity(
                f"workflow/Snakefile#{name}", type="HowToStep", name=name, position=position,
                workExample=tool,
            )  # fmt: skip
            workflow = self.crate.mainEntity
            workflow.append_to("hasPart", tool)
            workflow.append_to("step", self.steps[name])
        return self.steps[name]

    def job(self, record: Record) -> None:
        """The run of a tool that a record describes."""
        step = self.step(record.step)
        action = self.action(
            f"#job-{record.name}",
            label(record),
            step["workExample"],
            [self.file(name) for name in record.inputs],
            [self.file(name) for name in record.outputs],
            (record.started, record.ended),
            description=f"{' '.join(record.command[:2])}; settings, code and versions are in"
            f" {RESULTS}/{record.name}; device: {record.device}",
        )
        action["subjectOf"] = self.file(record.name)
        memory = self.entity(
            f"#memory-{record.name}", type="PropertyValue", name="peak memory",
            propertyID="peak_memory_mb", value=str(record.peak_memory_mb), unitCode=_MEGABYTE,
        )  # fmt: skip
        action["resourceUsage"] = memory
        self.controls.append(
            self.entity(
                f"#control-{record.name}", type="ControlAction", name=f"run {label(record)}",
                instrument=step, object=action,
            )
        )  # fmt: skip

    def run(self, name: str) -> None:
        """The run of the whole workflow, and of Snakemake, which organised it."""
        records = self.lineage.records
        read = [self.file(_CONFIG), *(self.file(each) for each in self.lineage.external())]
        span = min(r.started for r in records), max(r.ended for r in records)
        made = [self.file(each) for each in _MAIN if self.file(each)]
        action = self.action(
            "#run", f"Experiment {name}", self.crate.mainEntity, read, made, span,
            description="The whole experiment, from its config to tables and report",
        )  # fmt: skip
        engine = self.entity(
            "https://snakemake.github.io", type="SoftwareApplication", name="Snakemake",
            softwareVersion=snakemake.__version__, url="https://snakemake.github.io",
        )  # fmt: skip
        self.entity(
            "#organize", type="OrganizeAction", name=f"Snakemake runs experiment {name}",
            instrument=engine, object=self.controls, result=action,
            startTime=_time(span[0]), endTime=_time(span[1]),
        )  # fmt: skip
        self.crate.root_dataset["mentions"] = self.actions

    def action(
        self, identifier: str, name: str, instrument: Any, read: Iterable[Any],
        made: Iterable[Any], span: tuple[str, str], description: str,
    ) -> Any:  # fmt: skip
        values: dict[str, Any] = {"object": list(read), "result": list(made)}
        if self.author:
            values["agent"] = self.crate.root_dataset["author"]
        action = self.entity(
            identifier, type="CreateAction", name=name, description=description,
            instrument=instrument, startTime=_time(span[0]), endTime=_time(span[1]),
            actionStatus=_COMPLETED,
            **{key: value for key, value in values.items() if value},
        )  # fmt: skip
        self.actions.append(action)
        return action

    def preview(self) -> None:
        page = self.scratch / "preview.html"
        entities = {each.id: each.properties() for each in self.crate.get_entities()}
        page.write_text(crate_page(entities, self.lineage, RESULTS), encoding="utf-8")
        self.crate.add(Preview(self.crate, page))


def _absent_id(name: str) -> str:
    """The identifier of what is not in the crate. Names may start with ``{home}``: no IRI does."""
    return "#" + quote(name)


def _plain(value: Any) -> Any:
    """A value as RO-Crate wants it: alone where there is only one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _time(text: str) -> str:
    """A time as the profiles want it: with seconds and an offset."""
    return datetime.fromisoformat(text).isoformat(timespec="seconds")
