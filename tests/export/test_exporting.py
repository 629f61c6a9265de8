"""Every exporter keeps the house's promises: whole files, relative time, nothing that says who or where."""

from __future__ import annotations

import configparser
import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from gapped import LOST, gapped, rows
from hypothesis import given
from hypothesis import strategies as st
from test_storage import poses2d, poses3d

import stereo3d
from stereo3d.errors import InputError, InvalidValue, MissingPackage, UsageError
from stereo3d.export import export
from stereo3d.export.base import even_grid, replacing
from stereo3d.poses import Poses3D

IN_SPACE = {"csv": "p.csv", "trc": "p.trc", "c3d": "p.c3d", "nc": "p.nc", "bids": "study/sub-01", "nwb": "p.nwb"}
NEEDS = {"c3d": "ezc3d", "nc": "xarray", "nwb": "pynwb", "parquet": "pyarrow"}


def timed(times: list[float] | np.ndarray) -> Poses3D:
    return dataclasses.replace(poses3d(len(times)), time=times)


@pytest.mark.parametrize("name, sentence", [("p.xyz", "unknown exporter 'xyz'"), ("p", "give it an ending or a kind")])
def test_unknown_formats(name: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        export(poses3d(1), tmp_path / name)


def test_setup_names_every_exporter(exporters: dict[str, str]) -> None:
    setup = configparser.ConfigParser()
    setup.read(Path(stereo3d.__file__).parents[1] / "setup.cfg")
    lines = setup["options.entry_points"]["stereo3d.exporters"].split("\n")
    named = dict(line.split(" = ") for line in lines if line)
    assert {kind: place.removeprefix("stereo3d.export.") for kind, place in named.items()} == exporters


@pytest.mark.parametrize("kind", IN_SPACE)
def test_nothing_says_who_or_where(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(kind, "numpy"))
    written = export(gapped(), tmp_path / "Doe_Jane" / IN_SPACE[kind] if kind == "bids" else _in(tmp_path, kind), kind)
    files = [f for f in (written.rglob("*") if written.is_dir() else [written]) if f.is_file()]
    assert files
    for file in files:
        assert not [word for word in (b"Doe", b"Jane", b"/ward/", b"SN123", b".svo") if word in file.read_bytes()]


def _in(folder: Path, kind: str) -> Path:
    (folder / "Doe_Jane").mkdir()
    return folder / "Doe_Jane" / IN_SPACE[kind]


@pytest.mark.parametrize("kind", IN_SPACE)
@pytest.mark.parametrize("n_frames", [0, 1])
def test_few_frames_are_written(kind: str, n_frames: int, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(kind, "numpy"))
    if (kind, n_frames) == ("c3d", 0):
        with pytest.raises(InvalidValue, match="C3D holds at least one frame"):
            export(poses3d(0), tmp_path / "p.c3d")
        return
    assert export(poses3d(n_frames), tmp_path / IN_SPACE[kind], kind).exists()
    assert not list(tmp_path.rglob("*.tmp*"))


@pytest.mark.parametrize("kind", [k for k in IN_SPACE if k != "bids"])
def test_a_folder_that_is_not_there_gets_a_sentence(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(kind, "numpy"))
    with pytest.raises(InputError, match="cannot be written"):
        export(gapped(), tmp_path / "nowhere" / IN_SPACE[kind], kind)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("kind", [k for k in IN_SPACE if k != "nc"])
def test_joints_of_one_view_are_not_in_space(kind: str, tmp_path: Path) -> None:
    pytest.importorskip(NEEDS.get(kind, "numpy"))
    with pytest.raises(UsageError, match="joints in space: expected Poses3D, got Poses2D"):
        export(poses2d(2), tmp_path / IN_SPACE[kind], kind)


@pytest.mark.parametrize("kind, package", NEEDS.items())
def test_a_missing_package_is_named(
    kind: str, package: str, exporters: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importlib.import_module(f"stereo3d.export.{exporters[kind].partition(':')[0]}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"needs the package {package}.*pip install 'stereo3d"):
        export(poses3d(2), tmp_path / "p", kind)


def test_lost_frames_are_rows_without_joints() -> None:
    poses = gapped()
    grid = even_grid(poses, "C3D")
    assert grid.rate == 30 and grid.start == 2 and grid.row.tolist() == rows(poses).tolist()
    spread = grid.spread(poses.score)
    assert np.isnan(spread[list(LOST)]).all() and np.array_equal(spread[grid.row], poses.score)


@given(
    st.floats(1, 240), st.floats(0, 1e4), st.lists(st.sampled_from([1, 1, 1, 1, 2, 7]), min_size=20, max_size=60),
    st.integers(0, 99),
)
def test_jitter_moves_no_row(rate: float, start: float, steps: list[int], seed: int) -> None:
    row = np.cumsum([0, *sorted([1] * (len(steps) + 1) + steps)])
    time = start + (row + np.random.default_rng(seed).uniform(-0.05, 0.05, len(row))) / rate
    grid = even_grid(timed(time), "C3D")
    assert grid.row.tolist() == row.tolist() and grid.rate == pytest.approx(rate, rel=0.02)


def test_times_in_whole_milliseconds_do_not_add_up() -> None:
    """The median step of 30 Hz is then 33 ms, 1 % short."""
    frame = np.delete(np.arange(20_000), [100, 101, 5000])
    grid = even_grid(timed(np.floor(frame * 1000 / 30) / 1000), "C3D")
    assert grid.row.tolist() == frame.tolist() and grid.rate == 30


@pytest.mark.parametrize("times, sentence", [
    ([0, 1, 2, 2.1, 3], "needs an even rate, got steps of 0.1 to 1 s; CSV, TRC"),
    ([0, 1, 2, 1e6], "needs an even rate, got 4 frames over 1e.06 s"),
    ([3, 2, 1], "needs finite rising times, got steps down to -1 s"),
    ([*np.arange(60) / 30, *(2 + np.arange(600) / 20)], "got steps of 0.0333333 to 0.05 s"),
    ([0, 1, np.nan], "needs finite rising times"),
])
def test_uneven_times_get_a_sentence(times: list[float], sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        even_grid(timed(times), "C3D")


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "p.nwb"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path, ".nwb") as named:
        named.write_text("half")
        raise KeyError
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", ["csv", "trc", "nc"])
def test_times_of_a_clock_count_from_the_first_unless_asked(kind: str, tmp_path: Path) -> None:
    poses = poses3d(4)
    late = dataclasses.replace(poses, time=1_700_000_000 + np.arange(4) / 30)
    told = export(late, tmp_path / f"p.{kind}").read_bytes()
    counted = export(dataclasses.replace(poses, time=late.time - late.time[0]), tmp_path / f"q.{kind}").read_bytes()
    if kind != "nc":
        assert told == counted
    assert export(late, tmp_path / f"r.{kind}", clock=True).read_bytes() != told
