"""Subcommands that tell where results come from, hand them on, and check them."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from pathlib import Path

from sparkle.commands.common import Commands, add_command
from sparkle.errors import SparkleError

RESULTS = Path("results")
FAILED = 1
"""Exit status where something does not match; faults of the user's are 2, as everywhere."""


def register(commands: Commands) -> None:
    """Add the provenance subcommands."""
    _register_questions(commands)
    _register_bundles(commands)
    _register_crate(commands)
    _register_replay(commands)


def _register_questions(commands: Commands) -> None:
    """Subcommands that ask where numbers come from, and where two runs differ."""
    parser = add_command(
        commands,
        "trace",
        _trace,
        "show what an artefact or a number was made from, and whether that still matches",
        "results/tables/matrix.csv --row sparkle-tiny/full/seed1 --set direction --verify",
    )
    parser.add_argument("artefact", type=Path, help="file or folder below the results")
    parser.add_argument("--row", metavar="MODEL/TRAIN_SET/seedN", help="row of a matrix")
    parser.add_argument("--set", metavar="NAME", help="evaluation set of a matrix")
    parser.add_argument("--metric", default="accuracy", help="metric (default: accuracy)")
    parser.add_argument(
        "--verify", action="store_true", help="hash every file, judge the answers again"
    )
    parser.add_argument("--long", action="store_true", help="show settings, code files, packages")
    _add_results(parser, "results folder (default: the one that the artefact is in)", None)
    _add_json(parser)

    parser = add_command(
        commands,
        "diff",
        _diff,
        "compare two runs: what went in, and what came out",
        "results other/results",
    )
    parser.add_argument("first", type=Path, help="results folder")
    parser.add_argument("second", type=Path, help="results folder")
    parser.add_argument("--metric", default="accuracy", help="metric to list (default: accuracy)")
    _add_json(parser)


def _register_bundles(commands: Commands) -> None:
    """Subcommands that hand results on and check what was handed on."""
    parser = add_command(
        commands,
        "bundle",
        _bundle,
        "pack all that others need to verify the results into one archive, weights by hash",
        "--results results --output paper.tar.gz",
    )
    _add_results(parser)
    parser.add_argument("--output", type=Path, required=True, help="paper.tar.gz or paper.zip")
    parser.add_argument(
        "--lock", type=Path, help="versions of packages (default: envs/requirements.lock)"
    )

    parser = add_command(
        commands,
        "verify",
        _verify,
        "judge all answers of a bundle again, make its tables again, and compare",
        "paper.tar.gz",
    )
    parser.add_argument("bundle", type=Path, help="archive made by 'sparkle bundle'")
    _add_json(parser)


def _register_crate(commands: Commands) -> None:
    parser = add_command(
        commands,
        "crate",
        _crate,
        "export a finished experiment as a Workflow Run RO-Crate, weights by hash",
        "--results results --output crate",
    )
    _add_results(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder to make")
    parser.add_argument("--author", help="name or ORCID (as a URL) of who ran the experiment")
    parser.add_argument("--licence", help="licence of the results: a URL, or words")
    parser.add_argument("--code", type=Path, help="folder of the Snakefile (default: this clone)")


def _register_replay(commands: Commands) -> None:
    parser = add_command(
        commands,
        "replay",
        _replay,
        "print the command that made an artefact; with --run do it again and compare",
        "results/models/sparkle-tiny/full/seed1/weights --run",
    )
    parser.add_argument("artefact", type=Path, help="file or folder below the results")
    parser.add_argument(
        "--run", dest="again", action="store_true", help="do the step again, in a scratch folder"
    )
    parser.add_argument(
        "--scratch", type=Path, help="new folder to do it in and to keep (default: a temporary one)"
    )


def _add_results(
    parser: argparse.ArgumentParser,
    text: str = "results folder (default: results)",
    default: Path | None = RESULTS,
) -> None:
    parser.add_argument("--results", type=Path, default=default, help=text)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def _trace(arguments: argparse.Namespace) -> int:
    from sparkle.provenance.lineage import results_above
    from sparkle.provenance.trace import as_json, trace
    from sparkle.provenance.tree_text import as_text

    found = trace(
        arguments.results or results_above(arguments.artefact),
        arguments.artefact,
        row=arguments.row,
        evaluation_set=arguments.set,
        metric=arguments.metric,
        rehash=arguments.verify,
        read=arguments.read_recipe,
    )
    print(_printable(_json(as_json(found)) if arguments.json else as_text(found, arguments.long)))
    return 0 if found.verified else FAILED


def _diff(arguments: argparse.Namespace) -> None:
    from sparkle.provenance.differences import as_json, as_text, compare_runs

    difference = compare_runs(arguments.first, arguments.second)
    text = _json(as_json(difference)) if arguments.json else as_text(difference, arguments.metric)
    print(_printable(text))


def _bundle(arguments: argparse.Namespace) -> None:
    from sparkle.provenance.bundle import write_bundle

    index = write_bundle(arguments.results, arguments.output, arguments.lock)
    size = arguments.output.stat().st_size / 1e6
    print(
        f"{arguments.output}: {len(index['files'])} files, {size:.1f} MB;"
        f" {len(index['not_included'])} more (weights, shards, data) by hash"
    )
    for name in index["without_paths"]:
        print(f"note: paths of this machine were taken out of {name}")
    print(f"others verify it with: sparkle verify {arguments.output.name}")


def _verify(arguments: argparse.Namespace) -> int:
    from sparkle.provenance.verify import verify_bundle

    report = (lambda _: None) if arguments.json else (lambda line: print(_printable(line)))
    found = verify_bundle(arguments.bundle, report, read=arguments.read_recipe)
    if arguments.json:
        print(_json({"verified": found.verified, **vars(found)}))
        return 0 if found.verified else FAILED
    lines = [f"agrees: {line}" for line in found.agreed]
    lines += [f"DIFFERS: {line}" for line in found.faults]
    lines += [f"note: not as when the results were made: {line}" for line in found.notes]
    verdict = "verified" if found.verified else f"NOT verified: {len(found.faults)} differences"
    print(_printable("\n".join([*lines, verdict])))
    return 0 if found.verified else FAILED


def _crate(arguments: argparse.Namespace) -> None:
    from sparkle.provenance.crate import NOT_STATED, PREVIEW, write_crate

    entities = write_crate(
        arguments.results,
        arguments.output,
        author=arguments.author,
        licence=arguments.licence or NOT_STATED,
        code=arguments.code,
    )
    print(f"{arguments.output}: {entities} entities; open {arguments.output / PREVIEW}")


def _replay(arguments: argparse.Namespace) -> int:
    from sparkle.provenance.replay import Replay, agree

    replay = Replay.of(arguments.artefact)
    print(_printable(replay.command), flush=True)
    if not arguments.again:
        return 0
    with contextlib.ExitStack() as stack:
        scratch = arguments.scratch or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="sparkle-replay-"))
        )
        if arguments.scratch is not None and scratch.exists():
            raise SparkleError(f"{scratch} exists already.", "Name a folder that does not.")
        outcomes = replay.run(scratch)
    print("\n".join(map(str, outcomes)))
    verdict = "as recorded" if agree(outcomes) else "NOT as recorded"
    print(f"{replay.record.step}: made again, {verdict}")
    return 0 if agree(outcomes) else FAILED


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _printable(text: str) -> str:
    """Text in which what files of unknown origin say cannot steer a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
