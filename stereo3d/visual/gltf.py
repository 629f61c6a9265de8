"""A track as an animated .glb (binary glTF 2.0), written without a graphics package: any viewer of scenes plays it.

Joints are small balls, bones rods that turn and stretch between them. Source: the glTF 2.0 specification of Khronos.
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
from stereo3d.errors import InputError
from stereo3d.poses import Poses3D
from stereo3d.values import Bools, Floats, Ints
from stereo3d.visual.scene import UPRIGHT, colour_of

MOST = 36_000
"""Moments: more are thinned out evenly, to keep the file below 40 MB."""
_JOINT, _BONE = 0.008, 0.004
"""m, the radii."""
_SIDES, _RINGS = 10, 7
"""Of rods and balls."""
_FLOAT, _SHORT = 5126, 5123
_VERTICES, _INDICES = 34962, 34963
_GONE = 1e-6
"""Scale of what has no place: glTF knows no absence, and a scale of zero has no inverse."""


def write_glb(poses: Poses3D, path: str | os.PathLike[str]) -> Path:
    """The path of a binary glTF 2.0 with the skeleton moving as the track does, in m and s from the first frame.

    Where a joint has no place it stays where it was and shrinks to nothing, and so do its bones. Of more than 36,000
    frames every n-th is taken. Raises InputError where there is nothing to show or times do not rise.
    """
    if not poses.found.any() or not (np.isfinite(poses.time).all() and (np.diff(poses.time) > 0).all()):
        raise InputError("poses: expected joints with a place and rising times to animate, got none or falling times")
    step = -(-len(poses) // MOST)
    found, xyz = poses.found[::step], poses.xyz[::step]
    places = _held(np.where(found[..., None], xyz, np.nan)) * UPRIGHT
    track = _Track((poses.time[::step] - poses.time[0]).astype("<f4"))
    joints = [
        track.node(name, 0, colour_of(name), places[:, k], None, _sized(found[:, k], np.ones(len(found))))
        for k, name in enumerate(poses.skeleton.joints)
    ]  # fmt: skip
    bones = [_rod(track, poses.skeleton.joints, bone, places, found) for bone in poses.skeleton.bones]
    document = {
        "asset": {"version": "2.0", "generator": "stereo3d"}, "scene": 0, "scenes": [{"nodes": joints + bones}],
        "materials": [_material(colour) for colour in track.colours], "meshes": track.meshes, "nodes": track.nodes,
        "animations": [{"name": "track", "samplers": track.samplers, "channels": track.channels}],
    }  # fmt: skip
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(track.file(document))
    return Path(path)


def _rod(track: _Track, names: tuple[str, ...], bone: tuple[int, int], places: Floats, found: Bools) -> int:
    """The node of a bone, from its one joint to its other one."""
    a, b = bone
    along = places[:, b] - places[:, a]
    length = np.sqrt((along * along).sum(-1))
    colours = {colour_of(names[a]), colour_of(names[b])}
    colour = colours.pop() if len(colours) == 1 else colour_of("")
    there = found[:, a] & found[:, b] & (length > 0)
    turned = _from_up(along / np.maximum(length, 1e-12)[:, None])
    return track.node(f"{names[a]} to {names[b]}", 1, colour, places[:, a], turned, _sized(there, length))


def _sized(there: Bools, length: Floats) -> Floats:
    """(T, 3) scales: along y `length`, across it one, and next to nothing where it is not there."""
    size = np.ones((len(there), 3))
    size[:, 1] = length
    return np.where(there[:, None], size, _GONE)


def _from_up(direction: Floats) -> Floats:
    """(T, 4) unit quaternions x, y, z, w that turn y to unit vectors (T, 3), each near the one before it."""
    x, y, z = direction.T
    half = np.stack([z, np.zeros_like(x), -x, 1 + y], -1)
    half[(1 + y < 1e-9) | ~np.isfinite(half).all(-1)] = [1.0, 0.0, 0.0, 0.0]
    unit = half / np.sqrt((half * half).sum(-1, keepdims=True))
    turned = (unit[1:] * unit[:-1]).sum(-1) < 0
    return np.asarray(unit * np.where(np.concatenate([[0], np.cumsum(turned)]) % 2, -1.0, 1.0)[:, None])


def _held(xyz: Floats) -> Floats:
    """(T, K, 3) with unknown places taken from the frame before, those at the beginning from the first known one."""
    known = np.isfinite(xyz[..., 0])
    rows = np.where(known, np.arange(len(xyz))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    source = np.where(last < 0, known.argmax(0), last)
    return np.asarray(np.nan_to_num(np.take_along_axis(xyz, source[..., None], axis=0)))


def _turned(radius: Floats, height: Floats) -> tuple[Floats, Ints]:
    """(R S, 3) points and (2 (R - 1) S, 3) faces, seen from outside, of R rings about y from below to above."""
    n, around = len(radius), 2 * np.pi * np.arange(_SIDES) / _SIDES
    ring = np.stack([np.cos(around), np.zeros(_SIDES), np.sin(around)], -1)
    points = radius[:, None, None] * ring + height[:, None, None] * [0, 1, 0]
    i = (np.arange(n - 1)[:, None] * _SIDES + np.arange(_SIDES)).ravel()
    j = i - i % _SIDES + (i + 1) % _SIDES
    faces = np.stack([i, i + _SIDES, j, j, i + _SIDES, j + _SIDES], -1)
    return points.reshape(-1, 3), faces.reshape(-1, 3)


def _material(colour: tuple[int, int, int]) -> dict[str, Any]:
    linear = [round((c / 255) ** 2.2, 4) for c in colour]
    return {"pbrMetallicRoughness": {"baseColorFactor": [*linear, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.8}}


class _Track:
    """The binary half of a .glb, and what its JSON half says of it."""

    def __init__(self, time: NDArray[np.float32]) -> None:
        self.data = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = []
        self.channels: list[dict[str, Any]] = []
        self.samplers: list[dict[str, Any]] = []
        self.meshes: list[dict[str, Any]] = []
        self.colours: list[tuple[int, int, int]] = []
        self.time = self.put(time, bounds=True)
        polar = np.linspace(0.98 * np.pi, 0.02 * np.pi, _RINGS)
        ball, outside = _turned(np.sin(polar), np.cos(polar))
        rod, around = _turned(np.ones(2), np.array([0.0, 1.0]))
        self.shapes = [self._shape(ball * _JOINT, ball, outside),
                       self._shape(rod * [_BONE, 1, _BONE], rod * [1, 0, 1], around)]  # fmt: skip

    def _shape(self, points: Floats, normals: Floats, faces: Ints) -> dict[str, Any]:
        vertices = {"POSITION": self.put(points.astype("<f4"), bounds=True, target=_VERTICES),
                    "NORMAL": self.put(normals.astype("<f4"), target=_VERTICES)}  # fmt: skip
        return {"attributes": vertices, "indices": self.put(faces.astype("<u2").ravel(), target=_INDICES)}

    def node(
        self, name: str, shape: int, colour: tuple[int, int, int], place: Floats, turn: Floats | None, size: Floats
    ) -> int:
        """The number of a node that moves; what stays as it is at first is left out of the animation."""
        made: dict[str, Any] = {"name": name, "mesh": self._mesh(shape, colour)}
        given = {"translation": place, "rotation": turn, "scale": size}
        for kind, values in ((kind, values) for kind, values in given.items() if values is not None):
            made[kind] = values[0].astype("<f4").tolist()
            if (values != values[0]).any():
                output = self.put(values.astype("<f4"))
                self.channels.append({"sampler": len(self.samplers), "target": {"node": len(self.nodes), "path": kind}})
                self.samplers.append({"input": self.time, "output": output, "interpolation": "LINEAR"})
        self.nodes.append(made)
        return len(self.nodes) - 1

    def _mesh(self, shape: int, colour: tuple[int, int, int]) -> int:
        if colour not in self.colours:
            self.colours.append(colour)
        wanted = {"primitives": [{**self.shapes[shape], "material": self.colours.index(colour)}]}
        if wanted not in self.meshes:
            self.meshes.append(wanted)
        return self.meshes.index(wanted)

    def put(self, x: NDArray[Any], *, bounds: bool = False, target: int | None = None) -> int:
        """The accessor of an array (N,), (N, 3) or (N, 4)."""
        raw = np.ascontiguousarray(x).tobytes()
        self.views.append({"buffer": 0, "byteOffset": len(self.data), "byteLength": len(raw)})
        if target:
            self.views[-1]["target"] = target
        self.data += raw + b"\0" * (-len(raw) % 4)
        made: dict[str, Any] = {"bufferView": len(self.views) - 1, "count": len(x)}
        made["componentType"] = _SHORT if x.dtype.kind == "u" else _FLOAT
        made["type"] = "SCALAR" if x.ndim == 1 else f"VEC{x.shape[1]}"
        if bounds:
            made |= {"min": np.atleast_1d(x.min(0)).tolist(), "max": np.atleast_1d(x.max(0)).tolist()}
        self.accessors.append(made)
        return len(self.accessors) - 1

    def file(self, document: dict[str, Any]) -> bytes:
        """The whole file (glTF 2.0 specification, section 4)."""
        whole = {**document, "accessors": self.accessors, "bufferViews": self.views,
                 "buffers": [{"byteLength": len(self.data)}]}  # fmt: skip
        if not self.channels:
            whole.pop("animations")
        text = json.dumps(whole, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        parts = [struct.pack("<I4s", len(part), kind) + part for part, kind in ((text, b"JSON"), (self.data, b"BIN\0"))]
        return struct.pack("<4sII", b"glTF", 2, 12 + sum(map(len, parts))) + b"".join(parts)
