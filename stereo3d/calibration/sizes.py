"""Which pictures a rig is for, and the rig for pictures that software scaled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats, number

Size = tuple[int, int]


def sizes(rig: StereoRig | RectifiedCamera) -> Stereo[Size]:
    """(width, height) px of the left and the right pictures that the rig is for."""
    if isinstance(rig, RectifiedCamera):
        return Stereo(rig.size, rig.size)
    return rig.cameras.map(lambda camera: camera.size)


def inside(xy: Floats, size: Size) -> Bools:
    """(...) whether places (..., 2) px are in a picture of (width, height) px."""
    return np.asarray(((xy >= -0.5) & (xy < np.array(size) - 0.5)).all(-1))


def mismatch(rig: StereoRig | RectifiedCamera, size: Size) -> str | None:
    """A sentence that says why the rig does not go with pictures of (width, height) px, None where it does."""
    made_for = sizes(rig)
    if made_for.left == made_for.right == tuple(size):
        return None
    ours = " and ".join(sorted({_by(s) for s in made_for}))
    if size[0] == 2 * made_for.left[0] and size[1] == made_for.left[1]:
        advice = "these look like both views side by side, so open the recording as one"
    else:
        advice = (
            "a camera crops as well as scales, so the numbers cannot be scaled by width: take the calibration for "
            "this resolution, or for pictures that software scaled use stereo3d.calibration.sizes.rescaled"
        )
    return f"the calibration is for pictures of {ours} px, these have {_by(size)}: {advice}"


def fitting(rig: StereoRig | RectifiedCamera, size: Size | None) -> StereoRig | RectifiedCamera:
    """The rig itself where it goes with pictures of that size or no size is given. Raises CalibrationError."""
    problem = size and mismatch(rig, size)
    if problem:
        raise CalibrationError(problem)
    return rig


def rescaled(rig: StereoRig, size: Size, scale: float) -> StereoRig:
    """The rig for pictures that software scaled by `scale` and set in the middle of new ones of (width, height) px.

    What overhangs was cropped, what was left over is a border. Centres move with the picture's middle, whose pixel
    is ((width - 1) / 2, (height - 1) / 2). Never for another mode of the camera: that crops by its own rules.
    """
    number("scale", scale, 1e-3, 1e3)

    def camera(old: Intrinsics) -> Intrinsics:
        centre = [
            (c - (before - 1) / 2) * scale + (after - 1) / 2
            for c, before, after in zip((old.cx, old.cy), old.size, size, strict=True)
        ]
        return replace(old, size=size, fx=old.fx * scale, fy=old.fy * scale, cx=centre[0], cy=centre[1])

    return replace(rig, cameras=rig.cameras.map(camera))


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
