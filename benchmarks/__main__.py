"""Run benchmark groups: ``python -m benchmarks [GROUP ...]``; without names, all of them."""

from __future__ import annotations

import argparse

from benchmarks import data, edits, report, reruns, scaling, scoring, solvers, synthesis

GROUPS = {
    "synthesis": synthesis.main,
    "data": data.main,
    "solvers": solvers.main,
    "scoring": scoring.main,
    "reruns": reruns.main,
    "edits": edits.main,
    "report": report.main,
    "scaling": scaling.main,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    names = parser.parse_args().groups or list(GROUPS)
    unknown = sorted(set(names) - set(GROUPS))
    if unknown:
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    for name in names:
        print(f"\n{name}\n{'-' * len(name)}", flush=True)
        GROUPS[name]()


if __name__ == "__main__":
    main()
