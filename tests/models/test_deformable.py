"""Deformable convolution: against loops, against torch's own where it stands still, and torchvision's where it is."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from stereo3d.models import deformable as room
from stereo3d.models.deformable import deformable


@pytest.fixture(autouse=True)
def without_torchvision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "torchvision.ops", None)
    room._operator.cache_clear()
    yield
    room._operator.cache_clear()


def case(n: int = 2, channels: int = 3, h: int = 5, w: int = 7, spread: float = 2.0) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(3)
    return torch.randn(n, channels, h, w), spread * torch.randn(n, 18, h, w), torch.randn(4, channels, 3, 3)


def by_hand(x: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    """Pixel by pixel and tap by tap, in double precision."""
    x, offset, weight = x.double(), offset.double(), weight.double()
    n, channels, h, w = x.shape
    padded = torch.zeros(n, channels, h + 60, w + 60, dtype=torch.double)
    padded[:, :, 30:-30, 30:-30] = x
    out = torch.zeros(n, len(weight), h, w, dtype=torch.double)
    for i, row, column, tap in torch.cartesian_prod(*map(torch.arange, (n, h, w, 9))).tolist():
        y = 30 + row + tap // 3 - 1 + float(offset[i, 2 * tap, row, column])
        z = 30 + column + tap % 3 - 1 + float(offset[i, 2 * tap + 1, row, column])
        top, left = int(y // 1), int(z // 1)
        patch = padded[i, :, top:top + 2, left:left + 2]
        down, right = y - top, z - left
        share = torch.tensor([[(1 - down) * (1 - right), (1 - down) * right], [down * (1 - right), down * right]])
        out[i, :, row, column] += weight[:, :, tap // 3, tap % 3] @ (patch * share).sum((1, 2))
    return out


def test_it_is_what_the_definition_says() -> None:
    x, offset, weight = case()
    torch.testing.assert_close(deformable(x, offset, weight).double(), by_hand(x, offset, weight), rtol=0, atol=1e-5)


def test_without_offsets_it_is_a_convolution() -> None:
    x, offset, weight = case()
    plain = torch.conv2d(x, weight, padding=1)
    torch.testing.assert_close(deformable(x, 0 * offset, weight), plain, rtol=1e-5, atol=1e-5)


def test_whole_steps_down_and_right_move_the_picture() -> None:
    x, _, weight = case(h=8, w=9)
    steps = torch.tensor([2.0, -1.0]).repeat(9)[None, :, None, None].expand(2, 18, 8, 9)
    moved = torch.zeros_like(x)
    moved[:, :, :-2, 1:] = x[:, :, 2:, :-1]
    inner = (..., slice(1, -3), slice(2, -1))
    torch.testing.assert_close(
        deformable(x, steps, weight)[inner], torch.conv2d(moved, weight, padding=1)[inner], rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("far", [100.0, -100.0, 1e30])
def test_far_outside_there_is_nothing(far: float) -> None:
    x, offset, weight = case()
    assert not deformable(x, torch.full_like(offset, far), weight).any()


def test_pictures_of_a_batch_do_not_touch_each_other() -> None:
    x, offset, weight = case()
    alone = torch.cat([deformable(x[i:i + 1], offset[i:i + 1], weight) for i in range(2)])
    torch.testing.assert_close(deformable(x, offset, weight), alone, rtol=1e-5, atol=1e-6)


def test_it_can_be_trained() -> None:
    x, offset, weight = (t.double().requires_grad_() for t in case(1, 2, 3, 4, spread=0.3))
    assert torch.autograd.gradcheck(deformable, (x, offset, weight), atol=1e-4)


def test_torchvisions_operator_does_the_work_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    ops = types.ModuleType("torchvision.ops")
    ops.deform_conv2d = lambda *given, **how: asked.append((given, how)) or torch.ones(1)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", types.ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.ops", ops)
    x, offset, weight = case()
    assert deformable(x, offset, weight) == 1
    assert asked == [((x, offset, weight), {"padding": (1, 1)})]
