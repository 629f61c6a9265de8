"""How good a network is on samples it does not learn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from stereo3d.detectors.bottomup import Reader, first_of_each, read_regressed, read_tagged
from stereo3d.detectors.crops import CropRule, apply, heatmap_affine
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.evaluation.pixels import torso_height
from stereo3d.models import network
from stereo3d.models.dekr import DEKR
from stereo3d.models.higherhrnet import HigherHRNet
from stereo3d.skeleton import Skeleton
from stereo3d.training.augment import Batch, placed, to_upright
from stereo3d.training.samples import Samples
from stereo3d.training.targets import map_size
from stereo3d.values import Floats

PCK = (0.05, 0.1, 0.2)
"""Of the torso's height."""
_READERS: dict[type[nn.Module], Reader] = {HigherHRNet: read_tagged, DEKR: read_regressed}
"""Networks that find everyone. Of all others the maps are read in DARK's way."""


@dataclass(frozen=True, slots=True)
class Score:
    """2D errors over all known joints, in px of the network's input."""

    mean: float
    """Over those that are found; NaN where none is."""
    median: float
    pck: tuple[float, ...]
    """Shares of joints within PCK torso heights (AGMA, eq. 5); what is not found is not within them."""


def normalised(images: Tensor) -> Tensor:
    """(N, 3, h, w) what a network is fed, channels last, of (N, h, w, 3) bytes."""
    return network.normalised(images.permute(0, 3, 1, 2))


def upright(batch: Batch, size: tuple[int, int], skeleton: Skeleton) -> Batch:
    """The samples' middles at `size` (w, h) px, head up as the search gives them, nothing drawn by chance."""
    n, angle = len(batch.images), to_upright(batch, skeleton)
    return placed(batch, size, scale=np.ones(n), angle=angle, mirrored=np.zeros(n, bool), skeleton=skeleton)


def measure(
    net: nn.Module, samples: Samples, size: tuple[int, int], skeleton: Skeleton, *, batch: int, device: str
) -> Score:
    """The score of a network, which is put to evaluation; NaN without samples."""
    if not len(samples):
        return _NOTHING
    return score(*predicted(net, samples, size, skeleton, batch=batch, device=device), skeleton)


def predicted(
    net: nn.Module, samples: Samples, size: tuple[int, int], skeleton: Skeleton, *, batch: int = 16,
    device: str = "cpu",
) -> tuple[Floats, Floats]:
    """(N, K, 2) px of inputs of `size` (w, h): the joints that a network finds, NaN where it finds none, and the true
    ones, NaN where unknown.

    The network is put to evaluation and looks at the samples' middles as they are, `batch` of them at once; of the
    people that it finds the infant counts.
    """
    net.eval()
    found, truth = [np.zeros((0, len(skeleton), 2))], [np.zeros((0, len(skeleton), 2))]
    for first in range(0, len(samples), batch):
        part = upright(samples.take(np.arange(first, min(first + batch, len(samples))), device), size, skeleton)
        with torch.inference_mode():
            found.append(_joints(net, part.images, skeleton))
        known = (part.weight > 0)[..., None]
        truth.append(torch.where(known, part.xy, torch.nan).double().cpu().numpy())
    return np.concatenate(found), np.concatenate(truth)


def _joints(net: nn.Module, images: Tensor, skeleton: Skeleton) -> Floats:
    """(N, K, 2) px the infant's joints in (N, h, w, 3) bytes, as the network's detector reads them."""
    reader, (h, w) = _READERS.get(type(net)), images.shape[1:3]
    if reader is not None:
        return first_of_each(reader(net, images.permute(0, 3, 1, 2).float(), skeleton, None), len(skeleton)).xy
    peaks = decode_dark(net(normalised(images)).float())
    back = heatmap_affine(map_size((w, h)), CropRule((w, h), convention="dark"))
    return apply(back, peaks.xy.double().cpu().numpy())


def score(found: Floats, truth: Floats, skeleton: Skeleton) -> Score:
    """The score of joints (N, K, 2) px against true ones, NaN where they do not count."""
    error = np.linalg.norm(found - truth, axis=-1)
    torso = torso_height(truth, skeleton)[:, None]
    counted, there = np.isfinite(truth).all(-1) & np.isfinite(torso), error[np.isfinite(error)]
    with np.errstate(invalid="ignore"):
        within = [(error / torso <= limit)[counted] for limit in PCK]
    mean, median = (float(of(there)) if len(there) else float("nan") for of in (np.mean, np.median))
    return Score(mean, median, tuple(float(w.mean()) if len(w) else float("nan") for w in within))


_NOTHING = Score(float("nan"), float("nan"), (float("nan"),) * len(PCK))
