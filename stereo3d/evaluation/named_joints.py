"""The skeleton of a file that only names its joints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stereo3d.skeleton import SKELETONS, Skeleton, joint_name

_HIPS = ("right_hip", "right_pelvis")


def skeleton_of(name: str, joints: Iterable[str]) -> Skeleton:
    """The known skeleton of exactly these joints, else one called `name` with every bone that known ones draw.

    Joints may be written as others write them. Raises InvalidValue for one that comes twice or lacks its other side.
    """
    names = tuple(map(joint_name, joints))
    for known in SKELETONS.values():
        if known.joints == names:
            return known
    pairs = {(s.joints[a], s.joints[b]) for s in SKELETONS.values() for a, b in s.bones}
    bones = sorted((names.index(a), names.index(b)) for a, b in pairs if a in names and b in names)
    return Skeleton(name, names, tuple(bones), _torso(names))


def _torso(joints: Sequence[str]) -> tuple[int, int] | None:
    """Right hip and right shoulder, None where one of them is not there."""
    hips = [joints.index(hip) for hip in _HIPS if hip in joints]
    return (hips[0], joints.index("right_shoulder")) if hips and "right_shoulder" in joints else None
