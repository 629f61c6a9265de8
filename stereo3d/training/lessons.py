"""What each sort of network is taught: how wrong what it gives for a batch of pictures is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from stereo3d.models.architectures import kind_of
from stereo3d.models.light import SIGMA
from stereo3d.training.augment import Batch
from stereo3d.training.regressed import regressed_loss
from stereo3d.training.tagged import tagged_loss
from stereo3d.training.targets import gaussians, loss, loss_of_logits, map_size, on_maps

Lesson = Callable[[Any, Batch, Tensor], Tensor]
"""The loss, a scalar, of what a network gives for the batch's pictures, joints counting (K,) weights."""


def lesson_of(architecture: str) -> Lesson:
    """What a network of that name is taught."""
    return _LESSONS.get(architecture) or _LESSONS[kind_of(architecture).name]


def may_be_halved(architecture: str) -> bool:
    """Whether a network may compute in bf16: not where its numbers are places, which would be half a px off."""
    return kind_of(architecture).name != "dekr"


def _of_maps(seen: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    return loss(seen, _maps(batch), batch.weight * weights)


def _of_logits(seen: Tensor, batch: Batch, weights: Tensor) -> Tensor:
    return loss_of_logits(seen, _maps(batch), batch.weight * weights)


def _maps(batch: Batch) -> Tensor:
    h, w = batch.images.shape[1:3]
    return gaussians(on_maps(batch.xy, (w, h)), map_size((w, h)), sigma=SIGMA)


_LESSONS: Mapping[str, Lesson] = {
    "hrnet": _of_maps, "hrnet_w16": _of_logits, "higherhrnet": tagged_loss, "dekr": regressed_loss}
