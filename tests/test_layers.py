"""Lower layers never import upper ones, not even lazily."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import sparkle

ROOT = Path(sparkle.__file__).parent
# From the bottom to the top. A module may import its own layer and the layers before it; modules
# that share a row may import each other.
LAYERS = (
    ("__init__",),
    ("errors",),
    ("files",),
    ("fingerprint",),
    ("config",),
    ("swift",),
    ("scenes",),
    ("rendering",),
    ("tasks",),
    ("datasets",),
    ("external",),
    ("models",),
    ("training",),
    ("inference",),
    ("scoring",),
    ("reporting",),
    ("experiment",),
    ("provenance",),
    ("cluster",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}
# Beyond the order: parts that stand side by side and must not know each other.
STRANGERS = [
    ("inference", "training"),
    ("inference", "models"),
    ("scoring", "training"),
    ("scoring", "models"),
    ("reporting", "training"),
    ("datasets", "models"),
    ("config", "tasks"),
]
MODULES = sorted(path for path in ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    """The first part of a module's name below the package."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_parts(source: str) -> set[str]:
    """Parts of the package that a module imports, at the top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that they can be checked"
            module = node.module or ""
            names.update(f"{module}.{alias.name}" for alias in node.names)
    parts = {name.split(".")[1] for name in names if name.startswith("sparkle.")}
    # "from sparkle import __version__" names no module.
    return {part if part in RANK else "__init__" for part in parts} | (
        {"__init__"} if "sparkle" in names else set()
    )


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("import sparkle.files", {"files"}),
        ("from sparkle.tasks import base", {"tasks"}),
        ("from sparkle import experiment", {"experiment"}),
        ("from sparkle import __version__", {"__init__"}),
        ("def f():\n    from sparkle.training.finetune import finetune", {"training"}),
        ("if TYPE_CHECKING:\n    import sparkle.cli as c", {"cli"}),
        ("import numpy, sparkler.tasks", set()),
    ],
)
def test_imports_are_found_wherever_they_stand(source: str, parts: set[str]) -> None:
    assert imported_parts(source) == parts


def test_every_part_of_the_package_has_a_place() -> None:
    assert {part_of(path) for path in MODULES} == set(RANK)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_a_higher_layer(path: Path) -> None:
    own = part_of(path)
    imported = imported_parts(path.read_text(encoding="utf-8"))
    higher = {part for part in imported if RANK[part] > RANK[own]}
    assert not higher, f"{own} imports {higher}, which stand above it"


@pytest.mark.parametrize(("part", "stranger"), STRANGERS)
def test_neighbours_that_must_not_know_each_other(part: str, stranger: str) -> None:
    for path in (path for path in MODULES if part_of(path) == part):
        assert stranger not in imported_parts(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("name", [path.stem for path in (ROOT / "tasks").glob("[!_]*.py")])
def test_only_the_registry_knows_single_tasks(name: str) -> None:
    if name in ("base", "parsing", "wording"):
        return
    for path in (path for path in MODULES if part_of(path) != "tasks"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.module != f"sparkle.tasks.{name}", path
