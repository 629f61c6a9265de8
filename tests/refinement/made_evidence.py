"""Evidence made up: places of a known infant, what detectors and pictures say of them drawn from stated noise."""

from __future__ import annotations

import dataclasses

import numpy as np
from simulated_views import views

from stereo3d.refinement.evidence import Evidence
from stereo3d.synthetic.noise import DetectorNoise


def drawn(own=4.0, other=1.0, *, seed=0, of=90, seconds=10.0) -> tuple[Evidence, np.ndarray]:
    """Evidence whose xc and v err by 1 px, d by `own` px, the match by `other` px, and the true places (T, K, 3)."""
    made = views(DetectorNoise(), seed=of, seconds=seconds)
    rng = np.random.default_rng(seed)
    t, k = made.xyz.shape[:2]
    sigma = np.broadcast_to([1.0, 1.0, own], (t, k, 3))
    return Evidence(
        place=made.place + rng.normal(0, 1, (t, k, 3)) * sigma, sigma=sigma,
        matched=made.place[..., 2] + rng.normal(0, other, (t, k)), matched_sigma=np.full((t, k), other),
        hidden=np.zeros((t, k)), score=np.ones((t, k)), residual=rng.normal(0, own, (t, k)),
        status=np.zeros((t, k), int), time=made.joints.left.time, frame=made.joints.left.frame,
        skeleton=made.joints.left.skeleton, camera=made.camera,
    ), made.place


def edited(found: Evidence, **fields) -> Evidence:
    return dataclasses.replace(found, **fields)
