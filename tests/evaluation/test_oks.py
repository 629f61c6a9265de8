"""Against pycocotools, which counts COCO's own way, and against laws."""

from __future__ import annotations

import contextlib
import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.evaluation.bootstrap import interval_of_rows
from stereo3d.evaluation.oks import (
    KeypointScores,
    People,
    box_area,
    keypoint_intervals,
    keypoint_scores,
    similarity,
)
from stereo3d.skeleton import BABYPOSE_12, COCO_17, CROWDPOSE_14

AREA = 1e4
SHIFTS = np.array([0.0, 5.0, 12.0, 25.0])
SCORES = np.array([[0.9], [0.8], [0.7], [0.6]])
UNKNOWN = KeypointScores(*[np.nan] * 10)


def body(skeleton, n: int = 1, g: int = 1):
    """(n, g, K, 2) px, spread over 100 px."""
    return np.random.default_rng(3).uniform(100, 200, (n, g, len(skeleton), 2))


def people_at(xy, labelled=None, area=AREA, **more) -> People:
    labelled = np.ones(xy.shape[:3], bool) if labelled is None else labelled
    return People(xy, labelled, np.broadcast_to(np.asarray(area, float), xy.shape[:2]), **more)


def shifted(skeleton):
    """Four pictures of one infant, found 0, 5, 12 and 25 px to the right of the truth."""
    truth = body(skeleton, 4)
    return truth + SHIFTS[:, None, None, None] * [1.0, 0.0], people_at(truth)


def test_a_person_of_one_labelled_joint_is_as_alike_as_that_joint() -> None:
    truth = body(COCO_17)
    labelled = np.zeros((1, 1, 17), bool)
    labelled[..., 9] = True
    found = truth + [6.0, 8.0]
    wanted = np.exp(-100 / (2 * (2 * COCO_17.oks_sigmas[9]) ** 2 * AREA))
    assert similarity(found, people_at(truth, labelled), COCO_17) == pytest.approx(wanted, abs=1e-9)


def coco_scores(xy, score, people: People, skeleton) -> tuple[list[float], COCOeval]:
    """COCO's ten numbers by pycocotools."""
    n, g = people.area.shape
    box = np.zeros((n, g, 4)) if people.box is None else people.box
    crowd = np.zeros((n, g), bool) if people.crowd is None else people.crowd
    truths = [{
        "id": 1 + i * g + j, "image_id": i, "category_id": 1, "area": people.area[i, j], "iscrowd": int(crowd[i, j]),
        "bbox": box[i, j].tolist(), "num_keypoints": int(people.labelled[i, j].sum()),
        "keypoints": np.column_stack([people.xy[i, j], 2 * people.labelled[i, j]]).ravel().tolist(),
    } for i, j in zip(*np.nonzero(people.there))]  # fmt: skip
    found = [{
        "image_id": i, "category_id": 1, "score": score[i, j],
        "keypoints": np.column_stack([xy[i, j], np.ones(len(skeleton))]).ravel().tolist(),
    } for i, j in zip(*np.nonzero(np.isfinite(score)))]  # fmt: skip
    names = {"id": 1, "name": "person", "keypoints": list(skeleton.joints)}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {}, "images": [{"id": i} for i in range(n)], "annotations": truths, "categories": [names]
        }
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(found), "keypoints")
        judge.params.kpt_oks_sigmas = np.array(skeleton.oks_sigmas)
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge.stats.tolist(), judge


def numbers(scores: KeypointScores) -> list[float]:
    """As pycocotools has them: -1 where nobody counts."""
    return [-1.0 if np.isnan(x) else x for x in dataclasses.astuple(scores)]


def crowded(seed: int, n: int = 12, d: int = 5, g: int = 4, skeleton=COCO_17):
    """Pictures of several people of all sizes, some unlabelled, absent or groups, and detections of all qualities."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(np.log(20), np.log(250), (n, g)))
    xy = rng.uniform(0, 300, (n, g, 1, 2)) + size[..., None, None] * rng.uniform(0, 1, (n, g, len(skeleton), 2))
    labelled = (rng.random(xy.shape[:3]) < 0.7) & (rng.random((n, g, 1)) < 0.85)
    area = np.where(rng.random((n, g)) < 0.85, size**2 * rng.uniform(0.3, 0.9, (n, g)), np.nan)
    box = np.concatenate([xy.min(2), np.ptp(xy, axis=2)], -1)
    people = People(xy, labelled, area, box, rng.random((n, g)) < 0.1)
    whom = rng.integers(0, g, (n, d))
    near = np.take_along_axis(xy, whom[..., None, None], 1)
    off = np.take_along_axis(size, whom, 1) * rng.choice([0.0, 0.02, 0.06, 0.15, 0.5], (n, d))
    detections = near + off[..., None, None] * rng.normal(size=near.shape)
    score = np.where(rng.random((n, d)) < 0.85, rng.choice(np.linspace(0.1, 0.9, 9), (n, d)), np.nan)
    return detections, score, people


class TestReference:
    """The values of the toolkit's reference page: area 1e4, everyone shifted along x."""

    @pytest.mark.parametrize("skeleton, at_5, at_10", [(COCO_17, 0.8711550, 0.6469948),
                                                       (CROWDPOSE_14, 0.9513838, 0.8204970)])  # fmt: skip
    def test_one_shift(self, skeleton, at_5, at_10):
        truth = body(skeleton, 2)
        found = truth + np.array([5.0, 10.0])[:, None, None, None] * [1.0, 0.0]
        alike = similarity(found, people_at(truth), skeleton)[:, 0, 0]
        np.testing.assert_allclose(alike, [at_5, at_10], atol=5e-8)
        _, judge = coco_scores(found, SCORES[:2], people_at(truth), skeleton)
        np.testing.assert_allclose(alike, [judge.ious[i, 1].item() for i in range(2)], atol=1e-12)

    @pytest.mark.parametrize("skeleton, alike, figures", [
        (COCO_17, [1, 0.8712, 0.5697, 0.2206], [0.5050, 0.7525, 0.5050, 0.50, 0.75, 0.50]),
        (CROWDPOSE_14, [1, 0.9514, 0.7530, 0.3085], [0.6535, 0.7525, 0.7525, 0.65, 0.75, 0.75]),
    ])
    def test_four_pictures(self, skeleton, alike, figures):
        found, people = shifted(skeleton)
        scores = keypoint_scores(found, SCORES, people, skeleton)
        stats, judge = coco_scores(found, SCORES, people, skeleton)
        theirs = [judge.ious[i, 1].item() for i in range(4)]
        np.testing.assert_allclose(similarity(found, people, skeleton)[:, 0, 0], theirs, atol=1e-12)
        np.testing.assert_allclose(theirs, alike, atol=5e-5)
        np.testing.assert_allclose(numbers(scores), stats, atol=1e-12)
        held = [scores.ap, scores.ap50, scores.ap75, scores.ar, scores.ar50, scores.ar75]
        np.testing.assert_allclose(held, figures, atol=5e-5)

    def test_unlabelled_joints_are_left_out(self):
        found, people = shifted(COCO_17)
        labelled = people.labelled.copy()
        labelled[3, 0, :5] = False
        people = dataclasses.replace(people, labelled=labelled)
        alike = similarity(found, people, COCO_17)
        assert alike[3, 0, 0] == pytest.approx(0.3122, abs=5e-5)
        _, judge = coco_scores(found, SCORES, people, COCO_17)
        assert alike[3, 0, 0] == pytest.approx(judge.ious[3, 1].item(), abs=1e-12)

    def test_perfect_looking_is_not_one(self):
        """Both found within 4 px; at OKS .95 only one is, and 51 of 101 recalls are reached: (9 + 51 / 101) / 10."""
        truth = body(COCO_17, 2)
        found = truth + np.array([0.0, 4.0])[:, None, None, None] * [1.0, 0.0]
        scores = keypoint_scores(found, SCORES[:2], people_at(truth), COCO_17)
        assert scores.ap == pytest.approx(0.9505, abs=5e-5)
        assert numbers(scores) == pytest.approx(coco_scores(found, SCORES[:2], people_at(truth), COCO_17)[0])


class TestAgainstPycocotools:
    @pytest.mark.parametrize("seed", range(12))
    def test_crowds_of_all_sizes(self, seed):
        xy, score, people = crowded(seed)
        stats, judge = coco_scores(xy, score, people, COCO_17)
        np.testing.assert_allclose(numbers(keypoint_scores(xy, score, people, COCO_17)), stats, atol=1e-12)
        alike = similarity(xy, people, COCO_17)
        for i in range(len(xy)):
            there, given = people.there[i], np.argsort(-score[i], kind="stable")[: np.isfinite(score[i]).sum()]
            if there.any() and given.size:
                np.testing.assert_allclose(alike[i][given][:, there], judge.ious[i, 1], atol=1e-12)

    def test_more_than_twenty_detections(self):
        xy, score, people = crowded(0, n=3, d=40)
        rng = np.random.default_rng(1)
        score = np.where(np.isnan(score), rng.random(score.shape), score)
        stats, _ = coco_scores(xy, score, people, COCO_17)
        np.testing.assert_allclose(numbers(keypoint_scores(xy, score, people, COCO_17)), stats, atol=1e-12)

    def test_one_infant_in_each_picture(self):
        xy, score, people = crowded(5, n=60, d=1, g=1, skeleton=CROWDPOSE_14)
        stats, _ = coco_scores(xy, score, people, CROWDPOSE_14)
        np.testing.assert_allclose(numbers(keypoint_scores(xy, score, people, CROWDPOSE_14)), stats, atol=1e-12)

    @pytest.mark.parametrize("area", [0.5, 1023.0, 1024.0, 1025.0, 9215.0, 9216.0, 9217.0, 2e10])
    def test_both_ends_of_a_size_belong_to_it(self, area):
        """People at the ends, and a wrong detection whose box has that area too."""
        truth = body(COCO_17, 2)
        found = np.repeat(truth, 2, axis=1)
        found[:, 1] = 1e5
        found[:, 1, 0] += [area / 16, 16.0]
        people, score = people_at(truth, area=area), np.array([[0.5, 0.9]] * 2)
        stats, _ = coco_scores(found, score, people, COCO_17)
        np.testing.assert_allclose(numbers(keypoint_scores(found, score, people, COCO_17)), stats, atol=1e-12)

    def test_a_similarity_at_the_threshold_is_enough(self):
        """Half of 14 joints far away: OKS is .5 to the last digit."""
        truth = body(CROWDPOSE_14, 2)
        found = truth.copy()
        found[0, 0, ::2] = 1e6
        people = people_at(truth)
        assert similarity(found, people, CROWDPOSE_14)[0, 0, 0] == 0.5
        stats, _ = coco_scores(found, SCORES[:2], people, CROWDPOSE_14)
        ours = keypoint_scores(found, SCORES[:2], people, CROWDPOSE_14)
        np.testing.assert_allclose(numbers(ours), stats, atol=1e-12)
        assert ours.ar50 == 1 and ours.ar75 == 0.5

    def test_of_two_just_as_alike_the_last_is_taken(self):
        """Twins in one place, of whom the second is a group: both orders, as COCO has them."""
        truth = np.repeat(body(COCO_17), 2, axis=1)
        found = np.repeat(truth[:, :1], 3, axis=1)
        for crowd in ([[False, False]], [[False, True]], [[True, False]], [[True, True]]):
            people = people_at(truth, crowd=np.array(crowd), box=np.ones((1, 2, 4)))
            stats, _ = coco_scores(found, np.array([[0.3, 0.2, 0.1]]), people, COCO_17)
            ours = keypoint_scores(found, np.array([[0.3, 0.2, 0.1]]), people, COCO_17)
            np.testing.assert_allclose(numbers(ours), stats, atol=1e-12)


class TestMissing:
    def test_a_joint_that_was_not_found_counts_as_one_far_away(self):
        found, people = shifted(COCO_17)
        holed, far = found.copy(), found.copy()
        holed[:, :, 3] = np.nan
        far[:, :, 3] = 1e6
        alike = similarity(holed, people, COCO_17)
        np.testing.assert_allclose(alike, similarity(far, people, COCO_17))
        assert alike[0, 0, 0] == pytest.approx(16 / 17)

    @pytest.mark.parametrize("what", ["score", "joints"])
    def test_a_detection_without_a_score_or_without_joints_is_not_there(self, what):
        found, people = shifted(COCO_17)
        score = SCORES.copy()
        if what == "score":
            score[1] = np.nan
        else:
            found[1] = np.nan
        stats, _ = coco_scores(np.nan_to_num(found), np.where(np.arange(4) == 1, np.nan, SCORES.T).T, people, COCO_17)
        np.testing.assert_allclose(numbers(keypoint_scores(found, score, people, COCO_17)), stats, atol=1e-12)

    def test_nothing_found_is_zero(self):
        truth = body(COCO_17, 3)
        scores = keypoint_scores(np.full(truth.shape, np.nan), np.full((3, 1), np.nan), people_at(truth), COCO_17)
        assert (scores.ap, scores.ar, scores.ap_large) == (0, 0, 0)
        assert np.isnan(scores.ap_medium)

    @pytest.mark.parametrize("n, d, g", [(0, 1, 1), (2, 0, 1), (2, 1, 0), (0, 0, 0)])
    def test_empty(self, n, d, g):
        xy, truth = np.zeros((n, d, 17, 2)), body(COCO_17, n, g)
        scores = keypoint_scores(xy, np.ones((n, d)), people_at(truth), COCO_17)
        assert scores == (dataclasses.replace(UNKNOWN, ap=0.0, ap50=0.0, ap75=0.0, ap_large=0.0, ar=0.0, ar50=0.0,
                                              ar75=0.0, ar_large=0.0) if n * g else UNKNOWN)  # fmt: skip

    def test_nobody_labelled(self):
        """Unknown, and a detection is neither right nor wrong within the box, wrong without one."""
        truth = body(COCO_17, 2)
        labelled = np.zeros(truth.shape[:3], bool)
        assert keypoint_scores(truth, np.ones((2, 1)), people_at(truth, labelled), COCO_17) == UNKNOWN
        assert (similarity(truth, people_at(truth, labelled), COCO_17) == 0).all()
        boxes = np.broadcast_to([100.0, 100.0, 100.0, 100.0], (2, 1, 4))
        assert (similarity(truth, people_at(truth, labelled, box=boxes), COCO_17) == 1).all()

    def test_absent_people_and_detections_are_unknown(self):
        truth = body(COCO_17, 2)
        found = truth.copy()
        found[0] = np.nan
        alike = similarity(found, people_at(truth, area=[[AREA], [np.nan]]), COCO_17)
        assert np.isnan(alike).all()

    def test_huge_and_infinite_places_do_not_warn(self):
        truth = body(COCO_17, 2)
        found = truth.copy()
        found[0], found[1] = 1e300, np.inf
        np.testing.assert_array_equal(similarity(found, people_at(truth), COCO_17)[:, 0, 0], [0, np.nan])


class TestIntervals:
    @pytest.mark.parametrize("seed", range(3))
    def test_are_those_of_the_pictures_drawn(self, seed):
        """Counting a picture twice is the same as having it twice."""
        xy, score, people = crowded(seed)
        score = score + np.random.default_rng(seed).uniform(0, 0.01, score.shape)  # no two alike: ties go by place
        subject = np.arange(12) % 4

        def figure(name, rows):
            held = {f.name: getattr(people, f.name)[rows] for f in dataclasses.fields(people)}
            return getattr(keypoint_scores(xy[rows], score[rows], People(**held), COCO_17), name)

        ours = keypoint_intervals(xy, score, people, COCO_17, subject, n=40, seed=3, confidence=0.8)
        for name, interval in zip(("ap", "ar"), ours):
            assert interval.value == getattr(keypoint_scores(xy, score, people, COCO_17), name)
            slow = interval_of_rows(lambda rows, name=name: figure(name, rows), subject, n=40, seed=3, confidence=0.8)
            np.testing.assert_allclose(interval, slow, atol=1e-12)
            assert interval.low < interval.value < interval.high

    def test_of_one_subject_have_no_ends(self):
        found, people = shifted(COCO_17)
        for interval in keypoint_intervals(found, SCORES, people, COCO_17, np.zeros(4, int)):
            assert np.isfinite(interval.value) and np.isnan(interval[1:]).all()

    def test_of_subjects_of_whom_some_have_nobody(self):
        """A draw of them alone is unknown and left out."""
        found, people = shifted(COCO_17)
        absent = dataclasses.replace(people, area=np.where(np.arange(4)[:, None] < 2, people.area, np.nan))
        ap, ar = keypoint_intervals(found, SCORES, absent, COCO_17, np.arange(4))
        assert np.isfinite([*ap, *ar]).all()


class TestBoxArea:
    def test_of_a_known_box(self):
        xy = np.array([[[0.0, 0.0], [10.0, 4.0], [100.0, 100.0], [np.nan, 3.0]]])
        labelled = np.array([[True, True, False, True]])
        np.testing.assert_equal(box_area(xy, labelled), [40.0])

    def test_of_nothing_is_unknown(self):
        assert np.isnan(box_area(np.zeros((2, 3, 2)), np.zeros((2, 3), bool))).all()


class TestLaws:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10_000), st.floats(0.1, 10.0), st.floats(-500, 500))
    def test_scale_and_place_do_not_matter(self, seed, times, shift):
        """OKS is of shapes: twice as large with four times the area is the same."""
        xy, _, people = crowded(seed, n=3)
        moved = People(people.xy * times + shift, people.labelled, people.area * times**2)
        plain = dataclasses.replace(people, box=None, crowd=None)
        np.testing.assert_allclose(
            similarity(xy * times + shift, moved, COCO_17), similarity(xy, plain, COCO_17), atol=1e-9
        )

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10_000))
    def test_only_the_order_of_scores_matters(self, seed):
        xy, score, people = crowded(seed, n=4)
        assert keypoint_scores(xy, score, people, COCO_17) == keypoint_scores(xy, score**3 + 7, people, COCO_17)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 10_000))
    def test_laxer_thresholds_give_more(self, seed):
        scores = keypoint_scores(*crowded(seed, n=6), COCO_17)
        assert scores.ap50 >= scores.ap - 1e-12 and scores.ar50 >= scores.ar75 - 1e-12
        assert all(0 <= x <= 1 or np.isnan(x) for x in dataclasses.astuple(scores))


class TestDoor:
    @pytest.mark.parametrize("fields, sentence", [
        ({"labelled": np.ones((1, 1, 5), bool)}, r"labelled: expected shape \(1, 1, 17\), got \(1, 1, 5\)"),
        ({"area": np.ones((2, 1))}, r"area: expected shape \(1, 1\), got \(2, 1\)"),
        ({"xy": np.full((1, 1, 17, 2), np.nan)}, "labelled: expected a place in xy for each labelled joint, 17 have"),
        ({"box": np.ones((1, 1, 2))}, r"box: expected shape \(1, 1, 4\), got \(1, 1, 2\)"),
        ({"crowd": np.ones((1, 2), bool)}, r"crowd: expected shape \(1, 1\), got \(1, 2\)"),
    ])
    def test_people_of_a_wrong_shape(self, fields, sentence):
        with pytest.raises(InvalidValue, match=sentence):
            dataclasses.replace(people_at(body(COCO_17)), **fields)

    def test_detections_of_a_wrong_shape(self):
        people = people_at(body(COCO_17))
        with pytest.raises(InvalidValue, match=r"xy: expected shape \(1, D, 17, 2\), got \(1, 1, 14, 2\)"):
            similarity(body(CROWDPOSE_14), people, COCO_17)
        with pytest.raises(InvalidValue, match="people: expected 14 joints of CrowdPose-14, got 17"):
            similarity(body(CROWDPOSE_14), people, CROWDPOSE_14)
        with pytest.raises(InvalidValue, match=r"score: expected shape \(1, 1\), got \(1,\)"):
            keypoint_scores(body(COCO_17), np.ones(1), people, COCO_17)

    def test_a_skeleton_without_sigmas(self):
        truth = body(BABYPOSE_12)
        with pytest.raises(UsageError, match="BabyPose-12: has no published OKS sigmas"):
            similarity(truth, people_at(truth), BABYPOSE_12)
