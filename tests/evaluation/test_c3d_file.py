"""C3D read by its specification: what ezc3d writes, scaled integers, and files that would end a process."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stereo3d.errors import InputError, InvalidValue
from stereo3d.evaluation.files.c3d import read_c3d
from stereo3d.evaluation.files.spatial import read_points


def parameter(group: int, name: str, kind: int, shape: tuple[int, ...], value: bytes) -> bytes:
    body = struct.pack("<bB", kind, len(shape)) + bytes(shape) + value + b"\0"
    return struct.pack("<bb", len(name), group) + name.encode() + struct.pack("<h", 2 + len(body)) + body


def integers(first: int = 5, processor: int = 84, units: bytes = b"mm") -> bytes:
    """Two points and three analogue numbers in two frames at 50 Hz, as integers with scale 0.5, by hand."""
    group = struct.pack("<bb", 5, -1) + b"POINT" + struct.pack("<hb", 3, 0)
    names = parameter(1, "LABELS", -1, (4, 2), b"LHipRHip")
    unit = parameter(1, "UNITS", -1, (len(units), 1), units)
    rate = parameter(1, "RATE", 4, (), struct.pack("<f", 50.0))
    parameters = (bytes([1, 80, 1, processor]) + group + names + unit + rate).ljust(512, b"\0")
    header = struct.pack("<BBHHHHHfHHf", 2, 80, 2, 3, first, first + 1, 0, 0.5, 3, 1, 50.0).ljust(512, b"\0")
    frames = [(200, 400, 1800, 0, 1, 2, 3, -1, 9, 9, 9), (202, 402, 1802, 0, 4, 5, 6, 7, 9, 9, 9)]
    return header + parameters + b"".join(struct.pack("<11h", *frame) for frame in frames).ljust(512, b"\0")


def written(folder: Path, data: bytes) -> Path:
    path = folder / "p.c3d"
    path.write_bytes(data)
    return path


def test_scaled_integers_beside_analogue_numbers(tmp_path: Path) -> None:
    points = read_c3d(written(tmp_path, integers()))
    assert points.names == ["LHip", "RHip"] and points.unit == "mm"
    np.testing.assert_array_equal(points.xyz, [[[100, 200, 900], [np.nan] * 3], [[101, 201, 901], [2, 2.5, 3]]])
    np.testing.assert_allclose(points.time, [0.08, 0.1])
    np.testing.assert_allclose(read_points(written(tmp_path, integers())).xyz[0, 0], [0.1, 0.2, 0.9])


@pytest.mark.parametrize("n_frames, n_points", [(1, 1), (3, 17), (300, 40)])
def test_what_ezc3d_writes(n_frames: int, n_points: int, tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d")
    xyz = np.random.default_rng(n_points).normal(size=(n_frames, n_points, 3))
    file = ezc3d.c3d()
    file["parameters"]["POINT"]["RATE"]["value"] = [120.0]
    file["parameters"]["POINT"]["UNITS"]["value"] = ["m"]
    file["parameters"]["POINT"]["LABELS"]["value"] = [f"joint {k}" for k in range(n_points)]
    file["data"]["points"] = np.concatenate([xyz, np.ones((n_frames, n_points, 1))], -1).transpose(2, 1, 0)
    file.write(str(tmp_path / "p.c3d"))
    points = read_c3d(tmp_path / "p.c3d")
    np.testing.assert_allclose(points.xyz, xyz, atol=1e-6)
    np.testing.assert_allclose(points.time, np.arange(n_frames) / 120)
    assert points.names == [f"joint {k}" for k in range(n_points)] and points.unit == "m"


@pytest.mark.parametrize("data, sentence", [
    (b"no such thing" * 100, "whose second byte is 80, got 111"),
    (b"", "cut off or damaged"),
    (integers()[:700], "cut off or damaged|expected 2 frames"),
    (integers()[:1030], "expected 2 frames, got the data of 0"),
    (integers(processor=86), "expected a little-endian C3D .processor 84., got processor 86"),
    (integers().replace(struct.pack("<f", 50.0), struct.pack("<f", 0.0), 1), "2 points, 2 names, 0 Hz"),
    (integers().replace(b"LABELS", b"LABELX"), "damaged .'POINT:LABELS'"),
    (integers().replace(b"LABELS\x0f\x00\xff", b"LABELS\x0f\x00\x05"), "damaged .5."),
    (integers(units=b"ell"), "units: expected m, cm or mm, got 'ell'"),
    (integers().replace(b"UNITS", b"UNITX"), "units: expected m, cm or mm, got ''"),
    (integers().replace(b"\xff\x02\x04\x02LHip", b"\xff\x02\x04\xffLHip"), "damaged .a parameter of 1020 values"),
])
def test_a_wrong_file_gets_a_sentence(data: bytes, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=sentence):
        read_points(written(tmp_path, data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent.c3d: cannot be read as C3D"):
        read_points(tmp_path / "absent.c3d")


def test_a_giant_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "p.c3d", "wb") as stream:
        stream.truncate((4 << 30) + 1)
    with pytest.raises(InvalidValue, match="expected a C3D of up to 4294967296 bytes"):
        read_c3d(tmp_path / "p.c3d")


def test_a_last_frame_before_the_first_is_refused(tmp_path: Path) -> None:
    data = bytearray(integers(first=5))
    data[8:10] = (4).to_bytes(2, "little")
    with pytest.raises(InvalidValue, match="expected frames, got those from 5 to 4"):
        read_c3d(written(tmp_path, bytes(data)))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 1600))
def test_a_damaged_file_gives_points_or_a_sentence(tmp_path: Path, changes: list[tuple[int, int]], end: int) -> None:
    data = bytearray(integers())
    for place, value in changes:
        data[place] = value
    try:
        points = read_points(written(tmp_path, bytes(data[:end]) if end < 1200 else bytes(data)))
    except InputError:
        return
    assert points.xyz.shape == (len(points.time), len(points.joints), 3)


def test_parameters_may_end_without_an_empty_name(tmp_path: Path) -> None:
    whole, short = integers(), integers().replace(b"RATE\x09\x00", b"RATE\x00\x00")
    assert whole != short
    np.testing.assert_array_equal(read_c3d(written(tmp_path, short)).xyz, read_c3d(written(tmp_path, whole)).xyz)


LONG = 65_540


def long_file(claims: bytes, first: int = 1, last: int = 65_535, n_frames: int = LONG) -> bytes:
    """One point in more frames than the header counts, its x the number of the frame from 0."""
    groups = b"".join(struct.pack("<bb", len(n), -i) + n + struct.pack("<hb", 3, 0) for i, n in ((1, b"POINT"), (2, b"TRIAL")))
    names = parameter(1, "LABELS", -1, (4, 1), b"LHip") + parameter(1, "UNITS", -1, (1, 1), b"m")
    parameters = (bytes([1, 80, 1, 84]) + groups + names + claims).ljust(512, b"\0")
    header = struct.pack("<BBHHHHHfHHf", 2, 80, 1, 0, first, last, 0, -1.0, 3, 1, 50.0).ljust(512, b"\0")
    points = np.zeros((n_frames, 4), "<f4")
    points[:, 0], points[:, 2] = np.arange(n_frames), 1
    data = points.tobytes()
    return header + parameters + data.ljust(-(-len(data) // 512) * 512, b"\0")


TRIAL = parameter(2, "ACTUAL_START_FIELD", 2, (2,), struct.pack("<2H", 1, 0)) + parameter(
    2, "ACTUAL_END_FIELD", 2, (2,), struct.pack("<2H", LONG & 0xFFFF, LONG >> 16)
)


@pytest.mark.parametrize("claims, first, last", [
    (parameter(1, "LONG_FRAMES", 4, (), struct.pack("<f", LONG)), 1, 65_535),
    (parameter(1, "FRAMES", 4, (), struct.pack("<f", LONG)), 1, 65_535),
    (parameter(1, "FRAMES", 2, (), struct.pack("<H", 65_535)) + TRIAL, 1, 65_535),
    (TRIAL, 1, LONG & 0xFFFF), (TRIAL, 5, LONG & 0xFFFF),
], ids=["long", "float", "trial", "wrapped", "wrapped to none"])  # fmt: skip
def test_more_frames_than_the_header_counts(claims: bytes, first: int, last: int, tmp_path: Path) -> None:
    points = read_c3d(written(tmp_path, long_file(claims, first, last)))
    np.testing.assert_array_equal(points.xyz[:, 0, 0], np.arange(LONG))
    np.testing.assert_allclose(points.time[[0, -1]], [0, (LONG - 1) / 50])


def test_as_many_as_the_header_counts(tmp_path: Path) -> None:
    """The block that the last frame lies in is filled up with zeros, which are no frames."""
    assert len(read_c3d(written(tmp_path, long_file(b"", n_frames=65_535))).xyz) == 65_535


@pytest.mark.parametrize("claims", [
    b"", parameter(1, "LONG_FRAMES", 4, (), struct.pack("<f", np.nan)), parameter(1, "FRAMES", 4, (), struct.pack("<f", 1e6)),
    parameter(2, "ACTUAL_START_FIELD", 2, (2,), struct.pack("<2H", 1, 0)) + parameter(2, "ACTUAL_END_FIELD", 4, (), struct.pack("<f", 2)),
], ids=["none", "unknown", "too many", "half"])  # fmt: skip
def test_more_frames_than_anything_tells(claims: bytes, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"expected to be told how many frames it has .*the data of 65600 and.*in parts, or as TRC"):
        read_c3d(written(tmp_path, long_file(claims, n_frames=65_600)))


def test_data_behind_the_frames_is_left_alone(tmp_path: Path) -> None:
    assert len(read_c3d(written(tmp_path, integers() + bytes(2048))).xyz) == 2


def test_what_py_c3d_writes_beyond_it(tmp_path: Path) -> None:
    c3d = pytest.importorskip("c3d", reason="the independent writer is not installed")
    writer = c3d.Writer(50.0, 0.0, point_scale=-1)
    writer.set_point_labels(["LHip"])
    frame = np.zeros((1, 5), np.float32)
    writer.add_frames([(frame + i, np.zeros((0, 0))) for i in range(LONG)])
    with open(tmp_path / "p.c3d", "wb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no analogue data
        writer.write(stream)
    assert len(read_c3d(tmp_path / "p.c3d").xyz) == LONG
