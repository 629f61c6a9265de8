"""Joints of one view come in from COCO, DeepLabCut and OpenPose files."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from test_storage import poses2d

from stereo3d.errors import InputError
from stereo3d.evaluation.files.pictures import is_picture_file, read_picture_truth, read_pictured
from stereo3d.export.coco import write_coco
from stereo3d.skeleton import COCO_17, CROWDPOSE_14

PARTS = ("nose", "RWrist", "l_wrist", "right_hip", "left hip", "RShoulder", "LShoulder")
NAMES = ("nose", "right_wrist", "left_wrist", "right_hip", "left_hip", "right_shoulder", "left_shoulder")


def test_coco_results_come_back(tmp_path: Path) -> None:
    poses = poses2d(5)
    xy = 100 + 10 * poses.xy
    xy[2, 4] = np.nan
    poses = dataclasses.replace(poses, xy=xy, frame=[3, 4, 5, 9, 10])
    write_coco(poses, tmp_path / "p.json")
    read = read_pictured(tmp_path / "p.json", rate=30).joints
    np.testing.assert_allclose(read.xy, poses.xy, atol=5e-4)
    np.testing.assert_allclose(read.score, np.where(np.isnan(xy[..., 0]), 0, poses.score), atol=5e-4)
    assert read.frame.tolist() == [3, 4, 5, 9, 10] and read.skeleton is COCO_17
    np.testing.assert_allclose(read.time, poses.frame / 30)


def test_of_several_results_the_surest_counts(tmp_path: Path) -> None:
    people = [(2, 0.3, 1.0), (1, 0.5, 2.0), (2, 0.9, 3.0), (2, 0.1, 4.0)]
    results = [{"image_id": i, "category_id": 1, "keypoints": [x, x, 1] * 14, "score": s} for i, s, x in people]
    (tmp_path / "p.json").write_text(json.dumps(results))
    read = read_pictured(tmp_path / "p.json").joints
    assert read.skeleton is CROWDPOSE_14 and read.frame.tolist() == [1, 2] and read.xy[:, 0, 0].tolist() == [2, 3]
    assert np.isnan(read.time).all() and np.isnan(read.sigma).all()


def test_no_results_are_no_frames(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text("[]")
    assert len(read_pictured(tmp_path / "p.json").joints) == 0


def deeplabcut(n_frames: int = 4) -> pd.DataFrame:
    levels = [["DLC_resnet50"], PARTS, ["x", "y", "likelihood"]]
    columns = pd.MultiIndex.from_product(levels, names=["scorer", "bodyparts", "coords"])
    return pd.DataFrame(np.random.default_rng(0).random((n_frames, 21)), columns=columns)


@pytest.mark.parametrize("ending", ["csv", "h5"])
def test_deeplabcut_comes_in(ending: str, tmp_path: Path) -> None:
    table, path = deeplabcut(), tmp_path / f"videoDLC.{ending}"
    table.iloc[1, 3:5] = np.nan
    if ending == "csv":
        table.to_csv(path)
    else:
        pytest.importorskip("tables")
        table.to_hdf(path, key="df_with_missing", format="table", mode="w")
    read = read_pictured(path, rate=25).joints
    values = table.to_numpy().reshape(4, 7, 3)
    np.testing.assert_allclose(read.xy, values[..., :2])
    assert np.isnan(read.xy[1, 1]).all() and read.score[1, 1] == 0
    assert read.skeleton.joints == NAMES and read.time.tolist() == [0, 0.04, 0.08, 0.12]
    assert read.skeleton.torso == (NAMES.index("right_hip"), NAMES.index("right_shoulder"))
    assert (NAMES.index("left_shoulder"), NAMES.index("right_shoulder")) in {tuple(sorted(b, reverse=True)) for b in read.skeleton.bones}


def test_one_individual_of_deeplabcut(tmp_path: Path) -> None:
    table = deeplabcut()
    one = pd.concat({"infant": table}, axis=1, names=["individuals"]).swaplevel(0, 1, axis=1)
    one.to_csv(tmp_path / "one.csv")
    np.testing.assert_allclose(read_pictured(tmp_path / "one.csv").joints.xy[:, 0, 0], table.iloc[:, 0])
    two = pd.concat({"a": table, "b": table}, axis=1, names=["individuals"]).swaplevel(0, 1, axis=1)
    two.to_csv(tmp_path / "two.csv")
    with pytest.raises(InputError, match="one scorer and one individual, got several"):
        read_pictured(tmp_path / "two.csv").joints


class Bad:
    def __reduce__(self) -> object:
        return os.getcwd, ()


@pytest.mark.parametrize("kind, sentence", [
    (pickle.dumps(Bad(), 0), "getcwd is not plain text"), (b"hello", "is damaged"), (b"", "is damaged"),
])
def test_a_pickle_that_runs_is_refused(kind: bytes, sentence: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        table = file.create_dataset("df/table", data=np.zeros(2, [("index", "i8"), ("values_block_0", "f8", (3,))]))
        table.attrs["values_block_0_kind"] = np.bytes_(kind)
    with pytest.raises(InputError, match=sentence):
        read_pictured(tmp_path / "p.h5").joints


def person(k: int, x: float, score: float) -> dict[str, list[float]]:
    return {"pose_keypoints_2d": [x, x + 1, score] * (k - 1) + [0, 0, 0]}


@pytest.mark.parametrize("k, last", [(18, "left_ear"), (25, "right_heel")])
def test_openpose_folder(k: int, last: str, tmp_path: Path) -> None:
    people = {12: [person(k, 5, 0.5), person(k, 7, 0.9)], 3: [person(k, 9, 0.4)], 40: []}
    for frame, found in people.items():
        (tmp_path / f"video_{frame:012d}_keypoints.json").write_text(json.dumps({"version": 1.3, "people": found}))
    (tmp_path / "notes.txt").write_text("no joints")
    read = read_pictured(tmp_path, rate=10).joints
    assert read.frame.tolist() == [3, 12, 40] and read.time.tolist() == [0.3, 1.2, 4]
    assert read.xy[:2, 0].tolist() == [[9, 10], [7, 8]] and read.score[:2, 0].tolist() == [0.4, 0.9]
    assert np.isnan(read.xy[2]).all() and np.isnan(read.xy[:, -1]).all() and (read.score[2] == 0).all()
    assert read.skeleton.joints[-1] == last and read.skeleton.joints[1] == "neck"


@pytest.mark.parametrize("name, text, sentence", [
    ("p.txt", "", "expected COCO .json, DeepLabCut .csv or .h5, or a folder"),
    ("p.json", "{}", "expected COCO's results, a list"),
    ("p.json", "[", "expected JSON"),
    ("p.json", '[{"keypoints": [[1], 2]}]', "cannot be read"),
    ("p.json", '[{"keypoints": [1, 2, 1], "image_id": 1}]', "expected 3 numbers for each of 17 or 14 joints, got 3"),
    ("p.csv", "a,b\n", "expected DeepLabCut's first lines scorer, bodyparts, coords, got a"),
    ("p.h5", "no HDF5", "p.h5"),
    ("a_1_keypoints.json/x", "", "with 18 or 25 joints, got none"),
])
def test_a_wrong_file_gets_a_sentence(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(InputError, match=sentence):
        read_pictured(path.parent if name.endswith("x") else path).joints


def test_an_h5_without_a_table(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file.create_group("df")
    with pytest.raises(InputError, match="take the .csv that it writes beside it"):
        read_pictured(tmp_path / "p.h5").joints


def test_a_frame_given_twice_is_refused(tmp_path: Path) -> None:
    deeplabcut().set_axis([0, 1, 1, 2]).to_csv(tmp_path / "p.csv")
    with pytest.raises(InputError, match="expected each frame once"):
        read_pictured(tmp_path / "p.csv").joints


def test_pictures_named_instead_of_numbered(tmp_path: Path) -> None:
    deeplabcut().set_axis(["a.png", "b.png", "c.png", "d.png"]).to_csv(tmp_path / "p.csv")
    with pytest.raises(InputError, match="expected frame numbers as index, got"):
        read_pictured(tmp_path / "p.csv").joints


def test_labels_that_people_made_with_deeplabcut(tmp_path: Path) -> None:
    """No likelihood, and the pictures' folders and names in place of frame numbers, in one column or in three."""
    levels = [["me"], PARTS, ["x", "y"]]
    columns = pd.MultiIndex.from_product(levels, names=["scorer", "bodyparts", "coords"])
    table = pd.DataFrame(np.random.default_rng(0).random((2, 14)), columns=columns)
    table.iloc[1, :2] = np.nan
    for index in (["labeled-data/v/img012.png", "labeled-data/v/img007.png"],
                  pd.MultiIndex.from_tuples([("labeled-data", "v", "img012.png"), ("labeled-data", "v", "img007.png")])):
        table.index = index
        table.to_csv(tmp_path / "CollectedData_me.csv")
        truth = read_picture_truth(tmp_path / "CollectedData_me.csv", rate=10)
        assert truth.joints.frame.tolist() == [7, 12] and truth.joints.score[1].tolist() == [1] * 7
        assert np.isnan(truth.joints.xy[0, 0]).all() and not truth.visible[0, 0] and truth.visible.sum() == 13
        np.testing.assert_allclose(truth.joints.xy[1].ravel(), table.iloc[0])


def test_pandas_own_form_of_hdf5_is_known_and_refused(tmp_path: Path) -> None:
    pytest.importorskip("tables")
    deeplabcut().to_hdf(tmp_path / "p.h5", key="df_with_missing", mode="w")
    assert is_picture_file(tmp_path / "p.h5")
    with pytest.raises(InputError, match="take the .csv that it writes beside it"):
        read_pictured(tmp_path / "p.h5")


def test_what_holds_joints_in_pictures(tmp_path: Path) -> None:
    deeplabcut().to_csv(tmp_path / "d.csv")
    (tmp_path / "tidy.csv").write_text("frame,joint,x,y,z\n")
    (tmp_path / "op").mkdir()
    (tmp_path / "op" / "a_000_keypoints.json").write_text("{}")
    (tmp_path / "other").mkdir()
    (tmp_path / "text.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "ours.h5", "w") as file:
        file.create_dataset("left", data=np.zeros(2))
    kinds = {name: is_picture_file(tmp_path / name) for name in ("d.csv", "tidy.csv", "op", "other", "text.h5", "ours.h5", "none.csv", "none.json")}
    assert [name for name, yes in kinds.items() if yes] == ["d.csv", "op", "none.json"]


def test_files_that_claim_too_much_are_refused_at_once(tmp_path: Path) -> None:
    keypoints = [1.0] * 51
    crowd = [{"image_id": 0, "keypoints": keypoints, "area": 5}] * 3000
    others = [{"image_id": i, "keypoints": keypoints, "area": 5} for i in range(3000)]
    names = [{"keypoints": ["a"] * 1_000_000}]
    for held, sentence in (
        ({"annotations": crowd + others}, "up to 3001 people in each picture claims"),
        ({"annotations": [], "images": [{"id": 1}], "categories": names}, "up to 1000 joints, got 1000000"),
    ):
        path = tmp_path / "p.json"
        path.write_text(json.dumps(held))
        with pytest.raises(InputError, match=sentence):
            read_picture_truth(path)
    with h5py.File(tmp_path / "p.h5", "w") as file:
        kind = np.dtype([("index", "i8"), ("values_block_0", "f8", (9,))])
        table = file.create_dataset("df/table", (1 << 30,), kind, chunks=(1024,))
        table.attrs["values_block_0_kind"] = np.bytes_(pickle.dumps([("a", "nose", c) for c in "xy"], 0))
    with pytest.raises(InputError, match="claims .* bytes in a file of"):
        read_pictured(tmp_path / "p.h5")
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file["df/table"].attrs["values_block_0_kind"] = "of variable length"
    with pytest.raises(InputError, match="is of variable length"):
        read_pictured(tmp_path / "p.h5")
