"""Which distances between joints keep their length, and what is known of the lengths beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stereo3d.refinement.body import anatomy, kind_of
from stereo3d.skeleton import Skeleton
from stereo3d.values import Floats, Ints

LIMBS = frozenset({("elbow", "shoulder"), ("elbow", "wrist"), ("hip", "knee"), ("ankle", "knee")})
_ANY_LENGTH = 0.5
"""Standard deviation of the logarithm of an infant's length beforehand: growth tables span less."""


@dataclass(frozen=True)
class Bones:
    """B bones of a skeleton; the left and the right one of a kind are of one length."""

    ends: Ints
    """(B, 2) joints."""
    kind: Ints
    """(B,) number of the kind, 0 to N - 1."""
    names: tuple[str, ...]
    """N, such as elbow-wrist."""
    ratio: Floats
    """(N,) usual length over that of the body; 1 where nothing is known."""
    spread: Floats
    """(N,) standard deviation of its logarithm."""
    limb: Floats
    """(N,) 1 for arms' and legs' bones, 0 for those that bend with the trunk or the face."""

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def prior(self) -> Floats:
        """(N, N) covariance of the logarithms of the lengths beforehand: bodies differ as a whole and in proportion."""
        return np.asarray(np.diag(self.spread**2) + _ANY_LENGTH**2)

    def of_joints(self, joints: Ints) -> tuple[Bones, Ints]:
        """The bones between those joints, which are numbered anew in their order, and which kinds these are."""
        inside = np.isin(self.ends, joints).all(1)
        kinds, kind = np.unique(self.kind[inside], return_inverse=True)
        ends = np.searchsorted(joints, self.ends[inside])
        names = tuple(self.names[i] for i in kinds)
        return Bones(ends, kind, names, self.ratio[kinds], self.spread[kinds], self.limb[kinds]), kinds

    def bodies(self, n_joints: int) -> list[Ints]:
        """Sorted joints of each part that bones hold together, single joints left out."""
        part = np.arange(n_joints)
        for i, j in self.ends.tolist():
            part[part == part[j]] = part[i]
        parts = [np.flatnonzero(part == i) for i in np.unique(part)]
        return [joints for joints in parts if len(joints) > 1]


def bones_of(skeleton: Skeleton, looseness: float = 1.0) -> Bones:
    """The bones whose proportions are known of infants; of a skeleton with other names, its own, of any length.

    `looseness` times the spread of infants' proportions is allowed for.
    """
    body = anatomy(skeleton)
    if len(body.bones):
        kinds = [_kind(skeleton, i, j) for i, j in body.bones.tolist()]
        usual = dict(zip(kinds, zip(body.ratio.tolist(), body.spread.tolist())))
        ends = body.bones
    else:
        kinds = [_kind(skeleton, i, j) for i, j in skeleton.bones]
        usual, ends = dict.fromkeys(kinds, (1.0, _ANY_LENGTH)), np.array(skeleton.bones, int).reshape(-1, 2)
    names = list(usual)
    ratio, spread = np.array([usual[n] for n in names]).reshape(-1, 2).T
    limb = np.array([float(name[:2] in LIMBS) for name in names])
    words = tuple(f"{a}-{b}{' (across)' * across}" for a, b, across in names)
    return Bones(ends, np.array([names.index(k) for k in kinds], int), words, ratio, looseness * spread, limb)


def _kind(skeleton: Skeleton, i: int, j: int) -> tuple[str, str, bool]:
    """What a bone and its mirror image share: the kinds of its ends, and whether it crosses the body."""
    a, b = skeleton.joints[i], skeleton.joints[j]
    sides = {name.partition("_")[0] for name in (a, b)} & {"left", "right"}
    first, second = sorted((kind_of(a), kind_of(b)))
    return first, second, len(sides) == 2
