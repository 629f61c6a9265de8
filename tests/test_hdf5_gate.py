"""What HDF5 would follow without a question is refused: other files, bombs, chunks that are too short, loops."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stereo3d import hdf5_gate, limits
from stereo3d.errors import InputError

ROWS = np.random.default_rng(0).integers(0, 9, (100, 6)).astype(np.int32)


def made(path: Path, **layout: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=ROWS, **layout)
    return path


def read(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray[Any, Any]:
    with hdf5_gate.open_hdf5(path) as file:
        return hdf5_gate.read_rows(file["x"], start, stop)


LAYOUTS: list[dict[str, Any]] = [
    {}, {"chunks": (7, 4)}, {"chunks": (7, 4), "fletcher32": True}, {"chunks": (30, 6), "compression": "gzip"},
    {"chunks": (30, 2), "compression": "gzip", "shuffle": True, "fletcher32": True}, {"compression": "lzf"},
    {"chunks": (30, 6), "compression": "lzf", "shuffle": True, "maxshape": (None, 6)},
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_what_is_whole_is_read(layout: dict[str, Any], tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5", **layout)
    np.testing.assert_array_equal(read(path), ROWS)
    np.testing.assert_array_equal(read(path, 20, 45), ROWS[20:45])
    assert len(read(path, 50, 50)) == 0 and len(read(path, 90, 200)) == 10
    with hdf5_gate.open_hdf5(path) as file:
        np.testing.assert_array_equal(hdf5_gate.read_array(file["x"]), ROWS)


def test_what_was_never_written_reads_as_nothing(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (50, 3), "f4", chunks=(10, 3))
        file["scalar"] = 3.5
    assert not read(tmp_path / "x.h5").any()
    with hdf5_gate.open_hdf5(tmp_path / "x.h5") as file:
        assert hdf5_gate.read_array(file["scalar"]) == 3.5


def deflated(length: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(length >> 20)) + packer.flush()


def chunk(data: h5py.Dataset, content: bytes, mask: int = 0) -> None:
    data.id.write_direct_chunk((0,) * data.ndim, content, filter_mask=mask)


CHUNKS: dict[str, tuple[dict[str, Any], bytes, int]] = {
    "a chunk that inflates to 400 MB": ({"compression": "gzip"}, deflated(400 << 20), 0),
    "a chunk that inflates to nothing": ({"compression": "gzip"}, zlib.compress(b""), 0),
    "a chunk that does not inflate": ({"compression": "gzip"}, b"\0" * 40, 0),
    "a chunk that is too short": ({"fletcher32": True}, b"12345678", 1),
    "a chunk whose sum is all there is": ({"fletcher32": True}, b"\0\0\0\0", 0),
    "a chunk that is too long": ({"fletcher32": True}, bytes(5000), 1),
    "an empty LZF chunk": ({"compression": "lzf"}, b"\0\0", 0),
    "an LZF chunk that unpacks to too much": ({"compression": "lzf"}, b"\0\0" + b"\xe0\xff\0" * 500, 0),
    "an LZF chunk that was not packed and is short": ({"compression": "lzf"}, b"123", 1),
}


@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_hold_what_they_should_and_no_more_is_taken_in(name: str, tmp_path: Path) -> None:
    layout, content, mask = CHUNKS[name]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        chunk(file.create_dataset("x", (100,), "f8", chunks=(100,), **layout), content, mask)
    tracemalloc.start()
    with pytest.raises(InputError, match="unpacks to .* expected 800; refused|cannot be inflated"):
        read(tmp_path / "x.h5")
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@settings(max_examples=60, deadline=None)
@given(data=hnp.arrays(np.uint8, st.integers(1, 2000), elements=st.integers(0, 3)), repeat=st.integers(1, 50))
def test_what_lzf_unpacks_to_is_measured_right(data: np.ndarray[Any, Any], repeat: int, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("lzf") / "x.h5"
    data = np.tile(data, repeat)
    with h5py.File(path, "w") as file:
        made_ = file.create_dataset("x", data=data, chunks=data.shape, compression="lzf")
        mask, packed = made_.id.read_direct_chunk((0,))
    assert mask or hdf5_gate._unpacked_length(packed) == len(data)


def loop(file: h5py.File) -> None:
    file["a/b"] = file["/"]
    file["a/c"] = file["a"]


def tree(file: h5py.File) -> None:
    for i in range(200):
        group = file.create_group(str(i))
        for j in range(60):
            group.create_group(str(j))


def test_groups_within_themselves_end(tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        file.create_group("a")
        loop(file)
    np.testing.assert_array_equal(read(path), ROWS)


def low_level(settings: Callable[[Any], None], file: h5py.File) -> None:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((10,))
    settings(plist)
    h5py.h5d.create(file.id, b"y", h5py.h5t.NATIVE_INT32, h5py.h5s.create_simple((20,)), plist)


def twice_deflated(plist: Any) -> None:
    plist.set_deflate(9)
    plist.set_deflate(9)


def shuffled_late(plist: Any) -> None:
    plist.set_deflate(9)
    plist.set_shuffle()


HOSTILE: dict[str, tuple[Callable[[h5py.File], Any], str]] = {
    "a soft link": (lambda f: f.__setitem__("y", h5py.SoftLink("/etc")), "is a link to elsewhere"),
    "an external link": (lambda f: f.__setitem__("y", h5py.ExternalLink("b.h5", "/x")), "is a link to elsewhere"),
    "external storage": (lambda f: f.create_dataset("y", (4,), "u1", external=[("b", 0, 4)]), "from another file"),
    "more objects than can be looked at": (tree, "more than 10000 objects"),
    "a filter that is not usual": (lambda f: f.create_dataset("y", (9,), "i4", scaleoffset=2), "uses HDF5 filter 6"),
    "nbit": (lambda f: low_level(lambda p: p.set_filter(5), f), "uses HDF5 filter 5"),
    "deflated twice": (lambda f: low_level(twice_deflated, f), "each HDF5 filter once"),
    "shuffled after it was deflated": (lambda f: low_level(shuffled_late, f), "shuffle before others"),
    "a huge chunk": (lambda f: f.create_dataset("y", (1 << 40,), "u1", chunks=(1 << 28,)), "chunks of up to 134217728"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_layouts_are_refused_when_the_file_is_opened(name: str, tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        HOSTILE[name][0](file)
    with pytest.raises(InputError, match=HOSTILE[name][1]):
        read(path)


@pytest.mark.parametrize(("layout", "sentence"), [
    ({"shape": (1 << 40,), "dtype": "u1", "chunks": (100,)}, "claims 1099511627776 bytes in a file of"),
    ({"shape": (1 << 24,), "dtype": "f8", "chunks": (1 << 16,), "compression": "gzip"}, "claims 134217728 bytes"),
    ({"shape": (1 << 24,), "dtype": "u1", "chunks": (1,)}, f"in more than {limits.MOST_CHUNKS} chunks"),
    ({"shape": (3,), "dtype": h5py.vlen_dtype("u1")}, "object of variable length"),
    ({"shape": (3,), "dtype": np.dtype([("a", "i4"), ("b", h5py.string_dtype())])}, "of variable length"),
])
def test_claims_that_the_file_cannot_hold_are_refused(layout: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", **layout)
    with hdf5_gate.open_hdf5(tmp_path / "x.h5") as file, pytest.raises(InputError, match=sentence):
        hdf5_gate.read_array(file["x"])


def test_texts_of_variable_length_are_not_read(tmp_path: Path) -> None:
    path = made(tmp_path / "x.h5")
    with h5py.File(path, "a") as file:
        file.attrs.update(a="variable", b=np.bytes_("fixed"), c=7)
        file.attrs.create("d", [(1, "x")], dtype=np.dtype([("a", "i4"), ("b", h5py.string_dtype())]))
    with hdf5_gate.open_hdf5(path) as file:
        assert [hdf5_gate.attribute(file, n) for n in "abcde"] == [None, "fixed", 7, None, None]


def test_what_is_no_hdf5(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read(tmp_path)
    (tmp_path / "x").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match="expected an HDF5 file"):
        read(tmp_path / "x")
