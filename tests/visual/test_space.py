"""Figures, .ply and the window show the joints where they are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from results import changed, result

from stereo3d.errors import MissingPackage, UsageError
from stereo3d.visual import figures, scene

POSES, _ = result(30)
LOST = changed(POSES, np.s_[3, 9], xyz=np.nan, status=1)
TURN = [1, -1, -1]


def test_a_ply_holds_points_bones_and_colours(tmp_path: Path) -> None:
    lines = scene.write_ply(LOST, tmp_path / "pose.ply", 3).read_text().split("\n")
    found = LOST.found[3]
    end, n = lines.index("end_header"), int(found.sum())
    assert f"element vertex {n}" in lines
    points = np.array([line.split() for line in lines[end + 1:end + 1 + n]], float)
    np.testing.assert_allclose(points[:, :3], LOST.xyz[3, found] * TURN, atol=1e-6)
    edges = np.array([line.split() for line in lines[end + 1 + n:-1]], int)
    names = np.array(LOST.skeleton.joints)[found]
    bones = {frozenset(LOST.skeleton.joints[j] for j in bone) for bone in LOST.skeleton.bones if found[list(bone)].all()}
    assert {frozenset(names[edge]) for edge in edges} == bones and f"element edge {len(bones)}" in lines
    assert {tuple(c) for c in points[[n.startswith("left") for n in names], 3:]} == {(255, 140, 0)}


@pytest.mark.parametrize("show", [lambda: scene.write_ply(POSES, "x.ply", 30), lambda: figures.pose(POSES, -31)])
def test_a_frame_that_is_not_there(show: Any) -> None:
    with pytest.raises(UsageError, match="expected a place from 0 to 29"):
        show()


def test_the_window_needs_open3d(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingPackage, match=r"stereo3d\[view\]"):
        scene.show(POSES, 0)


def test_the_window_is_given_points_bones_and_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for open3d: no window opens where there is no screen."""
    open3d = MagicMock()
    monkeypatch.setitem(sys.modules, "open3d", open3d)
    scene.show(LOST, 3)
    points, colours = (call.args[0] for call in open3d.utility.Vector3dVector.call_args_list)
    np.testing.assert_allclose(points, LOST.xyz[3, LOST.found[3]] * TURN)
    assert colours.shape == points.shape and 0 <= colours.min() and colours.max() <= 1
    assert open3d.utility.Vector2iVector.call_args.args[0].max() < len(points)
    open3d.visualization.draw_geometries.assert_called_once()


def test_a_pose_is_drawn_about_its_middle() -> None:
    axes = figures.pose(LOST, 3).axes[0]
    (points,) = [c for c in axes.collections if len(c.get_offsets())]
    x = points._offsets3d[0]
    expected = 100 * LOST.xyz[3, LOST.found[3], 0]
    np.testing.assert_allclose(np.sort(x), np.sort(expected - np.median(expected)), atol=1e-9)


def test_tracks_are_the_joints_in_centimetres() -> None:
    figure = figures.tracks(LOST, ["left_wrist", "nose"])
    for i, axes in enumerate(figure.axes):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * LOST.xyz[:, 9, i])
        np.testing.assert_allclose(axes.lines[1].get_ydata(), 100 * LOST.xyz[:, 0, i])
    assert len(figures.tracks(POSES).axes[0].lines) == 4
    outlier = changed(POSES, np.s_[4, 9], xyz=50.0)
    assert figures.tracks(outlier, ["left_wrist", "nose", "left_eye", "left_ear"]).axes[0].get_ylim()[1] < 5000
    with pytest.raises(UsageError, match="unknown joint"):
        figures.tracks(POSES, ["tail"])


@pytest.mark.parametrize(("ending", "begin"), [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")])
def test_a_figure_is_saved_by_its_ending(tmp_path: Path, ending: str, begin: bytes) -> None:
    assert figures.save(figures.pose(POSES, 0), tmp_path / f"pose{ending}").read_bytes().startswith(begin)
    with pytest.raises(UsageError, match="ends in .png, .pdf, .svg"):
        figures.save(figures.pose(POSES, 0), tmp_path / "pose.jpg")


def test_nothing_found_can_be_drawn() -> None:
    nothing = changed(POSES, ..., xyz=np.nan, status=1)
    figures.pose(nothing, 0)
    figures.tracks(nothing)
