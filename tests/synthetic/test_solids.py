"""Round cones: where rays meet them is where a distance to them, written otherwise, becomes zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d.errors import InvalidValue
from stereo3d.synthetic.solids import Solids, blended_normals, meet, normals
from stereo3d.values import Floats

START = np.array([0.02, -0.03, 0.7])


def some(seed: int, n: int = 6, *, skewed: bool = True) -> Solids:
    """Cones and balls of a few cm about the origin."""
    rng = np.random.default_rng(seed)
    frames = np.linalg.qr(rng.standard_normal((n, 3, 3)))[0]
    scales = rng.uniform(0.6, 1.4, (n, 1, 3)) if skewed else 1
    length = rng.uniform(0.04, 0.12, n) * (np.arange(n) % 3 > 0)
    radius = rng.uniform(0.01, 0.04, (n, 2))
    return Solids(frames * scales, rng.uniform(-0.05, 0.05, (n, 3)), length, radius, np.arange(n))


def beyond(solids: Solids, index: int, points: Floats) -> Floats:
    """(N,) how far points lie outside, in the solid's own frame: the least over the balls along its axis."""
    local = np.linalg.solve(solids.frame[index], (points - solids.origin[index]).T).T
    part = np.linspace(0, 1, 401 if solids.length[index] else 1)
    first, second = solids.radius[index]
    centres = -np.outer(part * solids.length[index], [0, 1, 0])
    apart = np.linalg.norm(local[:, None] - centres, axis=-1)
    return (apart - (first + part * (second - first))).min(1)


def rays_towards(target: Floats, n: int = 60) -> Floats:
    """(N, 3) to within 6 cm of a point."""
    rng = np.random.default_rng(0)
    return (target + rng.uniform(-0.06, 0.06, (n, 3)) - START).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_rays_stop_at_the_surface_and_no_sooner_and_misses_miss(seed: int) -> None:
    solids = some(seed)
    for index in range(len(solids)):
        ways = rays_towards(solids.at(0.5)[0][index])
        reach = meet(solids, index, start=START, ways=ways).astype(float)
        hit = np.isfinite(reach)
        assert 0 < hit.mean() < 1
        assert np.abs(beyond(solids, index, START + ways[hit] * reach[hit, None])).max() < 2e-5
        before = np.linspace(0, 0.999, 25) * np.where(hit, reach, 1.3)[:, None]
        along = START + before[..., None] * ways[:, None]
        assert beyond(solids, index, along.reshape(-1, 3)).min() > -2e-5


def test_a_ball_is_met_where_geometry_says() -> None:
    ball = Solids(np.eye(3)[None], np.zeros((1, 3)), np.zeros(1), np.full((1, 2), 0.1), np.zeros(1))
    ways = np.array([[0, 0, -1], [0, 0, -2], [1, 0, 0]], np.float32)
    got = meet(ball, 0, start=np.array([0, 0, 1.0]), ways=ways)
    assert got.tolist() == pytest.approx([0.9, 0.45, np.inf])


def test_an_ellipsoid_is_as_long_as_its_axes() -> None:
    ellipsoid = Solids(np.diag([0.1, 0.2, 0.3])[None], np.zeros((1, 3)), np.zeros(1), np.ones((1, 2)), np.zeros(1))
    for axis, half in enumerate((0.1, 0.2, 0.3)):
        start = np.eye(3)[axis]
        got = meet(ellipsoid, 0, start=start, ways=-start[None].astype(np.float32))
        assert got[0] == pytest.approx(1 - half, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_normals_are_the_slope_of_the_distance(seed: int) -> None:
    solids = some(seed, skewed=False)
    for index in range(len(solids)):
        ways = rays_towards(solids.at(0.5)[0][index], 100)
        reach = meet(solids, index, start=START, ways=ways)
        hit = np.isfinite(reach)
        points = (START + ways[hit] * reach[hit, None]).astype(np.float32)
        got = normals(solids, points, which=np.full(len(points), index))
        step = 1e-4
        out, back = (beyond(solids, index, points + s * step * got.astype(float)) for s in (1, -1))
        assert np.allclose((out - back) / (2 * step), 1, atol=0.01), "steepest along the normal"
        assert np.all((got * -ways[hit]).sum(1) > -1e-3), "towards the eye"


@given(seed=st.integers(0, 1000))
@settings(max_examples=20)
def test_normals_are_unit_vectors_in_skewed_frames_too(seed: int) -> None:
    solids = some(seed)
    for index in range(len(solids)):
        ways = rays_towards(solids.at(0.5)[0][index], 40)
        reach = meet(solids, index, start=START, ways=ways)
        hit = np.isfinite(reach)
        points = (START + ways[hit] * reach[hit, None]).astype(np.float32)
        got = normals(solids, points, which=np.full(len(points), index))
        assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)


def test_a_blend_of_one_is_its_own_normal_and_of_two_lies_between() -> None:
    frame = np.diag([0.1, 0.08, 0.12])[None]
    one = Solids(frame, np.zeros((1, 3)), np.zeros(1), np.ones((1, 2)), np.zeros(1))
    rng = np.random.default_rng(0)
    way = rng.standard_normal((50, 3))
    points = (way / np.linalg.norm(way, axis=1, keepdims=True) @ frame[0]).astype(np.float32)
    alone = normals(one, points, which=np.zeros(50, np.int64))
    assert np.allclose(blended_normals(one, points, soft=0.01), alone, atol=1e-4)
    centres = np.array([[-0.05, 0, 0], [0.05, 0, 0]])
    two = Solids(np.repeat(frame, 2, 0), centres, np.zeros(2), np.ones((2, 2)), np.zeros(2))
    crease = np.array([[0, 0, 0.12 * np.sqrt(0.75)]], np.float32)
    assert blended_normals(two, crease, soft=0.01)[0] == pytest.approx([0, 0, 1], abs=1e-4)
    left = normals(two, crease, which=np.zeros(1, np.int64))[0]
    assert left[0] > 0.4, "unblended, the crease is sharp"


@pytest.mark.parametrize("seed", range(4))
def test_all_of_a_solid_lies_between_its_corners(seed: int) -> None:
    solids = some(seed)
    corners = solids.corners()
    assert corners.shape == (len(solids), 16, 3)
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.25, 0.25, (2_000, 3))
    for index in range(len(solids)):
        inside = points[beyond(solids, index, points) < 0]
        assert np.all(inside >= corners[index].min(0)) and np.all(inside <= corners[index].max(0))


def test_at_walks_along_the_axis() -> None:
    solids = some(1, skewed=False)
    start, first = solids.at(0)
    end, second = solids.at(1)
    assert np.allclose(start, solids.origin) and np.allclose(np.stack([first, second], 1), solids.radius)
    assert np.allclose(np.linalg.norm(end - start, axis=1), solids.length)
    assert np.allclose(solids.at(0.5)[0], (start + end) / 2)


def test_only_takes_one_material() -> None:
    solids = some(2)
    picked = solids.only(3)
    assert len(picked) == 1 and np.array_equal(picked.origin[0], solids.origin[3])
    assert len(solids.only(99)) == 0


def test_a_ball_within_the_other_is_no_cone() -> None:
    with pytest.raises(InvalidValue, match="radius: expected balls of which neither holds the other"):
        Solids(np.eye(3)[None], np.zeros((1, 3)), np.full(1, 0.01), np.array([[0.05, 0.01]]), np.zeros(1))
