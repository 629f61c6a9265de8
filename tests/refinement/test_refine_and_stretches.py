"""Modes and their fallbacks, looking batch by batch, and stretches joined without a seam."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from clips import MIXED, clip_of

from stereo3d.errors import CalibrationError
from stereo3d.poses import Poses3D, Status
from stereo3d.recording.base import FramePair
from stereo3d.refinement import stretches
from stereo3d.refinement.clip import clip
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.looking import Looking, joined
from stereo3d.refinement.refine import FEWEST, refine
from stereo3d.refinement.settings import Refine
from stereo3d.refinement.stretches import in_stretches, summed_up
from stereo3d.stereo import Stereo
from stereo3d.values import rows_of


def test_modes_are_what_they_say() -> None:
    given = clip_of(MIXED, 60, 1.0)
    camera = given.evidence.camera
    np.testing.assert_array_equal(refine(given.joints, camera).xyz, clip(given.evidence).xyz)
    for mode in ("frame", "none"):
        np.testing.assert_array_equal(refine(given.joints, camera, Refine(mode=mode)).xyz, refine_frames(given.evidence).xyz)


@pytest.mark.parametrize("n", [0, 1, FEWEST - 1])
def test_too_few_frames_are_refined_one_by_one_and_it_is_said(n: int) -> None:
    given = clip_of(MIXED, 60, 1.0)
    joints = given.joints.map(lambda view: rows_of(view, slice(0, n)))
    found = refine(joints, given.evidence.camera)
    assert len(found) == n and found.origin["refine"]["method"] == "frame"
    assert f"{n} frames with joints: too few" in found.origin["refine"]["notes"][0]


def test_looking_in_batches_sees_what_looking_at_once_does() -> None:
    from stereo3d.calibration.rectify import Rectifier
    from stereo3d.detectors.replay import rectified
    from stereo3d.synthetic.render import Renderer
    from stereo3d.synthetic.scene import simulate

    scene = simulate(61, 0.2)
    renderer, rectifier = Renderer(scene), Rectifier(scene.rig)
    images = renderer.pair(0)
    pairs = [FramePair(i, i / 30, images) for i in range(6)]
    pairs[4] = dataclasses.replace(pairs[4], faults=Stereo("", "torn"))
    joints = rectified(scene.detections, rectifier)
    whole = Looking(rectifier).see(joints, pairs)
    looking = Looking(rectifier)
    parts = joined([looking.see(joints.map(lambda view, r=r: rows_of(view, r)), pairs[r]) for r in (slice(0, 3), slice(3, 6))])
    assert parts.frame.tolist() == list(range(6)) and np.isnan(parts.skin[4]).all() and not (parts.source[4] > 0).any()
    both = np.isfinite(whole.skin) & np.isfinite(parts.skin) & (whole.source == 0) & (parts.source == 0)
    assert both.mean() > 0.6 and np.median(np.abs(whole.skin - parts.skin)[both]) < 0.1


def test_a_pair_without_rows_cannot_be_matched() -> None:
    from stereo3d.calibration.rectify import Rectifier
    from stereo3d.synthetic.rig import zed2_like

    rig = zed2_like(0)
    turn = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    with pytest.raises(CalibrationError, match="cannot be rectified"):
        Looking(Rectifier(dataclasses.replace(rig, rotation=turn, translation=np.array([0.0, 0.0, 1.0]))))


def poses_at(rows: slice, shift: float = 0.0, *, lost: tuple[int, ...] = ()) -> Poses3D:
    frame = np.arange(rows.start, rows.stop)
    one = np.ones((len(frame), 17))
    xyz = np.repeat(frame[:, None, None] / 100 + shift, 17, 1) * np.ones(3)
    xyz[np.isin(frame, lost)] = np.nan
    status = int(Status.OUTLIER) * np.isnan(xyz[..., 0])
    given = clip_of(MIXED, 60, 0.1).evidence
    return Poses3D(xyz, one, 0 * xyz + 0.01, one, status, frame / 30, frame, given.skeleton, given.camera)


@pytest.mark.parametrize("n", [1, 9, 20, 21, 55, 100])
def test_stretches_cover_every_frame_once_and_go_over_smoothly(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "LENGTH", 20)
    monkeypatch.setattr(stretches, "MARGIN", 4)
    asked: list[slice] = []

    def refined(rows: slice) -> Poses3D:
        asked.append(rows)
        return poses_at(rows, shift=len(asked))

    pieces = list(in_stretches(n, refined))
    frame = np.concatenate([p.frame for p in pieces])
    assert frame.tolist() == list(range(n)) and max(r.stop - r.start for r in asked) <= 30 + 8
    x = np.concatenate([p.xyz for p in pieces])[:, 0, 0] - frame / 100
    assert x[0] == pytest.approx(1) and x[-1] == pytest.approx(len(asked))
    assert (np.diff(x) > -1e-9).all() and np.abs(np.diff(x)).max(initial=0) < 0.25


def test_what_one_stretch_lacks_the_other_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "LENGTH", 20)
    monkeypatch.setattr(stretches, "MARGIN", 4)
    pieces = list(in_stretches(40, lambda rows: poses_at(rows, lost=(17,) if rows.start == 0 else (22, 5))))
    found = np.concatenate([p.found[:, 0] for p in pieces])
    status = np.concatenate([p.status[:, 0] for p in pieces])
    assert found.all() and (status == 0).all()
    both = list(in_stretches(40, lambda rows: poses_at(rows, lost=(20,))))
    lost = ~np.concatenate([p.found[:, 0] for p in both])
    assert np.flatnonzero(lost).tolist() == [20]
    assert np.concatenate([p.status[:, 0] for p in both])[20] == int(Status.OUTLIER)


def test_origins_are_summed_up() -> None:
    one = {"method": "clip", "gap": 0.5, "bones": True, "lengths": {"a": {"length": 0.1}}, "notes": ["x", "y"]}
    other = {"method": "frame", "gap": 0.5, "bones": True, "lengths": {"a": {"length": 0.2}, "b": {"length": 1.0}}, "notes": ["y", "z"]}
    assert summed_up([one]) == one
    whole = summed_up([one, other])
    assert whole["method"] == "clip and frame" and whole["stretches"] == 2 and whole["notes"] == ["x", "y", "z"]
    assert whole["lengths"] == {"a": {"length": 0.15}, "b": {"length": 1.0}} and whole["bones"] is True
