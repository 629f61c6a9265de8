"""Pairs of pictures: the infant is where the truth says, seen where it can be seen, the same each time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from small_scenes import small  # noqa: E402

from stereo3d.skeleton import INMOTION_19  # noqa: E402
from stereo3d.stereo import SIDES  # noqa: E402
from stereo3d.synthetic.picture.pairs import Photographer, Sight  # noqa: E402
from stereo3d.synthetic.picture.truth import own_groups  # noqa: E402
from stereo3d.synthetic.rig import project  # noqa: E402
from stereo3d.synthetic.scene import Setting, Simulation, simulate, simulate_in  # noqa: E402

SCENE = small(simulate(4, 0.27, fps=15))


@pytest.fixture(scope="module")
def drawn() -> Photographer:
    return Photographer(SCENE)


@pytest.fixture(scope="module")
def sight(drawn: Photographer) -> Sight:
    """Of its second moment, for all that ask: drawing costs a second."""
    return drawn.sight(1)


def test_pictures_are_of_the_cameras_size_and_the_same_each_time(sight: Sight) -> None:
    pair = sight.images
    for image in pair:
        assert image.shape == (360, 640, 3) and image.dtype == np.uint8
    again = Photographer(small(simulate(4, 0.27, fps=15))).pair(1)
    assert np.array_equal(pair.left, again.left) and np.array_equal(pair.right, again.right)
    assert not np.array_equal(pair.left, pair.right)


def test_the_infant_is_where_its_joints_are(drawn: Photographer, sight: Sight) -> None:
    """Every joint's pixel differs from the empty bed, and what differs is about as large as an infant."""
    pair, empty = sight.images, drawn.empty()
    there = project(SCENE.rig, SCENE.truth.xyz)
    for side in SIDES:
        differs = np.abs(pair[side].astype(int) - empty[side]).max(-1) > 14
        u, v = np.rint(there[side][1]).astype(int).T
        assert differs[v, u].mean() > 0.85
        assert 0.02 < differs.mean() < 0.35


def test_both_views_agree_by_disparity(sight: Sight) -> None:
    """The patch about the trunk in the left picture is found in the right one at the trunk's disparity."""
    import cv2

    pair = sight.images
    skin = sight.skin[[5, 6, 11, 12]].mean(0)
    left, right = (p[0] for p in project(SCENE.rig, skin[None]))
    u, v = np.rint(left).astype(int)
    patch = pair.left[v - 14 : v + 15, u - 14 : u + 15]
    found = cv2.matchTemplate(pair.right, patch, cv2.TM_CCOEFF_NORMED)
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert (x + 14, y + 14) == pytest.approx(tuple(right + np.array([u, v]) - left), abs=2.5)


def test_the_skin_lies_before_its_joint_on_its_line(sight: Sight) -> None:
    joints = SCENE.truth.xyz[1]
    middle = -SCENE.rig.rotation.T @ SCENE.rig.translation / 2
    way = joints - middle
    along = ((sight.skin - middle) * way).sum(1) / (way**2).sum(1)
    assert np.abs(np.cross(sight.skin - middle, way)).max() < 1e-4
    depth = (1 - along) * np.linalg.norm(way, axis=1)
    assert (np.abs(depth[:3]) < 0.02).all(), "nose and eyes lie on the skin"
    assert (depth[5:] > 0.003).all() and (depth[5:] < 0.075).all()


def test_on_its_back_nearly_all_joints_are_seen(sight: Sight) -> None:
    for side in SIDES:
        assert sight.visible[side][[5, 6, 11, 12]].all()
        assert sight.visible[side].sum() >= 13


def test_on_its_side_some_are_hidden() -> None:
    hidden = 0
    for seed in range(1):
        scene = small(simulate_in(Setting(roll=1.4, heading=0.5), seed=seed, seconds=0.1, fps=10), 4)
        seen = Photographer(scene).sight(0).visible.left
        hidden += 17 - seen.sum()
        assert not seen[[3, 5]].all(), "its left ear or shoulder lies below"
    assert hidden >= 3


def test_things_in_the_way_hide_joints() -> None:
    seeds = (0, 3)

    def seen(occluders: bool) -> list[int]:
        scenes = [simulate_in(Setting(occluders=occluders), seed=s, seconds=0, fps=10) for s in seeds]
        return [int(Photographer(small(s, 8)).sight(0).visible.left.sum()) for s in scenes]

    free, blocked = seen(False), seen(True)
    assert sum(blocked) < sum(free) and all(b <= f for b, f in zip(blocked, free))


def test_each_joint_has_skin_of_its_own_side() -> None:
    own = own_groups()
    assert own.any(1).all()
    assert not (own[9] & own[10]).any() and not (own[15] & own[16]).any()


def test_one_moment_alone_can_be_drawn() -> None:
    scene: Simulation = small(simulate(2, 0), 4)
    assert Photographer(scene).pair(0).left.shape == (180, 320, 3)


def test_an_infant_out_of_sight_leaves_the_bed() -> None:
    scene = small(simulate_in(Setting(aside=1.2), seed=1, seconds=0), 4)
    drawn = Photographer(scene)
    sight = drawn.sight(0)
    assert np.abs(sight.images.right.astype(int) - drawn.empty().right).mean() < 8
    assert scene.pixels.right.score.sum() == 0


def test_another_seed_is_another_infant() -> None:
    one, two = (Photographer(small(dataclasses.replace(SCENE, seed=s), 4)).pair(0).left.astype(int) for s in (1, 2))
    assert np.abs(one - two).mean() > 3


def test_joints_of_other_skeletons_have_their_own_skin() -> None:
    """The forehead's is the forehead itself; the middle of the pelvis lies under the belly."""
    scene = small(simulate_in(Setting(distance=0.6, weeks=40.0), seed=3, seconds=0.1, fps=10, skeleton=INMOTION_19))
    sight = Photographer(scene).sight(0)
    depth = np.linalg.norm(sight.skin - scene.truth.xyz[0], axis=-1)
    assert depth.shape == sight.visible.left.shape == (19,)
    assert depth[INMOTION_19.index("forehead")] < 0.012 and 0.01 < depth[INMOTION_19.index("mid_pelvis")] < 0.06
    assert sight.visible.left[[INMOTION_19.index(j) for j in ("upper_chest", "mid_pelvis", "left_pelvis")]].all()
