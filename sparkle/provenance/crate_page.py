"""The page of a crate that people open: what it is, what was run, and every file with its hash."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from markupsafe import Markup

from sparkle.provenance.lineage import Lineage, label
from sparkle.reporting.page import environment, resource

_FIGURE = "figures/matrix.svg"


@dataclass(frozen=True)
class Shown:
    """A file of the page; ``link`` is None for what is not in the crate."""

    name: str
    link: str | None
    size: int | None
    digest: str


@dataclass(frozen=True)
class Run:
    """The run of a step, for its line in the table."""

    name: str
    link: str
    started: str
    seconds: float
    memory_mb: int
    device: str


def crate_page(entities: Mapping[str, Any], lineage: Lineage, prefix: str) -> str:
    """The HTML of the preview.

    Args:
        entities: Properties of the crate's entities by their identifier.
        prefix: Folder of the crate that the results are in.
    """
    figure = lineage.results / _FIGURE
    files = list(_files(entities))
    return (
        environment()
        .from_string(resources.files(__package__).joinpath("crate.html.j2").read_text("utf-8"))
        .render(
            style=Markup(resource("style.css.j2")),
            root=entities["./"],
            licence=_text(entities, entities["./"]["license"]),
            profiles=[entities[each["@id"]] for each in entities["./"]["conformsTo"]],
            figure=base64.b64encode(figure.read_bytes()).decode() if figure.is_file() else None,
            runs=list(_runs(lineage, prefix)),
            folders=_by_folder([each for each in files if each.link]),
            absent=[each for each in files if not each.link],
            key_files=[f"{prefix}/{name}" for name in ("report.html", "tables/matrix.md")
                       if f"{prefix}/{name}" in entities],
            readable_size=readable_size,
            readable_time=readable_time,
        )
    )  # fmt: skip


def _text(entities: Mapping[str, Any], value: Any) -> str:
    return str(entities[value["@id"]]["name"] if isinstance(value, dict) else value)


def _runs(lineage: Lineage, prefix: str) -> Iterator[Run]:
    for record in lineage.order():
        started, ended = (datetime.fromisoformat(t) for t in (record.started, record.ended))
        yield Run(
            label(record), f"{prefix}/{record.name}", f"{started:%Y-%m-%d %H:%M:%S}",
            (ended - started).total_seconds(), record.peak_memory_mb, record.device,
        )  # fmt: skip


def _files(entities: Mapping[str, Any]) -> Iterator[Shown]:
    for identifier, entity in sorted(entities.items()):
        kinds = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
        size = entity.get("contentSize", entity.get("size"))
        if "File" in kinds:
            yield Shown(identifier, identifier, int(size) if size else None,
                        entity.get("sha256", ""))  # fmt: skip
        elif identifier.startswith("#") and "identifier" in entity:
            yield Shown(entity["name"], None, int(size) if size else None, entity["identifier"])


def _by_folder(files: list[Shown]) -> dict[str, list[Shown]]:
    found: dict[str, list[Shown]] = {}
    for each in files:
        parts = PurePosixPath(each.name).parts
        found.setdefault("/".join(parts[: min(2, len(parts) - 1)]) or ".", []).append(each)
    return found


def readable_size(size: int | None) -> str:
    """Bytes in a unit that people read."""
    if size is None:
        return ""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} B"


def readable_time(seconds: float) -> str:
    """Seconds in a unit that people read."""
    if seconds >= 5400:
        return f"{seconds / 3600:.1f} h"
    if seconds >= 100:
        return f"{seconds / 60:.1f} min"
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"  # records have whole seconds
