"""Detectors beside each other in pictures: pixels, OKS as pycocotools has it, limbs, heads."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from marked import SIZE, annotation, dataset, places, result, written
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from stereo3d.errors import InputError, UsageError
from stereo3d.evaluation import limbs, metrics, pixels
from stereo3d.evaluation.comparison import published
from stereo3d.evaluation.comparison.account import to_dict, to_markdown
from stereo3d.evaluation.comparison.pictures import PictureComparison, compare_pictures
from stereo3d.evaluation.files.pictures import read_picture_truth, read_pictured
from stereo3d.evaluation.comparison.tables import account_in_pictures, tables_in_pictures
from stereo3d.evaluation.views import Pictured, PictureTruth, pictured, truth_of_joints
from stereo3d.poses import Poses2D
from stereo3d.skeleton import COCO_17, CROWDPOSE_14, Skeleton

XY = places(6)


def joints(xy: np.ndarray, skeleton: Skeleton = COCO_17, frame: np.ndarray | None = None) -> Poses2D:
    ones = np.ones(xy.shape[:2])
    frame = np.arange(len(xy)) if frame is None else frame
    return Poses2D(xy, ones, ones, frame / 30, frame, skeleton)


def off(px: float) -> np.ndarray:
    return XY + [px, 0.0]


def compared(truth: PictureTruth | None = None, **shifts: float) -> PictureComparison:
    truth = truth or truth_of_joints(joints(XY), SIZE)
    return compare_pictures({name: {"": pictured(joints(off(px)))} for name, px in shifts.items()}, {"": truth})


def coco(truths: Path, results: Path) -> list[float]:
    """COCO's ten numbers of two files, by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        held = COCO(str(truths))
        judge = COCOeval(held, held.loadRes(str(results)), "keypoints")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats.tolist()


@pytest.mark.parametrize("seed", range(6))
def test_keypoint_scores_of_files_are_pycocotools(seed: int, tmp_path: Path) -> None:
    """Several people in a picture, groups, unmarked joints, pictures without anybody or without results."""
    rng = np.random.default_rng(seed)
    marks, found = [], []
    for image in range(8):
        for person in range(rng.integers(0, 4)):
            xy = places(1, 10 * image + person)[0] * rng.uniform(0.2, 1)
            seen = rng.choice([0, 1, 2], 17)
            marks.append(annotation(image, xy, seen, id=len(marks) + 1, iscrowd=int(rng.random() < 0.1)))
            if rng.random() < 0.8:
                found.append(result(image, xy + rng.normal(scale=rng.choice([1, 6, 20]), size=xy.shape), round(rng.random(), 1)))
    truths, results = written(tmp_path / "t.json", dataset(marks, list(range(8)))), written(tmp_path / "r.json", found)
    truth = read_picture_truth(truths)
    scores = compare_pictures({"r": {"": read_pictured(results)}}, {"": truth}).keypoints["r"]
    ours = np.nan_to_num(dataclasses.astuple(scores), nan=-1)
    theirs = dict(zip(("ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large"), coco(truths, results)))
    np.testing.assert_allclose(ours, [theirs[f.name] for f in dataclasses.fields(scores)], atol=1e-12)


class TestErrors:
    def test_are_what_was_put_in(self):
        found = compared(a=3.0, b=8.0)
        np.testing.assert_allclose(found.errors.error, np.array([3.0, 8.0])[:, None, None] + np.zeros((2, 6, 17)))
        torso = pixels.torso_height(XY, COCO_17)
        np.testing.assert_allclose(found.errors.size, np.stack([torso, torso]))

    def test_a_picture_left_out_by_a_sparse_file_is_a_miss(self):
        sparse = dataclasses.replace(pictured(joints(XY[:4])), sparse=True)
        found = compare_pictures({"a": {"": sparse}, "b": {"": pictured(joints(XY))}}, {"": truth_of_joints(joints(XY))})
        assert [metrics.detection_rate(e, found.errors.labelled) for e in found.errors.error] == pytest.approx([4 / 6, 1])
        assert found.keypoints["a"].ar == pytest.approx(4 / 6) and found.keypoints["b"].ap > 0.99

    def test_a_picture_that_another_file_has_not_is_left_out(self):
        seen = pictured(joints(off(4.0)[2:], frame=np.arange(2, 6)))
        found = compare_pictures({"a": {"": seen}}, {"": truth_of_joints(joints(XY[:5]))})
        np.testing.assert_allclose(found.errors.error, np.full((1, 3, 17), 4.0))
        assert found.keypoints["a"].ar == compared(a=4.0).keypoints["a"].ar

    def test_nobody_found_at_all(self, tmp_path):
        seen = read_pictured(written(tmp_path / "r.json", []), COCO_17.joints)
        found = compare_pictures({"a": {"": seen}}, {"": truth_of_joints(joints(XY))})
        assert (found.errors.pck(0) == 0).all() and found.keypoints["a"].ap == 0 and found.errors.labelled.all()

    def test_joints_by_their_names(self):
        order = [COCO_17.joints.index(j) for j in CROWDPOSE_14.joints[:12]]
        crowd = np.concatenate([off(5.0)[:, order], XY[:, :2]], 1)
        found = compare_pictures({"a": {"": pictured(joints(crowd, CROWDPOSE_14))}}, {"": truth_of_joints(joints(XY), SIZE)})
        assert set(found.errors.joints) == set(CROWDPOSE_14.joints[:12])
        np.testing.assert_allclose(found.errors.error, 5.0)
        assert 0 < found.keypoints["a"].ap < 0.9  # five of COCO's joints are never found

    def test_pictures_numbered_otherwise(self):
        far = joints(XY, frame=np.arange(100, 106))
        for sparse in (False, True):
            seen = dataclasses.replace(pictured(far), sparse=sparse)
            with pytest.raises(InputError, match="frames: expected some of the pictures .* are the pictures numbered alike"):
                compare_pictures({"a": {"": seen}}, {"": truth_of_joints(joints(XY))})

    def test_subjects_must_agree(self):
        truth = {"x": truth_of_joints(joints(XY))}
        with pytest.raises(UsageError, match="a: expected subjects x, got y"):
            compare_pictures({"a": {"y": pictured(joints(XY))}}, truth)
        with pytest.raises(UsageError, match="a: expected subjects x, got none"):
            compare_pictures({"a": {}}, truth)
        with pytest.raises(UsageError, match="expected one at least"):
            compare_pictures({}, truth)


class TestLimbs:
    def test_overlap_and_rmsd(self):
        """5 px off at 640 x 480, diagonal 800: LOS .99375."""
        arm = compared(a=5.0).limbs["a"]["right arm"]
        assert arm.overlap == pytest.approx(0.99375) and arm.distance == pytest.approx(5)
        assert arm.median == pytest.approx(5) and arm.iqr == pytest.approx(0, abs=1e-12)
        assert arm.small_median == pytest.approx(5 * 128 / 640)

    def test_only_visible_joints_overlap(self):
        truth = truth_of_joints(joints(XY), SIZE)
        visible = np.ones((6, 17), bool)
        visible[:, COCO_17.index("right_wrist")] = False
        seen = XY + np.where(np.arange(17)[:, None] == COCO_17.index("right_wrist"), 50.0, 3.0) * [1.0, 0.0]
        arm = compare_pictures({"a": {"": pictured(joints(seen))}}, {"": dataclasses.replace(truth, visible=visible)}).limbs["a"]["right arm"]
        assert arm.distance == pytest.approx(3) and arm.median == pytest.approx(np.sqrt((2500 + 18) / 3))

    def test_pictures_of_unknown_size(self):
        arm = compared(truth_of_joints(joints(XY)), a=5.0).limbs["a"]["left leg"]
        assert np.isnan([arm.overlap, arm.small_median, arm.small_iqr]).all() and arm.distance == pytest.approx(5)

    def test_are_the_functions_of_limbs(self):
        found = compared(a=5.0)
        chains = limbs.limbs(COCO_17.joints)
        overlap = limbs.limb_overlap(found.errors.error[0], np.ones((6, 17), bool), chains, SIZE)
        np.testing.assert_allclose([x.overlap for x in found.limbs["a"].values()], overlap.score)
        assert list(found.limbs["a"]) == list(chains)


class TestHeads:
    def test_where_the_joints_tell_a_head(self):
        xy = places(4, 3)[:, :14]
        xy[:, CROWDPOSE_14.index("head_top")] = xy[:, CROWDPOSE_14.index("upper_neck")] + [0.0, 40.0]
        found = compare_pictures({"a": {"": pictured(joints(xy + [12.0, 0.0], CROWDPOSE_14))}}, {"": truth_of_joints(joints(xy, CROWDPOSE_14))})
        assert found.heads["a"] == pytest.approx((1, 1, 1, 0, 0, 0.3))
        assert compared(a=1.0).heads == {}

    def test_skeletons_without_sigmas_have_no_oks(self):
        few = Skeleton("few", COCO_17.joints[5:], (), (6, 1))
        found = compare_pictures({"a": {"": pictured(joints(XY[:, 5:], few))}}, {"": truth_of_joints(joints(XY[:, 5:], few))})
        assert found.keypoints == {} and "keypoints" not in tables_in_pictures(found)


class TestSubjects:
    def several(self) -> PictureComparison:
        truths = {"x": truth_of_joints(joints(XY), SIZE), "y": truth_of_joints(joints(places(3, 7)), SIZE)}
        seen = {n: {"x": pictured(joints(off(px))), "y": pictured(joints(places(3, 7) + [2 * px, 0.0]))} for n, px in (("a", 2.0), ("b", 4.0))}
        return compare_pictures(seen, truths)

    def test_are_told_apart(self):
        found = self.several()
        assert found.errors.subjects == ("x", "y") and found.errors.subject.tolist() == [0] * 6 + [1] * 3
        assert found.errors.mean(0).value == pytest.approx((6 * 2 + 3 * 4) / 9)
        ap = found.averages["b"]["AP"]
        assert ap.value == found.keypoints["b"].ap and ap.low <= ap.value <= ap.high
        held = tables_in_pictures(found)["intervals"].rows["b, AP %"]
        assert held == pytest.approx([100 * x for x in ap])
        assert len(found.keypoints) == 2 and found.keypoints["a"].ap >= found.keypoints["b"].ap

    def test_with_different_numbers_of_people(self, tmp_path):
        marks = [annotation(0, XY[0]), annotation(0, XY[1] / 3), annotation(1, XY[1])]
        several = read_picture_truth(written(tmp_path / "t.json", dataset(marks, [0, 1])))
        one = truth_of_joints(joints(XY), SIZE)
        two = [result(0, XY[0]), result(0, XY[1] / 3, 0.5), result(1, XY[1])]
        seen = {"x": read_pictured(written(tmp_path / "r.json", two)), "y": pictured(joints(XY))}
        found = compare_pictures({"a": seen}, {"x": several, "y": one})
        assert found.keypoints["a"].ar == 1 and len(found.area_from) == 2


class TestTables:
    MADE = compared(a=5.0, b=9.0)

    def test_names_and_papers(self):
        held = account_in_pictures(self.MADE)
        assert list(held.tables) == ["pictures", "joints", "boxes", "keypoints", "limbs", "tests"]
        assert held.papers["keypoints"]["Infant-Pose"].rows["Openpose"] == pytest.approx((0.083, 0.131))
        assert set(held.papers) == {"pictures", "keypoints", "limbs"}
        for name, papers in held.papers.items():
            assert all(set(paper.columns) <= set(held.tables[name].columns) for paper in papers.values()), name

    def test_numbers(self):
        made = tables_in_pictures(self.MADE)
        assert dict(zip(made["limbs"].columns, made["limbs"].rows["left arm, b"]))["distance px"] == pytest.approx(9)
        assert made["pictures"].rows["a"][-3] == pytest.approx(5) and made["tests"].columns[0] == "mean px"
        assert made["keypoints"].rows["a"][0] == self.MADE.keypoints["a"].ap
        assert made["joints"].title == "In pictures, by joint"

    def test_heads_are_in_percent(self):
        found = dataclasses.replace(self.MADE, heads={"a": (1.0, 0.9, 0.8, 0.7, 0.6, 0.05)})
        assert tables_in_pictures(found)["heads"].rows["a"] == pytest.approx((100, 90, 80, 70, 60, 0.05))
        assert set(published.IN_MOTION_TABLE_1.columns) <= set(tables_in_pictures(found)["heads"].columns)
        assert "| In-Motion: EfficientPose III | 99.99" in to_markdown(account_in_pictures(found))

    def test_of_joints_without_limbs_or_sigmas(self):
        few = Skeleton("few", ("nose", "tail"), (), None)
        xy = XY[:, :2]
        found = compare_pictures({"a": {"": pictured(joints(xy, few))}}, {"": truth_of_joints(joints(xy, few))})
        assert list(tables_in_pictures(found)) == ["pictures", "joints", "boxes", "tests"]
        text = to_markdown(account_in_pictures(found))
        assert "OKS" not in text and "nan" not in text

    def test_markdown_and_json(self):
        text = to_markdown(account_in_pictures(self.MADE))
        assert "OKS measures by the areas of boxes round the marked joints, smaller than the infant." in text
        assert "| HRNet+DEKR: left arm | 0.9930 | - |" in text and "nan" not in text
        held = json.loads(json.dumps(to_dict(account_in_pictures(self.MADE))))
        assert held["pictures"]["rows"]["a"]["mean px"] == pytest.approx(5) and held["frames"] == 6


def test_a_seen_value_is_checked_at_the_door() -> None:
    good = pictured(joints(XY))
    with pytest.raises(Exception, match=r"everyone: expected shape \(6, D, 17, 2\)"):
        Pictured(good.joints, XY, good.score)
    with pytest.raises(Exception, match=r"visible: expected shape \(6, 17\)"):
        dataclasses.replace(truth_of_joints(joints(XY)), visible=np.ones(3, bool))
