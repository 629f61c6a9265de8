"""What the infant lies on: a printed towel on a mattress on a grey tray, as one flat picture in linear light."""

from __future__ import annotations

import cv2
import numpy as np

from stereo3d.synthetic.paint import Palette, linear
from stereo3d.synthetic.solids import Floats32

TEXEL = 0.0015
"""m, of a texel."""
_HALF = 400
_MATTRESS = (0.50, 0.76)
_TOWEL = (0.42, 0.62)


def bedding(colours: Palette, *, seed: int) -> Floats32:
    """(800, 800, 3) reflectance, 1.2 m square about the infant's place; rows run from its head to its feet.

    Beyond it there is more of the tray, which its edges show. The towel has loops of 3 mm, folds and a print, so that
    stereo matching finds something to hold on to.
    """
    rng = np.random.default_rng([seed, 9])
    out = np.empty((2 * _HALF, 2 * _HALF, 3), np.float32)
    out[:] = linear(np.array([0.56, 0.58, 0.60]))
    _lay(out, _sheet(colours, rng), mask=_mask(_MATTRESS, round_by=0.03, angle=0.0), shade=0.012)
    angle = rng.uniform(-0.06, 0.06)
    _lay(out, _towel(colours, rng), mask=_mask(_TOWEL, round_by=0.008, angle=angle), shade=0.004)
    return out


def _cloud(rng: np.random.Generator, scale: float) -> Floats32:
    """(h, w, 1) smooth noise of unit variance, `scale` texels wide."""
    coarse = max(1, int(scale / 3))
    drawn = rng.standard_normal([2 * _HALF // coarse + 1] * 2, dtype=np.float32)
    small = np.asarray(cv2.GaussianBlur(drawn, (0, 0), scale / coarse), np.float32)
    large = cv2.resize(small / small.std(), (2 * _HALF, 2 * _HALF), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, np.float32)[..., None]


def _folds(rng: np.random.Generator, scale: float) -> Floats32:
    """(h, w, 1) brightness of a softly rumpled cloth under a light from the upper left."""
    height = _cloud(rng, scale)[..., 0]
    slope = np.gradient(height, axis=0) + np.gradient(height, axis=1)
    return np.asarray(slope / slope.std(), np.float32)[..., None]


def _mask(size: tuple[float, float], *, round_by: float, angle: float) -> Floats32:
    """(h, w) 1 inside a rounded rectangle of that width and height in m."""
    y, x = (np.mgrid[-_HALF:_HALF, -_HALF:_HALF] + 0.5).astype(np.float32) * TEXEL
    across, along = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    beyond = [np.maximum(np.abs(p) - s / 2 + round_by, 0) for p, s in zip((across, along), size)]
    return np.asarray(np.clip(0.5 - (np.hypot(*beyond) - round_by) / TEXEL, 0, 1), np.float32)


def _lay(out: Floats32, cloth: Floats32, *, mask: Floats32, shade: float) -> None:
    """Puts a cloth on what lies there; it darkens what is within `shade` m around it."""
    around = cv2.GaussianBlur(mask, (0, 0), shade / TEXEL)
    out *= (1 - 0.45 * around)[..., None]
    out += mask[..., None] * (cloth - out)


def _sheet(colours: Palette, rng: np.random.Generator) -> Floats32:
    weave = _cloud(rng, 1.5)
    return np.asarray(colours.sheet * (1 + 0.04 * _folds(rng, 45.0) + 0.012 * weave), np.float32)


def _towel(colours: Palette, rng: np.random.Generator) -> Floats32:
    """Pastel, with rows of printed spots, stripes at its ends and loops."""
    cloth = np.tile(colours.towel.astype(np.float32), (2 * _HALF, 2 * _HALF, 1))
    y, x = np.mgrid[-_HALF:_HALF, -_HALF:_HALF] * np.float32(TEXEL)
    stripes = (np.abs(np.abs(y) - 0.275) < 0.008) | (np.abs(np.abs(y) - 0.255) < 0.003)
    row = np.round(y / 0.042)
    shifted = x + 0.021 * (row % 2)
    spots = np.hypot(shifted - 0.042 * np.round(shifted / 0.042), y - 0.042 * row) < 0.0075
    printed = (stripes | (spots & (np.abs(y) < 0.235))).astype(np.float32)
    cloth += 0.75 * cv2.GaussianBlur(printed, (0, 0), 0.7)[..., None] * (colours.print.astype(np.float32) - cloth)
    return np.asarray(cloth * (1 + 0.06 * _folds(rng, 22.0) + 0.024 * _cloud(rng, 1.6)), np.float32)
