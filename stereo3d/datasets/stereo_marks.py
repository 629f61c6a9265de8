"""Annotations of both views: joints marked in the left and in the right picture, and the places that follow.

AGMA's way (Soualmi et al. 2023, 2.2): people see both rectified views side by side in one picture and point to each
joint in both; the place in space is triangulated from the two points by Z = B f / D (eq. 1). Such a file is COCO's
JSON with `"layout": "side-by-side"` in its `info`; an image is as wide as both views, and has an annotation on each of
its halves. COCO's 1 and 2 say whether a joint was guessed or seen.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera
from stereo3d.datasets import coco, recordings
from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.pictures import LONGEST, load, within
from stereo3d.errors import CalibrationError, InputError, InvalidValue
from stereo3d.limits import parse_json, read_text
from stereo3d.poses import Poses3D, Status
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Bools, Bytes, Floats, Ints


@dataclass(frozen=True, slots=True)
class StereoMarks:
    """N pairs of pictures with K joints each."""

    views: Stereo[Annotated]
    """N rows each, in the same order."""
    frame: Ints
    """(N,) the number of each pair in its recording, as the pictures' names end; else its row."""

    @property
    def visible(self) -> Bools:
        """(N, K) seen in both views."""
        return np.logical_and(*(view.visible for view in self.views))

    def truth(self, seen_by: RectifiedCamera | Rectifier, fps: float = 30.0) -> Poses3D:
        """The joints in metres in the rectified left camera; rows are averaged (AGMA, eq. 1).

        The marks are in the pixels of a RectifiedCamera, or in raw ones that a Rectifier moves there. NaN where a joint
        is not marked in both views or would lie behind the cameras. `score` is 1 where it was seen in both, 0 where it
        was guessed; `residual` is what the rows differ by, the annotators' own error. Raises CalibrationError for a
        pair that cannot be rectified.
        """
        left, right, camera = self._rectified(seen_by)
        row = (left[..., 1] + right[..., 1]) / 2
        xyz = camera.unproject(np.stack([left[..., 0], row, left[..., 0] - right[..., 0]], -1))
        with np.errstate(invalid="ignore"):
            xyz = np.where(xyz[..., 2:] > 0, xyz, np.nan)
        flags = (left, Status.MISSING_LEFT), (right, Status.MISSING_RIGHT)
        missing = [np.isnan(view[..., 0]) * int(flag) for view, flag in flags]
        return Poses3D(
            xyz=xyz, score=self.visible.astype(float), sigma=np.full_like(xyz, np.nan),
            residual=left[..., 1] - right[..., 1], status=np.sum(missing, 0).astype(np.int64), time=self.frame / fps,
            frame=self.frame, skeleton=self.views.left.skeleton, camera=camera, origin={"annotated": "both views"})

    def _rectified(self, seen_by: RectifiedCamera | Rectifier) -> tuple[Floats, Floats, RectifiedCamera]:
        left, right = (view.xy for view in self.views)
        if isinstance(seen_by, RectifiedCamera):
            return left, right, seen_by
        if not isinstance(seen_by.camera, RectifiedCamera):
            raise CalibrationError(f"rig: expected one that can be rectified: {seen_by.reason}")
        return seen_by.points(left, "left"), seen_by.points(right, "right"), seen_by.camera


def read_stereo(path: str | os.PathLike[str], pictures: str | os.PathLike[str] | None = None) -> StereoMarks:
    """Both views' annotations of COCO's JSON laid side by side, or of a recording of ours with joints.

    Raises InputError for another file, and where a picture has no annotation on each half.
    """
    place = Path(path)
    if place.suffix.lower() != ".json":
        both = recordings.read(place)
        n = len(both) // 2
        return StereoMarks(Stereo(both.rows(range(n)), both.rows(range(n, 2 * n))), np.arange(n))
    held = parse_json(read_text(place, LONGEST))
    if not (isinstance(held, dict) and side_by_side(held)):
        raise InputError(f'{place}: expected "layout": "side-by-side" in info, got a file of single pictures')
    views = read_views(place, None if pictures is None else Path(pictures), held)
    names = [str(image["file_name"]) for image in _images(held)]
    numbers = [re.search(r"(\d+)$", Path(name).stem) for name in names]
    frame = [int(number[1]) if number else row for row, number in enumerate(numbers)]
    return StereoMarks(views, np.array(frame, np.int64))


def side_by_side(held: dict[str, Any]) -> bool:
    """Whether what a file holds says that its pictures show both views."""
    info = held.get("info")
    return isinstance(info, dict) and info.get("layout") == "side-by-side"


def read_views(path: Path, pictures: Path | None, held: dict[str, Any]) -> Stereo[Annotated]:
    """The halves of the file's pictures, each in its own px. Raises InputError."""
    try:
        images = _images(held)
        people = [a for a in held["annotations"] if any(a["keypoints"][2::3])]
        of = defaultdict(list)
        for person in people:
            of[int(person["image_id"])].append(person["keypoints"])
        halves = [[_on_half(of[int(image["id"])], image, side) for image in images] for side in SIDES]
        marks = [np.array(half, float).reshape(len(images), len(COCO_17), 3) for half in halves]
        middles = np.array([float(image["width"]) / 2 for image in images])
        folder = pictures or path.parent
        files = [within(folder, str(image["file_name"]), path) for image in images]
        subjects = tuple(coco.whose(image, path) for image in images)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: expected two annotations of 17 joints a picture, one on each half, got {error}"
                         ) from error
    marks[1][..., 0] -= middles[:, None]
    return Stereo(*(_view(side, m, files, subjects) for side, m in zip(SIDES, marks)))


def _images(held: dict[str, Any]) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = sorted(held["images"], key=lambda image: int(image["id"]))
    return images


def _on_half(people: list[list[float]], image: dict[str, Any], side: Side) -> list[float]:
    """The one of the people whose middle is on that half."""
    found = []
    for person in people:
        rows = np.array(person, float).reshape(-1, 3)
        right = bool(rows[rows[:, 2] > 0, 0].mean() + 0.5 >= float(image["width"]) / 2)
        if right == (side == "right"):
            found.append(person)
    if len(found) != 1:
        raise InvalidValue(f"{len(found)} on the {side} half of {image['file_name']}")
    return found[0]


def _view(side: Side, marks: np.ndarray, files: list[Path], subjects: tuple[str, ...]) -> Annotated:
    known = marks[..., 2] > 0

    def picture(row: int) -> Bytes:
        whole = load(files[row])
        half = whole.shape[1] // 2
        return whole[:, :half] if side == "left" else whole[:, half:]

    return Annotated(picture, np.where(known[..., None], marks[..., :2], np.nan), known.astype(float),
                     marks[..., 2] == 2, subjects, COCO_17)
