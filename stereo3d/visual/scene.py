"""Poses as things in space: a .ply of one moment, an animated .glb of a track, and a window to turn them in.

The files are written here, without a graphics package; the window needs open3d. Both file formats have y up and z
towards the viewer, the toolkit y down and z away: points are turned half around x, which keeps them right-handed.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d import atomic
from stereo3d.errors import InputError, MissingPackage, UsageError
from stereo3d.poses import Poses3D
from stereo3d.values import Floats, Ints

_LEFT, _RIGHT, _MIDDLE = (255, 140, 0), (0, 170, 255), (90, 190, 90)
_UPRIGHT = np.array([1.0, -1.0, -1.0])
_RADIUS = 0.008
"""m, of a joint."""
_FLOAT, _SHORT = 5126, 5123
_GONE = 1e-6
"""Scale of a joint without a place: glTF knows no absence, and a scale of zero has no inverse."""
_OCTAHEDRON = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], "<f4")
_FACES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], "<u2")


def write_ply(poses: Poses3D, path: str | os.PathLike[str], at: int) -> Path:
    """The path of a .ply with the joints found in one frame as coloured points, in m, and the bones as edges.

    Raises UsageError where there is no such frame.
    """
    points, bones, colours = _moment(poses, at)
    lines = [f"{x:.6f} {y:.6f} {z:.6f} {r} {g} {b}" for (x, y, z), (r, g, b) in zip(points, colours)]
    lines += [f"{a} {b}" for a, b in bones]
    head = ["ply", "format ascii 1.0", f"element vertex {len(points)}"]
    head += [f"property float {axis}" for axis in "xyz"] + [f"property uchar {c}" for c in ("red", "green", "blue")]
    head += [f"element edge {len(bones)}", "property int vertex1", "property int vertex2", "end_header"]
    return atomic.write_text(path, "\n".join([*head, *lines, ""]))


def write_glb(poses: Poses3D, path: str | os.PathLike[str]) -> Path:
    """The path of a binary glTF 2.0: each joint a small body that moves as its track does, in m and s.

    Where a joint has no place it stays where it was and shrinks to nothing. Times must rise.
    Raises InputError where there is nothing to show.
    """
    if not poses.found.any() or not (np.isfinite(poses.time).all() and (np.diff(poses.time) > 0).all()):
        raise InputError("poses: expected joints with a place and rising times to animate, got none or falling times")
    builder = _Glb()
    k = len(poses.skeleton)
    time = builder.put((poses.time - poses.time[0]).astype("<f4"), bounds=True)
    places = _held(np.where(poses.found[..., None], poses.xyz, np.nan)) * _UPRIGHT
    sizes = np.repeat(np.where(poses.found, 1.0, _GONE)[..., None], 3, axis=-1)
    channels, samplers = [], []
    for j in range(k):
        for kind, values, how in (("translation", places[:, j], "LINEAR"), ("scale", sizes[:, j], "STEP")):
            samplers.append({"input": time, "output": builder.put(values.astype("<f4")), "interpolation": how})
            channels.append({"sampler": len(samplers) - 1, "target": {"node": j, "path": kind}})
    shape = builder.put(_OCTAHEDRON * np.float32(_RADIUS), bounds=True)
    faces = builder.put(_FACES.ravel())
    colours = (_LEFT, _RIGHT, _MIDDLE)
    document = {
        "asset": {"version": "2.0", "generator": "stereo3d"}, "scene": 0, "scenes": [{"nodes": list(range(k))}],
        "materials": [_material(colour) for colour in colours],
        "meshes": [{"primitives": [{"attributes": {"POSITION": shape}, "indices": faces, "material": i}]}
                   for i in range(len(colours))],
        "nodes": [{"name": name, "mesh": colours.index(_colour(name)), "translation": places[0, j].tolist()}
                  for j, name in enumerate(poses.skeleton.joints)],
        "animations": [{"name": "track", "samplers": samplers, "channels": channels}],
    }  # fmt: skip
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(builder.file(document))
    return Path(path)


def show(poses: Poses3D, at: int) -> None:
    """A window with one frame to turn and look at. Raises MissingPackage where open3d is not installed."""
    try:
        import open3d
    except ModuleNotFoundError as error:
        raise MissingPackage("open3d", "view", "the viewer") from error
    points, bones, colours = _moment(poses, at)
    drawn = open3d.geometry.LineSet()
    drawn.points = open3d.utility.Vector3dVector(points)
    drawn.lines = open3d.utility.Vector2iVector(bones)
    cloud = open3d.geometry.PointCloud(drawn.points)
    cloud.colors = open3d.utility.Vector3dVector(colours / 255.0)
    open3d.visualization.draw_geometries([drawn, cloud])


def _moment(poses: Poses3D, at: int) -> tuple[Floats, Ints, Ints]:
    """(N, 3) m of the joints found, (B, 2) the bones between them, (N, 3) colours 0..255."""
    if not -len(poses) <= at < len(poses):
        raise UsageError(f"at: expected a place from 0 to {len(poses) - 1}, got {at}")
    found = poses.found[at]
    number = np.cumsum(found) - 1
    bones = np.array([(number[a], number[b]) for a, b in poses.skeleton.bones if found[a] and found[b]], int)
    colours = np.array([_colour(name) for name, there in zip(poses.skeleton.joints, found) if there], int)
    return poses.xyz[at, found] * _UPRIGHT, bones.reshape(-1, 2), colours.reshape(-1, 3)


def _held(xyz: Floats) -> Floats:
    """(T, K, 3) with unknown places taken from the frame before, those at the beginning from the first known one."""
    known = np.isfinite(xyz[..., 0])
    rows = np.where(known, np.arange(len(xyz))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    source = np.where(last < 0, known.argmax(0), last)
    return np.asarray(np.nan_to_num(np.take_along_axis(xyz, source[..., None], axis=0)))


def _material(colour: tuple[int, int, int]) -> dict[str, Any]:
    linear = [round((c / 255) ** 2.2, 4) for c in colour]
    return {"pbrMetallicRoughness": {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}}


def _colour(joint: str) -> tuple[int, int, int]:
    return _LEFT if joint.startswith("left") else _RIGHT if joint.startswith("right") else _MIDDLE


class _Glb:
    """The binary half of a .glb, and what its JSON half says of it."""

    def __init__(self) -> None:
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []
        self.data = bytearray()

    def put(self, x: NDArray[Any], *, bounds: bool = False) -> int:
        """The accessor of an array (N,) or (N, 3)."""
        raw = np.ascontiguousarray(x).tobytes()
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)})
        self.data += raw + b"\0" * (-len(raw) % 4)
        made: dict[str, Any] = {"bufferView": len(self.views) - 1, "count": len(x)}
        made["componentType"] = _SHORT if x.dtype.kind == "u" else _FLOAT
        made["type"] = "VEC3" if x.ndim == 2 else "SCALAR"
        if bounds:
            made |= {"min": np.atleast_1d(x.min(0)).tolist(), "max": np.atleast_1d(x.max(0)).tolist()}
        self.accessors.append(made)
        return len(self.accessors) - 1

    def file(self, document: dict[str, Any]) -> bytes:
        """The whole file (glTF 2.0 specification, section 4)."""
        whole = {**document, "accessors": self.accessors, "bufferViews": self.views,
                 "buffers": [{"byteLength": len(self.data)}]}  # fmt: skip
        text = json.dumps(whole, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        parts = [struct.pack("<I4s", len(part), kind) + part for part, kind in ((text, b"JSON"), (self.data, b"BIN\0"))]
        return struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, parts))) + b"".join(parts)
