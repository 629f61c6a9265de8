"""An animated .glb: joints and rods stand where the track has them; read by hand, and by trimesh where it is installed."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from results import changed, part, result

from stereo3d.errors import InputError
from stereo3d.poses import Poses3D
from stereo3d.visual import gltf
from stereo3d.visual.gltf import write_glb

POSES, _ = result(30)
LOST = changed(POSES, np.s_[3, 9], xyz=np.nan, status=1)
TURN = [1, -1, -1]
NAMES = LOST.skeleton.joints


class Scene:
    """A .glb as a viewer has it: what each node does at each key."""

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes()
        magic, version, total = struct.unpack_from("<4sII", raw)
        assert (magic, version, total) == (b"glTF", 2, len(raw))
        length, kind = struct.unpack_from("<I4s", raw, 12)
        n, binary = struct.unpack_from("<I4s", raw, 20 + length)
        assert (kind, binary) == (b"JSON", b"BIN\0") and length % 4 == n % 4 == 0 and 28 + length + n == total
        self.document, self.data = json.loads(raw[20:20 + length]), raw[28 + length:]
        self.nodes = {node["name"]: i for i, node in enumerate(self.document["nodes"])}

    def accessed(self, number: int) -> NDArray[Any]:
        accessor = self.document["accessors"][number]
        view = self.document["bufferViews"][accessor["bufferView"]]
        kind = {5126: "<f4", 5123: "<u2"}[accessor["componentType"]]
        flat = np.frombuffer(self.data[view["byteOffset"]:view["byteOffset"] + view["byteLength"]], kind)
        return flat.reshape(accessor["count"], -1)

    def times(self) -> NDArray[Any]:
        (number,) = {s["input"] for s in self.document["animations"][0]["samplers"]}
        return self.accessed(number)[:, 0]

    def of(self, name: str, kind: str) -> NDArray[Any]:
        """(T or 1, D) what a node's translation, rotation or scale is at each key, or always."""
        for animation in self.document.get("animations", []):
            for channel in animation["channels"]:
                if channel["target"] == {"node": self.nodes[name], "path": kind}:
                    sampler = animation["samplers"][channel["sampler"]]
                    assert sampler["interpolation"] == "LINEAR"
                    return self.accessed(sampler["output"])
        return np.array([self.document["nodes"][self.nodes[name]][kind]])


def turned(q: NDArray[Any], v: NDArray[Any]) -> NDArray[Any]:
    """v (3,) turned by quaternions (T, 4), after the textbook: v + 2 w (u x v) + 2 u x (u x v)."""
    u, w = q[:, :3], q[:, 3:]
    cross = np.cross(u, v)
    return v + 2 * w * cross + 2 * np.cross(u, cross)


def test_each_joint_moves_along_its_track(tmp_path: Path) -> None:
    scene = Scene(write_glb(LOST, tmp_path / "track.glb"))
    np.testing.assert_allclose(scene.times(), LOST.time - LOST.time[0], atol=1e-6)
    for k, name in enumerate(NAMES):
        found, places = LOST.found[:, k], np.broadcast_to(scene.of(name, "translation"), (30, 3))
        np.testing.assert_allclose(places[found], LOST.xyz[found, k] * TURN, atol=1e-6)
        assert np.isfinite(places).all()
        np.testing.assert_array_equal(np.broadcast_to(scene.of(name, "scale"), (30, 3))[:, 0] == 1, found)
    assert not LOST.found[3, 9]


def test_each_rod_reaches_from_joint_to_joint(tmp_path: Path) -> None:
    scene = Scene(write_glb(LOST, tmp_path / "track.glb"))
    for a, b in LOST.skeleton.bones:
        name = f"{NAMES[a]} to {NAMES[b]}"
        start, turn, size = (scene.of(name, kind) for kind in ("translation", "rotation", "scale"))
        there = LOST.found[:, a] & LOST.found[:, b]
        end = start + turned(turn, np.array([0.0, 1.0, 0.0])) * size[:, [1]]
        np.testing.assert_allclose(end[there], LOST.xyz[there, b] * TURN, atol=1e-6)
        np.testing.assert_allclose(start[there], LOST.xyz[there, a] * TURN, atol=1e-6)
        np.testing.assert_array_equal(np.broadcast_to(size, (30, 3)).max(1) < 1e-5, ~there)
        np.testing.assert_allclose((turn**2).sum(1), 1, atol=1e-6)
        assert (turn[1:] * turn[:-1]).sum(1).min() >= 0, "viewers turn the short way"


def test_a_rod_that_points_straight_down_is_turned_over(tmp_path: Path) -> None:
    down = changed(POSES, ..., xyz=np.linspace(0, 1, 17)[:, None] * [0.0, 1.0, 0.0])
    scene = Scene(write_glb(down, tmp_path / "track.glb"))
    a, b = next(bone for bone in down.skeleton.bones if bone[1] > bone[0])
    tip = turned(scene.of(f"{NAMES[a]} to {NAMES[b]}", "rotation"), np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(tip[0], [0, -1, 0], atol=1e-7)
    assert "animations" not in scene.document, "nothing moves"


def test_it_says_the_bounds_of_what_it_holds(tmp_path: Path) -> None:
    scene = Scene(write_glb(POSES, tmp_path / "track.glb"))
    bounded = [i for i, accessor in enumerate(scene.document["accessors"]) if "min" in accessor]
    assert len(bounded) == 3
    for i in bounded:
        x = scene.accessed(i)
        np.testing.assert_array_equal([x.min(0), x.max(0)], [scene.document["accessors"][i][k] for k in ("min", "max")])


def test_faces_look_outward(tmp_path: Path) -> None:
    scene = Scene(write_glb(POSES, tmp_path / "track.glb"))
    for mesh in scene.document["meshes"]:
        (shape,) = mesh["primitives"]
        points, normals = (scene.accessed(shape["attributes"][kind]) for kind in ("POSITION", "NORMAL"))
        faces = scene.accessed(shape["indices"]).reshape(-1, 3)
        a, b, c = (points[faces[:, i]] for i in range(3))
        assert (np.cross(b - a, c - a) * normals[faces].mean(1)).sum(-1).min() > 0
        np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-6)


def test_a_lost_joint_stays_where_it_was(tmp_path: Path) -> None:
    late = changed(POSES, np.s_[:5, 0], xyz=np.nan, status=1)
    first = Scene(write_glb(late, tmp_path / "track.glb")).of(NAMES[0], "translation")
    np.testing.assert_allclose(first[:5], np.tile(first[5], (5, 1)))


def test_an_hour_is_thinned_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gltf, "MOST", 12)
    np.testing.assert_allclose(Scene(write_glb(POSES, tmp_path / "track.glb")).times(), POSES.time[::3], atol=1e-6)


@pytest.mark.parametrize("poses", [part(POSES, slice(0, 0)), changed(POSES, ..., xyz=np.nan), changed(POSES, 5, time=0.0)])
def test_what_cannot_move_is_refused(poses: Poses3D, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected joints with a place and rising times"):
        write_glb(poses, tmp_path / "track.glb")
    assert not list(tmp_path.iterdir())


def test_trimesh_sees_the_first_moment(tmp_path: Path) -> None:
    trimesh = pytest.importorskip("trimesh")
    scene = trimesh.load(write_glb(LOST, tmp_path / "track.glb"))
    seen = dict(zip(NAMES, LOST.xyz[0] * TURN))
    for name in (n for n, there in zip(NAMES, LOST.found[0]) if there):
        np.testing.assert_allclose(scene.graph[name][0][:3, 3], seen[name], atol=1e-6)
    low, high = scene.bounds
    there = LOST.xyz[0, LOST.found[0]] * TURN
    np.testing.assert_allclose(low, there.min(0), atol=0.009)
    np.testing.assert_allclose(high, there.max(0), atol=0.009)
