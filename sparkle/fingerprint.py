"""Fingerprints of code: an edit reruns what it affects, and a record says what code it was.

A fingerprint covers the functions, classes and constants that a module's work leads to, in this
package, by following names from definition to definition, and the templates that these name.
Comments, docstrings and layout do not count: a hash is over syntax trees. Modules that only carry
settings or messages do not count either: what a config says reaches a step as values, and those
are judged as values. What is imported by a name that the code only knows when it runs (tasks,
benchmarks) cannot be followed: a step names such modules itself.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent
_PACKAGE = __package__ or "sparkle"
_NO_INFLUENCE = ("sparkle.config", "sparkle.errors", "sparkle.fingerprint")
_SETTINGS = ".settings"
_TEMPLATES = ".j2"
_ALWAYS = ""
"""The name under which a module keeps its statements that define nothing: all that use it do."""


class _Definition(NamedTuple):
    """A top-level definition of a module."""

    hash: str
    names: tuple[str, ...]
    """Names it uses."""
    templates: bool
    """Whether it names a template."""


class _Module(NamedTuple):
    """What is read in a source file: its definitions, and where imported names come from."""

    definitions: dict[str, _Definition]
    imported: dict[str, str]
    """Name here -> dotted name in this package."""


_read: dict[str, _Module] = {}
"""File and its stamp -> what is in it; may be filled by :func:`load`."""


def fingerprint(*modules: str) -> str:
    """16 hex digits over the code of ``modules`` (dotted names) and what they lead to."""
    return combined(code_of(*modules))


def combined(hashes: Mapping[str, str]) -> str:
    """16 hex digits over named hashes."""
    return _digest("".join(f"{name}\0{value}\n" for name, value in sorted(hashes.items())))


def code_of(*roots: str, without: Sequence[str] = ()) -> dict[str, str]:
    """File (``sparkle/files.py``) -> hash of what takes part of it.

    Args:
        roots: Dotted names of modules, which count whole, or of a definition in one.
        without: Dotted names of modules that are not followed: they are not used this time.

    Raises:
        ModuleNotFoundError: A name is none of this package.
    """
    return dict(_code_of(roots, tuple(without)))


@cache  # a thousand jobs of one rule ask the same
def _code_of(roots: tuple[str, ...], without: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, dict[str, str]] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [place for root in roots for place in _places(root, strict=True)]
    while waiting:
        module, name = waiting.pop()
        if (module, name) in seen or module in without:
            continue
        seen.add((module, name))
        path, content = _path(module), _module(module)
        assert path is not None
        definition = content.definitions.get(name)
        if definition is not None:
            found.setdefault(_label(path), {})[name] = definition.hash
            waiting += _uses(module, content, definition)
            if definition.templates:
                found.update(_templates(path.parent))
        elif name in content.imported:
            waiting += _places(content.imported[name])
        if name != _ALWAYS:
            waiting.append((module, _ALWAYS))
    return {label: combined(hashes) for label, hashes in sorted(found.items())}


def function_code(module: str, function: str) -> dict[str, str]:
    """``FILE:FUNCTION`` -> hash of a function and of what it uses in its own module."""
    path, content = _path(module), _module(module)
    found: dict[str, str] = {}
    waiting = [function]
    while waiting:
        name = waiting.pop()
        if name in content.definitions and name not in found:
            found[name] = content.definitions[name].hash
            waiting += content.definitions[name].names
    assert path is not None
    return {f"{_label(path)}:{function}": combined(found)}


def load(cache_file: Path) -> None:
    """Take over what an earlier process has read, for files that have not changed since."""
    try:
        for key, (definitions, imported) in json.loads(cache_file.read_text()).items():
            known = {n: _Definition(h, tuple(u), bool(t)) for n, (h, u, t) in definitions.items()}
            _read.setdefault(key, _Module(known, dict(imported)))
    except (OSError, ValueError, TypeError, AttributeError):
        return  # a cache that cannot be read is no cache


def dump() -> str:
    """What has been read so far, for :func:`load`."""
    return json.dumps(_read, sort_keys=True)


def _uses(module: str, content: _Module, definition: _Definition) -> Iterator[tuple[str, str]]:
    for name in definition.names:
        if name in content.definitions:
            yield module, name
        elif name in content.imported:
            yield from _places(content.imported[name])


def _places(dotted: str, strict: bool = False) -> list[tuple[str, str]]:
    """(module, name) of a dotted name; all names of it, if it is a module."""
    if f"{dotted}.".startswith(tuple(f"{each}." for each in _NO_INFLUENCE)):
        return []
    if _path(dotted) is not None:
        if dotted.endswith(_SETTINGS):
            return []
        return [(dotted, name) for name in (*_module(dotted).definitions, _ALWAYS)]
    parent, _, name = dotted.rpartition(".")
    if parent.endswith(_SETTINGS):
        return []
    if _path(parent) is not None and (not strict or name in _module(parent).definitions):
        return [(parent, name)]
    if strict:
        raise ModuleNotFoundError(f"{dotted} is no module of {_PACKAGE}")
    return []


@cache
def _module(name: str) -> _Module:
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"{name} is no module of {_PACKAGE}")
    state = path.stat()
    key = f"{_label(path)} {state.st_size}-{state.st_mtime_ns}"
    if key not in _read:
        _read[key] = _parse(path.read_text(encoding="utf-8"))
    return _read[key]


def _parse(source: str) -> _Module:
    tree = ast.parse(source)
    imported: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            own = node.module.split(".")[0] == _PACKAGE
            names = {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            imported.update(names if own else {})
        elif isinstance(node, ast.Import):
            own_modules = (a for a in node.names if a.name.split(".")[0] == _PACKAGE)
            imported.update({a.asname or _PACKAGE: a.name for a in own_modules})
    parts: dict[str, list[ast.stmt]] = {_ALWAYS: []}
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            for name in _defined(statement):
                parts.setdefault(name, []).append(statement)
    return _Module({name: _definition(nodes) for name, nodes in parts.items()}, imported)


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a top-level statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if names and len(names) == len(targets) else [_ALWAYS]


def _definition(statements: list[ast.stmt]) -> _Definition:
    names: set[str] = set()
    templates = False
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            templates = templates or node.value.endswith(_TEMPLATES)
    body = ast.Module(statements, [])
    _strip_docstrings(body)
    return _Definition(_digest(ast.dump(body)), tuple(sorted(names)), templates)


def _templates(folder: Path) -> dict[str, dict[str, str]]:
    """All templates of a folder and those below: one may include others."""
    files = sorted(folder.rglob(f"*{_TEMPLATES}"))
    return {_label(path): {"": _digest(path.read_text(encoding="utf-8"))} for path in files}


def _label(path: Path) -> str:
    return f"{_PACKAGE}/{path.relative_to(_ROOT).as_posix()}"


@cache
def _path(name: str) -> Path | None:
    base = _ROOT.joinpath(*name.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
