"""How far off a detector is on rendered infants that nothing was trained on, as the AGMA paper tells it of its own.

Each infant of a held-out set is filmed as a recording; the detector has to find it there, in boxes of its own search,
and its joints are triangulated as they are. A folder keeps what was filmed and what was found, so that a run that was
stopped goes on, and another detector looks at the same pictures. A joint counts where both pictures have it in them;
it is visible where both show its skin.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stereo3d import storage
from stereo3d.atomic import replacing
from stereo3d.benchmark.refinement import Finder
from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.sizes import inside
from stereo3d.detectors.base import Detector, Replayer
from stereo3d.detectors.detect import detect
from stereo3d.errors import CalibrationError, InputError
from stereo3d.evaluation.comparison.account import markdown
from stereo3d.evaluation.comparison.compared import Compared
from stereo3d.evaluation.comparison.published import AGMA_TABLE_4, AGMA_TABLE_5, Table
from stereo3d.evaluation.comparison.space import Prediction, compare
from stereo3d.evaluation.comparison.tables import AGMA_PICTURES, READING, by_joint, in_pictures, in_space
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import open_recording
from stereo3d.stereo import SIDES, Stereo
from stereo3d.synthetic.held_out import SETS, held_out
from stereo3d.synthetic.write import read_labels, write_sample
from stereo3d.triangulation import triangulate
from stereo3d.values import Bools

QUALITY = 90
"""Of the recordings' JPEGs."""
KEPT = ("Openpose", "FiDIP", "DarkPose32", "DarkPose32 retrained")
"""The paper's rows that stand beside ours."""
CAPTION = (
    "Ours are rendered infants, two frames of each, with exact joint centres as truth, hidden ones too; joints outside "
    "of a picture do not count. The paper's rows are of 18,000 pictures of real preterm infants, supine and hardly "
    "covered, held against places that people clicked, whose own error is in their figures. The two are not one "
    "measurement: they stand beside each other, not against each other."
)
_VALUES = {"poses": Poses3D, "truth": Poses3D, "left": Poses2D, "right": Poses2D, "seen_left": Poses2D,
           "seen_right": Poses2D}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Take:
    """What was found of one infant, and what is known of it."""

    found: Prediction
    """Its joints are in rectified px."""
    truth: Poses3D
    seen: Stereo[Poses2D]
    """True joints in raw px; score 1 where that picture shows the joint's skin."""
    size: tuple[int, int]
    """(width, height) px of the pictures."""

    @property
    def inside(self) -> Bools:
        """(T, K) in both pictures."""
        return np.asarray(np.logical_and(*(inside(view.xy, self.size) for view in self.seen)))

    @property
    def visible(self) -> Bools:
        """(T, K) its skin shown by both pictures."""
        return np.asarray(np.logical_and(*(view.score > 0 for view in self.seen)) & self.inside)


PARTS: Mapping[str, Callable[[Take], Bools]] = {
    "all joints": lambda take: take.inside, "visible": lambda take: take.visible,
    "occluded": lambda take: take.inside & ~take.visible,
    "of whole infants": lambda take: take.inside & take.inside.all(),
}
"""(T, K) which joints each row of the tables is of; the last of infants that no border cuts off."""


def measure(
    name: str, numbers: Sequence[int], finder: Finder, *, folder: Path, key: str,
    on_take: Callable[[str], object] = lambda _: None,
) -> dict[str, Take]:
    """What a detector finds of those infants of a held-out set, by their names; what lies in the folder is not done
    again. `key` names the detector and its weights in the names of files. Raises UsageError for an unknown set, and
    what reading, drawing and detecting raise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    out = {}
    for number in numbers:
        infant = f"{name}-{number:04d}"
        recording, found = folder / f"{infant}.h5", folder / f"{infant}.{key}.h5"
        if not recording.is_file():
            with replacing(recording) as temporary:
                write_sample(temporary, held_out(name, number), quality=QUALITY)
        if not found.is_file():
            _find(recording, finder(recording), found)
        out[infant] = _read(found)
        on_take(infant)
    return out


def _find(recording: Path, detector: Detector | Replayer, output: Path) -> None:
    labels = read_labels(recording)
    with open_recording(recording) as opened:
        if opened.rig is None or opened.truth is None:
            raise InputError(f"{recording}: expected a rig and a truth, got none; remove it to have it made anew")
        rectifier = Rectifier(opened.rig)
        joints = detect(opened, rectifier, detector)
        poses = triangulate(joints, rectifier.camera)
        with replacing(output) as temporary:
            storage.write(
                temporary, poses=poses, left=joints.left, right=joints.right, truth=opened.truth,
                seen_left=labels.views.left, seen_right=labels.views.right)


def _read(path: Path) -> Take:
    held = storage.read(path)
    wrong = [name for name, kind in _VALUES.items() if not isinstance(held.get(name), kind)]
    if wrong:
        raise InputError(f"{path}: expected what a benchmark found, got a file without {', '.join(wrong)}; remove it")
    poses, rig = held["poses"], held["truth"].camera
    if not hasattr(rig, "cameras"):
        raise CalibrationError(f"{path}: expected a truth in the left camera as mounted; remove the file")
    views = Stereo(held["left"], held["right"])
    return Take(Prediction(poses, views), held["truth"], Stereo(held["seen_left"], held["seen_right"]),
                rig.cameras.left.size)


def tables(takes: Mapping[str, Take]) -> dict[str, Table]:
    """`pictures`, `space` and `joints` (AGMA's tables 3, 4, 5) with rows for PARTS. Raises InputError without takes."""
    if not takes:
        raise InputError("accuracy: expected one infant at least, got none")
    both = compare({"": {s: t.found for s, t in takes.items()}}, {s: t.truth for s, t in takes.items()})
    if both.pictures is None:
        raise InputError("accuracy: expected joints in rectified pictures, got none")
    masks = {part: [of(take) for take in takes.values()] for part, of in PARTS.items()}
    space = [_part(both.space, part, of_takes) for part, of_takes in masks.items()]
    seen = [_part(both.pictures, part, [m for m in of_takes for _ in SIDES]) for part, of_takes in masks.items()]
    return {
        "pictures": _together([in_pictures(c) for c in seen]), "space": _together([in_space(c) for c in space]),
        "joints": _by_group([by_joint(c) for c in space])}


def _part(compared: Compared, part: str, masks: Sequence[Bools]) -> Compared:
    """Those joints alone."""
    mask = np.concatenate(masks)
    error = np.where(mask, compared.error, np.nan)
    return dataclasses.replace(compared, names=(part,), error=error, labelled=compared.labelled & mask)


def _together(made: Sequence[Table]) -> Table:
    """The rows over joints of each."""
    rows = {name: row for table in made for name, row in table.rows.items() if name in PARTS}
    return dataclasses.replace(made[0], rows=rows)


def _by_group(made: Sequence[Table]) -> Table:
    """The rows of each joint beside each other."""
    return dataclasses.replace(made[0], rows={
        name: row for names in zip(*(t.rows.items() for t in made)) for name, row in names})


def to_markdown(name: str, takes: Mapping[str, Take], by: str) -> str:
    """The tables of one set beside the paper's, with what has to be read with them."""
    made, n_frames = tables(takes), sum(len(t.truth) for t in takes.values())
    hidden = sum(int((t.inside & ~t.visible).sum()) for t in takes.values())
    joints = sum(int(t.inside.sum()) for t in takes.values())
    head = (f"## The {name} set: {len(takes)} rendered infants, {n_frames} frames, {by}\n\n"
            f"Synthetic. {joints} joints in both pictures, {hidden} of them occluded. {CAPTION}")
    papers = {"pictures": AGMA_PICTURES, "space": AGMA_TABLE_4, "joints": AGMA_TABLE_5}
    parts = [markdown(table, {"AGMA": _kept(papers[which])}) for which, table in made.items()]
    return "\n\n".join([head, *parts, READING, f"Source: {AGMA_TABLE_4.source}."]) + "\n"


def _kept(paper: Table) -> Table:
    rows = {name: row for name, row in paper.rows.items() if name in KEPT or not set(KEPT) & set(paper.rows)}
    return dataclasses.replace(paper, rows=rows)


def sets_named(which: str) -> Iterator[str]:
    """`clean`, `hard`, or both for `both`; an unknown name is left for `measure` to refuse."""
    yield from SETS if which == "both" else (which,)
