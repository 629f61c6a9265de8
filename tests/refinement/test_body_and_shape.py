"""What is known of infants' bodies, and limbs as round cones drawn into disparity."""

from __future__ import annotations

import numpy as np
import pytest
from projected import ZED
from simulated_views import scene_of, views

from stereo3d.refinement.body import LENGTH, anatomy, body_length, kind_of
from stereo3d.refinement.evidence import evidence, placed
from stereo3d.refinement.match import grid
from stereo3d.refinement.shape import covered, relief
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, INMOTION_19, Skeleton
from stereo3d.synthetic.noise import DetectorNoise

OTHER = Skeleton("Other", ("tail", "snout"), ((0, 1),), None)


class TestAnatomy:
    def test_goes_by_names(self):
        body = anatomy(COCO_17)
        pairs = {frozenset((COCO_17.joints[i], COCO_17.joints[j])) for i, j in body.bones}
        assert {"left_knee", "left_ankle"} in pairs and {"nose", "right_ear"} in pairs
        assert {"left_shoulder", "right_hip"} in pairs and {"left_knee", "right_ankle"} not in pairs
        assert len(body.limbs) == 8 and (body.radius[:5] == 0).all() and (body.radius[5:] > 0.02).all()
        assert len(anatomy(CROWDPOSE_14).limbs) == 8 and len(anatomy(INMOTION_19).limbs) == 6

    def test_of_other_names_is_none(self):
        assert len(anatomy(OTHER).bones) == 0 and anatomy(OTHER).bones.shape == (0, 2)

    def test_bones_are_those_of_the_synthetic_infants(self):
        """Published measures on both sides; no more than 12 % apart."""
        body = anatomy(COCO_17)
        a, b = body.bones.T
        for seed in (90, 91, 92):
            scene = scene_of(seed)
            found = np.linalg.norm(scene.truth.xyz[:, a] - scene.truth.xyz[:, b], axis=-1).mean(0) / scene.body.length
            assert np.abs(found / body.ratio - 1)[:8].max() < 0.12

    def test_kinds_have_no_side(self):
        assert [kind_of(j) for j in ("left_wrist", "right_wrist", "nose")] == ["wrist", "wrist", "nose"]


class TestBodyLength:
    @pytest.mark.parametrize("seed", [90, 91, 92, 93])
    @pytest.mark.parametrize("sigma", [1.0, 3.0])
    def test_is_found_within_an_eighth(self, seed, sigma):
        made = views(DetectorNoise(white=sigma, correlation=0.5), seed=seed)
        found = evidence(made.joints, made.camera)
        length = body_length(found.place, found.sigma, skeleton=COCO_17, camera=made.camera)
        assert length.shape == (len(found),)
        assert length == pytest.approx(np.full(len(found), made.scene.body.length), rel=0.125)

    def test_of_nothing_is_the_usual(self):
        nothing = np.full((3, 17, 3), np.nan)
        assert (body_length(nothing, nothing, skeleton=COCO_17, camera=ZED) == LENGTH).all()
        assert (body_length(nothing[:, :2], nothing[:, :2], skeleton=OTHER, camera=ZED) == LENGTH).all()
        assert body_length(nothing[:0], nothing[:0], skeleton=COCO_17, camera=ZED).shape == (0,)


def arm(*, tilt=0.0, across=0.0) -> np.ndarray:
    """(17, 3) px places of a body of which only the left forearm is known, flat before the camera but for `tilt`."""
    xyz = np.full((17, 3), np.nan)
    xyz[7], xyz[9] = (0.0, 0.0, 0.7), (0.065 * np.cos(across), 0.065 * np.sin(across), 0.7 - tilt)
    return placed(xyz, ZED)


class TestRelief:
    @pytest.mark.parametrize("across", [0.0, np.pi / 2, np.pi / 4])
    def test_of_a_limb_is_round(self, across):
        """r - sqrt(r^2 - s^2) behind the middle at s beside the axis, as far as the limb goes."""
        half = 13
        bent = relief(arm(across=across), length=0.5, body=anatomy(COCO_17), camera=ZED, half=half)
        x, y = grid(half)
        along, beside = x * np.cos(across) + y * np.sin(across), -x * np.sin(across) + y * np.cos(across)
        there = (along > 0) & (along < 8) & (np.abs(beside) < 8)
        d = ZED.baseline * ZED.focal / 0.7
        metre = d / ZED.baseline
        radius = (0.031 + (0.0245 - 0.031) * along[there] * 0.7 / ZED.focal / 0.065) * 0.5
        rise = np.sqrt(radius**2 - (beside[there] / metre) ** 2) - 0.031 * 0.5
        expected = rise * d * d / (ZED.baseline * ZED.focal)
        assert bent.height[7, there] == pytest.approx(expected, abs=0.06)
        assert bent.on_limb[7, there].all() and not bent.on_limb[7, (np.abs(beside) > 13)].any()

    def test_of_what_is_on_no_limb_is_flat(self):
        bent = relief(arm(), length=0.5, body=anatomy(COCO_17), camera=ZED, half=5)
        assert (bent.height[0] == 0).all() and bent.on_limb[0].all()

    def test_follows_the_limb_into_depth(self):
        bent = relief(arm(tilt=0.04), length=0.5, body=anatomy(COCO_17), camera=ZED, half=13)
        x, y = grid(13)
        along = bent.height[7, (y == 0) & (x == 8)] - bent.height[7, (y == 0) & (x == 2)]
        slope = 0.04 / 0.065 * ZED.baseline / 0.7  # px of disparity for a px along the limb
        assert along == pytest.approx(6 * slope, rel=0.15)


class TestCovered:
    def test_is_a_joint_behind_another_limb(self):
        xyz = np.full((1, 17, 3), np.nan)
        xyz[0, 7], xyz[0, 9] = (-0.05, 0.0, 0.60), (0.05, 0.0, 0.60)
        xyz[0, 8], xyz[0, 10], xyz[0, 12] = (0.0, 0.0, 0.65), (0.0, 0.0, 0.55), (0.0, 0.2, 0.65)
        before = covered(placed(xyz, ZED), length=np.array([0.5]), body=anatomy(COCO_17), camera=ZED)[0]
        step = ZED.baseline * ZED.focal * (1 / 0.60 - 1 / 0.65)
        assert before[8] == pytest.approx(step, rel=0.05)
        assert before[10] == 0 and before[12] == 0 and before[7] == 0

    def test_is_nothing_of_the_unknown(self):
        nothing = np.full((2, 17, 3), np.nan)
        assert (covered(nothing, length=np.full(2, 0.5), body=anatomy(COCO_17), camera=ZED) == 0).all()
