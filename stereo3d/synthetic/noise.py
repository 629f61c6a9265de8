"""What a detector does to the truth: noise that is white, drifts or stays, gross errors, misses and swaps."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from stereo3d.poses import Poses2D
from stereo3d.stereo import Stereo
from stereo3d.values import Bools, Floats, Value, number


@dataclass(frozen=True, slots=True, eq=False)
class DetectorNoise(Value):
    """Errors of a 2D detector: px along each axis, rates as fractions of joints, frames and views."""

    white: float = 0.0
    """New in every frame."""
    slow: float = 0.0
    """Drifts: its autocorrelation falls as exp(-lag / memory)."""
    bias: float = 0.0
    """Stays the same for a joint and view throughout."""
    memory: float = 0.5
    """s."""
    correlation: float = 0.0
    """Between the left and the right view, of each of the three parts."""
    outliers: float = 0.0
    """Rate of gross errors, each view on its own."""
    outlier_size: float = 40.0
    """px, the standard deviation that a gross error adds along each axis."""
    misses: float = 0.0
    """Rate of joints not found."""
    swaps: float = 0.0
    """Rate at which a left and a right joint change places."""

    def __post_init__(self) -> None:
        self._set(**{n: number(n, getattr(self, n), 0) for n in ("white", "slow", "bias", "outlier_size")})
        self._set(memory=number("memory", self.memory, 1e-6))
        self._set(correlation=number("correlation", self.correlation, -1, 1))
        self._set(**{n: number(n, getattr(self, n), 0, 1) for n in ("outliers", "misses", "swaps")})

    @classmethod
    def mixed(
        cls, sigma: float, *, correlation: float = 0.0, outliers: float = 0.0, misses: float = 0.0
    ) -> DetectorNoise:
        """Noise of `sigma` px: half of its variance white, a quarter drift, a quarter bias."""
        part = sigma / 2
        return cls(np.sqrt(2) * part, part, part, correlation=correlation, outliers=outliers, misses=misses)

    @property
    def sigma(self) -> float:
        """px along an axis, the standard deviation of the three parts together."""
        return float(np.sqrt(self.white**2 + self.slow**2 + self.bias**2))


def detections(truth: Stereo[Poses2D], noise: DetectorNoise, *, seed: int) -> Stereo[Poses2D]:
    """What a detector with that noise makes of the true places; frames evenly spaced.

    A joint that is missed, or whose truth is NaN or has score 0 (out of the picture), is NaN with score 0. Scores
    are mostly lower for gross errors; sigma is the noise's own, for them too.
    """
    streams = [np.random.default_rng([seed, 6, i]) for i in range(5)]
    shape = truth.left.xy.shape
    step = float(np.median(np.diff(truth.left.time))) if len(truth.left) > 1 else 1.0
    offsets = _offsets(noise, shape, step=step, rng=streams[0])
    left, right = (
        _detect(poses, noise, offset=offset, rng=rng) for poses, offset, rng in zip(truth, offsets, streams[1:3])
    )
    return Stereo(_swap(left, noise.swaps, rng=streams[3]), _swap(right, noise.swaps, rng=streams[4]))


def _offsets(
    noise: DetectorNoise, shape: tuple[int, ...], *, step: float, rng: np.random.Generator
) -> Floats:
    """(2, T, K, 2) px, smooth part of the errors of the left and the right view."""
    bias = rng.standard_normal((2, *shape[1:]))[:, None]
    drawn = rng.standard_normal((shape[0], 2, 2, *shape[1:]))  # frames first: a longer recording starts alike
    white, innovation = drawn.transpose(1, 2, 0, 3, 4)
    keep = np.exp(-step / noise.memory)
    innovation[:, 1:] *= np.sqrt(1 - keep**2)
    slow = lfilter([1.0], [1.0, -keep], innovation, axis=1)
    parts = noise.white * white + noise.slow * slow + noise.bias * bias
    parts[1] = noise.correlation * parts[0] + np.sqrt(1 - noise.correlation**2) * parts[1]
    return np.asarray(parts, float)


def _detect(truth: Poses2D, noise: DetectorNoise, *, offset: Floats, rng: np.random.Generator) -> Poses2D:
    """One view's joints: moved, some far, some missed."""
    t, k = truth.score.shape
    chance, size = rng.spawn(2)
    luck = chance.random((t, k, 3))
    gross = luck[..., 0] < noise.outliers
    far = size.standard_normal((t, k, 2)) * (noise.outlier_size * gross)[..., None]
    missed = (luck[..., 1] < noise.misses) | (truth.score == 0) | np.isnan(truth.xy).any(-1)
    score = np.where(gross, 0.2 + 0.6 * luck[..., 2], 1 - 0.35 * luck[..., 2] ** 2)
    return dataclasses.replace(
        truth, xy=np.where(missed[..., None], np.nan, truth.xy + offset + far),
        score=np.where(missed, 0.0, score), sigma=np.where(missed, np.nan, noise.sigma),
    )


def _swap(poses: Poses2D, rate: float, *, rng: np.random.Generator) -> Poses2D:
    """The same with a left and a right joint exchanged at that rate, pair by pair and frame by frame."""
    mirror = poses.skeleton.mirror
    pair = np.minimum(mirror, np.arange(len(mirror)))
    swapped: Bools = rng.random(poses.score.shape)[:, pair] < rate
    there = {n: getattr(poses, n) for n in ("xy", "score", "sigma")}
    return dataclasses.replace(poses, **{
        n: np.where(swapped.reshape(*swapped.shape, *[1] * (a.ndim - 2)), a[:, mirror], a)
        for n, a in there.items()
    })
