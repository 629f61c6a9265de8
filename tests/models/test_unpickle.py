"""Files from torch.save: what is read, what is not run, and what is refused."""

from __future__ import annotations

import io
import os
import pickle
import warnings
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from stereo3d.errors import CheckpointError
from stereo3d.models.unpickle import Stand, module_tensors, read_torch

FORMATS = pytest.mark.parametrize("new", [True, False], ids=["zip", "older"])
DTYPES = [
    torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
    torch.uint8, torch.bool,
]


def save(path: Path, value: Any, *, new: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=new)
    return path


class History:
    """Stands for a training toolkit's log: a class that the reader does not know."""

    def __init__(self) -> None:
        self.values = [np.float64(0.5), np.arange(3)]


class Ledger(list):  # type: ignore[type-arg]
    """A sequence and a mapping of a class that the reader does not know are filled through other instructions."""


class Register(dict):  # type: ignore[type-arg]
    pass


class Trap:
    """Makes a folder when a careless reader unpickles it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@FORMATS
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_tensors_come_back_as_they_were(dtype: torch.dtype, new: bool, tmp_path: Path) -> None:
    value = (torch.arange(24).reshape(2, 3, 4) % 2).to(dtype)
    read = read_torch(save(tmp_path / "t.pt", {"a": value}, new=new))
    assert read["a"].dtype == dtype
    assert torch.equal(read["a"], value)


@FORMATS
def test_views_share_their_numbers_and_keep_their_shape(new: bool, tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    value = OrderedDict(whole=whole, turned=whole.T, part=whole[1:, 2], none=torch.empty(0, 3), one=torch.tensor(7.0))
    read = read_torch(save(tmp_path / "t.pt", value, new=new))
    assert list(read) == list(value)
    assert all(torch.equal(read[name], value[name]) and read[name].shape == value[name].shape for name in value)
    read["whole"][1, 2] = 100
    assert read["part"][0] == read["turned"][2, 1] == 100


@FORMATS
def test_a_state_dict_reads_as_torch_reads_it(new: bool, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    path = save(tmp_path / "t.pt", net.state_dict(), new=new)
    theirs = torch.load(path, weights_only=True)
    ours = read_torch(path)
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_parameters_come_as_tensors(tmp_path: Path) -> None:
    net = nn.Linear(2, 3)
    read = read_torch(save(tmp_path / "t.pt", dict(net.named_parameters())))
    assert type(read["weight"]) is Tensor
    assert torch.equal(read["weight"], net.weight)


@FORMATS
def test_what_is_no_tensor_becomes_a_stand(new: bool, tmp_path: Path) -> None:
    log = {"history": History(), "ledger": Ledger([1, 2]), "register": Register(a=1), "seed": np.float64(3)}
    value = {"state_dict": {"w": torch.ones(2)}, "log": log, "epoch": 7, "names": ("a", [None, 0.5])}
    path = save(tmp_path / "t.pt", value, new=new)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    read = read_torch(path)
    assert torch.equal(read["state_dict"]["w"], torch.ones(2))
    assert (read["epoch"], read["names"]) == (7, ("a", [None, 0.5]))
    assert all(isinstance(stand, Stand) for stand in read["log"].values())


@FORMATS
def test_nothing_in_a_file_is_run(new: bool, tmp_path: Path) -> None:
    folder = tmp_path / "sprung"
    path = save(tmp_path / "t.pt", {"w": torch.ones(2), "trap": Trap(folder)}, new=new)
    read = read_torch(path)
    assert not folder.exists()
    assert isinstance(read["trap"], Stand)
    assert torch.equal(read["w"], torch.ones(2))


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.arange(3.0))
        self.register_buffer("offset", torch.ones(2))


@FORMATS
def test_a_whole_module_gives_its_state_dict(new: bool, tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Sequential(Inner(), nn.BatchNorm2d(4)))
    tensors = module_tensors(read_torch(save(tmp_path / "t.pt", net, new=new)))
    state = net.state_dict()
    assert list(tensors) == list(state)
    assert all(torch.equal(tensors[name], state[name]) for name in state)


def test_a_module_within_itself_ends() -> None:
    module = Stand()
    module.state = {"_modules": {"again": module}, "_parameters": {"w": torch.ones(1)}, "_buffers": None}
    assert list(module_tensors(module)) == ["w"]


def test_names_of_modules_within_modules_do_not_grow_without_end() -> None:
    """A small file could otherwise ask for gigabytes of names."""
    chain: Any = None
    for _ in range(5000):
        module = Stand()
        module.state = {"_modules": {"x" * 99: chain}, "_parameters": {"w": torch.ones(1), "y" * 9999: torch.ones(1)}}
        chain = module
    names = list(module_tensors(chain))
    assert len(names) == 11
    assert max(map(len, names)) == 1001


class Crafter(pickle.Pickler):
    """Writes pickles that declare storages of any size."""

    def persistent_id(self, value: Any) -> Any:
        return value.pid if isinstance(value, Declared) else None


class Declared:
    def __init__(self, count: Any, key: str = "0", kind: str = "storage", views: Any = None) -> None:
        self.pid = (kind, torch.FloatStorage, key, "cpu", count, *([views] if views else []))


class Rebuilt:
    """A tensor of any shape on a declared storage."""

    def __init__(self, storage: Declared | None, offset: int, size: Any, stride: Any) -> None:
        self.arguments = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return torch._utils._rebuild_tensor_v2, self.arguments


def craft(value: Any) -> bytes:
    stream = io.BytesIO()
    Crafter(stream, protocol=2).dump(value)
    return stream.getvalue()


def older(pickled: bytes, *, data: bytes = b"", order: bool = True) -> bytes:
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": order, "protocol_version": 1001, "type_sizes": {}}]
    return b"".join(pickle.dumps(part, 2) for part in head) + pickled + pickle.dumps(["0"], 2) + data


def zipped(pickled: bytes, data: bytes = bytes(16), *, deflate: bool = False, **more: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED) as archive:
        for name, content in {"a/data.pkl": pickled, "a/data/0": data, **more}.items():
            archive.writestr(name, content)
    return stream.getvalue()


GOOD = craft({"w": Rebuilt(Declared(4), 0, (2, 2), (2, 1))})
FOUR = (4).to_bytes(8, "little") + np.arange(4, dtype="<f4").tobytes()
HOSTILE = {
    "nothing": ("empty file", b""),
    "text": ("opcode", b"<html>404: not found</html>\n" * 9),
    "another pickle": ("not torch's format", pickle.dumps({"w": [1.0]})),
    "a torn older file": ("4 numbers declared", older(GOOD, data=FOUR[:-1])),
    "an older file without its numbers": ("requires a buffer of 8 bytes", older(GOOD)),
    "an older file that counts otherwise": (
        "4 numbers declared, 5 there",
        older(GOOD, data=b"\5" + FOUR[1:]),
    ),
    "an older file of big-endian numbers": ("big-endian", older(GOOD, data=FOUR, order=False)),
    "a storage of a terabyte": (
        "more than the file holds",
        older(craft({"w": Rebuilt(Declared(2**38), 0, (4,), (1,))}), data=FOUR),
    ),
    "a storage of less than nothing": (
        "more than the file holds",
        older(craft({"w": Rebuilt(Declared(-4), 0, (4,), (1,))}), data=FOUR),
    ),
    "a storage of no number": (
        "TypeError",
        older(craft({"w": Rebuilt(Declared("4"), 0, (4,), (1,))}), data=FOUR),
    ),
    "a view of a storage": (
        "none that torch writes",
        older(craft({"w": Rebuilt(Declared(4, views=("0", 0, 4)), 0, (4,), (1,))}), data=FOUR),
    ),
    "a reference that is no storage": (
        "a reference to 'file'",
        older(craft({"w": Declared(4, kind="file")}), data=FOUR),
    ),
    "a tensor stretched to a terabyte": (
        "declared on 4 numbers",
        zipped(craft({"w": Rebuilt(Declared(4), 0, (10**6, 10**6), (0, 0))})),
    ),
    "a tensor beyond its storage": (
        "out of bounds",
        zipped(craft({"w": Rebuilt(Declared(4), 3, (2,), (1,))})),
    ),
    "a tensor before its storage": (
        "invalid storage offset",
        zipped(craft({"w": Rebuilt(Declared(4), -1, (2,), (1,))})),
    ),
    "a tensor of negative shape": (
        "RuntimeError",
        zipped(craft({"w": Rebuilt(Declared(4), 0, (-2, -2), (2, 1))})),
    ),
    "a tensor of a thousand axes": (
        "declared on 4 numbers",
        zipped(craft({"w": Rebuilt(Declared(4), 0, (1,) * 1000, (1,) * 1000)})),
    ),
    "a tensor on no storage": ("TypeError", zipped(craft({"w": Rebuilt(None, 0, (1,), (1,))}))),
    "a storage that is not in the archive": (
        "KeyError",
        zipped(craft({"w": Rebuilt(Declared(4, "7"), 0, (4,), (1,))})),
    ),
    "a storage shorter than declared": ("12 bytes there", zipped(GOOD, b"\0" * 12)),
    "an archive that inflates": (
        "bytes declared in a file of",
        zipped(GOOD, b"\0" * 10**7, deflate=True),
    ),
    "an archive of big-endian numbers": ("big-endian", zipped(GOOD, **{"a/byteorder": b"big"})),
    "an archive without a pickle": ("not enough values", zipped(GOOD).replace(b"data.pkl", b"data.pql")),
    "an archive of two": ("too many values", zipped(GOOD, **{"b/data.pkl": GOOD})),
    "a torn archive": ("Error", zipped(GOOD)[:-30]),
    "a pickle that wants memory for 2**31 objects": ("LONG_BINPUT", zipped(b"\x80\x02}r\xff\xff\xff\x7f.")),
    "a pickle that takes from an empty stack": ("stack underflow", zipped(b"\x80\x020.")),
    "a pickle that asks for a registered extension": ("EXT1", zipped(b"\x80\x02\x82\x01.")),
    "a pickle that never stops": ("exhausted", zipped(b"\x80\x02" + b"N0" * 10**4)),
    "a pickle of a million steps": ("instruction 1000001", zipped(b"\x80\x02" + b"N0" * 500_001 + b"N.")),
    "a pickle that copies dicts": ("TypeError", zipped(b"\x80\x02ccollections\nOrderedDict\n(}tR.")),
}


@pytest.mark.parametrize(("reason", "content"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_is_refused_in_a_sentence(reason: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"^bad\.pth: expected weights .* cannot be read .*{reason}") as caught:
        read_torch(path)
    assert len(str(caught.value)) < 400
    assert str(caught.value).isascii()


def test_the_crafted_files_are_read_where_nothing_is_wrong_with_them(tmp_path: Path) -> None:
    """So that each refusal above comes from what its name says."""
    for name, content in {"older.pt": older(GOOD, data=FOUR), "zip.pt": zipped(GOOD, FOUR[8:])}.items():
        (tmp_path / name).write_bytes(content)
        assert torch.equal(read_torch(tmp_path / name)["w"], torch.tensor([[0.0, 1.0], [2.0, 3.0]]))


def test_a_flipped_byte_is_an_error_and_no_other_weight(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", {"w": torch.arange(1000.0)})
    content = bytearray(path.read_bytes())
    content[content.index(np.arange(1000, dtype="<f4").tobytes()) + 2001] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="Bad CRC-32"):
        read_torch(path)


def test_a_stray_backslash_in_a_damaged_file_warns_nobody(tmp_path: Path) -> None:
    """Python's own pickle reader unescapes the texts of the instruction `i`, and warns of what is no escape."""
    path = tmp_path / "t.pt"
    path.write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, 2) + b"(i\\d\n\\d\n.")
    with warnings.catch_warnings(action="error"), pytest.raises(CheckpointError, match="cannot be read as such"):
        read_torch(path)


def saved(new: bool) -> bytes:
    stream = io.BytesIO()
    value = {"state_dict": nn.Linear(2, 3).state_dict(), "log": History(), "net": nn.Conv2d(1, 1, 1)}
    torch.save(value, stream, _use_new_zipfile_serialization=new)
    return stream.getvalue()


SAVED = {new: saved(new) for new in (True, False)}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(new=st.booleans(), place=st.floats(0, 1, exclude_max=True), bytes_=st.binary(max_size=4), cut=st.integers(0, 4))
def test_a_damaged_file_is_read_or_refused(new: bool, place: float, bytes_: bytes, cut: int, tmp_path: Path) -> None:
    """Bytes put in, taken out and changed anywhere: no other error, and nothing but the known kinds of value."""
    start = int(place * len(SAVED[new]))
    path = tmp_path / "damaged.pth"
    path.write_bytes(SAVED[new][:start] + bytes_ + SAVED[new][start + cut :])
    try:
        read = read_torch(path)
    except CheckpointError as error:
        assert "damaged.pth" in str(error)
    else:
        assert isinstance(read, (dict, list, tuple, str, int, float, bytes, Tensor, Stand, type(None)))


def test_a_folder_is_no_file_of_weights(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected weights that"):
        read_torch(tmp_path)
