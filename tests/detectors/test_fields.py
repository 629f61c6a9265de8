"""Grouping by fields along the limbs, on people drawn as OpenPose's maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from stereo3d.detectors import fields
from stereo3d.models.openpose import Fields
from stereo3d.skeleton import OPENPOSE_18

SIZE = 160
PERSON = np.array([
    (0, -40), (0, -25), (-14, -25), (-20, -8), (-22, 8), (14, -25), (20, -8), (22, 8), (-8, 8), (-10, 28), (-10, 46),
    (8, 8), (10, 28), (10, 46), (-4, -44), (4, -44), (-9, -41), (9, -41),
], float)


def drawn(*persons: np.ndarray, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """(38, h, w) fields and (18, h, w) heat maps of people with joints (18, 2) px; NaN joints are left out."""
    y, x = np.mgrid[:size, :size].astype(float)
    limbs, maps = np.zeros((38, size, size)), np.zeros((18, size, size))
    for joints in persons:
        for joint, (cx, cy) in enumerate(joints):
            if np.isfinite(cx):
                maps[joint] = np.maximum(maps[joint], np.exp(-((x - cx)**2 + (y - cy)**2) / (2 * 4.0**2)))
        for a, b, pair in fields.LIMBS:
            way = joints[b] - joints[a]
            length = np.hypot(*way)
            if np.isfinite(length):
                along = ((x - joints[a, 0]) * way[0] + (y - joints[a, 1]) * way[1]) / length
                beside = np.abs((x - joints[a, 0]) * way[1] - (y - joints[a, 1]) * way[0]) / length
                on = (along >= -1) & (along <= length + 1) & (beside <= 4)
                limbs[2 * pair:2 * pair + 2, on] = (way / length)[:, None]
    return limbs, maps


def people(*persons: np.ndarray) -> fields.Grouped:
    limbs, maps = drawn(*persons)
    return fields.group(fields.peaks(maps), limbs)


def test_limbs_join_joints_of_the_skeleton() -> None:
    names = [(OPENPOSE_18.joints[a], OPENPOSE_18.joints[b]) for a, b, _ in fields.LIMBS]
    assert ("neck", "right_shoulder") in names and ("right_hip", "right_knee") in names
    assert names[-2:] == [("right_shoulder", "right_ear"), ("left_shoulder", "left_ear")]
    assert sorted(pair for *_, pair in fields.LIMBS) == list(range(19))


def test_one_person_comes_back_whole() -> None:
    found = people(PERSON + 80)
    assert found.xy.shape == (1, 18, 2)
    np.testing.assert_array_equal(found.xy[0], PERSON + 80)
    np.testing.assert_allclose(found.score, 1, atol=1e-9)


def test_two_people_keep_their_joints() -> None:
    a, b = PERSON * 0.9 + (45, 80), PERSON * 0.9 + (110, 84)
    found = people(np.rint(a), np.rint(b))
    assert sorted(found.xy.tolist()) == sorted([np.rint(a).tolist(), np.rint(b).tolist()])


def test_a_hand_at_the_side_is_nobody() -> None:
    """Three joints of an arm are fewer than a person has."""
    arm = np.full((18, 2), np.nan)
    arm[[5, 6, 7]] = (140, 20), (140, 40), (140, 60)
    assert len(people(PERSON + (70, 80), arm).xy) == 1
    arm[1] = (140, 5)
    assert len(people(PERSON + (70, 80), arm).xy) == 2


def test_what_is_missing_is_unknown() -> None:
    joints = PERSON + 80
    joints[[4, 10]] = np.nan
    found = people(joints)
    assert np.isnan(found.xy[0, [4, 10]]).all() and (found.score[0, [4, 10]] == 0).all()
    assert np.isfinite(found.xy[0]).all(-1).sum() == 16


def test_a_limb_joins_two_halves() -> None:
    """The neck is known from the nose alone until the shoulders' limbs, which come first, are all missing."""
    limbs, maps = drawn(PERSON + 80)
    limbs[2 * 6:2 * 6 + 2] = 0
    found = fields.group(fields.peaks(maps), limbs)
    assert len(found.xy) == 1
    np.testing.assert_array_equal(found.xy[0], PERSON + 80)


def test_the_field_must_point_the_right_way() -> None:
    limbs, maps = drawn(PERSON + 80)
    pairs = fields.pairs(fields.peaks(maps), (1, 2), limbs[12:14])
    assert len(pairs) == 1 and pairs[0].score == pytest.approx(1, abs=0.05)
    assert fields.pairs(fields.peaks(maps), (1, 2), -limbs[12:14]) == []


def test_long_limbs_lose_score() -> None:
    found = fields.Peak(np.array([1, 2]), np.array([[10, 80], [150, 80]]), np.ones(2))
    field = np.stack([np.ones((SIZE, SIZE)), np.zeros((SIZE, SIZE))])
    (pair,) = fields.pairs(found, (1, 2), field)
    assert pair.score == pytest.approx(80 / 140)


def test_joints_on_one_pixel_are_not_joined() -> None:
    found = fields.Peak(np.array([1, 2]), np.array([[10, 80], [10, 80]]), np.ones(2))
    assert fields.pairs(found, (1, 2), np.ones((2, SIZE, SIZE))) == []


def test_each_peak_is_used_once_the_best_pair_first() -> None:
    found = fields.Peak(np.array([1, 1, 2]), np.array([[10, 80], [20, 80], [60, 80]]), np.ones(3))
    field = np.zeros((2, SIZE, SIZE))
    field[0, :, 20:] = 1
    (pair,) = fields.pairs(found, (1, 2), field)
    assert (pair.a, pair.b) == (1, 2)


def test_nobody() -> None:
    assert fields.group(fields.peaks(np.zeros((18, 40, 40))), np.zeros((38, 40, 40))).xy.shape == (0, 18, 2)


def test_enlarging_keeps_places() -> None:
    """The middle of a map's pixel is the middle of 8 x 8 px of the input."""
    maps = torch.zeros(1, 19, 10, 10)
    maps[0, 3, 4, 5] = 1
    limbs, large = fields.enlarged(Fields(torch.zeros(1, 38, 10, 10), maps))
    assert limbs.shape == (1, 38, 80, 80) and large.shape == (1, 18, 80, 80)
    map_3 = large[0, 3].numpy().clip(0)
    y, x = np.mgrid[:80, :80]
    middle = np.array([(map_3 * x).sum(), (map_3 * y).sum()]) / map_3.sum()
    np.testing.assert_allclose(middle, (8 * 5 + 3.5, 8 * 4 + 3.5), atol=1e-4)
