"""Small annotated data sets: labelme's, Label Studio's, COCO's and MINI-RGBD's files, with the pictures they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made
from mutations import TEXT, json_value
from specimen import Kind, several

from stereo3d.skeleton import COCO_17

SIZE = {"width": 64, "height": 48}


def annotated(folder: Path) -> dict[str, Kind]:
    written: dict[str, Any] = {
        "labelme": {"a.json": _labelme(), "b.json": _labelme()}, "label studio": {"a.json": _tasks()}, "coco": {"a.json": _coco()},
        "both views": {"a.json": _both_views()},
    }
    for name, files in written.items():
        for i in range(2):
            made.write_png(folder / name / f"inf_{i}.png", made.picture(i, "left"))
        for file, content in files.items():
            (folder / name / file).write_text(json.dumps(content))
    how = (*TEXT, *[json_value] * 6)
    labelme, studio, coco, both = (folder / name for name in written)
    return {
        "labelme": Kind("annotated", how, [several(labelme, "a.json"), several(labelme, "a.json", "a.json")]),
        "Label Studio": Kind("annotated", how, [several(studio, "a.json", "a.json")]),
        "COCO data sets": Kind("annotated", how, [several(coco, "a.json", "a.json")]),
        "both views marked": Kind("annotated", how, [several(both, "a.json", "a.json")]),
        "MINI-RGBD": Kind("annotated", TEXT, [_mini_rgbd(folder / "mini")]),
    }


def _labelme() -> dict[str, Any]:
    def shape(label: str, x: float, **more: Any) -> dict[str, Any]:
        return {"label": label, "points": [[x, 20.5]], "shape_type": "point", "flags": {}, "group_id": 1, **more}

    shapes = [shape("LWrist", 10.5, description=""), shape("right knee", 30, flags={"occluded": True})]
    return {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": "inf_0.png", "imageData": None, "imageHeight": 48, "imageWidth": 64}


def _tasks() -> list[dict[str, Any]]:
    def region(label: str, x: float, key: str) -> dict[str, Any]:
        value = {"x": x, "y": 50, "width": 0.5, "keypointlabels": [label]}
        return {"id": key, "type": "keypointlabels", "original_width": 64, "original_height": 48, "image_rotation": 0, "value": value}

    hidden = {"id": "b", "type": "choices", "value": {"choices": ["Occluded"]}}
    result = [region("nose", 50, "a"), region("LeftEye", 25, "b"), hidden]
    smaller = {"id": 2, "image": "/data/local-files/?d=inf_1.png", "kp-1": [region("nose", 9, "a")["value"] | {"original_width": 64, "original_height": 48}]}
    whole = {"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-inf_0.png", "subject": "inf"}, "annotations": [{"was_cancelled": False, "result": result}]}
    return [whole, smaller]


def _coco() -> dict[str, Any]:
    people = [{"id": i, "image_id": i % 2, "bbox": [0, 0, 50, 40 + i], "keypoints": [20 + i, 30, 2] * 16 + [0, 0, 0]} for i in range(3)]
    images = [{"id": i, "file_name": f"inf_{i}.png", **SIZE} for i in range(2)]
    return {"images": images, "annotations": people, "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}]}


def _both_views() -> dict[str, Any]:
    people = [{"id": 10 * i + x, "image_id": i, "keypoints": [x, 30, 2] * 17} for i in range(2) for x in (20, 50)]
    return _coco() | {"info": {"layout": "side-by-side"}, "annotations": people}


def _mini_rgbd(folder: Path) -> Any:
    for i in range(2):
        made.write_png(folder / "01" / "rgb" / f"syn_{i:05d}.png", made.picture(i, "left"))
        (folder / "01" / "joints_2Ddep").mkdir(exist_ok=True)
        (folder / "01" / "joints_2Ddep" / f"syn_joints_2Ddep_{i:05d}.txt").write_text("".join(f"{9.25 + j} 20 900.0 {j}\n" for j in range(25)))
    return several(folder, "01/joints_2Ddep/syn_joints_2Ddep_00000.txt")
