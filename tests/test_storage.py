"""read(write(x)) == x for every value; files from elsewhere cannot reach outside or claim more than they hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stereo3d import storage
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import InputError
from stereo3d.poses import Detections, Poses2D, Poses3D, concatenate
from stereo3d.skeleton import COCO_17, SKELETONS
from stereo3d.stereo import Stereo
from stereo3d.values import Value

CAMERA = RectifiedCamera((1280, 720), 530.0, Stereo(640.5, 630.25), 360.0, 0.12)
LENS = Intrinsics((1280, 720), 530.0, 531.0, 640.5, 361.0, np.array([-0.05, 0.02, 1e-4, 2e-4, -0.01]))
RIG = StereoRig(Stereo(LENS, LENS), np.eye(3), np.array([-0.12, 1e-4, 2e-4]), serial="123", rms=None)

numbers = st.floats(width=64)


def poses2d(n_frames: int, draw: np.random.Generator | None = None) -> Poses2D:
    rng = draw or np.random.default_rng(n_frames)
    shape = (n_frames, 17)
    return Poses2D(
        rng.normal(size=(*shape, 2)), rng.random(shape), np.full(shape, np.nan), np.arange(n_frames) / 30,
        np.arange(n_frames), COCO_17,
    )


def poses3d(n_frames: int, camera: RectifiedCamera | StereoRig = CAMERA) -> Poses3D:
    rng = np.random.default_rng(n_frames)
    shape = (n_frames, 17)
    return Poses3D(
        rng.normal(size=(*shape, 3)), rng.random(shape), np.full((*shape, 3), np.nan), rng.normal(size=shape),
        rng.integers(0, 31, shape), np.arange(n_frames) / 30, np.arange(n_frames), COCO_17, camera,
        {"config": {"a": [1, 2.5, None, "b"]}, "empty": {}},
    )


VALUES: list[Value] = [
    CAMERA, LENS, RIG, COCO_17, poses2d(4), poses2d(0), poses3d(4), poses3d(0), poses3d(3, RIG),
    Detections(np.zeros((0, 17, 2)), np.zeros((0, 17)), np.zeros((0, 17))),
    Stereo(poses2d(2), poses2d(3)), *SKELETONS.values(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda v: type(v).__name__)
def test_what_is_read_equals_what_was_written(value: Value, tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", a=value, b=value)
    assert storage.read(path, "a") == value
    assert storage.read(path) == {"a": value, "b": value}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(xy=hnp.arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(0, 4), st.just(2)), elements=numbers))
def test_any_floats_come_back(xy: np.ndarray, tmp_path: Path) -> None:
    value = Detections(xy, xy[..., 0], xy[..., 1])
    assert storage.read(storage.write(tmp_path / "x.h5", d=value), "d") == value


def test_equality_sees_every_field() -> None:
    a = poses2d(3)
    for name in ("xy", "score", "sigma", "time"):
        changed = np.array(getattr(a, name))
        changed.flat[0] = 77.0
        assert a != Poses2D(**{f: changed if f == name else getattr(a, f) for f in a.__dataclass_fields__})
    assert a != "a" and a == poses2d(3)


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    one = storage.write(tmp_path / "one.h5", poses=poses3d(5), camera=CAMERA).read_bytes()
    assert one == storage.write(tmp_path / "two.h5", poses=poses3d(5), camera=CAMERA).read_bytes()


def test_growing_values_end_as_the_whole(tmp_path: Path) -> None:
    parts = [poses3d(n) for n in (3, 1, 0, 4)]
    with storage.new_file(tmp_path / "x.h5") as file:
        storage.put(file, "poses", parts[0], growing=True)
        for part in parts[1:]:
            storage.extend(file, "poses", part)
    assert storage.read(tmp_path / "x.h5", "poses") == concatenate(parts)


def test_a_crash_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", camera=CAMERA)
    code = (
        "import os, sys\nfrom stereo3d import atomic\n"
        f"with atomic.replacing({str(path)!r}) as t:\n    t.write_bytes(b'half')\n    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 9
    assert storage.read(path, "camera") == CAMERA


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        storage.write(tmp_path / "x.h5", poses="not a value")  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []
    with pytest.raises(InputError, match="cannot be written"):
        storage.write(tmp_path / "no folder" / "x.h5", camera=CAMERA)


def hostile_external(file: h5py.File, folder: Path) -> None:
    file["x"] = h5py.ExternalLink(str(folder / "other.h5"), "/secret")


def hostile_soft(file: h5py.File, folder: Path) -> None:
    file["x"] = h5py.SoftLink("/elsewhere")


def hostile_raw(file: h5py.File, folder: Path) -> None:
    (folder / "secret.bin").write_bytes(b"12345678")
    file.create_dataset("x", (1,), "f8", external=[(str(folder / "secret.bin"), 0, 8)])


def hostile_virtual(file: h5py.File, folder: Path) -> None:
    layout = h5py.VirtualLayout((1,), "f8")
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "secret", (1,))
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("spoil, word", [
    (hostile_external, "link to elsewhere"), (hostile_soft, "link to elsewhere"),
    (hostile_raw, "from another file"), (hostile_virtual, "from another file"),
])
def test_files_that_reach_outside_are_refused(spoil: object, word: str, tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", camera=CAMERA)
    with h5py.File(path, "a") as file:
        spoil(file["camera"], tmp_path)  # type: ignore[operator]
    with pytest.raises(InputError, match=word):
        storage.read(path)


def test_a_small_file_that_claims_much_is_refused(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", poses=poses2d(2))
    with h5py.File(path, "a") as file:
        del file["poses/xy"]
        file.create_dataset("poses/xy", (10**10, 17, 2), "f8", chunks=(10, 17, 2))
    with pytest.raises(InputError, match="claims 2720000000000 bytes"):
        storage.read(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", poses=poses2d(40))
    content = bytearray(path.read_bytes())
    where = content.find(np.ascontiguousarray(poses2d(40).xy).tobytes()[:32])
    content[where] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match="damaged"):
        storage.read(path)


@pytest.mark.parametrize("change, word", [
    (lambda f: f.attrs.__setitem__("version", 99), "reads up to 1"),
    (lambda f: f.attrs.__setitem__("format", np.bytes_("other")), "expected a file of stereo3d values"),
    (lambda f: f["poses"].attrs.__setitem__("class", np.bytes_("os.system")), "expected a value of class"),
    (lambda f: f["poses"].attrs.__setitem__("version", 99), "is of version 99"),
    (lambda f: f["poses"].__delitem__("xy"), "xy"),
    (lambda f: f["poses"].__delitem__("skeleton"), "damaged"),
    (lambda f: f["poses/skeleton"].attrs.__setitem__("joints", np.bytes_("json:[")), "skeleton: expected JSON"),
    (lambda f: f["poses/skeleton"].attrs.__setitem__("joints", np.bytes_("json:" + "[" * 40 + "]" * 40)), "up to 32 deep"),
])
def test_a_wrong_file_gets_a_sentence(change: object, word: str, tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", poses=poses2d(2))
    with h5py.File(path, "a") as file:
        change(file)  # type: ignore[operator]
    with pytest.raises(InputError, match=word):
        storage.read(path, "poses")


def test_what_is_no_file_of_ours(tmp_path: Path) -> None:
    (tmp_path / "x.h5").write_text("hello")
    with pytest.raises(InputError, match="expected an HDF5 file"):
        storage.read(tmp_path / "x.h5")
    with pytest.raises(InputError, match="no such file"):
        storage.read(tmp_path / "y.h5")
    path = storage.write(tmp_path / "z.h5", camera=CAMERA)
    with pytest.raises(InputError, match="poses: is not there; the file holds camera"):
        storage.read(path, "poses")


def test_fuzzed_files_give_values_or_sentences(tmp_path: Path) -> None:
    whole = storage.write(tmp_path / "x.h5", poses=poses3d(3)).read_bytes()
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        content = bytearray(whole)
        for at in rng.integers(0, len(whole), 8):
            content[at] = rng.integers(256)
        cut = rng.integers(100, len(whole)) if rng.random() < 0.3 else None
        (tmp_path / "f.h5").write_bytes(bytes(content[:cut]))
        try:
            outcomes.add(type(storage.read(tmp_path / "f.h5")).__name__)
        except InputError:
            outcomes.add("sentence")
    assert "sentence" in outcomes


def test_attributes_can_be_read_without_us(tmp_path: Path) -> None:
    path = storage.write(tmp_path / "x.h5", rig=RIG, poses=poses3d(2))
    with h5py.File(path) as file:
        assert file["rig"].attrs["serial"] == b"123"
        assert file["poses/skeleton"].attrs["name"] == b"COCO-17"
        assert json.loads(file["poses"].attrs["origin"].removeprefix(b"json:"))["empty"] == {}
