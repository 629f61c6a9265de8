"""Pictures: the figure is where the truth says it is, in both views, the same every time."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from small_scenes import small

from stereo3d.stereo import SIDES
from stereo3d.synthetic import figure, render
from stereo3d.synthetic.paint import Palette, palette
from stereo3d.synthetic.render import Renderer
from stereo3d.synthetic.rig import project
from stereo3d.synthetic.scene import simulate
from stereo3d.synthetic.solids import Solids
from stereo3d.values import Bools, Bytes, Floats

SCENE = simulate(4, 2, fps=5)


def red(seed: int) -> Palette:
    return dataclasses.replace(palette(seed), skin=np.array([0.8, 0.02, 0.02]), hair=np.array([0.8, 0.02, 0.02]))


@pytest.fixture
def flesh_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red skin on a plain grey bed, which is also quick to make."""
    monkeypatch.setattr(render, "palette", red)
    monkeypatch.setattr(render, "bedding", lambda *_, **__: np.full((8, 8, 3), 0.4, np.float32))


def is_flesh(image: Bytes) -> Bools:
    r, g, b = np.moveaxis(image.astype(int), -1, 0)
    return (r > 60) & (r > 2 * g) & (r > 2 * b)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(small(SCENE))


def test_pictures_are_rgb_of_the_cameras_size_and_the_same_each_time(renderer: Renderer) -> None:
    pair = renderer.pair(3)
    for image in pair:
        assert image.shape == (360, 640, 3) and image.dtype == np.uint8
    again = Renderer(small(simulate(4, 2, fps=5))).pair(3)
    assert np.array_equal(pair.left, again.left) and np.array_equal(pair.right, again.right)
    assert not np.array_equal(pair.left, renderer.pair(4).left)
    assert not np.array_equal(pair.left, pair.right)


@pytest.mark.parametrize("heading", [0.0, 2.0])
@pytest.mark.usefixtures("flesh_is_red")
def test_every_joint_shows_the_infant(heading: float) -> None:
    """With flesh painted red, the pixel at each joint is red in both views; hips are under the diaper."""
    scene = small(simulate(5, 2, fps=2, heading=heading))
    drawn = Renderer(scene)
    there = project(scene.rig, scene.truth.xyz)
    for index in (0, 3):
        for side in SIDES:
            image = drawn.pair(index)[side]
            u, v = np.rint(there[side][index]).astype(int).T
            flesh = is_flesh(image)
            bare = [j for j in range(17) if j not in (1, 2, 11, 12)]
            assert flesh[v, u][bare].all()
            changed = np.abs(image.astype(int) - drawn.empty()[side])[v, u].max(-1)
            assert np.all(changed > 12), "hips and eyes too are not what the empty bed shows"
            assert 0.02 < flesh.mean() < 0.25


def ball_at(*centres: Floats) -> Solids:
    n = len(centres)
    return Solids(np.tile(np.eye(3), (n, 1, 1)), np.array(centres), np.zeros(n), np.full((n, 2), 0.008), np.zeros(n))


def centroid(mask: Bools) -> Floats:
    return np.argwhere(mask).mean(0)[::-1]


@pytest.mark.usefixtures("flesh_is_red")
@pytest.mark.parametrize("place", [(0.0, 0.0, 0.05), (0.15, 0.1, 0.12), (-0.2, -0.12, 0.2)])
def test_a_ball_is_seen_where_both_lenses_put_it(place: tuple[float, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Its silhouette's centre lies at its own projection in either view: distortion and parallax are true."""
    monkeypatch.setattr(figure, "figure", lambda *_, **__: ball_at(np.array(place)))
    scene = small(SCENE)
    pair = Renderer(scene).pair(0)
    there = project(scene.rig, scene.bed.to_camera(np.array(place)))
    found = pair.map(lambda image: centroid(is_flesh(image)))
    for side in SIDES:
        assert found[side] == pytest.approx(there[side], abs=0.3)
    disparity = found.left[0] - found.right[0]
    assert disparity == pytest.approx(there.left[0] - there.right[0], abs=0.2)
    assert 30 < disparity < 80


@pytest.mark.usefixtures("flesh_is_red")
def test_a_limbs_silhouette_moves_by_its_disparity(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forearm alone: its middle in both views."""
    elbow, wrist = SCENE.posture.joints[0, [7, 9]] + [0, 0, 0.03]
    cone = Solids(*(np.array([x]) for x in figure._along(elbow, wrist, radii=(0.014, 0.014))))
    monkeypatch.setattr(figure, "figure", lambda *_, **__: cone)
    scene = small(SCENE)
    pair = Renderer(scene).pair(0)
    there = project(scene.rig, scene.bed.to_camera((elbow + wrist) / 2))
    found = pair.map(lambda image: centroid(is_flesh(image)))
    assert found.left[0] - found.right[0] == pytest.approx(there.left[0] - there.right[0], abs=0.6)
    assert found.left[1] - found.right[1] == pytest.approx(there.left[1] - there.right[1], abs=0.5)


@pytest.mark.usefixtures("flesh_is_red")
def test_the_nearer_hides_the_farther(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two balls on one ray only the upper is seen, whichever comes first."""
    left = -SCENE.bed.rotation.T @ SCENE.bed.translation
    far = np.array([0.05, 0.05, 0.03])
    near = left + 0.8 * (far - left)
    areas = []
    for order in ((far, near), (near, far), (near,)):
        monkeypatch.setattr(figure, "figure", lambda *_, order=order, **__: ball_at(*order))
        areas.append(is_flesh(Renderer(small(SCENE)).pair(0).left).sum())
    assert areas[0] == areas[1] == pytest.approx(areas[2], rel=0.05)


def test_an_empty_bed_is_the_same_behind_the_infant(renderer: Renderer) -> None:
    """Far from the figure only noise of about a grey level is new (and its mean is not rounded)."""
    image, empty = renderer.pair(0).left.astype(float), renderer.empty().left
    corner = np.s_[:40, :40]
    assert np.abs((image - empty)[corner].mean()) < 0.6
    assert 0.4 < (image - empty)[corner].std() < 1.5


def test_the_bed_darkens_beside_the_infant(renderer: Renderer) -> None:
    """A contact shade: pixels around the figure that still are bed are darker than the empty bed."""
    image, empty = (p.left.astype(float).mean(-1) for p in (renderer.pair(0), renderer.empty()))
    u, v = project(small(SCENE).rig, SCENE.truth.xyz[0]).left[[5, 6, 11, 12]].mean(0).round().astype(int)
    around = np.s_[v - 60 : v + 60, u - 60 : u + 60]
    darker = (empty - image)[around]
    assert np.mean((darker > 3) & (darker < 60)) > 0.1


@pytest.mark.usefixtures("flesh_is_red")
def test_pixels_that_see_nothing_are_black() -> None:
    """As where a lens folds before it comes to the corner."""
    scene = small(SCENE, 4)
    bent = np.array([-0.064, 0.0436, 0, 0, -0.03])
    cameras = scene.rig.cameras.map(lambda c: dataclasses.replace(c, distortion=bent))
    scene = dataclasses.replace(scene, rig=dataclasses.replace(scene.rig, cameras=cameras))
    image = Renderer(scene).pair(0).left
    assert image[0, 0].max() < 30 < image[90, 10].min()


@pytest.mark.usefixtures("flesh_is_red")
def test_a_figure_partly_out_of_the_picture_is_cut_off() -> None:
    image = Renderer(small(simulate(2, 0, distance=0.4, weeks=60, heading=0.0), 4)).pair(0).left
    assert is_flesh(image)[0].any() or is_flesh(image)[-1].any()


@pytest.mark.usefixtures("flesh_is_red")
def test_a_figure_out_of_sight_leaves_the_bed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure, "figure", lambda *_, **__: ball_at(np.array([5.0, 0, 0.1])))
    drawn = Renderer(small(SCENE, 4))
    assert np.abs(drawn.pair(0).left.astype(int) - drawn.empty().left).max() < 12
