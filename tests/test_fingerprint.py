"""What counts as the code of a step, and what does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sparkle import fingerprint
from sparkle.fingerprint import code_of, function_code


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small package in place of ours."""
    files = {
        "a.py": '"""Doc."""\nfrom sparkle.b import used\nfrom sparkle.config import X\n'
        "LIMIT = 3\n\n\ndef work():\n    return used(LIMIT), X\n\n\ndef other():\n    return 1\n",
        "b.py": "from sparkle.c import deep\n\n\ndef used(n):\n    return deep(n)\n\n\n"
        "def unused():\n    return 2\n",
        "c.py": 'def deep(n):\n    from sparkle import d\n    return d.name, read("page.html.j2")',
        "d.py": "name = 'd'\n",
        "page.html.j2": "<p>",
        "config.py": "X = 1\n",
        "step/settings.py": "class S: pass\n",
        "step/__init__.py": "from sparkle.step.settings import S\n\n\ndef go(s: S): ...\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprint, "_ROOT", tmp_path)
    forget()
    yield tmp_path
    forget()


def forget() -> None:
    fingerprint._read.clear()
    fingerprint._code_of.cache_clear()
    fingerprint._module.cache_clear()
    fingerprint._path.cache_clear()


def edit(package: Path, name: str, old: str, new: str) -> None:
    text = (package / name).read_text()
    assert old in text
    (package / name).write_text(text.replace(old, new))
    forget()


def test_names_are_followed_through_the_package(package: Path) -> None:
    files = {"sparkle/a.py", "sparkle/b.py", "sparkle/c.py", "sparkle/d.py", "sparkle/page.html.j2"}
    assert set(code_of("sparkle.a.work")) == files
    assert set(code_of("sparkle.a.other")) == {"sparkle/a.py"}
    assert set(code_of("sparkle.a", without=["sparkle.c"])) == {"sparkle/a.py", "sparkle/b.py"}
    assert set(code_of("sparkle.step.go")) == {"sparkle/step/__init__.py"}


@pytest.mark.parametrize(
    ("name", "old", "new", "counts"),
    [
        ("a.py", "LIMIT = 3", "LIMIT = 4", True),
        ("b.py", "deep(n)", "deep(n + 1)", True),
        ("d.py", "'d'", "'e'", True),
        ("page.html.j2", "<p>", "<div>", True),
        ("c.py", "def deep", "print(1)\n\n\ndef deep", True),
        ("b.py", "return 2", "return 3", False),
        ("a.py", "return 1", "return 0", False),
        ("a.py", "Doc.", "Other.", False),
        ("a.py", "LIMIT = 3", "LIMIT = (3)  # three", False),
        ("config.py", "X = 1", "X = 2", False),
    ],
)
def test_edits_that_count(package: Path, name: str, old: str, new: str, counts: bool) -> None:
    before = code_of("sparkle.a.work")
    edit(package, name, old, new)
    assert (code_of("sparkle.a.work") != before) is counts


def test_the_function_of_a_subcommand_with_its_helpers_only(package: Path) -> None:
    before = function_code("sparkle.a", "work")
    assert set(before) == {"sparkle/a.py:work"}
    edit(package, "b.py", "deep(n)", "deep(n + 1)")
    assert function_code("sparkle.a", "work") == before
    edit(package, "a.py", "LIMIT = 3", "LIMIT = 4")
    assert function_code("sparkle.a", "work") != before


def test_a_name_that_is_none_is_an_error(package: Path) -> None:
    for name in ("sparkle.none", "sparkle.a.none"):
        with pytest.raises(ModuleNotFoundError):
            code_of(name)


def test_what_was_read_is_kept_for_later_processes(package: Path, tmp_path: Path) -> None:
    before = code_of("sparkle.a.work")
    cache = tmp_path / "code.json"
    cache.write_text(fingerprint.dump())
    forget()
    fingerprint.load(cache)
    assert len(fingerprint._read) >= 4 and code_of("sparkle.a.work") == before
    cache.write_text("{")
    fingerprint.load(cache)


def test_every_module_of_the_package_can_be_read() -> None:
    forget()
    root = Path(fingerprint.__file__).parent
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        code_of(".".join(["sparkle", *(part for part in parts if part != "__init__")]))
    assert len(fingerprint._read) > 100
