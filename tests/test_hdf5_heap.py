"""Rows of variable length come as h5py gives them, and no claim of theirs takes memory."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import InputError
from stereo3d.hdf5_heap import VariableRows

LAYOUTS: list[dict[str, Any]] = [
    {}, {"chunks": (3,)}, {"chunks": (4,), "compression": "gzip"}, {"chunks": (4,), "compression": "gzip", "shuffle": True},
]


def write(path: Path, rows: list[bytes], n: int | None = None, libver: str = "earliest", **layout: Any) -> Path:
    with h5py.File(path, "w", libver=libver) as file:
        data = file.create_dataset("x", (n or len(rows),), h5py.vlen_dtype(np.uint8), **layout)
        for i, row in enumerate(rows):
            data[i] = np.frombuffer(row, np.uint8)
    return path


def read(path: Path, most: int = 1 << 20) -> list[bytes]:
    with h5py.File(path) as file:
        rows = VariableRows(file["x"], most)
        return [rows[i] for i in range(len(rows))]


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.binary(min_size=1, max_size=9000), min_size=1, max_size=12), layout=st.sampled_from(LAYOUTS),
       libver=st.sampled_from(["earliest", "latest"]))
def test_rows_come_as_they_were_written(rows: list[bytes], layout: dict[str, Any], libver: str, tmp_path_factory: Any) -> None:
    rows = [*rows, b"filled", b"up", b"with"]
    assert read(write(tmp_path_factory.mktemp("rows") / "x.h5", rows, libver=libver, **layout)) == rows


def spoil(path: Path, at: int, content: bytes) -> Path:
    data = bytearray(path.read_bytes())
    data[at:at + len(content)] = content
    path.write_bytes(data)
    return path


@pytest.fixture
def simple(tmp_path: Path) -> tuple[Path, int, int]:
    """A file of two rows, where its references lie and where its heap does."""
    path = write(tmp_path / "x.h5", [b"one row", b"another"])
    with h5py.File(path) as file:
        at = file["x"].id.get_offset()
    return path, at, path.read_bytes().index(b"GCOL")


@pytest.mark.parametrize(("content", "sentence"), [
    (struct.pack("<IQI", 4_000_000_000, 0, 1), "row 0 claims 4000000000 bytes in a file of"),
    (struct.pack("<IQI", 7, 1 << 60, 1), "row 0: is damaged or was never written"),
    (struct.pack("<IQI", 7, 0, 1), "is damaged or was never written"),
    (bytes(16), None),
])
def test_references_to_nowhere_are_refused(simple: tuple[Path, int, int], content: bytes, sentence: str | None) -> None:
    path, at, _ = simple
    spoil(path, at, content)
    with pytest.raises(InputError, match=sentence or "is damaged or was never written"):
        read(path)


@pytest.mark.parametrize(("at", "content"), [
    (0, b"COLG"), (4, b"\2"), (8, struct.pack("<Q", 20)), (16, struct.pack("<H", 9)),
    (24, struct.pack("<Q", 3)), (24, struct.pack("<Q", 1 << 62)), (16, bytes(16)),
])
def test_damaged_heaps_are_refused(simple: tuple[Path, int, int], at: int, content: bytes) -> None:
    path, _, heap = simple
    spoil(path, heap + at, content)
    with pytest.raises(InputError, match="row 0: is damaged or was never written"):
        read(path)


def test_a_heap_of_empty_objects_ends(tmp_path: Path) -> None:
    path = write(tmp_path / "x.h5", [b"1" * 3_000_000])
    heap = path.read_bytes().index(b"GCOL")
    spoil(path, heap + 16, struct.pack("<HHIQ", 2, 0, 0, 0) * 150_000)
    with pytest.raises(InputError, match="is damaged"):
        read(path, 4 << 20)


def test_rows_that_were_never_written(tmp_path: Path) -> None:
    for name, layout in {"a": {}, "b": {"chunks": (2,)}}.items():
        with pytest.raises(InputError, match="row 1: is damaged or was never written"):
            read(write(tmp_path / name, [b"x"], n=5, **layout))


def test_longer_rows_than_asked_for(simple: tuple[Path, int, int]) -> None:
    with pytest.raises(InputError, match="row 0 claims 7 bytes"):
        read(simple[0], 5)


def test_other_data_sets_and_unusual_files(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.zeros(3, np.uint8)
    with pytest.raises(InputError, match=r"expected rows of bytes \(N,\), got uint8"):
        read(tmp_path / "x.h5")
    with h5py.File(tmp_path / "y.h5", "w", userblock_size=512) as file:
        file.create_dataset("x", (2,), h5py.vlen_dtype(np.uint8))
    with pytest.raises(InputError, match="a file of an unusual kind; rewrite it with h5repack"):
        read(tmp_path / "y.h5")
    with pytest.raises(InputError, match="is packed in an unusual way"):
        read(write(tmp_path / "z.h5", [b"x"] * 9, compression="lzf", chunks=(3,)))
