"""Mutated files over all readers: only Stereo3DError may come, soon, in little memory, and from the file alone.

    python tests/fuzz/hunt.py 10000 [--seed 1] [--only KIND ...] [--case KIND NUMBER FOLDER]        `make fuzz`

Files are read in forked children with limits on CPU time and memory, so that a reader that crashes or never ends is a
finding like others. A case is known by kind, number and seed; `--case` writes its files out.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from mutations import mutate  # noqa: E402
from specimen import Kind  # noqa: E402
from specimens import kinds, secrets  # noqa: E402
from watch import Watch  # noqa: E402

from stereo3d.errors import Stereo3DError  # noqa: E402

MOST_SECONDS, MOST_BYTES = 5.0, 500 << 20
BATCH = 100
PATIENCE = 300
"""Seconds by the clock for a child, which may have to wait for a processor."""
Reader = Callable[..., object]


class Finding(NamedTuple):
    kind: str
    number: int
    what: str


class Tally:
    """What became of the files."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self.seconds = self.memory = 0.0

    @property
    def n_files(self) -> int:
        return self.read.total() + self.refused.total() + len(self.findings)

    def add(self, kind: str, case: dict[str, Any]) -> None:
        self.seconds, self.memory = max(self.seconds, case["cpu"]), max(self.memory, case["memory"])
        faults = list(case["faults"])
        if case["cpu"] > MOST_SECONDS:
            faults.append(f"took {case['cpu']:.1f} s of CPU time")
        if case["memory"] > MOST_BYTES:
            faults.append(f"took {case['memory'] / 2**20:.0f} MB")
        if faults:
            self.findings.append(Finding(kind, case["number"], "; ".join(faults)))
        else:
            (self.refused if case["refused"] else self.read)[kind] += 1


def build(kind: Kind, name: str, number: int, seed: int, folder: Path) -> list[Path]:
    """The files of a case, written into an emptied folder; what is to be given to the reader."""
    rng = random.Random(zlib.crc32(f"{name} {number} {seed}".encode()))
    specimen = kind.specimens[number % len(kind.specimens)]
    shutil.rmtree(folder, ignore_errors=True)
    for i, (place, data) in enumerate(specimen.files.items()):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if i or number < 0 else mutate(data, rng, kind.how))
    return [folder / place for place in specimen.opened]


def hunt(name: str, kind: Kind, reader: Reader, numbers: range, seed: int, root: Path, tally: Tally) -> None:
    """The cases of those numbers, each read in a child that may die of it: the next ones go to another child."""
    waiting = list(numbers)
    while waiting:
        log = root / "log"
        log.write_text("")
        pid = os.fork()
        if not pid:
            _child(name, kind, reader, waiting[:BATCH], seed, root, log)
        ended = _wait(pid)
        done = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        for case in done:
            tally.add(name, case)
        if ended and len(done) < len(waiting[:BATCH]):
            tally.findings.append(Finding(name, waiting[len(done)], ended))
            done.append({})
        waiting = waiting[len(done):]


def _wait(pid: int) -> str:
    """How a child ended, in words; nothing where it ended well."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        time.sleep(0.002)
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return f"never ended in {PATIENCE} s"
    if os.WIFSIGNALED(status):
        name = signal.Signals(os.WTERMSIG(status)).name
        return f"{name}: took {MOST_SECONDS} s of CPU time and more" if name == "SIGXCPU" else f"the process crashed ({name})"
    return f"the process ended with {os.WEXITSTATUS(status)}" if status else ""


def _child(name: str, kind: Kind, reader: Reader, numbers: list[int], seed: int, root: Path, log: Path) -> None:
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        faulthandler.disable()
        work = root / "work"
        os.chdir(root)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_DATA, (_kilobytes("VmData") * 1024 + (2 << 30),) * 2)
        watch = Watch(work, root / "outside")
        with open(log, "a", encoding="utf-8") as lines:
            for number in numbers:
                _limit_cpu(60)
                given = build(kind, name, number, seed, work)
                lines.write(json.dumps({"number": number} | _read(reader, given, watch)) + "\n")
                lines.flush()
    except BaseException as error:
        os._exit(99 if isinstance(error, MemoryError) else 98)
    os._exit(0)


def _read(reader: Reader, given: list[Path], watch: Watch) -> dict[str, Any]:
    """What came of one case."""
    _limit_cpu(MOST_SECONDS)
    Path("/proc/self/clear_refs").write_text("5")
    faults, refused = [], False
    began, held = _cpu(), _kilobytes("VmRSS")
    with watch as opened:
        try:
            reader(*given)
        except Stereo3DError as error:
            refused = True
            if not str(error):
                faults.append(f"{type(error).__name__} without a sentence")
        except BaseException as error:
            faults.append(_place(error))
    return {
        "cpu": _cpu() - began, "memory": (_kilobytes("VmHWM") - held) * 1024, "refused": refused, "faults": faults + opened,
    }


def _place(error: BaseException) -> str:
    at, where = error.__traceback__, ""
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        where = f"{Path(file).name}:{at.tb_lineno}" if "stereo3d" in file else where
        at = at.tb_next
    return f"{type(error).__name__} at {where}: {str(error)[:160]}"


def _limit_cpu(seconds: float) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(_cpu() + seconds) + 2, hard))


def _cpu(whose: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


def _of_children() -> float:
    return _cpu(resource.RUSAGE_CHILDREN)


def _kilobytes(what: str) -> int:
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{what}:"))


def prepared(root: Path) -> dict[str, Kind]:
    """The specimens, and beside the folder in which they are read the files that they must not lead to."""
    secrets(root / "outside")
    return kinds(root / "made")


def hunt_all(found: dict[str, Kind], n_files: int, seed: int, root: Path, tell: Callable[[str], None]) -> Tally:
    """`n_files` mutated files, as many of each kind."""
    from reading import READERS

    tally = Tally()
    for name, numbers in _shared(found, n_files):
        began = _of_children()
        hunt(name, found[name], READERS[found[name].read], numbers, seed, root, tally)
        took = _of_children() - began
        tell(f"{name:28s} {len(numbers):6d} files: {tally.read[name]:5d} read, {tally.refused[name]:5d} refused, "
             f"{sum(f.kind == name for f in tally.findings):3d} findings   {1000 * took / max(len(numbers), 1):6.1f} CPU ms a file")
    return tally


def _shared(found: dict[str, Kind], n_files: int) -> Iterator[tuple[str, range]]:
    for i, name in enumerate(found):
        yield name, range(n_files * (i + 1) // len(found) - n_files * i // len(found))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("n_files", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", metavar="KIND", help="Some kinds.")
    parser.add_argument("--case", nargs=3, metavar=("KIND", "NUMBER", "FOLDER"), help="Write out the files of a case.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        found = prepared(root)
        if asked.case:
            name, number, to = asked.case
            print(*build(found[name], name, int(number), asked.seed, Path(to)))
            return 0
        if asked.only:
            found = {name: found[name] for name in asked.only}
        tally = hunt_all(found, asked.n_files, asked.seed, root, lambda line: print(line, flush=True))
    for finding in tally.findings:
        print(f"FOUND {finding.kind} {finding.number}: {finding.what}")
    print(f"{tally.n_files} files: {tally.read.total()} read, {tally.refused.total()} refused with a sentence, "
          f"{len(tally.findings)} findings; at most {tally.seconds:.2f} CPU s and {tally.memory / 2**20:.0f} MB a file")
    return bool(tally.findings)


if __name__ == "__main__":
    sys.exit(main())
