"""Real pairs: a wide one of an adult, and one with its true disparity."""

from __future__ import annotations

import dataclasses
import json

import cv2
import numpy as np
import pytest
from projected import rig_of, view, views

from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.poses import Status
from stereo3d.stereo import Stereo
from stereo3d.triangulation import Gates, misfit, triangulate


def wide_pair(shared) -> tuple[StereoRig, np.ndarray]:
    folder = shared / "data" / "pose2sim-single"
    file = json.loads((folder / "pair12_calib.json").read_text())
    lenses = [Intrinsics(tuple(file["size"]), k[0][0], k[1][1], k[0][2], k[1][2]) for k in (file["K1"], file["K2"])]
    truth = np.load(folder / "pair12_openpose_xyz.npz", allow_pickle=False)
    xyz = np.where(truth["valid"][..., None], truth["xyz"], np.nan)
    return StereoRig(Stereo(*lenses), np.array(file["R"]), np.array(file["T"])), xyz


@pytest.fixture(scope="module")
def motorcycle(shared):
    """Middlebury 2014 Motorcycle at a quarter: f 994.978 px, B 193.001 mm, cx of the right view 31.086 px greater."""
    with np.load(shared / "data" / "skimage-motorcycle" / "motorcycle_disp.npz") as file:
        disparity = file["arr_0"].astype(float)
    size = (disparity.shape[1], disparity.shape[0])
    return disparity, RectifiedCamera(size, 994.978, Stereo(311.193, 311.193 + 31.086), 254.877, 0.193001)


class TestRealData:
    def test_the_wide_pair_with_its_epipolar_misfit_passes(self, shared):
        """2.9 m apart, turned by 47 degrees; 8-11 px beside the epipolar lines, as every detector has there."""
        rig, xyz = wide_pair(shared)
        clean = views(rig, xyz)
        np.testing.assert_allclose(triangulate(clean, rig).xyz, xyz, rtol=0, atol=1e-9)
        shifted = Stereo(clean.left, dataclasses.replace(clean.right, xy=clean.right.xy + [0, 11]))
        found = triangulate(shifted, rig)
        assert 8 < np.nanmedian(np.abs(found.residual)) < 13
        assert misfit(found) is None and found.found.mean() > 0.95

    @pytest.mark.parametrize("row, column, mm", [(100, 250, 4494.082), (250, 370, 2397.823), (400, 250, 2718.888),
                                                 (200, 600, 3698.012)])  # fmt: skip
    def test_true_disparity_gives_true_depth(self, motorcycle, row, column, mm):
        disparity, camera = motorcycle
        joints = Stereo(view([[(column, row)]]), view([[(column - disparity[row, column], row)]]))
        for route in (camera, rig_of(camera)):
            assert triangulate(joints, route).xyz[0, 0, 2] * 1000 == pytest.approx(mm, abs=2e-3)

    def test_missing_disparity_is_missing(self, motorcycle):
        disparity, camera = motorcycle
        v, u = np.mgrid[: disparity.shape[0], : disparity.shape[1]]
        joints = Stereo(view(np.stack([u, v], -1)), view(np.stack([u - disparity, v], -1)))
        found = triangulate(joints, camera)
        missing = ~np.isfinite(disparity)
        assert missing.any() and (found.status[missing] == Status.MISSING_RIGHT).all()
        assert not found.status[~missing].any()
        assert 2 < found.xyz[~missing][:, 2].min() and found.xyz[~missing][:, 2].max() < 5.5

    def test_matched_features_have_the_true_depth(self, motorcycle, shared):
        disparity, camera = motorcycle
        folder = shared / "data" / "skimage-motorcycle"
        pictures = [cv2.imread(str(folder / f"motorcycle_{s}.png"), cv2.IMREAD_GRAYSCALE) for s in ("left", "right")]
        sift = cv2.SIFT_create(800)
        (keys, words), (keys_right, words_right) = (sift.detectAndCompute(p, None) for p in pictures)
        pairs = cv2.BFMatcher(crossCheck=True).match(words, words_right)
        left = np.array([keys[m.queryIdx].pt for m in pairs])
        right = np.array([keys_right[m.trainIdx].pt for m in pairs])
        found = triangulate(Stereo(view(left[None]), view(right[None])), camera, Gates(row=1.5, depth=(1.5, 6)))
        column, row = np.rint(left).astype(int).T
        error = np.abs(found.xyz[0, :, 2] - camera.depth(disparity[row, column]))
        kept = np.isfinite(error) & found.found[0]
        assert kept.sum() > 150 and np.median(error[kept]) < 0.012
