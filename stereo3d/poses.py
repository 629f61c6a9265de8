"""Joints in pictures and in space: Detections, Poses2D, Poses3D.

T frames, K joints; NaN means unknown. Time is in seconds from the recording's start, `frame` the index of the
pair in the recording, so that a slice still knows where it came from.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InvalidValue
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Floats, Ints, Value, array

if TYPE_CHECKING:
    import pandas as pd


class Status(enum.IntFlag):
    """Why a 3D joint is missing or was changed; several may hold at once. A joint that was changed has a place."""

    OK = 0
    MISSING_LEFT = 1
    MISSING_RIGHT = 2
    LOW_SCORE = 4
    ROW_MISMATCH = 8
    DEPTH_RANGE = 16
    OUTLIER = 32
    """Refused by the refinement: rows or depth do not go with the rest of the body."""
    BONE = 64
    """Refused: it would make the bones that it ends of a length that they cannot have."""
    JUMP = 128
    """Refused: faster than an infant moves."""
    FROZEN = 256
    """Refused: it stood still while the rest of its limb moved."""
    SWAPPED = 512
    """Changed: left and right had changed places in a view, or in both; it has a place."""
    RESCUED = 1024
    """Changed: one view missed it or was wrong; the pictures gave its place."""
    FILLED = 2048
    """Changed: its place is filled in from the frames before and after."""


CHANGED = Status.SWAPPED | Status.RESCUED | Status.FILLED
"""A joint with one of these may have a place although other flags say what was wrong before."""


@dataclass(frozen=True, slots=True, eq=False)
class Detections(Value):
    """Joints in N pictures, each in the pixels of its own picture."""

    xy: Floats
    """(N, K, 2) px, NaN where no joint was found."""
    score: Floats
    """(N, K) 0..1, the detector's own confidence."""
    sigma: Floats
    """(N, K) px, the standard deviation of xy along an axis, NaN where the detector does not say."""
    others: Floats = None  # type: ignore[assignment]
    """(N,) how many other people were seen; NaN, as when it is left out, from a detector that looks for one only."""

    def __post_init__(self) -> None:
        xy = array("xy", self.xy, ("N", "K", 2))
        self._set(xy=xy, **{n: array(n, getattr(self, n), xy.shape[:2]) for n in ("score", "sigma")})
        self._set(others=_others(self.others, len(xy)))


def _others(others: Floats | None, n: int) -> Floats:
    return array("others", np.full(n, np.nan) if others is None else others, (n,))


def _check_timeline(poses: Poses2D | Poses3D, n_frames: int, n_joints: int) -> None:
    if len(poses.skeleton) != n_joints:
        raise InvalidValue(f"skeleton: expected {n_joints} joints, got {len(poses.skeleton)} of {poses.skeleton.name}")
    poses._set(time=array("time", poses.time, (n_frames,)), frame=array("frame", poses.frame, (n_frames,), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Poses2D(Value):
    """The joints of one infant in one view over time."""

    xy: Floats
    """(T, K, 2) px."""
    score: Floats
    """(T, K) 0..1."""
    sigma: Floats
    """(T, K) px along an axis, or NaN."""
    time: Floats
    """(T,) s."""
    frame: Ints
    """(T,) index of the pair in the recording."""
    skeleton: Skeleton
    others: Floats = None  # type: ignore[assignment]
    """(T,) how many other people were seen round the infant; NaN where the detector looked for one only."""

    def __post_init__(self) -> None:
        xy = array("xy", self.xy, ("T", "K", 2))
        self._set(xy=xy, **{n: array(n, getattr(self, n), xy.shape[:2]) for n in ("score", "sigma")})
        self._set(others=_others(self.others, len(xy)))
        _check_timeline(self, *xy.shape[:2])

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True, eq=False)
class Poses3D(Value):
    """The joints of one infant in space over time, each with its own error bar."""

    xyz: Floats
    """(T, K, 3) m, x right, y down, z away from `camera`'s left one; NaN where `status` says why."""
    score: Floats
    """(T, K) 0..1, the lower of the two views'."""
    sigma: Floats
    """(T, K, 3) m, standard deviations of x, y and z."""
    residual: Floats
    """(T, K) px, how far the two rays miss each other: the row mismatch v_left - v_right, or for a pair that is
    not rectified the distance from the epipolar line."""
    status: Ints
    """(T, K) flags of Status."""
    time: Floats
    """(T,) s."""
    frame: Ints
    """(T,) index of the pair in the recording."""
    skeleton: Skeleton
    camera: RectifiedCamera | StereoRig
    """A RectifiedCamera: xyz is in the rectified left camera. A StereoRig: in the left camera as it was mounted."""
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: configuration, versions and check sums, as JSON can hold them."""

    def __post_init__(self) -> None:
        xyz = array("xyz", self.xyz, ("T", "K", 3))
        self._set(xyz=xyz, sigma=array("sigma", self.sigma, xyz.shape))
        self._set(**{n: array(n, getattr(self, n), xyz.shape[:2]) for n in ("score", "residual")})
        self._set(status=array("status", self.status, xyz.shape[:2], np.int64), origin=dict(self.origin))
        _check_timeline(self, *xyz.shape[:2])

    def __len__(self) -> int:
        return len(self.time)

    @property
    def found(self) -> Bools:
        """(T, K) True where the joint has a place."""
        return np.asarray(np.isfinite(self.xyz).all(-1))

    def in_left_camera(self) -> Floats:
        """(T, K, 3) m in the left camera as it was mounted, whatever frame xyz is in."""
        if isinstance(self.camera, RectifiedCamera):
            return self.xyz @ self.camera.left_from_rectified.T
        return self.xyz

    def to_frame(self) -> pd.DataFrame:
        """A tidy table, one row for each frame and joint: frame, time, joint, x, y, z, sigma_x, sigma_y, sigma_z
        (m), score, residual (px), status (words)."""
        import pandas as pd

        t, k = self.score.shape
        columns: dict[str, Any] = {"frame": np.repeat(self.frame, k), "time": np.repeat(self.time, k)}
        columns["joint"] = pd.Categorical.from_codes(np.tile(np.arange(k), t), list(self.skeleton.joints))
        columns |= {a: self.xyz[..., i].ravel() for i, a in enumerate("xyz")}
        columns |= {f"sigma_{a}": self.sigma[..., i].ravel() for i, a in enumerate("xyz")}
        columns |= {"score": self.score.ravel(), "residual": self.residual.ravel()}
        codes, where = np.unique(self.status, return_inverse=True)
        columns["status"] = pd.Categorical.from_codes(where.ravel(), [status_words(c) for c in codes])
        return pd.DataFrame(columns)


def status_words(code: int) -> str:
    """The names of the flags that a status holds, joined by `+`; `ok` for none."""
    return "+".join(str(f.name).lower() for f in Status if f and f & code) or "ok"


P = TypeVar("P", Poses2D, Poses3D)


def concatenate(parts: Sequence[P]) -> P:
    """One Poses2D or Poses3D over time from several of the same kind and skeleton, in the order given.

    Raises InvalidValue for none, and for those of different skeletons.
    """
    if not parts or any(p.skeleton != parts[0].skeleton for p in parts):
        raise InvalidValue(f"parts: expected some of one skeleton, got {sorted({p.skeleton.name for p in parts})}")
    first = parts[0]
    arrays = [f.name for f in dataclasses.fields(first) if isinstance(getattr(first, f.name), np.ndarray)]
    joined: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in parts]) for n in arrays}
    return dataclasses.replace(first, **joined)
