"""Augmentation: joints go where their pixels go."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dotted import COLOURS, dotted  # noqa: E402

from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.training.augment import Batch, augment, placed, to_upright  # noqa: E402
from stereo3d.training.recipe import Training  # noqa: E402

PLAIN = Training(brightness=0.0)


def batch(n: int = 6) -> Batch:
    images, xy = dotted(n, (128, 128))
    return Batch(torch.from_numpy(images), torch.tensor(xy, dtype=torch.float32), torch.ones(n, 17))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 0.6, -2.0])
def test_each_dot_stays_under_its_joint(mirrored: bool, angle: float) -> None:
    """A mirrored left wrist is a right one: the dot under it has the colour of its twin."""
    n = 6
    out = placed(batch(n), (112, 112), scale=np.full(n, 0.8), angle=np.full(n, angle), mirrored=np.full(n, mirrored),
                 skeleton=COCO_17)
    colours = np.array(COLOURS)[COCO_17.mirror if mirrored else np.arange(17)]
    at = out.xy.round().long().clamp(0, 111)
    for i in range(n):
        shown = out.images[i, at[i, :, 1], at[i, :, 0]].numpy().astype(float)
        there = out.weight[i].numpy() > 0
        near = np.abs(shown - colours).max(-1) < 60
        assert near[there].mean() > 0.85 and there.mean() > 0.7


def test_untouched_it_comes_back() -> None:
    told = batch(2)
    out = placed(told, (128, 128), scale=np.ones(2), angle=np.zeros(2), mirrored=np.zeros(2, bool), skeleton=COCO_17)
    assert torch.equal(out.images, told.images) and torch.allclose(out.xy, told.xy, atol=1e-4)


def test_joints_out_of_the_picture_do_not_count() -> None:
    out = placed(batch(2), (64, 64), scale=np.ones(2), angle=np.zeros(2), mirrored=np.zeros(2, bool), skeleton=COCO_17)
    inside = ((out.xy > -0.5) & (out.xy < 63.5)).all(-1)
    assert torch.equal(out.weight > 0, inside) and 0 < inside.float().mean() < 1


def test_draws_keep_to_their_bounds_and_their_seed() -> None:
    told = batch(24)
    settings = Training(scale=(0.9, 1.1), rotation=45, brightness=0.0, flip=0.0)
    first, again = (
        augment(told, (128, 128), settings=settings, skeleton=COCO_17, rng=np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first.images, again.images) and torch.equal(first.xy, again.xy)
    before, after = (b.xy[:, 5] - b.xy[:, 12] for b in (told, first))
    size = after.norm(dim=-1) / before.norm(dim=-1)
    turned = torch.rad2deg(torch.atan2(after[:, 1], after[:, 0]) - torch.atan2(before[:, 1], before[:, 0]))
    turned = (turned + 180) % 360 - 180
    assert 0.9 <= size.min() and size.max() <= 1.1 and size.std() > 0.03
    assert turned.abs().max() <= 45.01 and turned.std() > 15


def test_zoomed_everything_is_as_large_as_told() -> None:
    told, settings = batch(6), Training(scale=(1.0, 1.0), rotation=0.0, flip=0.0, brightness=0.0)
    out = augment(told, (64, 64), settings=settings, skeleton=COCO_17, rng=np.random.default_rng(0), zoom=0.5)
    assert out.images.shape == (6, 64, 64, 3) and torch.allclose(out.xy, (told.xy - 63.5) / 2 + 31.5, atol=1e-4)
    quarter = told.images.reshape(6, 64, 2, 64, 2, 3).float().mean((2, 4))
    assert (out.images.float() - quarter).abs().max() <= 1


@pytest.mark.parametrize("angle", [0.7, 3.0, -1.6])
def test_infants_are_turned_head_up_before_they_are_turned_by_chance(angle: float) -> None:
    size, n = (128, 128), 6
    lying = placed(batch(n), size, scale=np.full(n, 0.6), angle=np.full(n, angle), mirrored=np.zeros(n, bool), skeleton=COCO_17)
    settings = Training(scale=(1.0, 1.0), rotation=10, brightness=0.0, upright=1.0)
    out = augment(lying, size, settings=settings, skeleton=COCO_17, rng=np.random.default_rng(1))
    left = np.degrees(to_upright(out, COCO_17))
    assert (np.abs(left) < 10.1).all() and np.ptp(left) > 2
    unknown = Batch(lying.images, lying.xy, torch.zeros_like(lying.weight))
    assert (to_upright(unknown, COCO_17) == 0).all()


def test_tints_change_colours_alone() -> None:
    told = batch(4)
    still = Training(scale=(1, 1), rotation=0, flip=0, brightness=0.3)
    out = augment(told, (128, 128), settings=still, skeleton=COCO_17, rng=np.random.default_rng(0))
    assert torch.allclose(out.xy, told.xy, atol=1e-4) and out.images.dtype == torch.uint8
    assert (out.images.float() - told.images.float()).abs().mean() > 2


def test_some_pictures_are_shown_in_other_colours_and_half_of_those_grey() -> None:
    told, settings = batch(60), Training(scale=(1.0, 1.0), rotation=0.0, flip=0.0, brightness=0.0, recolour=0.5)
    out = augment(told, (128, 128), settings=settings, skeleton=COCO_17, rng=np.random.default_rng(2))
    before, after = told.images.int(), out.images.int()
    assert torch.allclose(out.xy, told.xy, atol=1e-4)
    same = (before - after).abs().amax((1, 2, 3)) == 0
    grey = (after.amax(-1) - after.amin(-1)).amax((1, 2)) <= 1
    assert 0.3 < same.float().mean() < 0.7 and 0.1 < grey.float().mean() < 0.4
    assert (before.float().mean(-1) - after.float().mean(-1)).abs().max() <= 1, "as bright as before"


def test_some_pictures_end_within_and_what_is_beyond_does_not_count() -> None:
    told, settings = batch(60), Training(scale=(1.0, 1.0), rotation=0.0, flip=0.0, brightness=0.0, cut=0.5)
    told = Batch((told.images.int() + 1).clamp(0, 255).to(torch.uint8), told.xy, told.weight, told.xy[:, None] + 1)
    out = augment(told, (128, 128), settings=settings, skeleton=COCO_17, rng=np.random.default_rng(2))
    black = (out.images == 0).all(-1)
    ended = black.any((1, 2))
    assert 0.3 < ended.float().mean() < 0.7 and not black[:, 63:65, 63:65].all((1, 2)).any()
    assert ((0.1 < black[ended].float().mean((1, 2))) & (black[ended].float().mean((1, 2)) < 0.55)).all()
    at = out.xy.round().long().clamp(0, 127)
    lost = torch.stack([black[i, at[i, :, 1], at[i, :, 0]] for i in range(60)])
    assert torch.equal(lost, out.weight == 0) or (lost != (out.weight == 0)).float().mean() < 0.01
    assert out.others is not None and torch.isnan(out.others).any() and not torch.isnan(out.others[~ended]).any()
