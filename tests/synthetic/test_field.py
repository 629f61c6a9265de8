"""The flesh's distance: its normals, its blocks, its batches and its speed agree with themselves and with geometry."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stereo3d.errors import InvalidValue  # noqa: E402
from stereo3d.synthetic.body import infant_body  # noqa: E402
from stereo3d.synthetic.contacts import apart  # noqa: E402
from stereo3d.synthetic.flesh import GROUPS, Flesh, FleshBuilder  # noqa: E402
from stereo3d.synthetic.garments import Outfit, dressed  # noqa: E402
from stereo3d.synthetic.motion import writhing  # noqa: E402
from stereo3d.synthetic.picture.field import field  # noqa: E402
from stereo3d.synthetic.picture.grid import bake, bounds  # noqa: E402
from stereo3d.synthetic.picture.trace import trace  # noqa: E402

BODY = infant_body(40, seed=1)
STEP = 1 / 60
POSTURE = apart(BODY, writhing(BODY, np.array([0.5, 0.5 + STEP]), seed=1))
FLESH = dressed(BODY, POSTURE, Outfit())
FIELD = field([(FLESH, 0)], interval=STEP)


def tensor(x: object) -> torch.Tensor:
    return torch.tensor(np.asarray(x), dtype=torch.float32)


def ball(centre: tuple[float, float, float], radius: float) -> Flesh:
    build = FleshBuilder(1)
    build.ellipsoid("trunk", np.array(centre), [radius] * 3, frame=np.eye(3)[None])
    return build.build()


def near(count: int = 4000) -> torch.Tensor:
    """(1, count, 3) m points about the infant."""
    low, high = bounds(FLESH, 0)
    return tensor(np.random.default_rng(0).uniform(low, high, (1, count, 3)))


def on_skin(count: int = 300) -> torch.Tensor:
    points = near(20 * count)
    for _ in range(6):
        found = FIELD.surface(points)
        points = points - found.distance[..., None] * found.normal
    there = FIELD.surface(points).distance.abs()[0] < 2e-4
    return points[:, there][:, :count]


def test_a_balls_distance_is_exact() -> None:
    points = near(50)
    found = field([(ball((0.1, 0.2, 0.3), 0.05), 0)]).distance(points)
    wanted = (points - tensor([0.1, 0.2, 0.3])).norm(dim=-1) - 0.05
    assert torch.allclose(found, wanted, atol=1e-5)


def test_a_cone_is_two_balls_and_what_lies_between() -> None:
    build = FleshBuilder(1)
    build.cone("trunk", (np.zeros((1, 3)), np.array([[0.1, 0, 0]])), (0.02, 0.01))
    found = field([(build.build(), 0)]).distance(tensor([[[-0.05, 0, 0], [0.15, 0, 0], [0.0, 0.0, 0.0]]]))
    assert found[0].tolist() == pytest.approx([0.03, 0.04, -0.02], abs=1e-4)


def test_normals_are_the_slope_of_the_distance() -> None:
    points, h = on_skin(), 2e-4
    shifts = h * torch.eye(3)
    slope = torch.stack([FIELD.distance(points + s) - FIELD.distance(points - s) for s in shifts], -1)
    slope = torch.nn.functional.normalize(slope, dim=-1)
    agree = (slope * FIELD.surface(points).normal).sum(-1)
    assert torch.quantile(agree, 0.10) > 0.98 and agree.median() > 0.998


def test_blocks_with_fewer_parts_give_the_same() -> None:
    points = near()
    whole, blocks = FIELD._distance(points), FIELD.distance(points)
    close = whole.abs() < 0.03
    assert (whole - blocks)[close].abs().max() < 1e-4
    assert torch.allclose(FIELD._surface(points[:, :1000])[..., 0], whole[:, :1000], atol=1e-5)


def test_a_batch_is_as_each_alone() -> None:
    """Even where one wears what the other does not."""
    other = dressed(BODY, POSTURE, Outfit(hat=True, shirt=True))
    points = near(500)
    both = field([(FLESH, 0), (other, 0)], interval=STEP).surface(points.repeat(2, 1, 1))
    for i, flesh in enumerate((FLESH, other)):
        alone = field([(flesh, 0)], interval=STEP).surface(points)
        close = alone.distance[0].abs() < 0.02
        assert torch.allclose(both.distance[i][close], alone.distance[0][close], atol=2e-5)
        assert torch.allclose(both.speed[i][close], alone.speed[0][close], atol=1e-4)
    assert both.weight[1, :, GROUPS.index("hat")].max() > 0.9


def test_the_skin_moves_as_the_next_moment_says() -> None:
    points = on_skin()
    moved = points + FIELD.surface(points).speed * STEP
    after = field([(FLESH, 1)]).distance(moved).abs()
    assert after.median() < 2e-4 and torch.quantile(after, 0.9) < 6e-4
    assert FIELD.surface(points).speed.norm(dim=-1).max() > 0.01


def test_weights_add_up_and_name_the_limb() -> None:
    knee = tensor(POSTURE.joints[0, 13])[None, None]
    weight = FIELD.surface(knee).weight
    assert weight.sum(-1).item() == pytest.approx(1, abs=1e-4)
    assert GROUPS[int(weight.argmax())] == "left_leg"


def test_a_cut_takes_what_lies_beyond() -> None:
    build = FleshBuilder(1)
    build.ellipsoid("hat", np.zeros(3), [0.05] * 3, frame=np.eye(3)[None])
    build.cut("hat", np.zeros((1, 3)), np.array([[0, 0, 1.0]]))
    found = field([(build.build(), 0)]).distance(tensor([[[0, 0, 0.04], [0, 0, -0.04]]]))[0]
    assert found[0] > 0.03 and found[1] < -0.005


def test_groups_melt_at_seams_alone() -> None:
    """Two balls of different groups that touch: with a seam between them the waist is filled."""

    def waist(seam: bool) -> float:
        build = FleshBuilder(1)
        for group, x in (("trunk", -0.02), ("left_arm", 0.02)):
            build.ellipsoid(group, np.array([x, 0, 0]), [0.02] * 3, frame=np.eye(3)[None])
        if seam:
            build.seam(np.zeros((1, 3)), soft=0.005, reach=0.02)
        return float(field([(build.build(), 0)]).distance(tensor([[[0, 0.006, 0]]])))

    assert waist(seam=False) == pytest.approx(np.hypot(0.02, 0.006) - 0.02, abs=1e-3)
    assert waist(seam=True) < -0.001


def test_the_grid_follows_the_field() -> None:
    low, high = (tensor(b)[None] for b in bounds(FLESH, 0))
    grid, points = bake(FIELD, low, high), near()
    exact, found = FIELD.distance(points), grid.distance(points)
    assert (found - exact)[exact.abs() < 0.01].abs().mean() < 0.0015
    assert (found - exact)[exact > 0.03].max() < 0.01, "far away it must not promise more than there is"
    outside = grid.distance(high[:, None] + tensor([0.3, 0, 0]))
    assert outside.item() > 0.29


def test_rays_end_on_the_skin() -> None:
    low, high = (tensor(b)[None] for b in bounds(FLESH, 0))
    grid = bake(FIELD, low, high)
    origin = tensor([[[0, 0, 0.7]]])
    goals = tensor(np.random.default_rng(1).uniform([-0.15, -0.2, 0.02], [0.15, 0.2, 0.02], (1, 800, 3)))
    ways = torch.nn.functional.normalize(goals - origin, dim=-1)
    hits = trace(FIELD, grid, origin=origin, ways=ways)
    assert 100 < hits.rays.shape[1] < 800
    points = origin + hits.reach[..., None] * ways[:, hits.rays[0]]
    assert FIELD.distance(points).abs().max() < 7e-4
    steps = torch.linspace(0, 1, 60)[:, None, None] * (hits.reach[..., None] - 0.006)[0]
    before = FIELD.distance((origin[0] + steps * ways[0, hits.rays[0]]).reshape(1, -1, 3))
    assert before.min() > -0.001, "nothing lies before the point that is hit"


def test_rays_that_miss_are_left_out() -> None:
    one = field([(ball((0, 0, 0.1), 0.05), 0)])
    low, high = bounds(ball((0, 0, 0.1), 0.05), 0)
    grid = bake(one, tensor(low)[None], tensor(high)[None])
    ways = torch.nn.functional.normalize(tensor([[[0, 0, -1.0], [1.0, 0, -1.0], [0, 0, 1.0]]]), dim=-1)
    hits = trace(one, grid, origin=tensor([[[0, 0, 0.7]]]), ways=ways)
    assert hits.rays.tolist() == [[0]] and hits.reach.item() == pytest.approx(0.55, abs=1e-3)


def test_parts_of_a_group_must_lie_side_by_side() -> None:
    with pytest.raises(InvalidValue, match="side by side"):
        Flesh(**{n: getattr(FLESH, n) for n in Flesh.__slots__ if n != "group"}, group=FLESH.group[::-1])
