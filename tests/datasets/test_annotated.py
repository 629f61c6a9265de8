"""Annotated pictures: infants stay on one side of a split, and pictures stay within their folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from dotted import annotated, dotted, write_coco  # noqa: E402

from stereo3d.datasets.annotated import joined, separate, split  # noqa: E402
from stereo3d.datasets.reading import read_annotated  # noqa: E402
from stereo3d.errors import InputError, InvalidValue  # noqa: E402

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


def test_coco_comes_back(tmp_path: Path) -> None:
    found = read_annotated(write_coco(tmp_path, 6))
    images, xy = dotted(6)
    assert len(found) == 6 and np.allclose(found.xy, xy) and found.visible.all()
    assert np.array_equal(found.picture(3), images[3])
    assert found.subject == tuple(f"infant{i % 4}" for i in range(6))


def test_the_largest_person_is_the_infant_and_marks_say_what_is_known(tmp_path: Path) -> None:
    path = write_coco(tmp_path, 2)
    held = json.loads(path.read_text())
    first = held["annotations"][0]["keypoints"]
    first[:3] = [0, 0, 0]
    first[5] = 1
    small = {**held["annotations"][0], "id": 9, "keypoints": (np.array(first) * 0.1).tolist()}
    path.write_text(json.dumps(held | {"annotations": [small, *held["annotations"]]}))
    found = read_annotated(path)
    assert len(found) == 2 and np.isnan(found.xy[0, 0]).all() and found.weight[0, 0] == 0
    assert found.weight[0, 1] == 1 and not found.visible[0, 1] and found.visible[0, 2]
    assert found.others is not None and found.others.shape == (2, 1, 17, 2) and np.isnan(found.others[1]).all()
    assert found.others[0, 0, 1:] == pytest.approx(0.1 * found.xy[0, 1:]) and np.isnan(found.others[0, 0, 0]).all()


@pytest.mark.parametrize("text, sentence", [
    ("{}", "expected COCO's images"), ("3", "expected COCO's images"), ("[]", "expected points named"), ("{", "JSON|another file|cannot be read"),
])
def test_other_json_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_annotated(tmp_path / "a.json")


@pytest.mark.parametrize("wrong", [
    {"images": [3]}, {"images": ["a"]}, {"images": [[]]}, {"annotations": [3]}, {"annotations": [[]]}, {"categories": ["infant"]},
    {"categories": [4]}, {"categories": 7}, {"images": [{"id": 0}]}, {"images": [{"id": 1e999, "file_name": "a.png"}]},
    {"images": None}, {"annotations": {}, "images": 3}, {"images": [{"id": 0, "file_name": "a.png"}] * 2, "annotations": [
        {"image_id": 0, "keypoints": [1, 2, 2] * 17, "bbox": [1, 2, 3]}]},
    {"annotations": [{"image_id": 0, "keypoints": [10**400, 2, 2] * 17}]},
])
def test_entries_of_another_kind_are_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = write_coco(tmp_path, 2)
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(InputError, match="expected COCO's images"):
        read_annotated(path)


def test_pictures_that_nobody_marked_are_left_out(tmp_path: Path) -> None:
    path = write_coco(tmp_path, 3)
    held = json.loads(path.read_text())
    path.write_text(json.dumps(held | {"annotations": held["annotations"][1:2]}))
    found = read_annotated(path)
    assert found.subject == ("infant1",) and np.array_equal(found.picture(0), dotted(3)[0][1])
    path.write_text(json.dumps(held | {"annotations": []}))
    assert len(read_annotated(path)) == 0


@pytest.mark.parametrize("name", ["a\0b.png", "../a\0", "a" * 300, "a/" * 2000 + "b.png", "\ud800.png"])
def test_names_that_no_file_can_have_are_refused(tmp_path: Path, name: str) -> None:
    path = write_coco(tmp_path, 1)
    held = json.loads(path.read_text())
    held["images"][0]["file_name"] = name
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match="expected names of pictures"):
        read_annotated(path)


def test_names_that_lead_away_are_refused(tmp_path: Path) -> None:
    path = write_coco(tmp_path / "in", 1)
    held = json.loads(path.read_text())
    held["images"][0]["file_name"] = "../secret.png"
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match="expected pictures within"):
        read_annotated(path)


def test_lost_pictures_and_files_are_named(tmp_path: Path) -> None:
    path = write_coco(tmp_path, 1)
    (tmp_path / "infant0" / "0000.png").unlink()
    with pytest.raises(InputError, match="give data.pictures"):
        read_annotated(path).picture(0)
    with pytest.raises(InputError, match="there is no such file"):
        read_annotated(tmp_path / "none.json")


def test_a_recording_with_labels_gives_both_views() -> None:
    found = read_annotated(SAMPLE)
    assert len(found) == 90 and set(found.subject) == {"infant"}
    assert found.picture(50).shape == (720, 1280, 3) and not np.array_equal(found.picture(5), found.picture(50))
    inside = (found.xy[50] > 0).all() and (found.xy[50] < [1280, 720]).all()
    assert inside and 0.7 < found.visible.mean() <= 1


def test_no_infant_is_on_both_sides() -> None:
    told = annotated(40, subjects=8)
    for seed in range(5):
        learned, held = split(told, 0.25, seed=seed)
        assert not set(learned.subject) & set(held.subject) and len(set(held.subject)) == 2
        assert len(learned) + len(held) == 40
        separate(learned, held)
    assert split(told, 0.25, seed=1)[1].subject == split(told, 0.25, seed=1)[1].subject
    with pytest.raises(InputError, match="expected other infants"):
        separate(told, held)
    with pytest.raises(InvalidValue, match="two infants or more, got 1"):
        split(annotated(4, subjects=1), 0.2)


def test_data_sets_join_row_by_row() -> None:
    one, two = annotated(3, seed=1), annotated(2, seed=2)
    both = joined([one, two])
    assert np.array_equal(both.picture(4), two.picture(1)) and np.array_equal(both.xy[:3], one.xy)
    with pytest.raises(InvalidValue, match="got no data set"):
        joined([])
