"""The flesh: about the bones, of the body's girths, left and right alike."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.skeleton import COCO_17
from stereo3d.synthetic.body import infant_body
from stereo3d.synthetic.figure import DIAPER, HEAD, SKIN, TRUNK, figure
from stereo3d.synthetic.kinematics import pose, turn
from stereo3d.synthetic.motion import writhing
from stereo3d.synthetic.solids import Solids, meet
from stereo3d.values import Floats

BODY = infant_body(40, seed=1)
POSTURE = pose(BODY, writhing(BODY, np.arange(0, 40, 4.0), seed=1))
FIGURES = [figure(BODY, POSTURE, index=i) for i in range(10)]


def inside(solids: Solids, point: Floats) -> bool:
    """Whether a point lies in one of the solids: rays from outside meet it before and, from behind, after."""
    for index in range(len(solids)):
        there = [meet(solids, index, start=point + way, ways=-way[None].astype(np.float32))[0] for way in np.eye(3)]
        back = [meet(solids, index, start=point - way, ways=way[None].astype(np.float32))[0] for way in np.eye(3)]
        if max(there) < 1 and max(back) < 1:
            return True
    return False


@pytest.mark.parametrize("joint", [j for j in COCO_17.joints if j not in ("nose", "left_eye", "right_eye")])
def test_every_joint_lies_within_the_flesh(joint: str) -> None:
    for i, solids in enumerate(FIGURES[:3]):
        assert inside(solids, POSTURE.joints[i, COCO_17.index(joint)])


@pytest.mark.parametrize("joint", ["nose", "left_eye", "right_eye"])
def test_nose_and_eyes_lie_at_the_skin(joint: str) -> None:
    """Along the face's axis, within 3 mm."""
    out = POSTURE.head[0, :, 2]
    place = POSTURE.joints[0, COCO_17.index(joint)]
    head = FIGURES[0].only(HEAD)
    reach = min(
        meet(head, i, start=place + 0.1 * out, ways=-0.1 * out[None].astype(np.float32))[0] for i in range(len(head))
    )
    assert abs(0.1 - 0.1 * reach) < 3e-3


def test_flesh_lies_on_the_mattress() -> None:
    """Trunk and head touch it to 6 mm; nothing is more than 12 mm below (a heel pressed into it)."""
    for solids in FIGURES:
        below = solids.origin[:, 2] - np.linalg.norm(solids.frame[:, 2] * solids.radius[:, :1], axis=1)
        assert below.min() > -0.012
        for material in (TRUNK, HEAD):
            assert below[solids.material == material].min() < 0.006


def test_limbs_have_the_bodys_girths() -> None:
    """Where each is thickest or thinnest, to 10 %."""
    widths = {}
    for name, a, b in (("upper_arm", "shoulder", "elbow"), ("wrist", "wrist", "elbow"), ("calf", "ankle", "knee")):
        ends = [POSTURE.joints[0, COCO_17.index(f"left_{j}")] for j in (a, b)]
        cones = FIGURES[0]
        start = [i for i in range(len(cones)) if cones.material[i] == SKIN and cones.length[i] > 0
                 and min(np.linalg.norm(p - ends[0]) for p in (cones.at(0)[0][i], cones.at(1)[0][i])) < 1e-9]
        widths[name] = cones.radius[start[0]].max() if name == "calf" else cones.radius[start[0]].min()
    for name, width in widths.items():
        assert width == pytest.approx(BODY.radius(name), rel=0.1)


def test_what_there_is() -> None:
    """A thumb, four fingers of two parts each and five toes on either side; a diaper about trunk and thighs."""
    solids = FIGURES[0]
    assert (solids.material == DIAPER).sum() == 3
    assert np.array_equal(np.bincount(solids.material)[[HEAD, TRUNK]], [13, 6])
    assert len(solids) == len(FIGURES[5])


def test_a_mirrored_posture_has_mirrored_flesh() -> None:
    """Left hands are no right hands: thumbs and great toes change sides with the limbs."""
    angles = writhing(BODY, np.zeros(1), seed=3)
    flat = angles.joined()
    flat[:, :5] = 0
    flat[:, [*range(10, 15), *range(20, 25)]] = flat[:, [*range(5, 10), *range(15, 20)]]
    solids = figure(BODY, pose(BODY, type(angles).split(flat)), index=0)
    centres = solids.at(0.5)[0]
    mirrored = centres * [-1, 1, 1]
    nearest = np.linalg.norm(centres[:, None] - mirrored, axis=-1).min(1)
    assert nearest.max() < 1e-9


def test_a_heading_turns_the_flesh_with_the_infant() -> None:
    angles = writhing(BODY, np.zeros(1), seed=3)
    straight, turned = (figure(BODY, pose(BODY, angles, heading=h), index=0) for h in (0.0, 1.1))
    assert np.allclose(turned.at(0.5)[0], straight.at(0.5)[0] @ turn("z", 1.1).T, atol=1e-9)
    assert np.allclose(turned.radius, straight.radius)
