"""Training crops: pictures with their joints, the same from the same seed, never from held-out scenes."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stereo3d.errors import InvalidValue, UsageError  # noqa: E402
from stereo3d.synthetic import casting  # noqa: E402
from stereo3d.synthetic.casting import HELD_OUT, cast  # noqa: E402
from stereo3d.synthetic.crops import Crops, crops, crops_of  # noqa: E402
from stereo3d.synthetic.held_out import SETS, held_out, held_out_seeds, held_out_setting  # noqa: E402
from stereo3d.synthetic.looks import look  # noqa: E402
from stereo3d.synthetic.paint import MONK, linear  # noqa: E402

SIZE = (96, 128)


@pytest.fixture(scope="module", autouse=True)
def few_beds() -> None:
    """One bed for all scenes of a kind, which is quick."""
    casting._BEDS = 1


@pytest.fixture(scope="module")
def some() -> Crops:
    return crops(1, 9, size=SIZE)


def test_shapes_and_ranges(some: Crops) -> None:
    assert some.images.shape == (9, 128, 96, 3) and some.images.dtype == torch.uint8
    for name, shape in (("joints", (9, 17, 2)), ("skin", (9, 17, 2)), ("visible", (9, 17)), ("depth", (9, 17))):
        assert getattr(some, name).shape == shape
    assert (some.depth > 0.2).all() and (some.depth < 1.4).all()
    assert not (some.visible & ~some.inside).any()
    assert some.inside.float().mean() > 0.8 and 0.5 < some.visible.float().mean() < 1


def test_three_cameras_look_at_each_scene(some: Crops) -> None:
    assert len(set(some.seeds)) == 3 and some.seeds[0] == some.seeds[2] != some.seeds[3]
    assert (some.images[0].int() - some.images[1].int()).abs().float().mean() > 5


def test_the_same_seed_gives_the_same_crops(some: Crops) -> None:
    again = crops(1, 3, size=SIZE)
    assert torch.equal(again.images, some.images[:3]) and torch.equal(again.joints, some.joints[:3])
    assert crops(2, 1, size=SIZE).seeds != again.seeds[:1]


def test_a_batch_is_as_its_scenes_alone() -> None:
    """As an accelerator renders them: several scenes at once."""
    from stereo3d.synthetic.crops import _render

    seeds = [5, 6]
    both = _render([cast(s) for s in seeds], size=SIZE, device="cpu")
    alone = crops_of(seeds, 6, size=SIZE)
    assert torch.allclose(both.joints, alone.joints, atol=1e-3)
    assert (both.visible == alone.visible).float().mean() > 0.97
    assert both.seeds == alone.seeds


def test_visible_joints_lie_on_the_infant() -> None:
    """With skin of one flat green, the pixels of bare limbs' visible joints are green."""
    import dataclasses

    from stereo3d.synthetic.crops import _render

    scene = cast(12, "clean")
    green = dataclasses.replace(scene.look, skin=np.array([0.02, 0.6, 0.02]), redness=0.0, gloss=0.0)
    found = _render([dataclasses.replace(scene, look=green)], size=(192, 256), device="cpu")
    limbs = [7, 8, 9, 10, 13, 14, 15, 16]
    for image, xy, seen in zip(found.images.int(), found.joints, found.visible):
        u, v = torch.round(xy[limbs]).long()[seen[limbs]].T
        r, g, b = image[v, u].T
        assert ((g > 1.4 * r) & (g > 1.4 * b)).float().mean() > 0.85


def test_infants_lie_any_way_round() -> None:
    up = []
    for seed in range(6):
        joints = crops_of([seed], 1, size=(24, 32)).joints[0]
        way = joints[[5, 6]].mean(0) - joints[[11, 12]].mean(0)
        up.append(float(torch.atan2(way[0], -way[1])))
    assert np.ptp(up) > 3 and min(np.abs(np.diff(np.sort(up)))) >= 0


def test_training_seeds_are_never_held_out_ones() -> None:
    seeds = np.random.default_rng([3, 26, 0]).integers(HELD_OUT, size=1000)
    assert seeds.max() < HELD_OUT <= min(SETS.values())
    assert not set(held_out_seeds("clean", 500)) & set(held_out_seeds("hard", 500))


def test_clean_is_on_its_back_and_hard_is_not_always() -> None:
    clean = [held_out_setting("clean", i) for i in range(40)]
    hard = [held_out_setting("hard", i) for i in range(40)]
    assert not any(s.roll or s.occluders or s.aside for s in clean) and all(32 <= s.weeks <= 46 for s in clean)
    assert 8 < sum(s.roll != 0 for s in hard) < 26
    assert 15 < sum(s.occluders for s in hard) < 36 and 5 < sum(s.aside != 0 for s in hard) < 24
    assert held_out_setting("hard", 7) == hard[7]


def test_held_out_scenes_can_be_simulated_and_cut_off_ones_are() -> None:
    first = next(i for i in range(40) if held_out_setting("hard", i).aside)
    scene = held_out("hard", first)
    assert scene.seed == SETS["hard"] + first and 0 < scene.pixels.left.score.mean() < 1 or scene.pixels.right.score.mean() < 1
    assert held_out("clean", 0).pixels.left.score.all()


def test_wrong_wishes_are_named() -> None:
    with pytest.raises(UsageError, match="clean"):
        held_out_seeds("cleen", 1)
    with pytest.raises(InvalidValue, match="kind"):
        cast(1, "easy")
    with pytest.raises(InvalidValue, match="at least 1 crop"):
        crops(0, 0)


def test_skin_comes_from_the_whole_monk_scale() -> None:
    bright = [look(s).skin.mean() for s in range(80)]
    ends = [linear(MONK[i]).mean() for i in (9, 0)]
    assert min(bright) < 2 * ends[0] + 0.02 and max(bright) > 0.75 * ends[1]
    assert look(3, tone=0).skin.mean() > look(3, tone=9).skin.mean()
    assert look(3) == look(3) and look(3) != look(4)
