"""The skin at the joints of rendered infants: found below a pixel, streamed, kept from occluders, rescued by one view."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from simulated_views import changed

from stereo3d.benchmark.conditions import covered
from stereo3d.benchmark.scenes import synthetic_scene
from stereo3d.errors import InvalidValue
from stereo3d.poses import Status
from stereo3d.recording.base import FramePair
from stereo3d.refinement.evidence import placed, prepare
from stereo3d.refinement.frame import fused, refine_frames
from stereo3d.refinement.surface import look
from stereo3d.refinement.weigh import weigh
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise

CLEAN, USUAL = DetectorNoise(white=0.05), DetectorNoise.mixed(2.0, correlation=0.5)


@pytest.fixture(scope="module")
def scene():
    return synthetic_scene(94, every=25)


def part_of(scene, noise, edit=lambda joints: joints):
    return prepare(edit(scene.detected(noise, seed=7)), scene.camera).of_frames(scene.frames)


def refined(scene, part):
    surface = look(part, scene.pairs(), scene.rectifier)
    return surface, weigh(part, surface)


def off(scene, evidence) -> np.ndarray:
    """(N, K) px by which the fused disparity is off."""
    return fused(evidence).mean - placed(scene.xyz[scene.frames], scene.camera)[..., 2]


class TestLook:
    def test_finds_the_skin_to_a_part_of_a_pixel(self, scene):
        surface, found = refined(scene, part_of(scene, CLEAN))
        truth = placed(scene.xyz[scene.frames], scene.camera)[..., 2]
        error = (found.matched - truth)[~scene.hidden]
        assert np.nanmedian(np.abs(error)) < 0.4 and (np.abs(error) < 1.5).mean() > 0.9
        assert np.nanmedian(surface.likeness) > 0.9 and (surface.source == 0).mean() > 0.95

    def test_betters_a_usual_detector(self, scene):
        part = part_of(scene, USUAL)
        _, found = refined(scene, part)
        truth = placed(scene.xyz[scene.frames], scene.camera)[..., 2]
        plain = np.nanmean(np.abs(part.evidence.place[..., 2] - truth))
        assert np.nanmean(np.abs(off(scene, found))) < 0.5 * plain

    def test_gives_the_same_each_time_and_for_each_frame_alone(self, scene):
        part = part_of(scene, USUAL)
        whole = look(part, scene.pairs(), scene.rectifier)
        assert look(part, scene.pairs(), scene.rectifier) == whole
        last = list(scene.pairs())[2:]
        one = look(part.of_frames([2]), last, scene.rectifier)
        close = np.isfinite(one.skin[0]) & np.isfinite(whole.skin[2])
        assert close.mean() > 0.8
        assert np.median(np.abs(one.skin[0] - whole.skin[2])[close]) < 0.1

    def test_other_pairs_are_refused(self, scene):
        part, pairs = part_of(scene, USUAL), list(scene.pairs())
        with pytest.raises(InvalidValue, match="expected 3 of them, got 2"):
            look(part, pairs[:2], scene.rectifier)
        with pytest.raises(InvalidValue, match="expected frame 0, got 25"):
            look(part, pairs[1:], scene.rectifier)
        with pytest.raises(InvalidValue, match="expected frame no more"):
            look(part, [*pairs, pairs[0]], scene.rectifier)

    def test_black_pictures_change_nothing(self, scene):
        part = part_of(scene, USUAL)
        black = [
            FramePair(p.index, p.time, p.images.map(np.zeros_like)) for p in scene.pairs()
        ]
        found = weigh(part, look(part, black, scene.rectifier))
        plain = refine_frames(part.evidence)
        moved = np.linalg.norm(refine_frames(found).xyz - plain.xyz, axis=-1)
        assert np.nanmax(moved) < 0.5 * np.nanmedian(plain.sigma[..., 2])

    def test_no_joints_are_no_skin(self, scene):
        def none(joints):
            return joints.map(lambda v: dataclasses.replace(v, xy=np.full_like(v.xy, np.nan)))

        surface, found = refined(scene, part_of(scene, USUAL, none))
        assert np.isnan(surface.skin).all() and (surface.source == -1).all()
        assert not refine_frames(found).found.any()


class TestOccluder:
    def test_is_not_followed(self, scene):
        """A good detector's joint stays behind the cloth that the pictures show before it."""
        cloth = covered(scene, seed=3)
        new = cloth.hidden & ~scene.hidden
        assert new.sum() >= 6
        part = part_of(cloth, DetectorNoise(white=0.7))
        surface, found = refined(cloth, part)
        truth = placed(cloth.xyz[cloth.frames], cloth.camera)[..., 2]
        plain = np.nanmean(np.abs(part.evidence.place[..., 2] - truth)[new])
        assert np.nanmedian((found.matched - truth)[new]) > 2.0 or np.isnan(found.matched[new]).mean() > 0.3
        assert np.nanmean(np.abs(off(cloth, found))[new]) < max(1.15 * plain, 0.8)


class TestRescue:
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_brings_back_a_joint_that_one_view_missed(self, scene, side):
        def miss(joints):
            def gone(xy):
                xy[:, 7] = np.nan

            views = {s: changed(joints[s], xy=gone) if s == side else joints[s] for s in ("left", "right")}
            return Stereo(views["left"], views["right"])

        _, found = refined(scene, part_of(scene, CLEAN, miss))
        poses = refine_frames(found)
        error = np.linalg.norm(poses.xyz - scene.xyz[scene.frames], axis=-1)[:, 7]
        assert (np.isfinite(error)).sum() >= 2 and np.nanmax(error) < 0.03
        given = np.isfinite(error)
        assert ((poses.status[given, 7] & int(Status.RESCUED)) > 0).all()

    def test_corrects_a_gross_error_in_one_view(self, scene):
        def wrong(joints):
            def far(xy):
                xy[:, 8] += (25, 40)

            return Stereo(changed(joints.left, xy=far), joints.right)

        _, found = refined(scene, part_of(scene, CLEAN, wrong))
        error = np.linalg.norm(refine_frames(found).xyz - scene.xyz[scene.frames], axis=-1)[:, 8]
        assert np.isfinite(error).sum() >= 2 and np.nanmax(error) < 0.03

    def test_leaves_sound_joints_alone(self, scene):
        surface, _ = refined(scene, part_of(scene, DetectorNoise(white=1.0)))
        assert (surface.source > 0).mean() < 0.06
