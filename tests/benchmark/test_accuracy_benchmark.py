"""The accuracy benchmark: an exact detector is exact, an error of known size is told, a run goes on where it stopped."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parents[1] / "synthetic"))

from small_scenes import small  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from stereo3d import storage  # noqa: E402
from stereo3d.benchmark import accuracy  # noqa: E402
from stereo3d.calibration.rectify import Rectifier  # noqa: E402
from stereo3d.cli.app import app  # noqa: E402
from stereo3d.errors import InputError, UsageError  # noqa: E402
from stereo3d.poses import Poses2D  # noqa: E402
from stereo3d.recording.base import open_recording  # noqa: E402
from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.stereo import SIDES, Stereo  # noqa: E402
from stereo3d.synthetic.held_out import held_out  # noqa: E402
from stereo3d.synthetic.scene import Simulation  # noqa: E402
from stereo3d.synthetic.write import read_labels  # noqa: E402

BY = 5
DRAWN: list[str] = []


class Stub:
    """Finds the true joints, all moved by some rectified px."""

    skeleton = COCO_17

    def __init__(self, recording: Path, off: float = 0.0) -> None:
        self.recording, self.off = recording, off

    def joints_at(self, frames: range, rectifier: Rectifier) -> Stereo[Poses2D]:
        views = read_labels(self.recording).views
        rows = list(frames)
        return Stereo(*(dataclasses.replace(
            views[s], xy=rectifier.points(views[s].xy[rows], s) + [self.off, 0], score=np.ones((len(rows), 17)),
            sigma=np.ones((len(rows), 17)), time=views[s].time[rows], frame=views[s].frame[rows]) for s in SIDES))


@pytest.fixture(autouse=True)
def few_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    def film(name: str, number: int) -> Simulation:
        DRAWN.append(f"{name} {number}")
        return small(held_out(name, number, seconds=0.25), BY)

    monkeypatch.setattr(accuracy, "held_out", film)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


def measured(folder: Path, off: float, key: str) -> dict[str, accuracy.Take]:
    return accuracy.measure("hard", range(2), lambda r: Stub(r, off), folder=folder, key=key)


def test_an_exact_detector_is_exact(folder: Path) -> None:
    made = accuracy.tables(measured(folder, 0.0, "exact"))
    for which in ("pictures", "space"):
        table = made[which]
        assert list(table.rows) == list(accuracy.PARTS)
        for row in table.rows.values():
            held = dict(zip(table.columns, row))
            assert held.get("PCK@0.05", 100.0) == 100 and held.get("3DPCK@1cm", 100.0) == 100
            assert held["found %"] == 100 and held.get("mean px", held.get("mean cm")) < 0.05
    assert {"nose, visible", "ankles, occluded", "hips, all joints"} <= set(made["joints"].rows)


def test_an_error_of_known_size_is_told(folder: Path) -> None:
    """Both views off by 1 px to the right: 1 px in pictures, Z / f in space, no error of the depth."""
    takes = measured(folder, 1.0, "off")
    made = accuracy.tables(takes)
    pictures = dict(zip(made["pictures"].columns, made["pictures"].rows["all joints"]))
    assert pictures["mean px"] == pytest.approx(1.0, abs=1e-3)
    sizes = [(t.truth.xyz[..., 2][t.inside] / t.found.poses.camera.focal) for t in takes.values()]  # type: ignore[union-attr]
    space = dict(zip(made["space"].columns, made["space"].rows["all joints"]))
    assert space["mean cm"] == pytest.approx(100 * np.concatenate(sizes).mean(), rel=0.02)


def test_joints_out_of_a_picture_do_not_count_and_hidden_ones_stand_apart(folder: Path) -> None:
    takes = measured(folder, 0.0, "exact")
    for take in takes.values():
        views = [(v.xy >= -0.5) & (v.xy < np.array(take.size) - 0.5) for v in take.seen]
        assert (take.inside == (views[0] & views[1]).all(-1)).all() and not (take.visible & ~take.inside).any()
        assert take.size == (1280 // BY, 720 // BY)
    seen, inside = (np.concatenate([getattr(t, n) for t in takes.values()]) for n in ("visible", "inside"))
    assert 0.3 < seen[inside].mean() < 1, "some are hidden, most are not"


def test_a_run_goes_on_and_another_detector_sees_the_same_pictures(folder: Path) -> None:
    measured(folder, 0.0, "exact")
    stamps = {f.name: f.read_bytes() for f in folder.iterdir()}
    DRAWN.clear()
    found = folder / "hard-0001.exact.h5"
    found.unlink()
    measured(folder, 0.0, "exact")
    measured(folder, 2.0, "other")
    assert not DRAWN and found.read_bytes() == stamps[found.name]


def test_the_page_stands_beside_the_paper(folder: Path) -> None:
    page = accuracy.to_markdown("hard", measured(folder, 1.0, "off"), "a stub")
    for text in ("## The hard set: 2 rendered infants", "Synthetic.", "AGMA: DarkPose32 retrained | 68.07", "| occluded |",
                 "AGMA: hips | 15.12", "not against each other", "real preterm infants"):
        assert text in page, text


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="held-out set"):
        list(accuracy.measure("easy", [0], Stub, folder=tmp_path, key="x"))
    with pytest.raises(InputError, match="one infant at least"):
        accuracy.tables({})
    measured(folder, 0.0, "exact")
    (tmp_path / "hard-0000.h5").write_bytes((folder / "hard-0000.h5").read_bytes())
    storage.write(tmp_path / "hard-0000.x.h5", truth=storage.read(folder / "hard-0000.exact.h5")["truth"])
    with pytest.raises(InputError, match="got a file without poses"):
        accuracy.measure("hard", [0], Stub, folder=tmp_path, key="x")


def test_the_command(folder: Path) -> None:
    words = ["benchmark", "accuracy", "--set", "hard", "--count", "1", "--detector", "replay", "-o", str(folder)]
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    assert set(told["hard"]) == {"pictures", "space", "joints"} and "hard-0000" in done.stderr
    with open_recording(folder / "hard-0000.h5") as recording:
        assert len(recording) == 1
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "a simulated detector (replay)" in done.stdout
    assert CliRunner().invoke(app, [*words, "--set", "easy"]).exit_code == 2
