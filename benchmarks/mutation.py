"""How many deliberate mistakes in the metrics and the triangulation the tests notice: mutation testing, in parts.

    python benchmarks/mutation.py [MODULE ...] [--report]

Runs mutmut on each module that setup.cfg, [mutmut], names, or on those given, such as `metrics` or `triangulation`;
ten minutes at most for each: what was cut off goes on with the next call. Needs `pip install mutmut`. Prints a table
and the mistakes that nobody noticed, which docs/mutation.md explains; --report does so without running anything. Exit
status 1 where fewer than 90 % of all that were tried are noticed.
"""

from __future__ import annotations

import argparse
import configparser
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET, LONGEST = 0.9, 590.0
SURVIVED, UNTESTED = 0, (5, 33, None)
"""mutmut's exit codes: 0 of a mistake that all tests passed, 5 and 33 without a test, None not yet tried."""


def modules() -> list[Path]:
    """The files that are mutated, as setup.cfg has them."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    return [Path(line) for line in settings["mutmut"]["only_mutate"].split()]


def run(module: Path) -> None:
    """mutmut on one module; cut off after ten minutes."""
    pattern = ".".join(module.with_suffix("").parts) + ".*"
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", "2", pattern]
    try:
        subprocess.run(command, cwd=ROOT, timeout=LONGEST, check=False, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print(f"{module}: cut off after {LONGEST:g} s; call again to go on", file=sys.stderr)


def found(module: Path) -> dict[str, int | None]:
    """mutmut's exit code for each mistake of a module; none where it was never run."""
    path = ROOT / "mutants" / f"{module}.meta"
    return dict(json.loads(path.read_text())["exit_code_by_key"]) if path.exists() else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    wanted = [m for m in modules() if not options.modules or m.stem in options.modules]
    total: Counter[str] = Counter()
    survivors = []
    print("| module | mistakes | tried | noticed | % |\n| --- | ---: | ---: | ---: | ---: |")
    for module in wanted:
        if not options.report:
            run(module)
        codes = found(module)
        tried = {name: code for name, code in codes.items() if code is not None}
        missed = [name for name, code in tried.items() if code == SURVIVED or code in UNTESTED]
        survivors += missed
        row = {"mistakes": len(codes), "tried": len(tried), "noticed": len(tried) - len(missed)}
        total.update(row)
        print(line(str(module), row), flush=True)
    print(line("all", total))
    print("\n".join(f"mutmut show {name}" for name in survivors))
    return int(total["noticed"] < TARGET * total["tried"] or not total["tried"])


def line(name: str, row: dict[str, int]) -> str:
    share = 100 * row["noticed"] / row["tried"] if row["tried"] else float("nan")
    return f"| {name} | {row['mistakes']} | {row['tried']} | {row['noticed']} | {share:.1f} |"


if __name__ == "__main__":
    sys.exit(main())
