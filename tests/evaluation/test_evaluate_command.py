"""`stereo3d evaluate` as a user types it: every kind of file, subjects in folders, and what cannot be evaluated."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from marked import annotation, dataset, result, written
from tracks import CAMERA, off_by, poses_at, rows, truth_poses

from stereo3d import storage
from stereo3d.calibration.files import write_rig
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.cli.app import main
from stereo3d.evaluation.points import points_of
from stereo3d.evaluation.views import in_recorded_picture
from stereo3d.export import export
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import open_recording
from stereo3d.skeleton import BABYPOSE_12, COCO_17, OPENPOSE_18
from stereo3d.stereo import Stereo

Run = Callable[..., tuple[int, str, str]]
SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
TRUTH = truth_poses(6)
POSES = off_by(TRUTH, 0.02)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """run(words...) -> (exit code, standard output, standard error) of `stereo3d evaluate`, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    storage.write("truth.h5", truth=TRUTH)
    storage.write("poses.h5", poses=POSES)

    def go(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stereo3d", "evaluate", *map(str, words)])
        with pytest.raises(SystemExit) as leave:
            main()
        out, err = capsys.readouterr()
        assert "Traceback" not in err and "nan" not in out.replace("unknown", "")
        return int(leave.value.code or 0), out, err

    return go


def figures(run: Run, *words: object) -> dict[str, Any]:
    code, out, err = run(*words, "--json")
    assert code == 0, err
    return json.loads(out)  # type: ignore[no-any-return]


def npz(path: str, poses: Poses3D = TRUTH, times: float = 1.0, **more: Any) -> str:
    held = points_of(poses)
    named = {"joints": np.array(held.joints), "video_frame": held.frame, "time": held.time} | more
    np.savez(path, xyz=times * held.xyz, **{n: x for n, x in named.items() if x is not None})
    return path


class TestSpace:
    @pytest.mark.parametrize("ending", ["csv", "trc", "c3d", "npz", "h5"])
    def test_of_any_file_against_any(self, run: Run, ending: str) -> None:
        """Ours say that they are in the rectified camera; an npz here is in the left one."""
        if ending == "npz":
            npz("p.npz", POSES)
        elif ending == "h5":
            storage.write("p.h5", poses=POSES)
        else:
            pytest.importorskip("ezc3d")
            export(POSES, f"p.{ending}")
        for words in ((f"p.{ending}", "truth.h5"), ("truth.h5", f"p.{ending}")):
            if words[0] == "truth.h5":
                storage.write("truth.h5", poses=TRUTH)
            found = figures(run, *words)
            assert found["all"]["mean_cm"] == pytest.approx(2, abs=1e-3) and found["frames"]["shared"] == 6
            assert found["frames"]["paired_by"] == ("time" if ending in ("trc", "c3d") else "frame")

    def test_a_wide_table(self, run: Run) -> None:
        held = points_of(POSES)
        table = {"fnum": held.frame} | {
            f"{j}_{a}_mm": 1000 * held.xyz[:, k, i] for k, j in enumerate(held.joints) for i, a in enumerate("xyz")
        }
        pd.DataFrame(table).to_csv("wide.csv", index=False)
        assert figures(run, "wide.csv", "truth.h5")["all"]["mean_cm"] == pytest.approx(2, abs=1e-3)

    @pytest.mark.parametrize("times, unit", [(1000.0, "mm"), (100.0, "cm")])
    def test_another_unit_gets_a_sentence_and_an_option(self, run: Run, times: float, unit: str) -> None:
        code, _, err = run("poses.h5", npz("t.npz", times=times))
        assert code == 4 and "t.npz: xyz: expected metres, got a median |Z| of" in err and f"if these are {unit}" in err
        assert figures(run, "poses.h5", "t.npz", "--unit", unit)["all"]["mean_cm"] == pytest.approx(2)
        assert figures(run, "poses.h5", "truth.h5", "--unit", unit)["all"]["mean_cm"] == pytest.approx(2)
        code, _, err = run("poses.h5", "t.npz", "--unit", "inch")
        assert code == 4 and "units: expected m, cm or mm, got 'inch'" in err

    def test_the_camera_of_files_that_do_not_say_it(self, run: Run) -> None:
        """A plain table in the rectified camera against a truth in the left one needs to be told so, and a rig."""
        table = pd.DataFrame([(f, j, *POSES.xyz[f, k]) for f in range(6) for k, j in enumerate(COCO_17.joints)],
                             columns=["frame", "joint", "x", "y", "z"])  # fmt: skip
        table.to_csv("p.csv", index=False)
        assert figures(run, "p.csv", "truth.h5")["all"]["mean_cm"] > 2.1
        assert figures(run, "p.csv", "truth.h5", "--poses-frame", "rectified")["all"]["mean_cm"] == pytest.approx(2, abs=1e-4)
        code, _, err = run("p.csv", npz("t.npz"), "--poses-frame", "rectified")
        assert code == 2 and "t.npz: brings no rig" in err and "--rig" in err
        write_rig("rig.json", CAMERA)
        assert figures(run, "p.csv", "t.npz", "--poses-frame", "rectified", "--rig", "rig.json")["all"]["mean_cm"] == pytest.approx(2, abs=1e-4)

    def test_a_recording_brings_its_rig(self, run: Run) -> None:
        with open_recording(SAMPLE) as recording:
            assert recording.rig is not None
            camera = Rectifier(recording.rig).camera
        truth = storage_truth()
        assert isinstance(camera, RectifiedCamera)
        xyz = truth.xyz @ camera.left_from_rectified
        export(dataclasses.replace(truth, xyz=xyz, camera=camera), "p.csv")
        assert figures(run, "p.csv", SAMPLE)["all"]["mean_cm"] < 1e-3
        assert figures(run, "p.csv", npz("t.npz", truth), "--rig", SAMPLE)["all"]["mean_cm"] < 1e-3

    def test_several_of_different_kinds(self, run: Run) -> None:
        export(off_by(TRUTH, 0.03), "table.csv")
        npz("n.npz", off_by(TRUTH, 0.01))
        code, out, _ = run("poses.h5", "table.csv", "n.npz", "truth.h5", "--boxes", "b.png", "-o", "t.md")
        assert code == 0 and "| table | " in out and Path("t.md").read_text() == out and Path("b.png").stat().st_size > 5000
        held = figures(run, "poses.h5", "table.csv", "n.npz", "truth.h5")["tests"]["rows"]
        assert [held[n]["mean cm"] for n in ("poses", "table", "n")] == pytest.approx([2, 3, 1], abs=1e-3)


def storage_truth() -> Poses3D:
    with storage.open_hdf5(SAMPLE) as file:
        return storage.get(file, "truth")  # type: ignore[no-any-return]


class TestEdges:
    @pytest.mark.parametrize("ending", ["h5", "csv", "npz"])
    def test_no_frames_at_all(self, run: Run, ending: str) -> None:
        nothing = rows(POSES, slice(0, 0))
        if ending == "npz":
            npz("p.npz", nothing)
        elif ending == "h5":
            storage.write("p.h5", poses=nothing)
        else:
            export(nothing, "p.csv")
        code, out, err = run(f"p.{ending}", "truth.h5")
        if ending == "csv":
            assert code == 4 and "joints: expected some that poses and truth share, got none and nose" in err
            return
        assert code == 0 and out.startswith("0 frames shared (poses have 0, truth 6") and "| **all** | - | - | - |" in out
        code, _, err = run(f"p.{ending}", "poses.h5", "truth.h5")
        assert code == 4 and "share with the truth, got none of 0 and 6 frames" in err

    def test_a_table_without_rows_or_joints(self, run: Run) -> None:
        Path("p.csv").write_text("frame,joint,x,y,z\n")
        code, _, err = run("p.csv", "truth.h5")
        assert code == 4 and "joints: expected some that poses and truth share, got none and nose" in err

    def test_nothing_found(self, run: Run) -> None:
        storage.write("p.h5", poses=off_by(TRUTH, np.nan))
        found = figures(run, "p.h5", "truth.h5")
        assert found["all"]["detection_rate_percent"] == 0 and found["all"]["pck_percent"]["10cm"] == 0
        assert found["all"]["mean_cm"] is None and found["all"]["pck_of_found_percent"]["10cm"] is None
        code, out, _ = run("p.h5", "poses.h5", "truth.h5", "--boxes", "b.png")
        assert code == 0 and "| p | 0.00 (-) |" in out

    def test_a_truth_that_knows_nothing(self, run: Run) -> None:
        storage.write("t.h5", truth=off_by(TRUTH, np.nan))
        found = figures(run, "poses.h5", "t.h5")
        assert found["all"]["labelled"] == 0 and found["all"]["detection_rate_percent"] is None

    def test_one_frame(self, run: Run) -> None:
        storage.write("p.h5", poses=rows(POSES, [3]))
        assert figures(run, "p.h5", "truth.h5")["frames"]["shared"] == 1
        npz("t.npz", video_frame=None)
        assert figures(run, "p.h5", "t.npz")["frames"] == {"shared": 1, "poses": 1, "truth": 6, "paired_by": "time", "apart_s": 0.0}
        code, out, _ = run("p.h5", "poses.h5", "truth.h5")
        assert code == 0 and out.startswith("1 frames and 17 joints")

    def test_another_rate(self, run: Run) -> None:
        """The truth of a laboratory's 120 Hz, numbered by itself: frame 4 n is ours n."""
        fast = poses_at(np.repeat(TRUTH.xyz, 4, 0), time=np.arange(24) / 120)
        storage.write("t.h5", truth=fast)
        found = figures(run, "poses.h5", "t.h5")
        assert found["frames"]["paired_by"] == "time" and found["frames"]["shared"] == 6
        assert found["all"]["mean_cm"] == pytest.approx(2)
        code, out, _ = run("poses.h5", "t.h5")
        assert "paired by time, up to 0.0 ms apart" in out
        storage.write("slow.h5", poses=rows(POSES, slice(None, None, 2)))
        code, out, _ = run("poses.h5", "slow.h5", "t.h5")
        assert code == 0 and out.startswith("3 frames")

    def test_few_joints_in_common(self, run: Run) -> None:
        which = [COCO_17.joints.index(j) for j in BABYPOSE_12.joints]
        storage.write("p.h5", poses=poses_at(POSES.xyz[:, which], skeleton=BABYPOSE_12))
        code, out, _ = run("p.h5", "truth.h5")
        assert code == 0 and "12 joints shared; in one of the two alone: left_ear, left_eye, nose" in out
        held = points_of(TRUTH)
        np.savez("t.npz", xyz=held.xyz[:, [0, 16]], joints=np.array(["tail", "R Ankle"]), video_frame=held.frame)
        assert figures(run, "poses.h5", "t.npz")["joints"]["shared"] == ["right_ankle"]
        code, out, _ = run("poses.h5", "p.h5", "t.npz")
        assert code == 0 and "ankles, poses" in out
        np.savez("t.npz", xyz=held.xyz[:, :1], joints=np.array(["tail"]), video_frame=held.frame)
        code, _, err = run("poses.h5", "t.npz")
        assert code == 4 and "joints: expected some that poses and truth share, got nose, " in err

    @pytest.mark.parametrize("words, code, sentence", [
        (["poses.h5"], 2, "expected results and then the truth, got poses.h5 alone"),
        (["poses.h5", "none.h5"], 4, "none.h5: cannot be read"),
        (["none.h5", "truth.h5"], 4, "none.h5"),
        (["poses.h5", "truth.h5", "--view", "top"], 2, "--view: expected left or right, got 'top'"),
        (["poses.h5", "truth.h5", "--frame", "world"], 2, "says that its joints are in the rectified camera, got 'world'"),
        (["poses.h5", "truth.h5", "-o", "t.xls"], 2, "ends in .md, .json, .csv"),
        (["poses.h5", "truth.h5", "--boxes", "b.gif"], 2, "ends in .png, .pdf, .svg"),
        (["truth.h5", "truth.h5"], 4, "truth.h5: expected poses, got truth"),
        (["far.h5", "truth.h5"], 4, "expected frames that the poses share, got frames 100 to 105 and 0 to 5"),
        (["words.txt", "truth.h5"], 4, "words.txt: expected joints in space as .npz, .csv, .trc or .c3d, or a file with poses"),
        (["empty", "truth.h5"], 4, "empty"),
    ])
    def test_a_sentence_for_what_is_wrong(self, run: Run, words: list[str], code: int, sentence: str) -> None:
        storage.write("far.h5", poses=dataclasses.replace(POSES, frame=POSES.frame + 100))
        Path("words.txt").write_text("nose 1 2 3")
        Path("empty").mkdir()
        got, _, err = run(*words)
        assert got == code and sentence in err, err


LENS = Intrinsics((640, 480), 500.0, 500.0, 320.0, 240.0, [-0.1, 0.02, 0.0, 0.0, 0.0])
RIG = StereoRig(Stereo(LENS, LENS), np.eye(3), [-0.12, 0.0, 0.0])


class TestPictures:
    """The left view of a rig with a lens; the detector is 3 px off in recorded pixels."""

    @pytest.fixture(autouse=True)
    def files(self, run: Run) -> None:
        write_rig("rig.json", RIG)
        self.mounted = dataclasses.replace(TRUTH, xyz=TRUTH.in_left_camera() * [0.5, 0.5, 1], camera=RIG)
        npz("space.npz", self.mounted)
        self.xy = in_recorded_picture(points_of(self.mounted), Rectifier(RIG), "left").xy
        self.seen = self.xy + [3.0, 0.0]
        written(Path("truth.json"), dataset([annotation(i, xy) for i, xy in enumerate(self.xy)], list(range(6))))

    def write(self, kind: str) -> str:
        if kind == "coco":
            return str(written(Path("r.json"), [result(i, xy) for i, xy in enumerate(self.seen)]))
        if kind == "openpose":
            Path("op").mkdir()
            order = [COCO_17.joints.index(j) if j in COCO_17.joints else -1 for j in OPENPOSE_18.joints]
            for i, xy in enumerate(self.seen):
                rows_ = [[*xy[k].tolist(), 0.9] if k >= 0 else [0, 0, 0] for k in order]
                written(Path(f"op/v_{i:012d}_keypoints.json"), {"people": [{"pose_keypoints_2d": sum(rows_, [])}]})
            return "op"
        columns = pd.MultiIndex.from_product([["DLC"], COCO_17.joints, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"])
        values = np.concatenate([self.seen, np.full((6, 17, 1), 0.9)], -1).reshape(6, -1)
        table = pd.DataFrame(values, columns=columns)
        if kind == "h5":
            pytest.importorskip("tables")
            table.to_hdf("d.h5", key="df_with_missing", format="table", mode="w")
        else:
            table.to_csv("d.csv")
        return f"d.{kind}"

    @pytest.mark.parametrize("kind", ["coco", "csv", "h5", "openpose"])
    def test_of_any_file(self, run: Run, kind: str) -> None:
        """Against people's marks, against places in space through the rig, and as the truth itself."""
        path = self.write(kind)
        name = Path(path).stem
        for words in ((path, "truth.json"), (path, "space.npz", "--rig", "rig.json")):
            held = figures(run, *words)
            assert held["pictures"]["rows"][name]["mean px"] == pytest.approx(3, abs=1e-5) and held["frames"] == 6
            assert held["keypoints"]["rows"][name]["AR50"] == 1 and held["limbs"]["rows"][f"left arm, {name}"]["LOS"] == pytest.approx(1 - 3 / 800)
        held = figures(run, written(Path("again.json"), [result(i, xy) for i, xy in enumerate(self.xy)]), path)
        assert held["pictures"]["rows"]["again"]["mean px"] == pytest.approx(3, abs=1e-5)

    def test_our_own_results_are_brought_into_the_recorded_pixels(self, run: Run) -> None:
        rectifier = Rectifier(RIG)
        xy = rectifier.points(self.xy, "left")
        ones = np.ones(xy.shape[:2])
        left = Poses2D(xy, ones, ones, TRUTH.time, TRUTH.frame, COCO_17)
        storage.write("ours.h5", poses=POSES, left=left, right=left, camera=rectifier.camera)
        path = self.write("coco")
        held = figures(run, "ours.h5", path, "truth.json", "--rig", "rig.json")
        assert held["pictures"]["rows"]["ours"]["mean px"] == pytest.approx(0, abs=1e-4)
        code, _, err = run("ours.h5", path, "truth.json")
        assert code == 2 and "truth.json: brings no rig" in err
        held = figures(run, "ours.h5", path, "space.npz", "--rig", "rig.json", "--rectified")["pictures"]["rows"]
        assert held["ours"]["mean px"] == pytest.approx(0, abs=1e-6) and held["r"]["mean px"] > 3
        storage.write("odd.h5", left=RIG)
        code, _, err = run("odd.h5", path, "truth.json")
        assert code == 4 and "odd.h5: left: expected joints of a view, got StereoRig" in err

    def test_against_the_sample(self, run: Run) -> None:
        """The recording brings its rig, and its own joints are some 4 px off."""
        with open_recording(SAMPLE) as recording:
            assert recording.joints is not None
            left = recording.joints.left
        entries = [result(int(f), np.nan_to_num(xy)) for f, xy in zip(left.frame, left.xy)]
        held = figures(run, written(Path("r.json"), entries), SAMPLE)
        assert 3 < held["pictures"]["rows"]["r"]["mean px"] < 30 and held["frames"] == 45

    def test_a_recording_without_a_rig(self, run: Run) -> None:
        with h5py.File("t.h5", "w") as file:
            pictures = np.zeros((6, 8, 16, 3), np.uint8)
            file.create_dataset("left", data=pictures)
            file.create_dataset("right", data=pictures)
            storage.put(file, "truth", self.mounted)
        code, _, err = run(self.write("coco"), "t.h5")
        assert code == 2 and "t.h5: brings no rig" in err, err

    def test_nothing_and_nowhere(self, run: Run) -> None:
        held = figures(run, written(Path("e.json"), []), "truth.json")
        assert held["pictures"]["rows"]["e"]["found %"] == 0 and held["keypoints"]["rows"]["e"]["AP"] == 0
        far = written(Path("far.json"), [result(i + 100, xy) for i, xy in enumerate(self.xy)])
        code, _, err = run(far, "truth.json")
        assert code == 4 and "are the pictures numbered alike?" in err
        code, _, err = run("e.json", "poses.h5")
        assert code == 2 and "poses.h5: brings no rig" in err

    def test_a_rig_that_cannot_be_rectified(self, run: Run) -> None:
        wide = dataclasses.replace(RIG, rotation=np.array([[0.6, 0, -0.8], [0, 1, 0], [0.8, 0, 0.6]]), translation=np.array([-0.6, 0, 0.4]))
        write_rig("wide.json", wide)
        export(POSES, "p.csv")
        code, _, err = run("p.csv", "space.npz", "--rig", "wide.json")
        assert code == 2 and "is in the rectified camera, and the truth's rig cannot be rectified" in err


class TestSubjects:
    def test_a_folder_holds_one_file_for_each(self, run: Run) -> None:
        for folder, metres in (("a", 0.01), ("b", 0.03), ("truth", 0.0)):
            Path(folder).mkdir()
            for i in range(3):
                name = "truth" if folder == "truth" else "poses"
                storage.write(f"{folder}/infant{i}.h5", **{name: off_by(TRUTH, metres * (1 + 0.1 * i))})
            Path(folder, "infant0.run.json").write_text("{}")
        held = figures(run, "a", "b", "truth")
        assert held["subjects"] == ["infant0", "infant1", "infant2"] and held["frames"] == 18
        test = held["tests"]["rows"]["b"]
        assert test["subjects"] == 3 and test["difference cm"] == pytest.approx(2.2) and test["low"] < 3.3 < test["high"]
        alone = figures(run, "a", "truth")
        assert alone["space"]["rows"]["a"]["mean cm"] == pytest.approx(1.1)
        Path("b/infant1.h5").unlink()
        code, _, err = run("a", "b", "truth")
        assert code == 4 and "b: expected a file for each subject of the truth, infant1 missing" in err
        Path("none").mkdir()
        code, _, err = run("a", "none")
        assert code == 4 and "none: expected files, one for each subject, got an empty folder" in err
