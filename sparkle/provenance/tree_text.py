"""A trace as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sparkle.provenance.lineage import label
from sparkle.provenance.record import Record
from sparkle.provenance.trace import Node, Trace

_DIGITS = 12
_SHOWN = 3
"""Files of one job that are listed, if nothing is wrong with the others."""


def as_text(found: Trace, long: bool = False) -> str:
    """The tree, one file to a line with the job that made it below, and the verdict.

    Args:
        long: With the settings, code files and packages of every job.
    """
    lines = []
    if found.number is not None:
        lines.append(str(found.number))
    lines += _Drawing(found.rehashed, long).lines(found.root)
    return "\n".join([*lines, "", *_verdict(found)])


@dataclass(frozen=True)
class _Drawing:
    rehashed: bool
    long: bool

    def lines(
        self, node: Node, lead: str = "", branch: str = "", last: bool = True
    ) -> Iterator[str]:
        below = lead + ("" if not branch else "   " if last else "│  ")
        state = "; ".join(node.faults).upper() or ("verified" if self.rehashed else "unchanged")
        yield f"{lead}{branch}{node.name}  {node.digest[:_DIGITS]}  {state}"
        if node.record is None:
            return
        if node.repeated:
            yield f"{below}   by {label(node.record)}, see above"
            return
        shown, left_out = _chosen(node.children)
        stem = f"{below}{'│ ' if shown else '  '} "
        yield f"{stem}by {_made_by(node.record)}"
        if self.long:
            yield from (f"{stem}   {line}" for line in _details(node.record))
        for number, child in enumerate(shown, 1):
            at_end = number == len(shown) and not left_out
            yield from self.lines(child, below, "└─ " if at_end else "├─ ", at_end)
        if left_out:
            yield f"{below}└─ and {left_out} more of the same jobs"


def _chosen(children: tuple[Node, ...]) -> tuple[list[Node], int]:
    """The children to show: of many files of one job, all with faults and the first few."""
    shown: list[Node] = []
    count: dict[str, int] = {}
    for child in children:
        maker = child.record.name if child.record else child.name
        count[maker] = count.get(maker, 0) + 1
        if child.faults or not child.repeated or count[maker] <= _SHOWN:
            shown.append(child)
    return shown, len(children) - len(shown)


def _made_by(record: Record) -> str:
    parts = [label(record), f"code {record.code[:_DIGITS]}"]
    if record.commit:
        parts.append(f"commit {record.commit[:9]}{' with changes' if record.dirty else ''}")
    parts += [f"{name} {value}" for name, value in _main_settings(record)]
    parts.append(record.ended[:16].replace("T", " ") + " UTC")
    return ", ".join(parts)


def _main_settings(record: Record) -> Iterator[tuple[str, object]]:
    """Settings that fit on a line: the seeds, and how many images."""
    yield from ((f"seed of {name}", seed) for name, seed in record.seeds.items())
    if "images" in record.settings:
        yield "images", record.settings["images"]


def _details(record: Record) -> Iterator[str]:
    yield from (f"config {key}: {value}" for key, value in _opened(record.settings).items())
    yield from (f"code {name}: {digest}" for name, digest in record.modules.items())
    yield from (f"package {name}: {version}" for name, version in record.packages.items())


def _opened(value: Any) -> Any:
    """Nested settings as one mapping from key path to value."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, Any] = {}
    for key, each in value.items():
        inner = _opened(each)
        if isinstance(inner, dict):
            flat.update({f"{key}.{name}": leaf for name, leaf in inner.items()})
        else:
            flat[key] = inner
    return flat


def _verdict(found: Trace) -> list[str]:
    how = f"{found.files} files, all hashed"
    if not found.rehashed:
        how = f"{found.files} files, by size and time: --verify hashes them"
    notes = [str(each) for each in found.drift if not each.counts]
    notes = [f"note: {each}" for each in notes]
    if found.verified:
        return [
            f"verified: every file is what the records say ({how}), config and code too",
            *notes,
        ]
    lines = [*found.faults, *(str(each) for each in found.drift if each.counts)]
    return [f"NOT verified ({how}):", *(f"  {line}" for line in lines), *notes]
