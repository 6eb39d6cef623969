"""``python -m benchmarks``: print the table; exit with 1 where a target is missed."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.pairs import WITH_ENGINE, WITHOUT_ENGINE
from benchmarks.report import as_data, machine, table
from benchmarks.timing import Result, measure


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what ``arguments`` ask for, print it, and return the exit status."""
    known = {**WITHOUT_ENGINE, **WITH_ENGINE}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(known), help="measure this pair alone; repeatable")
    parser.add_argument("--runs", type=int, default=15, metavar="N", help="counted runs of each side (default: 15)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run into FILE")
    options = parser.parse_args(arguments)
    if options.runs < 1:
        parser.error("--runs must be at least 1")
    if shutil.which("docker") is None:
        parser.error("docker is not on PATH, and there is nothing to compare with")
    if shutil.which("zstd") is None and any("snapshot" in one for one in options.only or ()):
        parser.error("zstd is not on PATH, and there is nothing to compare a snapshot with")
    names = options.only or [*WITHOUT_ENGINE, *(WITH_ENGINE if _engine_answers() else ())]
    if shutil.which("zstd") is None:
        print("zstd is not on PATH: the pairs with snapshots are left out", file=sys.stderr)
        names = [one for one in names if "snapshot" not in one]
    results = list(_measure(names, options.runs))
    about = machine()
    print(table(results))
    print(
        f"\nMedian (fastest to slowest) of {options.runs} runs each, in turn, as whole processes. "
        f"{about['processor']}, {about['processors']} processors, {about['system']}, Python {about['python']}, "
        f"Compose {about['compose']}; load {about['load']}."
    )
    if options.json is not None:
        options.json.write_text(json.dumps(as_data(results, about), indent=2) + "\n", encoding="utf-8")
    return 0 if all(one.holds for one in results) else 1


def _measure(names: Sequence[str], runs: int) -> list[Result]:
    known = {**WITHOUT_ENGINE, **WITH_ENGINE}
    results = []
    with tempfile.TemporaryDirectory(prefix="envman-bench-") as folder:
        bench = Bench(Path(folder))
        for name in names:
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            with known[name](bench) as pair:
                results.append(measure(pair, runs=runs, environ=bench.environ))
    return results


def _engine_answers() -> bool:
    done = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if done.returncode != 0:
        print("no Docker engine answers: the pairs that need one are left out", file=sys.stderr)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
