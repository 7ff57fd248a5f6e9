"""A crate is valid by the profiles that it names, and holds nothing that it should not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from crate_contexts import TERMS, fill_cache
from lineage_example import copy_experiment, make_experiment
from rocrate_validator import models, services

from sparkle.cli import main
from sparkle.files import file_hash
from sparkle.provenance.crate import PREVIEW, write_crate
from sparkle.provenance.crate_page import readable_size, readable_time
from sparkle.provenance.lineage import read_lineage

METADATA = "ro-crate-metadata.json"
# Recommended, and not in our power: the tools have no page of their own on the web, and we ask
# for no publisher and no affiliation.
UNKNOWN = ("SHOULD have a url", "`publisher`", "affiliation", "id SHOULD be an absolute URI")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="module")
def crate(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crate") / "crate"
    write_crate(finished, folder, author="A Tester", licence="https://spdx.org/licenses/MIT")
    return folder


def entities(crate: Path) -> dict[str, dict[str, Any]]:
    graph = json.loads((crate / METADATA).read_text())["@graph"]
    found = {entity["@id"]: entity for entity in graph}
    assert len(found) == len(graph), "every entity stands once"
    return found


def issues(crate: Path, cache: Path, severity: Any) -> list[str]:
    """What the validator finds, without network."""
    fill_cache(cache)
    settings = models.ValidationSettings(
        rocrate_uri=str(crate), profile_identifier="provenance-run-crate-0.5",
        requirement_severity=severity, offline=True, cache_path=str(cache),
    )  # fmt: skip
    return [str(issue.message) for issue in services.validate(settings).get_issues()]


def test_the_crate_is_valid(crate: Path, tmp_path: Path) -> None:
    found = issues(crate, tmp_path / "cache", models.Severity.RECOMMENDED)
    assert not [text for text in found if not any(part in text for part in UNKNOWN)]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda graph: graph["workflow/Snakefile"].pop("hasPart"), "orchestrated tools"),
        (lambda graph: graph["#run"].pop("instrument"), "instrument"),
        (lambda graph: graph["./"].pop("license"), "license"),
    ],
)
def test_the_validator_would_find_faults(
    crate: Path, tmp_path: Path, spoil: Any, message: str
) -> None:
    """The context that stands in for the published one does not make the validator blind."""
    metadata = json.loads((crate / METADATA).read_text())
    spoil({entity["@id"]: entity for entity in metadata["@graph"]})
    for path in crate.rglob("*"):
        if path.is_file():
            copy = tmp_path / "crate" / path.relative_to(crate)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "crate" / METADATA).write_text(json.dumps(metadata))
    found = issues(tmp_path / "crate", tmp_path / "cache", models.Severity.REQUIRED)
    assert any(message in text for text in found)


def test_every_key_and_type_has_a_meaning(crate: Path) -> None:
    metadata = json.loads((crate / METADATA).read_text())
    base, own = metadata["@context"]
    assert base == "https://w3id.org/ro/crate/1.1/context"
    known = TERMS.keys() | own.keys()
    for entity in metadata["@graph"]:
        kinds = entity["@type"] if isinstance(entity["@type"], list) else [entity["@type"]]
        assert {*kinds, *(key for key in entity if key[0] != "@")} <= known, entity


def test_every_file_is_there_with_the_hash_that_is_told(crate: Path, finished: Path) -> None:
    graph = entities(crate)
    files = {name for name, entity in graph.items() if "File" in entity["@type"]}
    there = {path.relative_to(crate).as_posix() for path in crate.rglob("*") if path.is_file()}
    assert files == there - {METADATA, PREVIEW}
    hashed = [name for name in files if "sha256" in graph[name]]
    assert "results/tables/matrix.csv" in hashed
    for name in hashed:
        assert graph[name]["sha256"] == file_hash(crate / name)
    assert graph["#models/mini/base"]["identifier"] and not list(crate.rglob("*.safetensors"))
    assert graph["#models/mini/base"]["@type"] == "CreativeWork"


def test_every_record_is_an_action_and_every_step_a_tool(crate: Path, finished: Path) -> None:
    graph = entities(crate)
    for record in read_lineage(finished).records:
        action = graph[f"#job-{record.name}"]
        assert action["instrument"] == {"@id": f"#tool-{record.step}"}
        results = action["result"] if isinstance(action["result"], list) else [action["result"]]
        assert len(results) == len(record.outputs)
        assert graph[f"#control-{record.name}"]["object"] == {"@id": action["@id"]}
    steps = ("synthesize", "merge-evaluation", "infer", "score", "tables")
    positions = [int(graph[f"workflow/Snakefile#{step}"]["position"]) for step in steps]
    assert positions == sorted(positions)
    assert graph["#organize"]["result"] == {"@id": "#run"}


def test_the_same_results_give_the_same_crate(finished: Path, crate: Path, tmp_path: Path) -> None:
    write_crate(finished, tmp_path / "again", author="A Tester",
                licence="https://spdx.org/licenses/MIT")  # fmt: skip
    for name in (METADATA, PREVIEW):
        assert (tmp_path / "again" / name).read_bytes() == (crate / name).read_bytes()


def test_the_page_links_to_files_and_loads_nothing(crate: Path) -> None:
    page = (crate / PREVIEW).read_text()
    assert 'href="results/tables/matrix.csv"' in page and "models/mini/base" in page
    for loader in ('src="http', "url(http", "<script", '<link rel="stylesheet"'):
        assert loader not in page


def test_paths_of_the_user_do_not_leave_the_machine(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home/alice"
    results = copy_experiment(finished, home / "work")
    (results / "models/mini/base.json").write_text(f'{{"path": "{home}/x", "identity": "y"}}')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "work")
    write_crate(results, tmp_path / "crate")
    for path in (tmp_path / "crate").rglob("*"):
        assert not path.is_file() or b"alice" not in path.read_bytes(), path


def test_the_command(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "crate"
    command = ["crate", "--results", str(finished), "--output", str(output)]
    assert main(command) == 0
    assert str(output / PREVIEW) in capsys.readouterr().out
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err
    command[-1] = str(tmp_path / "other")
    assert main([*command, "--code", str(tmp_path)]) == 2
    assert "--code" in capsys.readouterr().err and not (tmp_path / "other").exists()


def test_readable_numbers() -> None:
    assert [readable_size(n) for n in (None, 12, 1234, 5_600_000, 7_000_000_000)] == [
        "", "12 B", "1.2 kB", "5.6 MB", "7.0 GB",
    ]  # fmt: skip
    assert [readable_time(n) for n in (0, 2, 120, 7200)] == ["< 1 s", "2 s", "2.0 min", "2.0 h"]
