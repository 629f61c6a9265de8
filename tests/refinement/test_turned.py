"""What of a head is seen from the side, by the places of nose and ears alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_evidence import drawn, edited

from stereo3d.refinement.evidence import Evidence, placed
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.turned import BETWEEN, FORWARD, seen_aslant
from stereo3d.skeleton import Skeleton

LENGTH = 0.5
HEAD = {  # right, up and ahead of the middle between the ears, in parts of the body's length
    "nose": (0.0, 0.0, FORWARD), "left_eye": (0.041, 0.03, 0.10), "right_eye": (-0.041, 0.03, 0.10),
    "left_ear": (BETWEEN / 2, 0.0, 0.0), "right_ear": (-BETWEEN / 2, 0.0, 0.0),
}


@pytest.fixture(scope="module")
def found() -> Evidence:
    return drawn(seconds=0.5)[0]


def looking(found: Evidence, turned: float = 0.0, noise: float = 0.0) -> dict[str, np.ndarray]:
    """What is said of each joint of a head at 0.7 m that is turned so many degrees to its left."""
    angle = np.radians(turned)
    axes = np.array([[np.cos(angle), 0, np.sin(angle)], [0, -1.0, 0], [np.sin(angle), 0, -np.cos(angle)]])
    middle = np.array([found.camera.baseline / 2, 0.0, 0.7])
    place = np.array(found.place)
    for name, parts in HEAD.items():
        at = placed(middle + LENGTH * (np.array(parts) @ axes), found.camera)
        place[:, found.skeleton.joints.index(name)] = at
    place[..., :2] += noise * np.random.default_rng(1).standard_normal(place[..., :2].shape)
    told = seen_aslant(edited(found, place=place), np.full(len(place), LENGTH))
    return dict(zip(found.skeleton.joints, told.T))


def test_a_face_that_looks_here_is_as_deep_as_usual(found):
    told = looking(found)
    assert all(told[name].max() < 2e-4 for name in ("nose", "left_eye", "right_eye"))
    assert not any(told[name].any() for name in found.skeleton.joints if name not in HEAD)


def test_ears_of_a_face_that_looks_here_are_seen_at_their_edge(found):
    told = looking(found)
    assert told["left_ear"] == pytest.approx(told["right_ear"], rel=0.05) and told["left_ear"].min() > 0.01


def test_of_a_head_from_the_side_an_ear_is_seen_well(found):
    side = looking(found, 75.0)
    assert max(side["left_ear"].max(), side["right_ear"].max()) < 0.001, "the other ear lies behind the head: not told here"


def test_which_ear_is_seen_goes_with_the_side(found):
    left, right = (looking(found, turned) for turned in (50.0, -50.0))
    assert left["right_ear"].max() < 0.002 < 0.01 < left["left_ear"].min()
    assert right["left_ear"].max() < 0.002 < 0.01 < right["right_ear"].min()


def test_the_more_a_face_is_turned_away_the_less_is_known(found):
    for name in ("nose", "left_eye"):
        told = [looking(found, turned)[name].mean() for turned in (0.0, 30.0, 50.0, 80.0)]
        assert told == sorted(told) and told[-1] > 5 * max(told[0], 1e-3 * told[-1])
        assert looking(found, -50.0)[name].mean() == pytest.approx(told[2], rel=0.1)


def test_noise_of_detectors_hardly_matters(found):
    for turned in (0.0, 40.0, 90.0):
        exact, noisy = looking(found, turned), looking(found, turned, noise=2.0)
        for name in HEAD:
            assert noisy[name].mean() == pytest.approx(exact[name].mean(), abs=0.005), (turned, name)


def test_frames_without_a_nose_are_as_usual_in_the_recording(found):
    place = np.array(found.place)
    whole = seen_aslant(found, np.full(len(place), LENGTH))
    place[::3, found.skeleton.joints.index("nose")] = np.nan
    told = seen_aslant(edited(found, place=place), np.full(len(place), LENGTH))
    assert np.isfinite(told).all() and told[1::3] == pytest.approx(whole[1::3])
    assert (told[0] == np.median(np.delete(whole, np.s_[::3], 0), 0)).sum() >= 5
    place[:, found.skeleton.joints.index("nose")] = np.nan
    assert not seen_aslant(edited(found, place=place), np.full(len(place), LENGTH)).any()


def test_a_skeleton_without_ears_tells_nothing(found):
    names = tuple(name.replace("ear", "horn") for name in found.skeleton.joints)
    other = Skeleton("other", names, found.skeleton.bones, None)
    assert not seen_aslant(dataclasses.replace(found, skeleton=other), np.full(len(found), LENGTH)).any()
    assert np.isfinite(Offsets.default().of(other)[1]).all()
