"""What was planted among sound joints is refused or put right with its reason, and hardly anything else is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulated_views import changed, views

from stereo3d.errors import InvalidValue
from stereo3d.poses import Status
from stereo3d.refinement.evidence import evidence, located, prepare, views_of
from stereo3d.refinement.gates import Bounds
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise

REFUSED = int(Status.OUTLIER | Status.BONE)
LIMBS = range(5, 17)


def refused(joints, camera) -> np.ndarray:
    return (evidence(joints, camera).status & REFUSED) > 0


def moved(joints: Stereo, where: np.ndarray, by) -> Stereo:
    """The left view's joints moved by px (..., 2) where (T, K) says."""
    def move(xy):
        xy[where] += by

    return Stereo(changed(joints.left, xy=move), joints.right)


class TestSoundJoints:
    @pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.0])
    @pytest.mark.parametrize("seed", [90, 91, 92])
    def test_stay(self, sigma, seed):
        made = views(DetectorNoise(white=sigma, correlation=0.5), seed=seed)
        status = evidence(made.joints, made.camera).status
        assert (status > 0).mean() < 0.004

    def test_stay_where_noise_is_another_for_each_joint(self):
        made = views(DetectorNoise(white=1.0))
        rng = np.random.default_rng(3)

        def worse(xy):
            xy[:, LIMBS] += rng.normal(0, 4, xy[:, LIMBS].shape)

        joints = made.joints.map(lambda v: changed(v, xy=worse))
        assert refused(joints, made.camera).mean() < 0.01


class TestGrossErrors:
    @pytest.mark.parametrize("sigma, caught", [(1.0, 0.95), (2.0, 0.90), (3.0, 0.84)])
    def test_are_refused(self, sigma, caught):
        """97, 94 and 89 % of them in the reference, where errors have 40 px of standard deviation."""
        made = views(DetectorNoise(white=sigma, correlation=0.5))
        rng = np.random.default_rng(4)
        where = rng.random(made.xyz.shape[:2]) < 0.03
        joints = moved(made.joints, where, rng.normal(0, 40, (where.sum(), 2)))
        found = refused(joints, made.camera)
        assert found[where].mean() > caught
        assert found[~where].mean() < 0.006

    @pytest.mark.parametrize("by", [(0, 25), (0, -25)])
    def test_of_rows_are_outliers(self, by):
        made = views(DetectorNoise(white=1.0))
        where = np.zeros(made.xyz.shape[:2], bool)
        where[::10, 9] = True
        found = evidence(moved(made.joints, where, by), made.camera)
        assert (found.status[where] == int(Status.OUTLIER)).all()
        assert np.isnan(found.place[where]).all() and np.isnan(found.sigma[where]).all()
        assert np.abs(found.residual[where]).min() > 15

    @pytest.mark.parametrize("depth", [0.45, -0.35])
    def test_of_depth_are_outliers(self, depth):
        made = views(DetectorNoise(white=0.5))
        place = made.place.copy()
        far = made.xyz.copy()
        far[5, 10, 2] += depth
        place[5, 10, 2] = made.camera.baseline * made.camera.focal / far[5, 10, 2]
        right = views_of(place, made.camera)

        def put(xy):
            xy[5, 10] = right.left[5, 10]

        def put_right(xy):
            xy[5, 10] = right.right[5, 10]

        joints = Stereo(changed(made.joints.left, xy=put), changed(made.joints.right, xy=put_right))
        assert evidence(joints, made.camera).status[5, 10] == int(Status.OUTLIER)

    def test_of_bones_are_bones(self):
        """A wrist in both views half an arm too far along the row: rows agree, depth does, the forearm cannot."""
        made = views(DetectorNoise(white=0.5))

        def off(xy):
            xy[20:30, 9] += (130, 0)

        status = evidence(made.joints.map(lambda v: changed(v, xy=off)), made.camera).status
        assert (status[20:30, 9] == int(Status.BONE)).mean() > 0.9
        assert (np.delete(status, 9, 1)[20:30] == 0).mean() > 0.97

    def test_may_be_let_through(self):
        made = views(DetectorNoise(white=1.0))
        where = np.zeros(made.xyz.shape[:2], bool)
        where[7, 9] = True
        wide = Bounds(row=1e6, deeper=1e6, nearer=1e6, bone=1e6)
        assert evidence(moved(made.joints, where, (0, 30)), made.camera, wide).status[7, 9] == 0

    def test_bounds_are_checked(self):
        with pytest.raises(InvalidValue, match="deeper"):
            Bounds(deeper=-1)


class TestSwapsInOneView:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_are_undone(self, side):
        made = views(DetectorNoise(white=2.0, correlation=0.5))
        sound = evidence(made.joints, made.camera)
        rng = np.random.default_rng(5)
        pairs = rng.random((len(sound), 6)) < 0.05
        exchanged = made.joints[side]
        for n, (a, b) in enumerate(zip(range(5, 17, 2), range(6, 17, 2))):
            rows = np.flatnonzero(pairs[:, n])

            def swap(xy, rows=rows, a=a, b=b):
                xy[rows[:, None], [a, b]] = xy[rows[:, None], [b, a]]

            exchanged = changed(exchanged, xy=swap)
        joints = Stereo(exchanged, made.joints.right) if side == "left" else Stereo(made.joints.left, exchanged)
        found = evidence(joints, made.camera)
        planted = np.repeat(pairs, 2, axis=1)
        flagged = (found.status[:, 5:] & int(Status.SWAPPED)) > 0
        error = np.linalg.norm(located(found.place, found.sigma, made.camera)[0] - made.xyz, axis=-1)[:, 5:]
        apart = np.abs(made.xyz[:, 5::2] - made.xyz[:, 6::2]).max(-1) > 0.08
        tellable = planted & np.repeat(apart, 2, axis=1)
        handled = flagged | np.isnan(error)
        assert handled[tellable].mean() > 0.93
        assert flagged[~planted].mean() < 0.002
        assert np.nanmean(error[planted & flagged]) < 0.04
        assert np.nanmedian(error[planted & flagged]) < 0.02

    def test_leave_sound_recordings_alone(self):
        made = views(DetectorNoise(white=3.0, correlation=0.5, outliers=0.03))
        ready = prepare(made.joints, made.camera)
        assert ((ready.evidence.status & int(Status.SWAPPED)) > 0).mean() < 0.002


class TestMissing:
    def test_says_in_which_view(self):
        made = views(DetectorNoise(white=1.0))

        def gone(xy):
            xy[3, 4] = np.nan

        found = evidence(Stereo(changed(made.joints.left, xy=gone), made.joints.right), made.camera)
        assert found.status[3, 4] == int(Status.MISSING_LEFT) and np.isnan(found.place[3, 4]).all()
        assert np.isnan(found.residual[3, 4])

    def test_all_of_it_is_no_error(self):
        made = views(DetectorNoise(white=1.0))
        nothing = made.joints.map(lambda v: dataclasses.replace(v, xy=np.full_like(v.xy, np.nan)))
        found = evidence(nothing, made.camera)
        assert (found.status == int(Status.MISSING_LEFT | Status.MISSING_RIGHT)).all()
        assert np.isnan(found.place).all()
