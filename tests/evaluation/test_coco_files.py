"""COCO's JSON both ways: data sets that people annotated, and detectors' results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from marked import SIZE, annotation, dataset, places, result, written

from stereo3d.errors import InputError
from stereo3d.evaluation.files.pictures import read_picture_truth, read_pictured
from stereo3d.skeleton import COCO_17, CROWDPOSE_14

XY = places(3)


def test_an_annotated_data_set(tmp_path: Path) -> None:
    """Marked but unseen joints count and are not visible; unmarked ones have no place; pictures may hold nobody."""
    seen = np.full(17, 2)
    seen[3], seen[5] = 0, 1
    marks = [annotation(4, XY[0], seen), annotation(7, XY[1])]
    truth = read_picture_truth(written(tmp_path / "t.json", dataset(marks, [4, 7, 9])), rate=10)
    assert truth.joints.frame.tolist() == [4, 7, 9] and truth.joints.time.tolist() == [0.4, 0.7, 0.9]
    assert truth.size == SIZE and truth.area_from == "the annotations" and truth.joints.skeleton is COCO_17
    np.testing.assert_allclose(truth.joints.xy[1], XY[1])
    assert np.isnan(truth.joints.xy[0, 3]).all() and np.isnan(truth.joints.xy[2]).all()
    assert truth.joints.score[0].tolist() == (seen > 0).astype(float).tolist()
    assert truth.visible[0].tolist() == (seen == 2).tolist() and not truth.visible[2].any()
    people = truth.people
    assert people.labelled[0, 0].tolist() == (seen > 0).tolist() and people.there.tolist() == [[True], [True], [False]]
    np.testing.assert_allclose(people.area[:2, 0], [m["area"] for m in marks])
    assert people.box is not None and people.box[0, 0].tolist() == marks[0]["bbox"]


def test_the_infant_is_the_largest_and_all_are_kept(tmp_path: Path) -> None:
    marks = [annotation(1, XY[0] / 4), annotation(1, XY[1]), annotation(1, XY[2], iscrowd=1, area=9.0)]
    truth = read_picture_truth(written(tmp_path / "t.json", dataset(marks, [1])))
    np.testing.assert_allclose(truth.joints.xy[0], XY[1])
    assert truth.people.area[0].tolist() == sorted((m["area"] for m in marks), reverse=True)
    assert truth.people.crowd is not None and truth.people.crowd[0].tolist() == [False, False, True]


@pytest.mark.parametrize("lacking, words", [(["area"], "the annotated boxes"), (["area", "bbox"], "boxes round the marked joints, smaller than the infant")])
def test_where_areas_come_from(lacking: list[str], words: str, tmp_path: Path) -> None:
    mark = annotation(1, XY[0])
    for name in lacking:
        del mark[name]
    truth = read_picture_truth(written(tmp_path / "t.json", dataset([mark], [1])))
    assert truth.area_from == words and truth.people.area[0, 0] == pytest.approx(np.ptp(XY[0], 0).prod())
    assert (truth.people.box is None) == ("bbox" in lacking)


def test_pictures_of_several_sizes_have_none(tmp_path: Path) -> None:
    held = dataset([annotation(1, XY[0])], [1, 2])
    held["images"][1]["width"] = 100
    assert read_picture_truth(written(tmp_path / "t.json", held)).size is None
    del held["images"]
    assert read_picture_truth(written(tmp_path / "t.json", held)).joints.frame.tolist() == [1]


def test_joints_by_the_names_of_the_category(tmp_path: Path) -> None:
    names = ("R_Hip", "L_Hip", "R_Shoulder", "L_Shoulder")
    held = dataset([annotation(1, XY[0, :4])], [1], names)
    truth = read_picture_truth(written(tmp_path / "t.json", held))
    joints = truth.joints.skeleton.joints
    assert joints == ("right_hip", "left_hip", "right_shoulder", "left_shoulder")
    seen = read_pictured(written(tmp_path / "r.json", [result(1, XY[1, :4])]), joints)
    assert seen.joints.skeleton.joints == joints
    with pytest.raises(InputError, match="3 numbers for each of 17 or 14 joints, got 12"):
        read_pictured(tmp_path / "r.json")
    other = read_pictured(written(tmp_path / "c.json", [result(1, XY[1, :14])]), joints)
    assert other.joints.skeleton is CROWDPOSE_14


def test_results_in_any_order_the_best_twenty(tmp_path: Path) -> None:
    entries = [result(2, XY[0] + i, score=i / 100) for i in (5, *range(25))] + [result(0, XY[1], 0.5)]
    seen = read_pictured(written(tmp_path / "r.json", entries))
    assert seen.joints.frame.tolist() == [0, 2] and seen.score.shape == (2, 20) and seen.sparse
    np.testing.assert_allclose(seen.score[1], np.arange(24, 4, -1) / 100)
    np.testing.assert_allclose(seen.everyone[1, :, 0, 0], XY[0, 0, 0] + np.arange(24, 4, -1))
    assert np.isnan(seen.score[0, 1:]).all() and np.isnan(seen.everyone[0, 1:]).all()
    np.testing.assert_allclose(seen.joints.xy, seen.everyone[:, 0])


def test_missing_joints_stay_zero_for_coco_and_are_unknown_here(tmp_path: Path) -> None:
    entry = result(1, XY[0])
    entry["keypoints"][3:6] = [0, 0, 0]
    seen = read_pictured(written(tmp_path / "r.json", [entry]))
    assert seen.everyone[0, 0, 1].tolist() == [0, 0] and np.isnan(seen.joints.xy[0, 1]).all()


def test_results_can_be_taken_for_true(tmp_path: Path) -> None:
    truth = read_picture_truth(written(tmp_path / "r.json", [result(1, XY[0]), result(1, XY[1], 0.1)]), rate=10)
    np.testing.assert_allclose(truth.joints.xy[0], XY[0])
    assert truth.joints.time.tolist() == [0.1] and truth.visible.all() and truth.size is None
    assert truth.people.area[0, 0] == pytest.approx(np.ptp(XY[0], 0).prod())


@pytest.mark.parametrize("held, sentence", [
    ({"images": []}, "expected COCO's data set with annotations, or a list of results"),
    ("words", "expected COCO's data set with annotations"),
    ({"annotations": [{"image_id": 1}]}, "expected entries with keypoints, got some without"),
    ({"annotations": [], "images": [{"width": 3}]}, "expected entries with id, got some without"),
    ([1, 2], "expected entries with keypoints"),
])
def test_a_wrong_file_gets_a_sentence(held: object, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"t.json.*{sentence}"):
        read_picture_truth(written(tmp_path / "t.json", held))


def test_nothing_annotated_is_nothing(tmp_path: Path) -> None:
    truth = read_picture_truth(written(tmp_path / "t.json", dataset([], [])))
    assert len(truth.joints) == 0 and truth.people.area.shape == (0, 1)
    assert len(read_picture_truth(written(tmp_path / "e.json", {"annotations": []})).joints) == 0
