"""Forward kinematics: rigid bones, an infant the right way round, nothing below the mattress."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stereo3d.errors import InvalidValue
from stereo3d.skeleton import COCO_17
from stereo3d.synthetic.body import InfantBody, infant_body
from stereo3d.synthetic.kinematics import Posture, pose, turn
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.posture import ANGLES, Angles, limits
from stereo3d.values import Floats

BODY = infant_body(38, seed=5)
TIME = np.arange(0, 60, 0.25)


def moving(seed: int, *, heading: float = 0.0) -> Posture:
    return pose(BODY, writhing(BODY, TIME, seed=seed), heading=heading)


def still(**degrees: float) -> Posture:
    """One frame in which all angles but those named are 0 and the limbs lie where the mattress lets them."""
    angles = np.zeros((1, len(ANGLES)))
    for name, value in degrees.items():
        angles[0, list(ANGLES).index(name)] = np.radians(value)
    return pose(BODY, Angles.split(angles))


def at(posture: Posture, joint: str) -> Floats:
    """(T, 3)."""
    return posture.joints[:, COCO_17.index(joint)]


def length(posture: Posture, a: str, b: str) -> Floats:
    return np.linalg.norm(at(posture, a) - at(posture, b), axis=1)


@given(angle=st.floats(-10, 10), axis=st.sampled_from("xyz"))
def test_turn_is_a_right_handed_rotation(angle: float, axis: Literal["x", "y", "z"]) -> None:
    assert np.allclose(turn(axis, angle), Rotation.from_euler(axis, angle).as_matrix(), atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_bones_never_change(seed: int) -> None:
    posture = moving(seed)
    limbs = {("shoulder", "elbow"): "upper_arm", ("elbow", "wrist"): "forearm", ("hip", "knee"): "thigh"}
    for (a, b), segment in (limbs | {("knee", "ankle"): "shank"}).items():
        for side in ("left", "right"):
            got = length(posture, f"{side}_{a}", f"{side}_{b}")
            assert np.abs(got - getattr(BODY, segment)).max() < 1e-9
    assert np.abs(length(posture, "left_shoulder", "right_shoulder") - BODY.shoulders).max() < 1e-9
    assert np.abs(length(posture, "left_hip", "right_hip") - BODY.hips).max() < 1e-9


def test_every_coco_bone_is_constant_and_so_are_trunk_and_face() -> None:
    posture = moving(3)
    for group in (range(5), (5, 6, 11, 12)):
        part = posture.joints[:, list(group)]
        apart = np.linalg.norm(part[:, :, None] - part[:, None], axis=-1)
        assert np.ptp(apart, axis=0).max() < 1e-9
    bones = np.array(COCO_17.bones)
    lengths = np.linalg.norm(posture.joints[:, bones[:, 0]] - posture.joints[:, bones[:, 1]], axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-9


def test_seen_from_above_with_its_head_up_an_infants_left_is_on_the_right() -> None:
    posture = moving(1)
    for joint in ("shoulder", "hip", "elbow", "knee"):
        assert np.all(at(posture, f"left_{joint}")[:, 0] > at(posture, f"right_{joint}")[:, 0])
    assert np.all(at(posture, "nose")[:, 1] > at(posture, "left_shoulder")[:, 1])
    assert np.all(at(posture, "left_shoulder")[:, 1] > at(posture, "left_hip")[:, 1])


def test_chirality_holds_for_every_heading() -> None:
    """Right to left across the shoulders, hips to head and upwards are a right-handed frame."""
    for heading in np.linspace(-3, 3, 7):
        posture = moving(2, heading=heading)
        across = at(posture, "left_shoulder") - at(posture, "right_shoulder")
        along = at(posture, "left_shoulder") - at(posture, "left_hip")
        assert np.all(np.cross(across, along)[:, 2] > 0)


def test_the_face_looks_up() -> None:
    """With the head in the middle the nose is the highest, between the eyes; ears to either side and below."""
    posture = still()
    nose, left, right = (at(posture, j)[0] for j in ("nose", "left_eye", "right_eye"))
    assert np.allclose(nose[0], (left[0] + right[0]) / 2) and nose[2] > left[2] > at(posture, "left_ear")[0, 2]
    assert left[0] > right[0] and left[1] > nose[1]


@pytest.mark.parametrize(("degrees", "side"), [(60, 1), (-60, -1)])
def test_the_head_turns_to_its_left_and_right(degrees: float, side: int) -> None:
    posture = still(head_turn=degrees)
    assert np.sign(at(posture, "nose")[0, 0]) == side
    ears = at(posture, "left_ear")[0, 2] - at(posture, "right_ear")[0, 2]
    assert np.sign(ears) == -side, "the ear on the side it turns to goes down"


@given(angles=st.tuples(*[st.floats(-80, 80)] * 3))
@settings(max_examples=30)
def test_the_head_rests_on_the_mattress_however_it_is_turned(angles: tuple[float, float, float]) -> None:
    posture = still(**dict(zip(("head_turn", "head_nod", "head_tilt"), angles)))
    around = np.random.default_rng(0).standard_normal((4000, 3))
    skin = BODY.head_axes * around / np.linalg.norm(around, axis=1, keepdims=True)
    lowest = (posture.head_centre[0] + skin @ posture.head[0].T)[:, 2].min()
    assert 0 <= lowest < 2e-3


def test_angles_move_limbs_the_way_they_say() -> None:
    """Azimuth leads outwards, elevation up, the elbow bends to the front, the knee to the back."""
    out = still(left_arm_azimuth=90, right_arm_azimuth=90)
    assert at(out, "left_elbow")[0, 0] - at(out, "left_shoulder")[0, 0] > 0.9 * BODY.upper_arm
    assert at(out, "right_elbow")[0, 0] - at(out, "right_shoulder")[0, 0] < -0.9 * BODY.upper_arm
    up = still(left_leg_elevation=80)
    assert at(up, "left_knee")[0, 2] - at(up, "left_hip")[0, 2] > 0.95 * BODY.thigh
    bent = still(left_arm_elevation=20, left_arm_hinge=90, left_leg_elevation=80, left_leg_hinge=90)
    assert at(bent, "left_wrist")[0, 2] > at(bent, "left_elbow")[0, 2] + 0.8 * BODY.forearm
    assert at(bent, "left_ankle")[0, 1] < at(bent, "left_knee")[0, 1] - 0.9 * BODY.shank
    outward = still(left_arm_azimuth=90, left_arm_rotation=90, left_arm_hinge=90)
    assert at(outward, "left_wrist")[0, 1] > at(outward, "left_elbow")[0, 1] + 0.9 * BODY.forearm


def test_left_and_right_are_mirror_images() -> None:
    rng = np.random.default_rng(3)
    low, high = limits()
    angles = rng.uniform(low, high, (20, len(ANGLES)))
    mirrored = angles.copy()
    mirrored[:, :2] *= -1
    mirrored[:, [2, 4]] *= -1
    mirrored[:, 5:] = angles[:, [*range(10, 15), *range(5, 10), *range(20, 25), *range(15, 20)]]
    one, other = (pose(BODY, Angles.split(a)).joints for a in (angles, mirrored))
    assert np.allclose(other, one[:, COCO_17.mirror] * [-1, 1, 1], atol=1e-12)


@given(heading=st.floats(-7, 7), x=st.floats(-0.1, 0.1), y=st.floats(-0.1, 0.1))
@settings(max_examples=20)
def test_heading_and_place_move_the_whole_infant(heading: float, x: float, y: float) -> None:
    angles = writhing(BODY, TIME[:5], seed=1)
    placed = pose(BODY, angles, heading=heading, place=(x, y))
    turned = pose(BODY, angles).joints @ turn("z", heading).T + [x, y, 0]
    assert np.allclose(placed.joints, turned, atol=1e-9)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40)
def test_nothing_sinks_into_the_mattress(seed: int) -> None:
    """For any angles within the limits: joints at least their flesh's thickness above it, fingers and toes above it.

    Where an arm cannot clear both its elbow and its fingertips, the fingers give way.
    """
    low, high = limits()
    angles = np.random.default_rng(seed).uniform(low, high, (50, len(ANGLES)))
    posture = pose(BODY, Angles.split(angles))
    thick = {"elbow": "forearm", "wrist": "wrist", "knee": "calf", "ankle": "ankle"}
    for joint, flesh in thick.items():
        for side in ("left", "right"):
            assert at(posture, f"{side}_{joint}")[:, 2].min() > BODY.radius(flesh) - 1e-12
    assert posture.tips[..., 2].min() > 0 and posture.joints[..., 2].min() > 0


def test_a_limb_in_the_air_is_left_alone_and_a_sinking_one_is_lifted() -> None:
    high = still(left_arm_elevation=60, left_arm_hinge=30)
    assert np.degrees(high.angles.arms[0, 0, 1]) == pytest.approx(60, abs=0.1)
    flat = still(left_arm_elevation=-25)
    assert np.degrees(flat.angles.arms[0, 0, 1]) > -20


def test_fingers_and_toes_of_a_moving_infant_keep_their_own_flesh_above_the_mattress() -> None:
    assert min(moving(s).tips[..., 2].min() for s in range(6)) > 0.012 * BODY.length - 1e-12


@pytest.mark.parametrize("seed", range(6))
def test_limits_hold_after_lifting_too(seed: int) -> None:
    low, high = limits()
    angles = moving(seed).angles.joined()
    assert np.all((angles > low) & (angles < high))


def test_lifting_is_smooth() -> None:
    """No jerk beyond that of the movement: accelerations stay below 60 m/s^2 at 120 frames a second."""
    time = np.arange(0, 30, 1 / 120)
    xyz = pose(BODY, writhing(BODY, time, seed=4)).joints
    assert np.abs(np.diff(xyz, 2, axis=0)).max() * 120**2 < 60


def test_frames_are_rotations_along_their_segments() -> None:
    posture = moving(6)
    frames = [posture.trunk, posture.head, *np.moveaxis(posture.arms, (1, 2), (0, 1)).reshape(6, -1, 3, 3),
              *np.moveaxis(posture.legs, (1, 2), (0, 1)).reshape(6, -1, 3, 3)]
    for frame in frames:
        assert np.allclose(frame @ np.swapaxes(frame, 1, 2), np.eye(3), atol=1e-12)
        assert np.allclose(np.linalg.det(frame), 1)
    thigh = at(posture, "left_knee") - at(posture, "left_hip")
    assert np.allclose(thigh, -BODY.thigh * posture.legs[:, 0, 0, :, 1], atol=1e-12)
    fingers = posture.tips[:, 1] - at(posture, "right_wrist")
    assert np.allclose(fingers, -0.8 * BODY.hand * posture.arms[:, 1, 2, :, 1], atol=1e-12)


def crown(body: InfantBody) -> float:
    posture = pose(body, Angles.split(np.zeros((1, len(ANGLES)))))
    return float(posture.head_centre[0, 1] + body.head_axes[1] - at(posture, "left_hip")[0, 1])


def test_crown_to_hips_is_vertex_and_trunk() -> None:
    assert crown(BODY) == pytest.approx(BODY.vertex + BODY.trunk, rel=0.01)


def test_no_frames_and_wrong_shapes() -> None:
    assert pose(BODY, Angles.split(np.zeros((0, 25)))).joints.shape == (0, 17, 3)
    one = still()
    with pytest.raises(InvalidValue, match=r"head: expected shape \(1, 3, 3\), got \(1, 3\)"):
        Posture(one.joints, one.tips, one.head_centre, one.trunk, one.head[:, 0], one.arms, one.legs, one.angles)
