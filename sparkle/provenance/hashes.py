"""Content hashes that are not computed twice: a file is read again only when its stamp moved."""

from __future__ import annotations

import json
from pathlib import Path

from sparkle.errors import SparkleError
from sparkle.files import write_text
from sparkle.provenance.record import Record, find_record, hash_of, locate, results_of, stamp_of


class Hashes:
    """Hashes of files and folders, known from records, from earlier processes, or computed."""

    def __init__(self, cache_file: Path | None = None) -> None:
        self._cache_file = cache_file
        self._known: dict[str, dict[str, str]] = {}  # path -> stamp -> hash
        self._promised: dict[str, str] = {}
        self._changed = False
        if cache_file is not None:
            try:
                self._known = dict(json.loads(cache_file.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                self._known = {}  # a cache that cannot be read is no cache

    def add(self, record: Record, results: Path) -> None:
        """Take over what a record says of files that still have the stamps it gives."""
        for name, stamp in record.stamps.items():
            sha256 = record.outputs.get(name) or record.inputs.get(name)
            key = str(locate(name, results).absolute())
            if sha256 is not None:
                self._known.setdefault(key, {})[stamp] = sha256

    def promise(self, path: Path, sha256: str) -> None:
        """From now on the file counts as having this content: it is going to be made again."""
        self._promised[str(path.absolute())] = sha256

    def of(self, path: Path) -> str | None:
        """The content hash; None if there is no such file or folder."""
        key = str(path.absolute())
        if key in self._promised:
            return self._promised[key]
        stamp = stamp_of(path)
        if stamp is None:
            return None
        known = self._known.get(key, {})
        if stamp not in known:
            known = self._known[key] = {stamp: hash_of(path)}
            self._changed = True
        return known[stamp]

    def save(self) -> None:
        """Keep what was computed for later processes."""
        if self._cache_file is not None and self._changed:
            write_text(self._cache_file, json.dumps(self._known, sort_keys=True))


def known_hash(path: Path) -> str:
    """The content hash of an artefact, from its record if the artefact has not changed since."""
    hashes = Hashes()
    try:
        place, record = find_record(path)
        hashes.add(record, results_of(place, record))
    except SparkleError:
        pass
    found = hashes.of(path)
    if found is None:
        raise SparkleError(f"{path} does not exist.", "Run the step that makes it first.")
    return found
