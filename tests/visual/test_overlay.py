"""Joints are drawn where they are, in both views, on the rows they were found in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d import pipeline, storage
from stereo3d.config import resolve
from stereo3d.errors import CalibrationError, InputError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import open_recording
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.visual.overlay import captions, draw, overlay, write_words

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
BLACK = Stereo(np.zeros((400, 600, 3), np.uint8), np.zeros((400, 600, 3), np.uint8))


def joints(places: dict[str, tuple[float, float]]) -> Poses2D:
    xy = np.full((1, 17, 2), np.nan)
    for name, place in places.items():
        xy[0, COCO_17.index(name)] = place
    return Poses2D(xy, np.ones((1, 17)), np.full((1, 17), np.nan), np.zeros(1), np.zeros(1), COCO_17)


def test_sides_have_their_colours_and_rows_are_kept() -> None:
    seen = Stereo(
        joints({"left_wrist": (200, 100), "right_wrist": (400, 300)}),
        joints({"left_wrist": (150, 100), "right_wrist": (350, 300)}),
    )
    picture = overlay(BLACK, seen, 0)
    width = picture.shape[1] // 2
    for view in (picture[:, :width], picture[:, width:]):
        orange = np.argwhere((view[..., 0] > 200) & (view[..., 2] < 50)).mean(0)
        blue = np.argwhere((view[..., 0] < 50) & (view[..., 2] > 200)).mean(0)
        np.testing.assert_allclose(blue - orange, [200, 200], atol=4)


def test_without_joints_the_whole_pictures_are_shown() -> None:
    picture = overlay(BLACK, Stereo(joints({}), joints({})), 0)
    assert picture.shape == (400, 1200, 3) and not picture[30:].any()


def test_words_tell_the_view_and_the_moment() -> None:
    seen = joints({"nose": (5, 5)})
    late = Poses2D(seen.xy, seen.score, seen.sigma, np.array([61.5]), np.array([922]), COCO_17)
    assert tuple(captions(late, 0)) == ("left view   1:01.50, frame 922", "right view")
    untimed = Poses2D(seen.xy, seen.score, seen.sigma, np.array([np.nan]), np.array([7]), COCO_17)
    assert captions(untimed, 0).left == "left view   frame 7"


@pytest.mark.parametrize("size", [(20, 30), (40, 90), (400, 600)])
def test_words_fit_on_any_picture_and_read_on_any_ground(size: tuple[int, int]) -> None:
    for ground in (0, 255):
        picture = np.full((*size, 3), ground, np.uint8)
        write_words(picture, "left view   1:01.50, frame 922")
        written = np.argwhere((picture > 150).all(-1) & (np.full(size, ground) < 150))
        assert ground or (len(written) and written[:, 1].max() < size[1] - 1)
        assert picture[2, 2].max() < 90 and (picture != ground).any()


@pytest.mark.parametrize("place", [(-1e6, 20.0), (595.0, 395.0), (0.0, 0.0)])
def test_joints_anywhere_can_be_drawn(place: tuple[float, float]) -> None:
    seen = Stereo(joints({"nose": place, "left_eye": (300, 200)}), joints({"nose": (5, 5)}))
    assert overlay(BLACK, seen, 0).any()


def test_the_given_pictures_stay_as_they_are() -> None:
    overlay(BLACK, Stereo(joints({"nose": (5, 5)}), joints({"nose": (5, 5)})), 0)
    assert not BLACK.left.any()


def test_a_result_over_its_recording(tmp_path: Path) -> None:
    result = pipeline.detect_joints(SAMPLE, tmp_path / "j.h5", config=resolve(None, ["detect.detector=replay"]))
    with open_recording(SAMPLE) as recording:
        path = draw(result, recording, tmp_path / "look.png", time=1.0)
        plain = recording[15].images.left
    picture = cv2.imread(str(path))
    assert picture.shape[1] > picture.shape[0] > 200
    assert np.abs(picture.reshape(-1, 3).mean(0)[::-1] - plain.reshape(-1, 3).mean(0)).max() < 40


def test_a_result_of_another_recording_is_refused(tmp_path: Path) -> None:
    far = joints({"nose": (5, 5)})
    far = Poses2D(far.xy, far.score, far.sigma, far.time, np.array([900]), COCO_17)
    path = storage.write(tmp_path / "j.h5", left=far, right=far)
    with open_recording(SAMPLE) as recording, pytest.raises(InputError, match="has frame 900"):
        draw(path, recording, tmp_path / "look.png")


def test_pictures_without_a_rig_are_refused(tmp_path: Path) -> None:
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        cv2.imwrite(str(tmp_path / side / "0.png"), BLACK.left)
    path = storage.write(tmp_path / "j.h5", left=joints({}), right=joints({}))
    with open_recording(tmp_path / "left", tmp_path / "right") as recording, pytest.raises(CalibrationError, match="--rig"):
        draw(path, recording, tmp_path / "look.png")
