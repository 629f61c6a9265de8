"""A small fuzz of every reader, and proof that the hunt sees what it hunts for. `make fuzz` runs the large one."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("limits and watches of processes are Linux's", allow_module_level=True)

import hunt
from mutations import BINARY, TEXT, mutate
from reading import READERS
from specimen import Kind, text

from stereo3d.errors import InputError, Stereo3DError

N_FILES = int(os.environ.get("STEREO3D_FUZZ", "108"))
LEADING = ("HDF5 that leads elsewhere", "play lists")
pytestmark = pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def found(root: Path) -> dict[str, Kind]:
    return hunt.prepared(root)


@pytest.mark.slow
def test_no_reader_does_more_than_refuse(found: dict[str, Kind], root: Path) -> None:
    lines: list[str] = []
    tally = hunt.hunt_all(found, N_FILES, 7, root, lines.append)
    assert not tally.findings, tally.findings
    assert tally.n_files == N_FILES and len(lines) == len(found)
    assert tally.read.total() > 0.1 * N_FILES and tally.refused.total() > 0.3 * N_FILES


def test_good_files_are_read_and_those_that_lead_elsewhere_refused(found: dict[str, Kind], tmp_path: Path) -> None:
    """Else the fuzz would only knock at the door."""
    for name, kind in found.items():
        for specimen in kind.specimens:
            shutil.rmtree(tmp_path)
            for place, data in specimen.files.items():
                (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / place).write_bytes(data)
            opened = [tmp_path / place for place in specimen.opened]
            if name in LEADING:
                with pytest.raises(Stereo3DError):
                    READERS[kind.read](*opened)
            else:
                READERS[kind.read](*opened)


@pytest.mark.parametrize("how", [BINARY, TEXT])
def test_a_mutation_is_another_file_and_the_same_for_a_seed(how: tuple[hunt.Any, ...]) -> None:
    data = b'{"a": [1, 2.5, "x"],\n "b": null}\n' * 5
    files = [mutate(data, random.Random(i), how) for i in range(40)]
    assert files == [mutate(data, random.Random(i), how) for i in range(40)]
    assert data not in files and len(set(files)) > 30


def loops(path: Path) -> None:
    while True:
        pass


def waits(path: Path) -> None:
    time.sleep(60)


BAD = {
    "ValueError at": lambda path: int("a"),
    "MemoryError at": lambda path: np.zeros(1 << 45),
    "opened: .*outside/secret": lambda path: (path.parents[1] / "outside" / "secret").read_text(),
    "opened by a C library: secret.h5": lambda path: h5py.File(path.parents[1] / "outside" / "secret.h5").close(),
    "written: .*a.txt": lambda path: path.write_text("a"),
    "took [56]\\d\\d MB": lambda path: np.ones(70_000_000),
    "the process crashed .SIGABRT.": lambda path: os.abort(),
    "the process crashed .SIGSEGV.": lambda path: os.kill(os.getpid(), signal.SIGSEGV),
    "os.system": lambda path: os.system("true"),
    "SIGXCPU": loops,
    "never ended in 2 s": waits,
}


@pytest.mark.parametrize("sentence", BAD)
def test_what_a_bad_reader_does_is_found(
    sentence: str, tmp_path: Path, root: Path, found: dict[str, Kind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hunt, "PATIENCE", 2 if "never" in sentence else 300)
    monkeypatch.setattr(hunt, "MOST_SECONDS", -1.0 if sentence == "SIGXCPU" else 5.0)
    shutil.copytree(root / "outside", tmp_path / "outside")
    tally, kind = hunt.Tally(), Kind("", TEXT, [text("a.txt", "hello there")])
    numbers = range(1 if sentence in ("SIGXCPU", "never ended in 2 s") else 2)
    hunt.hunt("bad", kind, BAD[sentence], numbers, 1, tmp_path, tally)
    assert [f.number for f in tally.findings] == [*numbers]
    for finding in tally.findings:
        assert re.search(sentence, finding.what), finding


def test_what_is_read_or_refused_is_counted_so(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()

    def fair(path: Path) -> None:
        if path.stat().st_size % 2:
            raise InputError("odd")
        path.read_bytes()

    tally = hunt.Tally()
    hunt.hunt("fair", Kind("", TEXT, [text("a.txt", "hello there")]), fair, range(130), 1, tmp_path, tally)
    assert tally.n_files == 130 and not tally.findings and min(tally.read["fair"], tally.refused["fair"]) > 20
