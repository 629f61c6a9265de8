"""Joints that people marked by name, picture by picture, put into a skeleton."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.pictures import reader
from stereo3d.errors import InputError
from stereo3d.skeleton import COCO_17, SKELETONS, Skeleton, joint_name

HIDDEN = {"occluded", "hidden", "not visible", "not_visible", "invisible"}
"""What a mark may carry to say that its place was guessed."""


class Mark(NamedTuple):
    """One joint in one picture."""

    x: float
    y: float
    visible: bool


class Marked(NamedTuple):
    """One picture."""

    file: Path
    subject: str
    marks: Mapping[str, Mark]
    """By the name written."""


def put_together(path: Path, pictures: Sequence[Marked]) -> Annotated:
    """The pictures with their joints in the skeleton that has all names written, COCO-17 if that does.

    Raises InputError for a name that no skeleton has with the others, for one marked twice, and where nothing is.
    """
    named = [_by_joint(path, p) for p in pictures]
    skeleton = _skeleton(path, {joint for marks in named for joint in marks})
    shape = len(pictures), len(skeleton)
    xy, visible = np.full((*shape, 2), np.nan), np.zeros(shape, bool)
    for row, marks in enumerate(named):
        for joint, mark in marks.items():
            column = skeleton.index(joint)
            xy[row, column], visible[row, column] = (mark.x, mark.y), mark.visible
    known = np.isfinite(xy).all(-1)
    subjects = tuple(p.subject for p in pictures)
    return Annotated(reader([p.file for p in pictures]), xy, known.astype(float), visible & known, subjects, skeleton)


def _by_joint(path: Path, picture: Marked) -> dict[str, Mark]:
    out: dict[str, Mark] = {}
    for written, mark in picture.marks.items():
        joint = joint_name(written)
        if joint in out:
            raise InputError(f"{path}: expected one {joint} in {picture.file.name}, got two; mark the infant alone")
        out[joint] = mark
    return out


def _skeleton(path: Path, joints: set[str]) -> Skeleton:
    fits = [s for s in (COCO_17, *SKELETONS.values()) if joints <= set(s.joints)]
    if not joints:
        raise InputError(f"{path}: expected points named by joints such as left_wrist, got none")
    if not fits:
        strange = sorted(joints - set(COCO_17.joints))
        raise InputError(
            f"{path}: expected the joints of one skeleton such as {COCO_17.name}, got {', '.join(strange[:5])}; "
            "rename them, or leave them out")
    return fits[0]
