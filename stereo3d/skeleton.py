"""Joints, bones and mirror pairs of the skeletons that detectors and data sets use.

Two joints of different skeletons coincide when they carry the same name, so a name says one place of the body:
MPII's `pelvis` (middle of the hips) is not In-Motion's `mid_pelvis` (middle of the iliac spines).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stereo3d.errors import InvalidValue, unknown_name
from stereo3d.values import Ints, Value, array


@dataclass(frozen=True, eq=False)
class Skeleton(Value):
    """The K joints a detector or data set gives, in its order."""

    name: str
    joints: tuple[str, ...]
    """K names, each `left_` or `right_` where there are two."""
    bones: tuple[tuple[int, int], ...]
    """Pairs of joints joined by a line, most of them of constant length."""
    torso: tuple[int, int] | None
    """Right hip and right shoulder: the torso height of PCK (AGMA, 3.3)."""
    oks_sigmas: tuple[float, ...] | None = None
    """K per-joint constants of COCO's object keypoint similarity, where published."""

    def __post_init__(self) -> None:
        k = len(self.joints)
        if len(set(self.joints)) != k:
            raise InvalidValue(f"joints: expected {k} different names, got {self.joints}")
        if self.oks_sigmas is not None and len(self.oks_sigmas) != k:
            raise InvalidValue(f"oks_sigmas: expected {k} to go with joints, got {len(self.oks_sigmas)}")
        pairs = (*self.bones, *([self.torso] if self.torso else []))
        if any(len(pair) != 2 or not set(pair) <= set(range(k)) for pair in pairs):
            raise InvalidValue(f"bones, torso: expected pairs of joints 0 to {k - 1}, got {self.bones}, {self.torso}")
        lonely = [j for j in self.joints if _twin(j) not in self.joints]
        if lonely:
            raise InvalidValue(f"joints: expected each left_ one to have its right_ one, got {', '.join(lonely)} alone")

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """The number of a joint. Raises UsageError where the skeleton has none of that name."""
        if joint not in self.joints:
            raise unknown_name(f"joint of {self.name}", joint, self.joints)
        return self.joints.index(joint)

    @cached_property
    def mirror(self) -> Ints:
        """(K,) the joint that each becomes in a mirror: left and right change places."""
        return array("mirror", [self.joints.index(_twin(j)) for j in self.joints], ("K",), np.int64)


def _twin(joint: str) -> str:
    """The joint that this one becomes in a mirror."""
    swap = {"left_": "right_", "right_": "left_"}
    return re.sub("^(left_|right_)", lambda m: swap[m[0]], joint)


def _skeleton(
    name: str, joints: str, bones: str, torso: str | None = "right_hip right_shoulder",
    oks_sigmas: tuple[float, ...] | None = None,
) -> Skeleton:
    names = tuple(joints.split())
    pairs = tuple((names.index(a), names.index(b)) for a, b in (bone.split("-") for bone in bones.split()))
    ends = tuple(names.index(j) for j in torso.split()) if torso else None
    return Skeleton(name, names, pairs, ends, oks_sigmas)  # type: ignore[arg-type]


_LIMBS = (
    "left_shoulder-left_elbow left_elbow-left_wrist right_shoulder-right_elbow right_elbow-right_wrist "
    "left_hip-left_knee left_knee-left_ankle right_hip-right_knee right_knee-right_ankle "
)
_TRUNK = "left_shoulder-right_shoulder left_hip-right_hip left_shoulder-left_hip right_shoulder-right_hip "

COCO_17 = _skeleton(
    "COCO-17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder left_elbow right_elbow "
    "left_wrist right_wrist left_hip right_hip left_knee right_knee left_ankle right_ankle",
    _LIMBS + _TRUNK + "nose-left_eye nose-right_eye left_eye-left_ear right_eye-right_ear left_eye-right_eye",
    oks_sigmas=(.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089),
)
CROWDPOSE_14 = _skeleton(
    "CrowdPose-14",
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist "
    "left_hip right_hip left_knee right_knee left_ankle right_ankle head_top upper_neck",
    _LIMBS + _TRUNK + "head_top-upper_neck",
    oks_sigmas=(.079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089, .079, .079),
)
BABYPOSE_12 = _skeleton(
    "BabyPose-12",
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow left_wrist "
    "right_ankle right_knee right_hip left_hip left_knee left_ankle",
    _LIMBS,
)
MPII_16 = _skeleton(
    "MPII-16",
    "head_top upper_neck right_shoulder right_elbow right_wrist thorax left_shoulder left_elbow left_wrist "
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle",
    _LIMBS + "head_top-upper_neck upper_neck-thorax thorax-left_shoulder thorax-right_shoulder thorax-pelvis "
    "pelvis-left_hip pelvis-right_hip",
)
INMOTION_19 = _skeleton(
    "In-Motion-19",
    "forehead nose right_ear left_ear upper_neck right_shoulder right_elbow right_wrist upper_chest "
    "left_shoulder left_elbow left_wrist mid_pelvis right_pelvis right_knee right_ankle "
    "left_pelvis left_knee left_ankle",
    "forehead-nose nose-right_ear nose-left_ear nose-upper_neck upper_neck-upper_chest upper_chest-right_shoulder "
    "right_shoulder-right_elbow right_elbow-right_wrist upper_chest-left_shoulder left_shoulder-left_elbow "
    "left_elbow-left_wrist upper_chest-mid_pelvis mid_pelvis-right_pelvis right_pelvis-right_knee "
    "right_knee-right_ankle mid_pelvis-left_pelvis left_pelvis-left_knee left_knee-left_ankle",
    torso="right_pelvis right_shoulder",
)
OPENPOSE_18 = _skeleton(
    "OpenPose-18",
    "nose neck right_shoulder right_elbow right_wrist left_shoulder left_elbow left_wrist right_hip right_knee "
    "right_ankle left_hip left_knee left_ankle right_eye left_eye right_ear left_ear",
    _LIMBS + "nose-neck neck-right_shoulder neck-left_shoulder neck-right_hip neck-left_hip "
    "nose-right_eye nose-left_eye right_eye-right_ear left_eye-left_ear",
)
SKELETONS = {s.name: s for s in (COCO_17, CROWDPOSE_14, BABYPOSE_12, MPII_16, INMOTION_19, OPENPOSE_18)}


def skeleton_named(name: str) -> Skeleton:
    """One of the skeletons above. Raises UsageError, which lists them."""
    if name not in SKELETONS:
        raise unknown_name("skeleton", name, SKELETONS)
    return SKELETONS[name]


def shared_joints(a: Skeleton, b: Skeleton) -> tuple[Ints, Ints]:
    """Where the joints that both have stand in a and in b, in a's order: two (J,) arrays of joint numbers."""
    both = [j for j in a.joints if j in b.joints]
    return np.array([a.joints.index(j) for j in both], int), np.array([b.joints.index(j) for j in both], int)


_SHORT = {"sho": "shoulder", "elb": "elbow", "wri": "wrist", "kne": "knee", "ank": "ankle", "head": "head_top"}


def joint_name(written: str) -> str:
    """The toolkit's name for a joint as other people write it: `RShoulder`, `r_sho`, `Left Wrist`, `l.knee`.

    An unknown name comes back in lower case with underscores.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|^([LR])(?=[A-Z][a-z])", lambda m: (m[1] or "") + "_", written)
    parts = re.sub(r"[^0-9a-zA-Z]+", "_", words).strip("_").lower().split("_")
    side = {"l": "left", "r": "right"}
    parts = [side.get(parts[0], parts[0]), *parts[1:]]
    if len(parts) > 1 and parts[-1] in ("left", "right", "l", "r"):
        parts = [side.get(parts[-1], parts[-1]), *parts[:-1]]
    return "_".join(_SHORT.get(p, p) if len(parts) < 3 and "top" not in parts else p for p in parts)
