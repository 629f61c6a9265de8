"""The toolkit's own rig file: JSON that says what it is, in metres, pixels and radians.

    {"format": "stereo3d rig", "version": 1, "unit": "m", "kind": "stereo rig",
     "left": {"size": [w, h], "fx": , "fy": , "cx": , "cy": , "distortion": [k1, k2, p1, p2, k3, ...]}, "right": {...},
     "rotation": [[3x3 right_from_left]], "translation": [x, y, z], "serial": null or text, "rms": null or px}

    {"format": "stereo3d rig", "version": 1, "unit": "m", "kind": "rectified camera", "size": [w, h], "focal": ,
     "cx": {"left": , "right": }, "cy": , "baseline": , "left_from_rectified": [[3x3]]}

Distortion is in OpenCV's order. Names beyond these are left alone. Read back, a rig equals the one written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stereo3d.calibration.sizes import Size
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import number

FORMAT = "stereo3d rig"
VERSION = 1
_LENS = ("fx", "fy", "cx", "cy")


def format_rig(rig: StereoRig | RectifiedCamera) -> str:
    """The rig as the text of a rig file."""
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION, "unit": "m"}
    body = _stereo_body(rig) if isinstance(rig, StereoRig) else _rectified_body(rig)
    return json.dumps(head | body, indent=1) + "\n"


def parse_rig(content: Mapping[str, Any]) -> StereoRig | RectifiedCamera:
    """The rig of a rig file whose JSON is `content`. Raises CalibrationError or InvalidValue."""
    version = content.get("version")
    if version != VERSION:
        raise CalibrationError(
            f"version: expected {VERSION}, got {version!r}; a newer stereo3d wrote this, or another program: upgrade"
        )
    if content.get("unit") != "m":
        raise CalibrationError(
            f"unit: expected 'm', got {content.get('unit')!r}; a rig file is in metres: convert translation or baseline"
        )
    if content.get("kind") == "stereo rig":
        return _stereo_rig(content)
    if content.get("kind") == "rectified camera":
        return _rectified_camera(content)
    raise CalibrationError(f"kind: expected 'stereo rig' or 'rectified camera', got {content.get('kind')!r}")


def _stereo_body(rig: StereoRig) -> dict[str, Any]:
    cameras = {
        side: {"size": camera.size, **{k: getattr(camera, k) for k in _LENS}, "distortion": camera.distortion.tolist()}
        for side, camera in zip(("left", "right"), rig.cameras)
    }
    pose = {"rotation": rig.rotation.tolist(), "translation": rig.translation.tolist()}
    return {"kind": "stereo rig", **cameras, **pose, "serial": rig.serial, "rms": rig.rms}


def _rectified_body(camera: RectifiedCamera) -> dict[str, Any]:
    return {
        "kind": "rectified camera",
        "size": camera.size,
        "focal": camera.focal,
        "cx": {"left": camera.cx.left, "right": camera.cx.right},
        "cy": camera.cy,
        "baseline": camera.baseline,
        "left_from_rectified": camera.left_from_rectified.tolist(),
    }


def _entry(content: Mapping[str, Any], key: str, kind: type) -> Any:
    value = content.get(key)
    if not isinstance(value, kind):
        raise CalibrationError(f"{key}: expected {kind.__name__}, got {value!r:.60}")
    return value


def _number(content: Mapping[str, Any], key: str) -> float:
    return number(key, content.get(key))  # type: ignore[arg-type]


def _size(content: Mapping[str, Any]) -> Size:
    size = _entry(content, "size", list)
    if len(size) != 2:
        raise CalibrationError(f"size: expected [width, height], got {size}")
    return size[0], size[1]


def _camera(content: Mapping[str, Any]) -> Intrinsics:
    fx, fy, cx, cy = (_number(content, key) for key in _LENS)
    return Intrinsics(_size(content), fx, fy, cx, cy, _entry(content, "distortion", list))


def _stereo_rig(content: Mapping[str, Any]) -> StereoRig:
    cameras = Stereo("left", "right").map(lambda side: _camera(_entry(content, side, dict)))
    rotation, translation = (_entry(content, key, list) for key in ("rotation", "translation"))
    serial = None if content.get("serial") is None else str(content["serial"])
    rms = None if content.get("rms") is None else _number(content, "rms")
    return StereoRig(cameras, rotation, translation, serial, rms)


def _rectified_camera(content: Mapping[str, Any]) -> RectifiedCamera:
    centres = _entry(content, "cx", dict)
    return RectifiedCamera(
        _size(content),
        _number(content, "focal"),
        Stereo(_number(centres, "left"), _number(centres, "right")),
        _number(content, "cy"),
        _number(content, "baseline"),
        _entry(content, "left_from_rectified", list),
    )
