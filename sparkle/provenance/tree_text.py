"""A trace as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sparkle.provenance.lineage import label
from sparkle.provenance.record import Record
from sparkle.provenance.trace import Node, Trace

_DIGITS = 12
_SHOWN = 3
"""Files of one job that are listed, if nothing is wrong with the others."""


def as_text(found: Trace) -> str:
    """The tree, one file to a line with the job that made it below, and the verdict."""
    lines = []
    if found.number is not None:
        lines.append(str(found.number))
    lines += _lines(found.root, found.rehashed)
    return "\n".join([*lines, "", *_verdict(found)])


def _lines(
    node: Node, rehashed: bool, lead: str = "", branch: str = "", last: bool = True
) -> Iterator[str]:
    below = lead + ("" if not branch else "   " if last else "│  ")
    state = "; ".join(node.faults).upper() or ("verified" if rehashed else "unchanged")
    yield f"{lead}{branch}{node.name}  {node.digest[:_DIGITS]}  {state}"
    if node.record is None:
        return
    if node.repeated:
        yield f"{below}   by {label(node.record)}, see above"
        return
    shown, left_out = _chosen(node.children)
    yield f"{below}{'│ ' if shown else '  '} by {_made_by(node.record)}"
    for number, child in enumerate(shown, 1):
        at_end = number == len(shown) and not left_out
        yield from _lines(child, rehashed, below, "└─ " if at_end else "├─ ", at_end)
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
