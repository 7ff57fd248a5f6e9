"""Fingerprints of code: rules carry them as params, so that an edit reruns what it affects.

A fingerprint covers a module and every module of this package that it imports, directly or not.
Comments, docstrings and layout do not count: the hash is over the syntax tree.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent
_PACKAGE = __package__ or "sparkle"


def fingerprint(*modules: str) -> str:
    """16 hex digits over the code of ``modules`` (dotted names) and what they import."""
    digest = hashlib.sha256()
    for name in sorted(_reachable(modules)):
        digest.update(f"{name}\0{_tree(name)[0]}\n".encode())
    return digest.hexdigest()[:16]


def _reachable(modules: Iterable[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _tree(name)[1]
    return found


@cache
def _tree(name: str) -> tuple[str, tuple[str, ...]]:
    """(hash of the module's syntax tree, names of the package's modules it imports)."""
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"{name} is no module of {_PACKAGE}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports.add(node.module)
            imports.update(f"{node.module}.{alias.name}" for alias in node.names)
    _strip_docstrings(tree)
    own = tuple(sorted(i for i in imports if i.split(".")[0] == _PACKAGE and _path(i)))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), own


def _path(name: str) -> Path | None:
    base = _ROOT.joinpath(*name.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        node.body = [  # type: ignore[attr-defined]
            item
            for item in body
            if not (
                isinstance(item, ast.Expr)
                and isinstance(item.value, ast.Constant)
                and isinstance(item.value.value, str)
            )
        ]
