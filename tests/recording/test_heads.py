"""Wherever a head may be, nothing of it can be made out; elsewhere the picture is untouched."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import InvalidValue, UsageError
from stereo3d.poses import Poses2D
from stereo3d.recording.base import FramePair
from stereo3d.recording.heads import Heads, heads_of
from stereo3d.skeleton import BABYPOSE_12, COCO_17, MPII_16, SKELETONS, Skeleton
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Floats

SIZE = (320, 240)
HEAD = np.array([[0, 4], [-5, -3], [5, -3], [-11, 0], [11, 0]], float)
BODY = {"left_shoulder": (22, 30), "right_shoulder": (-22, 30), "left_hip": (14, 90), "right_hip": (-14, 90)}
GRAIN = np.random.default_rng(0).integers(0, 256, (*SIZE[::-1], 3), np.uint8)


def seen(places: Floats, skeleton: Skeleton = COCO_17) -> Poses2D:
    """An infant whose face is at `places` (T, 2) px; NaN where its head is missed."""
    n = len(places)
    xy = np.full((n, len(skeleton), 2), np.nan)
    if skeleton is COCO_17:
        xy[:, :5] = places[:, None] + HEAD
    for name, (x, y) in BODY.items():
        xy[:, skeleton.index(name)] = (160 + x, 60 + y)
    flat = np.ones((n, len(skeleton)))
    return Poses2D(xy, flat, flat, np.full(n, np.nan), np.arange(n), skeleton)


def found(places: Floats, fps: float = 30.0) -> Heads:
    view = seen(np.asarray(places, float))
    return heads_of(Stereo(view, view), np.arange(len(view)) / fps)


def hidden(heads: Heads, index: int, image: Bytes = GRAIN) -> Bytes:
    return heads.hidden(FramePair(index, 0.0, Stereo(image, image))).left


def test_a_head_is_hidden_and_the_rest_is_not() -> None:
    heads = found([[160, 60]] * 4)
    assert not heads.unknown().any()
    image = hidden(heads, 2)
    rows, columns = np.mgrid[:240, :320]
    away = np.hypot(columns - 160, rows - 60.5)
    (radius,) = set(heads.radius.left.round(6))
    assert 28 < radius < 60
    np.testing.assert_array_equal(image[away > radius + 2], GRAIN[away > radius + 2])
    assert image[away < radius - 2].std() < 0.2 * GRAIN.std()


def test_what_is_left_of_a_head_is_no_face() -> None:
    """A face of black and white squares, an eighth of the head wide, comes out grey."""
    rows, columns = np.mgrid[:240, :320]
    squares = np.repeat((((rows // 8 + columns // 8) % 2) * 255).astype(np.uint8)[..., None], 3, -1)
    image = hidden(found([[160, 60]] * 3), 1, squares)
    assert np.ptp(image[45:75, 145:175].astype(int)) < 80


@settings(max_examples=40, deadline=None)
@given(missed=st.sets(st.integers(0, 59), max_size=60), fps=st.sampled_from([10.0, 30.0]))
def test_a_head_that_is_missed_is_hidden_too(missed: set[int], fps: float) -> None:
    """It moves at 0.5 of its radius a second; held where it was seen, or the whole picture is hidden."""
    places = np.column_stack([130 + 20 * np.arange(60) / fps, np.full(60, 80.0)])
    known = places.copy()
    known[sorted(missed)] = np.nan
    heads = found(known, fps)
    for i in range(60):
        circles = heads.near(i, "left")
        assert heads.unknown()[i] == (len(circles) == 0)
        away = np.hypot(*(circles[:, :2] - places[i]).T)
        assert not len(circles) or (away + 22 < circles[:, 2]).any()
        nearest = min((abs(i - j) / fps for j in range(60) if j not in missed), default=np.inf)
        assert (len(circles) == 0) == (nearest > 0.5)


def test_far_from_any_head_the_whole_picture_is_hidden() -> None:
    places = np.full((60, 2), 100.0)
    places[20:] = np.nan
    heads = found(places)
    assert heads.unknown().tolist() == [False] * 35 + [True] * 25
    image = hidden(heads, 50)
    assert image.std() < 0.2 * GRAIN.std()
    assert hidden(found(np.full((3, 2), np.nan)), 1).std() < 0.2 * GRAIN.std()


def test_one_view_alone_hides_the_other_whole() -> None:
    lost = seen(np.full((2, 2), np.nan))
    heads = heads_of(Stereo(seen(np.full((2, 2), 90.0)), lost), np.arange(2.0))
    images = heads.hidden(FramePair(0, 0.0, Stereo(GRAIN, GRAIN)))
    assert heads.unknown().all() and images.right.std() < 0.2 * GRAIN.std() < images.left.std()


def test_a_head_put_in_the_wrong_place_does_not_show_the_right_one() -> None:
    places = np.full((9, 2), 100.0)
    places[4] = (250, 200)
    circles = found(places).near(4, "left")
    assert (np.hypot(*(circles[:, :2] - 100).T) < 5).sum() == 8


def test_joints_that_are_not_sure_do_not_count() -> None:
    view = seen(np.full((3, 2), 100.0))
    score = view.score.copy()
    score[1] = 0.1
    score[2, 1:5] = 0.0
    heads = heads_of(Stereo(*[dataclasses.replace(view, score=score)] * 2), np.arange(3.0))
    assert np.isfinite(heads.radius.left).tolist() == [True, False, False]


def test_a_head_beyond_the_picture_does_no_harm() -> None:
    np.testing.assert_array_equal(hidden(found([[1e9, -1e9]] * 2), 0)[:200], GRAIN[:200])


def test_skeletons_with_a_head_and_without() -> None:
    for skeleton in SKELETONS.values():
        if skeleton is BABYPOSE_12:
            with pytest.raises(UsageError, match="BabyPose-12: has no joints of the head.*--keypoints-only"):
                heads_of(Stereo(*[blank(skeleton)] * 2), np.zeros(1))
        else:
            assert np.isnan(heads_of(Stereo(*[blank(skeleton)] * 2), np.zeros(1)).radius.left).all()
    view = blank(MPII_16)
    xy = view.xy.copy()
    xy[0, :2] = (100, 50), (100, 80)
    heads = heads_of(Stereo(*[dataclasses.replace(view, xy=xy, score=np.ones((1, 16)))] * 2), np.zeros(1))
    assert heads.centre.left.tolist() == [[100, 65]] and heads.radius.left[0] > 19


def blank(skeleton: Skeleton) -> Poses2D:
    nothing = np.full((1, len(skeleton)), np.nan)
    return Poses2D(np.full((1, len(skeleton), 2), np.nan), nothing, nothing, np.zeros(1), np.zeros(1, int), skeleton)


def test_rows_and_check_sums() -> None:
    view = seen(np.full((3, 2), 100.0))
    with pytest.raises(InvalidValue, match="expected 4 rows, one for each pair, got 3"):
        heads_of(Stereo(view, view), np.zeros(4))
    one, same, other = (found([[x, 60.0]] * 3) for x in (100, 100, 101))
    assert one.sum == same.sum != other.sum
