"""Deformable convolution: each of the nine taps of a 3x3 kernel looks where it is told to.

Dai et al., "Deformable Convolutional Networks", ICCV 2017. In plain torch, as torchvision cannot be had everywhere;
its operator does the work where it is installed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx
from torch.nn import functional

TAPS = 9


def deformable(x: Tensor, offset: Tensor, weight: Tensor) -> Tensor:
    """(N, n_out, h, w) the convolution of x (N, C, h, w) by weight (n_out, C, 3, 3); zero outside x.

    offset (N, 18, h, w): how many px down and right of its place in the kernel each tap looks, in turn (y, x).
    """
    ready = _operator()
    if ready is not None:
        result: Tensor = ready(x, offset, weight, padding=(1, 1))
        return result
    n, channels, h, w = x.shape
    places, shares = _neighbours(offset)
    pixels = x.permute(0, 2, 3, 1).reshape(n * h * w, channels)
    seen = functional.embedding_bag(places, pixels, mode="sum", per_sample_weights=shares)
    kernel = weight.permute(2, 3, 1, 0).reshape(TAPS * channels, -1)
    return (seen.view(n, h * w, TAPS * channels) @ kernel).transpose(1, 2).reshape(n, -1, h, w)


fx.wrap("deformable")


def _neighbours(offset: Tensor) -> tuple[Tensor, Tensor]:
    """(N h w 9, 4) the pixels round the place that each tap looks at, and each one's share: 0 for one outside."""
    n, _, h, w = offset.shape
    steps = torch.arange(-1, 2, device=offset.device)
    row = torch.arange(h, device=offset.device)[:, None, None] + steps.repeat_interleave(3)
    column = torch.arange(w, device=offset.device)[:, None] + steps.repeat(3)
    down, right = offset.view(n, TAPS, 2, h, w).permute(2, 0, 3, 4, 1)
    top, left = down.floor(), right.floor()
    below, beside = down - top, right - left
    place, share = [], []
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        y, x = row + top + i, column + left + j
        inside = (y >= 0) & (y < h) & (x >= 0) & (x < w)
        share.append(torch.where(inside, (below if i else 1 - below) * (beside if j else 1 - beside), 0.0))
        place.append(torch.where(inside, y * w + x, 0.0).long())
    start = torch.arange(n, device=offset.device).view(n, 1, 1, 1, 1) * (h * w)
    return (torch.stack(place, -1) + start).view(-1, 4), torch.stack(share, -1).view(-1, 4)


@functools.cache
def _operator() -> Callable[..., Any] | None:
    """torchvision's, where it is."""
    try:
        from torchvision.ops import deform_conv2d
    except (ImportError, RuntimeError):  # RuntimeError: a torchvision that was built for another torch
        return None
    return deform_conv2d  # type: ignore[no-any-return]
