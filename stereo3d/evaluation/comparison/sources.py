"""From the names of files to comparisons: what they hold, in whose camera, and whose they are."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from stereo3d import storage
from stereo3d.calibration.files import read_rig
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.sizes import sizes
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation.comparison import tables
from stereo3d.evaluation.comparison.account import Account
from stereo3d.evaluation.comparison.space import Prediction, compare, read_prediction
from stereo3d.evaluation.comparison.compared import Compared
from stereo3d.evaluation.evaluate import Evaluation, evaluate
from stereo3d.evaluation.comparison.pictures import compare_pictures
from stereo3d.evaluation.files.pictures import is_picture_file, read_picture_truth, read_pictured
from stereo3d.evaluation.views import Pictured, PictureTruth, pictured, truth_of_joints
from stereo3d.evaluation.points import Points, turned
from stereo3d.evaluation.truth import read_truth
from stereo3d.evaluation.views import in_recorded_picture, in_rectified_pictures
from stereo3d.poses import Poses2D
from stereo3d.provenance import ENDING
from stereo3d.recording.base import open_recording
from stereo3d.stereo import Side

PathLike = str | os.PathLike[str]
_HDF5 = (".h5", ".hdf5")


class Result(NamedTuple):
    """What comes of a comparison."""

    account: Account
    errors: Compared


def subjects_of(path: PathLike) -> dict[str, Path]:
    """The files by subject: those of a folder by their names without ending, or the one file of a nameless subject.

    A folder of OpenPose's is one file. Raises InputError for an empty folder.
    """
    path = Path(path)
    if not path.is_dir() or is_picture_file(path):
        return {"": path}
    files = [f for f in sorted(path.iterdir()) if not f.name.startswith(".") and not f.name.endswith(ENDING)]
    if not files:
        raise InputError(f"{path}: expected files, one for each subject, got an empty folder")
    return {file.stem: file for file in files}


@dataclass(frozen=True, slots=True)
class Reader:
    """How files are read that do not say it themselves."""

    frame: str | None = None
    """The camera that the truth is in: left or rectified."""
    poses_frame: str | None = None
    """The one that results are in; else it is the truth's."""
    unit: str | None = None
    rig: PathLike | None = None
    """A rig or a recording; by default the truth, where that is a recording."""
    rectified: bool | None = None
    """Whether joints in pictures are in px of rectified ones; by default as the recording's pictures are, else not."""
    view: Side = "left"
    """Of joints in pictures."""

    def in_pictures(self, results: Sequence[PathLike], truth: PathLike) -> bool:
        """Whether any of the files holds joints of one view, so that all have to be compared there."""
        return any(is_picture_file(file) for path in (*results, truth) for file in subjects_of(path).values())

    def evaluation(self, result: PathLike, truth: PathLike) -> Evaluation:
        """One result against its truth, in space."""
        known = read_truth(truth, self.frame, self.unit)
        return evaluate(self.prediction(result, known, truth).poses, known)

    def prediction(self, path: PathLike, truth: Points, truth_path: PathLike) -> Prediction:
        """A result in space, turned into the truth's camera where that takes a rig."""
        found = read_prediction(path, self.poses_frame or truth.camera, self.unit)
        if not isinstance(found.poses, Points) or found.poses.camera == truth.camera:
            return found
        camera = self._camera(truth_path)
        if not isinstance(camera, RectifiedCamera):
            raise UsageError(f"{path}: is in the {found.poses.camera} camera, and the truth's rig cannot be rectified")
        return Prediction(turned(found.poses, truth.camera, camera))

    def picture_truth(self, path: PathLike) -> PictureTruth:
        """The truth of a view: as people marked it, or places in space as the pictures show them."""
        if is_picture_file(path):
            return read_picture_truth(path)
        points, rectifier = read_truth(path, self.frame, self.unit), self._rectifier(path)
        camera = rectifier.camera
        if self.rectified and isinstance(camera, RectifiedCamera):
            return truth_of_joints(in_rectified_pictures(points, camera)[self.view], camera.size)
        size = sizes(rectifier.rig)[self.view]
        return truth_of_joints(in_recorded_picture(points, rectifier, self.view), (size[0], size[1]))

    def pictured(self, path: PathLike, truth: PictureTruth, truth_path: PathLike) -> Pictured:
        """What was found in a view; our own results are brought into the pixels of the recorded pictures."""
        if is_picture_file(path):
            return read_pictured(path, truth.joints.skeleton.joints)
        joints = storage.read(path, self.view)
        if not isinstance(joints, Poses2D):
            raise InputError(f"{path}: {self.view}: expected joints of a view, got {type(joints).__name__}")
        if not self.rectified:
            xy = self._rectifier(truth_path).raw_points(joints.xy, self.view)
            joints = dataclasses.replace(joints, xy=xy)
        return pictured(joints)

    def _camera(self, truth: PathLike) -> RectifiedCamera | StereoRig:
        """What tells how the rectified left camera is turned against the left one."""
        if self.rig is None and storage.is_ours(truth):
            held = storage.read(truth)
            return held.get("truth", held.get("poses")).camera  # type: ignore[no-any-return]
        return self._rectifier(truth).camera

    def _rectifier(self, truth: PathLike) -> Rectifier:
        """By the rig (or the recording of one) that was named, or the one of the recording that is the truth."""
        source = truth if self.rig is None else self.rig
        if Path(source).suffix.lower() not in _HDF5:
            found = None if self.rig is None else Rectifier(read_rig(self.rig))
        else:
            found = None if storage.is_ours(source) or is_picture_file(source) else _rectifier_of(source)
        if found is None:
            raise UsageError(
                f"{source}: brings no rig, which is needed to turn joints into its camera or to find them in the "
                "recorded pictures; give it with --rig, or say --rectified if all joints in pictures are in px of "
                "rectified ones"
            )
        return found


def _rectifier_of(path: PathLike) -> Rectifier | None:
    with open_recording(path) as recording:
        if recording.rig is None:
            return None
        return Rectifier(recording.rig, rectified_images=bool(recording.rectified))


def compared(reader: Reader, results: Mapping[str, PathLike], truths: Mapping[str, PathLike]) -> Result:
    """Results by name against the truth of each subject: in pictures where one of them holds joints of one view.

    Raises InputError where a result lacks a subject, and what reading and comparing raise.
    """
    files = {name: _of_subjects(path, truths) for name, path in results.items()}
    if reader.in_pictures(list(results.values()), next(iter(truths.values()))):
        known = {s: reader.picture_truth(path) for s, path in truths.items()}
        seen = {name: {s: reader.pictured(f, known[s], truths[s]) for s, f in of.items()} for name, of in files.items()}
        pictures = compare_pictures(seen, known)
        return Result(tables.account_in_pictures(pictures), pictures.errors)
    places = {s: read_truth(path, reader.frame, reader.unit) for s, path in truths.items()}
    found = {
        name: {s: reader.prediction(f, places[s], truths[s]) for s, f in of.items()} for name, of in files.items()
    }
    comparison = compare(found, places)
    return Result(tables.account_in_space(comparison), comparison.space)


def _of_subjects(path: PathLike, truths: Mapping[str, PathLike]) -> dict[str, Path]:
    """A result's files, one for each subject of the truth and in that order."""
    files = subjects_of(path)
    if len(truths) == len(files) == 1:
        return dict(zip(truths, files.values()))
    missing = [s for s in truths if s not in files]
    if missing:
        raise InputError(f"{path}: expected a file for each subject of the truth, {', '.join(missing)} missing")
    return {s: files[s] for s in truths}
