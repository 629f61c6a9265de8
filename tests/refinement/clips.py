"""Recordings for the tests of the refinement over time: simulated joints, no pictures, the truth beside."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

from stereo3d.calibration.rectify import Rectifier
from stereo3d.detectors.replay import rectified
from stereo3d.refinement.evidence import Evidence, evidence, placed
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.scene import Simulation, simulate

MIXED = DetectorNoise.mixed(2.95, correlation=0.5)


class Clip(NamedTuple):
    joints: Stereo
    evidence: Evidence
    truth: np.ndarray
    """(T, K, 3) m."""
    place: np.ndarray
    """(T, K, 3) px."""


@lru_cache(maxsize=16)
def _scene(seed: int, seconds: float) -> tuple[Simulation, Rectifier]:
    scene = simulate(seed, seconds)
    return scene, Rectifier(scene.rig)


def clip_of(noise: DetectorNoise, seed: int, seconds: float) -> Clip:
    """The infant `seed` as a detector with that noise sees it."""
    scene, rectifier = _scene(seed, seconds)
    truth = scene.truth.xyz @ rectifier.camera.left_from_rectified
    joints = rectified(detections(scene.pixels, noise, seed=seed), rectifier)
    return Clip(joints, evidence(joints, rectifier.camera), truth, placed(truth, rectifier.camera))


def edited(found: Evidence, **fields: np.ndarray) -> Evidence:
    return dataclasses.replace(found, **fields)


def without(found: Evidence, gone: np.ndarray) -> Evidence:
    """The evidence with the joints `gone` (T, K) not seen."""
    return edited(
        found, place=np.where(gone[..., None], np.nan, found.place), sigma=np.where(gone[..., None], np.nan, found.sigma)
    )


def matched(clip: Clip, *, white: float = 0.5, slow: float = 0.5, constant: float = 0.47, seed: int = 0) -> Evidence:
    """The evidence with a match as the pictures gave it on renders: persistent errors of .85 px."""
    rng, (t, k) = np.random.default_rng(seed), clip.evidence.score.shape
    keep = np.exp(-float(np.median(np.diff(clip.evidence.time))))
    new = rng.standard_normal((t, k))
    new[1:] *= np.sqrt(1 - keep**2)
    drift = lfilter([1.0], [1.0, -keep], new, axis=0)
    error = white * rng.standard_normal((t, k)) + slow * drift + constant * rng.standard_normal(k)
    sigma = np.full((t, k), np.sqrt(white**2 + slow**2 + constant**2))
    return edited(clip.evidence, matched=clip.place[..., 2] + error, matched_sigma=sigma)


def mean_error(xyz: np.ndarray, truth: np.ndarray, among: np.ndarray | None = None) -> float:
    """m, over the joints found, or those `among`."""
    error = np.linalg.norm(xyz - truth, axis=-1)
    return float(np.nanmean(error if among is None else error[among]))
