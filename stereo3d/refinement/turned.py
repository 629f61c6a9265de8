"""How far a head is turned: what of a face is seen from the side is matched at its edge, where its depth is anyone's.

A nose or an ear is a known depth below the skin that shows it where one looks straight at it. From the side the patch
holds cheek, hair and what lies behind the head, and so the surface found there differs by more than a centimetre.
"""

from __future__ import annotations

import numpy as np

from stereo3d.refinement.body import anatomy
from stereo3d.refinement.evidence import Evidence
from stereo3d.values import Floats

FORWARD, BETWEEN = 0.127, 0.16
"""Parts of the body's length from the middle between the ears to the nose, and between the ears: what the distances of
`body` come to."""
_ACROSS = 0.5
"""Of the ears' distance, from which on it tells which way the head is turned; below, the head is seen from a side."""
_GROWTH = {"nose": 0.030, "eye": 0.005, "ear": 0.017}
"""Parts of the body's length: standard deviation of the depth of what is seen from the side, by likelihood on 66
rendered infants, a few in a hundred taken for gross errors; between that and the plain spread for noses."""


def seen_aslant(found: Evidence, length: Floats) -> Floats:
    """(T, K) standard deviation, in parts of the body's `length` (T,) m, of depths below the skin beyond the usual one:
    of nose and eyes the more a face is turned away, of ears the less they are turned here; 0 for all else."""
    names, kinds = found.skeleton.joints, anatomy(found.skeleton).kinds
    out = np.zeros(found.score.shape)
    if not {"nose", "left_ear", "right_ear"} <= set(names):
        return out
    nose, left, right = (found.place[:, names.index(n)] for n in ("nose", "left_ear", "right_ear"))
    unit = length * np.abs(nose[:, 2] + left[:, 2] + right[:, 2]) / 3 / abs(found.camera.baseline)
    ahead = (nose - (left + right) / 2)[:, :2] / (FORWARD * unit)[:, None]
    across = (left - right)[:, :2] / (BETWEEN * unit)[:, None]
    face = 1 - np.sqrt(np.maximum(1 - (ahead**2).sum(-1), 0.0))
    for k, (name, kind) in enumerate(zip(names, kinds)):
        if kind in ("nose", "eye"):
            out[:, k] = _GROWTH[kind] * _known(face)
        elif kind == "ear":
            out[:, k] = _GROWTH[kind] * _known(_edge(ahead, across if name.startswith("left") else -across))
    return out


def _edge(ahead: Floats, across: Floats) -> Floats:
    """(T,) 0 for an ear that is seen from before, 1 at the edge of the head or behind it."""
    wide = np.linalg.norm(across, axis=-1)
    here = -(ahead * across).sum(-1) / np.maximum(wide, 1e-6)
    here = np.where(wide > _ACROSS, here, np.sqrt(np.maximum(1 - wide**2, 0.0)))
    return np.asarray((1 - np.clip(here, 0.0, 1.0)) ** 2)


def _known(x: Floats) -> Floats:
    """(T,) with what is usual where it is not known."""
    known = np.isfinite(x)
    return np.where(known, x, float(np.median(x[known])) if known.any() else 0.0)
