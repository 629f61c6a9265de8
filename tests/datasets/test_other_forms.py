"""labelme, Label Studio, SyRIP and MINI-RGBD: small files as their makers write them come back as joints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stereo3d.datasets import mini_rgbd
from stereo3d.datasets.annotated import separate, split
from stereo3d.datasets.reading import read_annotated
from stereo3d.errors import InputError, InvalidValue
from stereo3d.skeleton import BABYPOSE_12, COCO_17


def picture(path: Path, grey: int = 90) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((60, 80, 3), grey, np.uint8))
    return path


def column(name: str) -> int:
    return COCO_17.index(name)


def shape(label: str, x: float, y: float, **more: Any) -> dict[str, Any]:
    return {"label": label, "points": [[x, y]], "shape_type": "point", "flags": {}, "group_id": None, **more}


def labelme(path: Path, shapes: list[dict[str, Any]], image: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image, "imageData": None,
                                "imageHeight": 60, "imageWidth": 80}))
    return path


# labelme

def test_labelme_reads_a_folder_of_infants(tmp_path: Path) -> None:
    for infant in ("a", "b"):
        for i in range(2):
            picture(tmp_path / infant / f"{i}.png", 50 * i)
            labelme(tmp_path / infant / f"{i}.json", [
                shape("LWrist", 10.5, 20.5), shape("right knee", 30, 40 + i, flags={"occluded": True}),
                {"label": "infant", "points": [[0, 0], [9, 9]], "shape_type": "rectangle"}], f"{i}.png")
    found = read_annotated(tmp_path)
    assert found.subject == ("a", "a", "b", "b") and found.skeleton is COCO_17
    assert found.xy[0, column("left_wrist")].tolist() == [10, 20], "(0, 0) is the middle of a pixel here, its corner there"
    assert found.xy[3, column("right_knee")].tolist() == [29.5, 40.5]
    assert found.visible[0, column("left_wrist")] and not found.visible[0, column("right_knee")]
    assert found.weight.sum() == 8 and np.isnan(found.xy[0, 0]).all()
    assert found.picture(1)[0, 0, 0] == 50
    learned, held = split(found, 0.5)
    separate(learned, held)


def test_labelme_keeps_the_group_of_most_points(tmp_path: Path) -> None:
    picture(tmp_path / "x" / "p7.png")
    file = labelme(tmp_path / "ann" / "p7.json", [
        shape("nose", 1, 1, group_id=2), shape("nose", 5, 5, group_id=1), shape("left_eye", 6, 5, group_id=1)], "../gone/p7.png")
    found = read_annotated(file, tmp_path / "x")
    assert found.xy[0, 0].tolist() == [4.5, 4.5] and found.subject == ("p",) and found.picture(0).shape == (60, 80, 3)
    with pytest.raises(InputError, match="pictures within"):
        read_annotated(file)


def test_labelme_takes_other_skeletons_and_names_what_it_cannot(tmp_path: Path) -> None:
    found = read_annotated(labelme(tmp_path / "a1.json", [shape("upper_neck", 3, 3), shape("thorax", 3, 4)], "a1.png"))
    assert found.skeleton.name == "MPII-16"
    for shapes, sentence in (
        ([shape("belly", 1, 1)], "got belly"), ([], "got none"),
        ([shape("nose", 1, 1), shape("nose", 2, 2)], "one twice"),
        ([shape("LWrist", 1, 1), shape("left wrist", 2, 2)], "one left_wrist"),
        ([{"label": "nose", "shape_type": "point"}], "expected labelme's shapes"),
        ([shape("nose", 10**400, 1)], "expected labelme's shapes"), ([shape("nose", 1, 1, points=[])], "expected labelme's shapes"),
    ):
        with pytest.raises(InputError, match=sentence):
            read_annotated(labelme(tmp_path / "b.json", shapes, "b.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="got neither"):
        read_annotated(tmp_path / "empty")
    assert set(BABYPOSE_12.joints) <= set(COCO_17.joints), "so limbs alone are COCO-17"


# Label Studio

def region(label: str, x: float, y: float, *, key: str = "r1", **more: Any) -> dict[str, Any]:
    value = {"x": x, "y": y, "width": 0.5, "keypointlabels": [label]}
    return {"id": key, "type": "keypointlabels", "original_width": 80, "original_height": 60, "image_rotation": 0,
            "value": value, **more}


def task(image: str, result: list[dict[str, Any]], **data: Any) -> dict[str, Any]:
    cancelled = {"was_cancelled": True, "result": [region("nose", 0, 0)]}
    return {"id": 3, "data": {"image": image, **data}, "annotations": [cancelled, {"was_cancelled": False, "result": result}]}


def written(folder: Path, tasks: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "export.json").write_text(json.dumps(tasks))
    return folder / "export.json"


def test_label_studio_comes_in_per_cent(tmp_path: Path) -> None:
    picture(tmp_path / "inf2_0004.png", 200)
    picture(tmp_path / "ward" / "7.png")
    hidden = {"id": "h", "type": "choices", "value": {"choices": ["Occluded"]}}
    path = written(tmp_path, [
        task("/data/upload/1/0a1b2c3d-inf2_0004.png", [region("nose", 50, 50), region("LeftEye", 25, 10, key="h"), hidden]),
        task("/data/local-files/?d=ward/7.png", [region("nose", 100, 0)]),
        task("s3://bucket/ward/7.png", [region("nose", 100, 0)], subject="infant 9"),
        {"id": 8, "data": {"image": "unseen.png"}, "annotations": []}])
    with pytest.raises(InputError, match="cannot be read"):
        read_annotated(path).picture(2)
    found = read_annotated(path)
    assert len(found) == 3 and found.subject == ("inf2", "ward", "infant 9")
    assert found.xy[0, 0].tolist() == [39.5, 29.5] and found.xy[1, 0].tolist() == [79.5, -0.5]
    assert not found.visible[0, column("left_eye")] and found.weight[0, column("left_eye")] == 1
    assert found.picture(0)[0, 0, 0] == 200 and found.picture(1).shape == (60, 80, 3)


def test_label_studio_min(tmp_path: Path) -> None:
    points = [{"x": 50.0, "y": 50.0, "width": 1, "keypointlabels": ["nose"], "original_width": 80, "original_height": 60}]
    found = read_annotated(written(tmp_path, [{"id": 1, "image": "a/b1.jpg", "kp-1": points, "annotator": 1}]))
    assert found.xy[0, 0].tolist() == [39.5, 29.5] and found.subject == ("a",)


@pytest.mark.parametrize(("tasks", "sentence"), [
    ([task("a.png", [region("nose", 1, 1), region("nose", 2, 2)])], "got nose twice"),
    ([task("a.png", [region("nose", 1, 1, image_rotation=90)])], "turned by 90"),
    ([task("a.txt", [region("nose", 1, 1)])], "expected a picture in task 3"),
    ([task("a" * 999 + ".png", [region("nose", 1, 1)])], "expected names of pictures"),
    ([task("../../a.png", [region("nose", 1, 1)])], "expected pictures within"),
    ([task("a.png", [region("nose", 10**400, 1)])], "expected Label Studio's tasks"),
    ([1, 2], "expected Label Studio's tasks"), ([], "got none"),
])
def test_label_studio_says_what_is_wrong(tmp_path: Path, tasks: Any, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_annotated(written(tmp_path / "in", tasks))


# SyRIP

def syrip(root: Path, split_: str, names: list[str]) -> Path:
    people = [{"id": i, "image_id": i, "bbox": [0, 0, 50, 50], "keypoints": [20 + i, 30, 2] * 16 + [0, 0, 0]}
              for i in range(len(names))]
    for name in names:
        picture(root / "images" / split_ / name)
    path = root / "annotations" / "200R_1000S" / f"person_keypoints_{split_}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"id": i, "file_name": n, "width": 80, "height": 60} for i, n in enumerate(names)]
    path.write_text(json.dumps({"images": images, "annotations": people, "categories": [
        {"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}]}))
    return path


def test_syrip_keeps_its_own_split(tmp_path: Path) -> None:
    train = read_annotated(syrip(tmp_path, "train_infant", ["train00001.jpg", "train10001.jpg"]))
    held = read_annotated(syrip(tmp_path, "validate_infant", ["test0.jpg"]))
    assert train.picture(1).shape == (60, 80, 3) and held.picture(0).shape == (60, 80, 3), "found in images/SPLIT"
    assert set(train.subject) == {"train"} and set(held.subject) == {"test"}
    separate(train, held)
    with pytest.raises(InvalidValue, match="two infants or more"):
        split(train, 0.5)


# MINI-RGBD

def sequence(root: Path, name: str, frames: int = 2) -> None:
    for i in range(frames):
        picture(root / name / "rgb" / f"syn_{i:05d}.png", 40 + i)
        lines = [f"{10.25 + j} {20 + i} {900.0} {j}" for j in range(25)]
        file = root / name / "joints_2Ddep" / f"syn_joints_2Ddep_{i:05d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(reversed(lines)) + "\n")
    tpose = root / name / "tpose"
    tpose.mkdir()


def test_mini_rgbd_gives_the_joints_that_coincide(tmp_path: Path) -> None:
    for name in ("01", "02"):
        sequence(tmp_path, name)
    found = read_annotated(tmp_path)
    assert found.subject == ("MINI-RGBD 01",) * 2 + ("MINI-RGBD 02",) * 2 and found.skeleton is COCO_17
    expected = {"nose": 24, "left_shoulder": 16, "right_shoulder": 17, "left_elbow": 18, "right_elbow": 19, "left_wrist": 20,
                "right_wrist": 21, "left_hip": 1, "right_hip": 2, "left_knee": 4, "right_knee": 5, "left_ankle": 7,
                "right_ankle": 8}
    for joint in COCO_17.joints:
        if joint in expected:
            assert found.xy[3, column(joint)].tolist() == [10.25 + expected[joint], 21.0], joint
        else:
            assert np.isnan(found.xy[3, column(joint)]).all() and found.weight[3, column(joint)] == 0, joint
    assert found.picture(3)[0, 0, 0] == 41
    assert len(read_annotated(tmp_path / "02")) == 2
    assert {mini_rgbd.JOINTS[j] for j in mini_rgbd.COCO_OF} >= {"leftUpperArm", "rightThigh", "noseVertex"}


@pytest.mark.parametrize("text", ["", "1 2 3 4\n", "x\n" * 25, "1 2 3 0\n" * 25])
def test_mini_rgbd_names_a_torn_file(tmp_path: Path, text: str) -> None:
    sequence(tmp_path, "01")
    (tmp_path / "01" / "joints_2Ddep" / "syn_joints_2Ddep_00001.txt").write_text(text)
    with pytest.raises(InputError, match="expected 25 lines"):
        read_annotated(tmp_path)
