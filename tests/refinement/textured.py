"""Rectified pictures of textured surfaces whose disparity is known at every place seen from between the views."""

from __future__ import annotations

import cv2
import numpy as np

from stereo3d.refinement.match import BLUR, Cutout
from stereo3d.stereo import Stereo

SIZE = (240, 180)
Field = np.ndarray


def lattice(size=SIZE) -> tuple[Field, Field]:
    """xc and v of every pixel."""
    return np.meshgrid(np.arange(float(size[0])), np.arange(float(size[1])))


def texture(size=SIZE, *, seed=0, fineness=1.5, contrast=25.0) -> Field:
    """Grey levels without any period."""
    rng = np.random.default_rng(seed)
    made = cv2.GaussianBlur(rng.standard_normal(size[::-1]), (0, 0), fineness)
    return 120 + contrast * made / made.std()


def seen(pattern: Field, disparity: Field) -> Stereo:
    """Both views of a surface (h, w) with that disparity where no part hides another."""
    xc, _ = lattice(pattern.shape[::-1])
    out = []
    for sign in (0.5, -0.5):
        rows = [np.interp(xc[0], there, shade) for there, shade in zip(xc + sign * disparity, pattern)]
        out.append(np.array(rows))
    return Stereo(*out)


def softened(pictures: Stereo, *, noise=0.0, seed=1, row_offset=0.0) -> Cutout:
    """As the matcher takes them."""
    rng = np.random.default_rng(seed)
    grey = pictures.map(lambda p: (p + rng.normal(0, noise, p.shape) if noise else p).astype(np.float32))
    return Cutout(grey.map(lambda p: cv2.GaussianBlur(p, (0, 0), BLUR)), (0.0, 0.0), row_offset)
