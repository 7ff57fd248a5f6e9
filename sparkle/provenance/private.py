"""Nothing about whose machine it was leaves it: paths of the user are taken out of text files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TEXT = frozenset({".json", ".yaml", ".yml", ".md", ".csv", ".html", ".svg", ".txt", ".lock"})


@dataclass(frozen=True)
class Places:
    """Folders whose paths are replaced: where the experiment was started, and the user's home."""

    start: Path
    home: Path

    @staticmethod
    def here() -> Places:
        return Places(Path.cwd(), Path.home())

    def replacements(self) -> list[tuple[re.Pattern[bytes], bytes]]:
        """(path, what stands for it), longer paths first; a home of ``/`` tells nothing.

        A path is no part of a longer one: ``/work`` does not stand in ``results/work``.
        """
        found = {}
        for folder, mark in ((self.home, b"{home}"), (self.start, b"{start}")):
            for path in {folder, folder.resolve()}:
                if len(path.parts) > 1:
                    found[str(path).encode()] = mark
        return [
            (re.compile(rb"(?<![\w.-])" + re.escape(path) + rb"(?![\w-])"), mark)
            for path, mark in sorted(found.items(), key=lambda item: -len(item[0]))
        ]


def without_paths(path: Path, places: Places) -> bytes | None:
    """The content of a text file without the user's paths; None if it holds none of them."""
    if path.suffix not in _TEXT:
        return None
    content = path.read_bytes()
    changed = content
    for place, mark in places.replacements():
        changed = place.sub(mark, changed)
    return changed if changed != content else None
