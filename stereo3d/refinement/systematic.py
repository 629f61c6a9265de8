"""A detector's systematic error: what it errs alike in both views and for long, which rows cannot show.

A network marks a joint by how the skin about it looks, and both views look much the same. So what it does wrong, it
does wrong in both, and as long as the infant looks that way: no row differs, no filter helps, bones tell little. How
much that is can only be learned on infants whose joints are known, for each detector and its weights; of simulated
joints, whose noise is all there is, it is nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from stereo3d.poses import Status
from stereo3d.refinement.body import LENGTH, body_length, rows_of_kinds
from stereo3d.refinement.evidence import Evidence
from stereo3d.refinement.noise import Noise
from stereo3d.refinement.offsets import Offsets
from stereo3d.skeleton import Skeleton
from stereo3d.values import Floats, Value, array, number


class Joints(NamedTuple):
    """(K,) each, as in SystematicError."""

    across: Floats
    along: Floats
    nearer: Floats
    left: Floats


JOINTS = Joints._fields
LOWEST = 0.5
"""Score below which errors grow no more: few joints that are kept have less."""


@dataclass(frozen=True, slots=True, eq=False)
class SystematicError(Value):
    """For J kinds of joints, in parts of the body's length as it is seen in the picture."""

    kinds: tuple[str, ...]
    """J names without their sides."""
    across: Floats
    """(J,) standard deviation along x and v in both views alike, of a joint with score 1."""
    along: Floats
    """(J,) standard deviation of the disparity beyond what rows show."""
    nearer: Floats
    """(J,) mean error of the disparity: what is marked on the skin lies before the joint."""
    left: Floats
    """(J,) standard deviation of the disparity that is left after all refinement: flesh and clothes over the joint."""
    doubt: float
    """How `across` grows where the score falls: 1 + doubt (1 - score) times."""
    stays: float
    """0..1, share of the variance of `along` that stays throughout a recording; the rest drifts."""
    memory: float
    """s, of what drifts."""
    offsets: Offsets
    """Depths below the skin of the joints that it was taught."""
    supposed: bool = False
    """Whether this is another detector's, for want of its own."""
    unseen_across: float = 0.0
    """How the error bars of xc and v grow where pictures do not show the joint: 1 + unseen_across sqrt(p) times, p the
    probability of that."""
    unseen_along: float = 0.0
    """How that of the disparity does. It grows with falling scores as well, as `across` does."""
    sure: float = 1.0
    """Times the error bar of the disparity of a joint with score 1 that pictures show: less than 1 where most joints
    err less than is claimed of all."""

    def __post_init__(self) -> None:
        shape = (len(self.kinds),)
        self._set(kinds=tuple(self.kinds), stays=number("stays", self.stays, 0.0, 1.0))
        self._set(**{n: array(n, getattr(self, n), shape) for n in JOINTS})
        self._set(**{n: number(n, getattr(self, n), 0.0) for n in ("doubt", "unseen_across", "unseen_along", "sure")})
        self._set(memory=number("memory", self.memory, 1e-6))

    def of_another(self) -> SystematicError:
        """What is supposed of a detector that nothing was learned of: errs as much, but nobody knows to which side."""
        along = np.hypot(self.along, self.nearer)
        return dataclasses.replace(
            self, along=along, nearer=np.zeros(len(self.kinds)), offsets=Offsets.default(), supposed=True)

    def of(self, skeleton: Skeleton) -> Joints:
        """What holds for the K joints of a skeleton; for those of other names the median of all."""
        which = rows_of_kinds(self.kinds, skeleton.joints)
        columns = (getattr(self, name) for name in JOINTS)
        return Joints(*(np.append(x, np.median(x) if len(x) else 0.0)[which] for x in columns))


def allowed_for(systematic: SystematicError, noise: Noise, found: Evidence) -> tuple[Noise, Evidence]:
    """The noise and the evidence once the detector's systematic error is known: disparities less its mean, the rest of
    it in sigma, in `lasting` and in the parts of the noise."""
    own, unit = systematic.of(found.skeleton), length_of(found)
    unsure = own.across * _doubted(systematic, found)
    lasting = unit * np.stack([unsure, unsure, np.broadcast_to(own.along, unsure.shape)], -1)
    place, sigma = np.array(found.place), np.hypot(found.sigma, lasting)
    place[..., 2] -= np.sign(found.camera.baseline) * unit * own.nearer
    told = _with_parts(noise, systematic, (unit * own.along) ** 2)
    return told, dataclasses.replace(found, place=place, sigma=sigma, lasting=lasting, systematic=systematic)


def _with_parts(noise: Noise, systematic: SystematicError, variance: Floats) -> Noise:
    """The noise's parts, to which the systematic error adds a variance (K,) px^2 of the disparity."""
    rows, stays = noise.rows**2, systematic.stays
    parts = rows * noise.white, rows * noise.slow + (1 - stays) * variance, rows * noise.bias + stays * variance
    white, slow, bias = (part / (rows + variance) for part in parts)
    memory = noise.memory if np.isfinite(noise.memory) else systematic.memory
    return dataclasses.replace(noise, white=white, slow=slow, bias=bias, memory=memory)


def length_of(found: Evidence) -> float:
    """px, that of the body as it is seen."""
    lengths = body_length(found.place, found.sigma, skeleton=found.skeleton, camera=found.camera)
    d = np.abs(found.place[..., 2])
    middle = float(np.nanmedian(d)) if np.isfinite(d).any() else 0.0
    return (float(np.median(lengths)) if len(lengths) else LENGTH) * middle / abs(found.camera.baseline)


def in_common(found: Evidence) -> tuple[Evidence, Floats]:
    """The evidence without what nothing in a recording corrects, and the standard deviation (T, K, 3) px of that.

    What both views err alike is no jitter either: tracks are to follow it.
    """
    if found.systematic is None or found.lasting is None:
        return found, np.zeros(found.place.shape)
    across = np.where(np.arange(3) < 2, found.lasting, 0.0)
    own = (found.status & int(Status.RESCUED)) > 0
    sigma = np.where(own[..., None], found.sigma, np.sqrt(np.maximum(found.sigma**2 - across**2, 0.0)))
    common = np.concatenate([across[..., :2], left_over(found)[..., None]], -1)
    return dataclasses.replace(found, sigma=sigma, lasting=found.lasting - across), common


def left_over(found: Evidence) -> Floats:
    """(T, K) px, standard deviation of the disparity that no refinement takes away."""
    if found.systematic is None:
        return np.zeros(found.score.shape)
    return np.broadcast_to(length_of(found) * found.systematic.of(found.skeleton).left, found.score.shape)


def lengthened(found: Evidence, sigma: Floats) -> Floats:
    """Standard deviations (T, K, 3) px of refined joints, longer where detectors err more than elsewhere: at low
    scores, and where pictures do not show a joint. Something hides it then, or the detectors have it elsewhere."""
    if found.systematic is None:
        return sigma
    known = found.systematic
    unseen = np.sqrt(unseen_in(found))
    across = 1 + known.unseen_across * unseen
    along = known.sure * _doubted(known, found) * (1 + known.unseen_along * unseen)
    return np.asarray(sigma * np.stack([across, across, along], -1))


def unseen_in(found: Evidence) -> Floats:
    """(T, K) 0..1, probability that pictures do not show the joint: 1 of one without a match, 0 without pictures."""
    there = np.isfinite(found.matched)
    return np.where(there, np.nan_to_num(found.hidden), float(there.any()))


def _doubted(systematic: SystematicError, found: Evidence) -> Floats:
    """(T, K) times that errors are larger at those scores."""
    return np.asarray(1 + systematic.doubt * (1 - np.clip(np.nan_to_num(found.score), LOWEST, 1.0)))


def drifting(found: Evidence) -> Floats:
    """(T, K) px, standard deviation of what drifts in the disparity of the systematic error."""
    return np.asarray(_lasting(found) * np.sqrt(1 - found.systematic.stays if found.systematic else 0.0))


def staying(found: Evidence) -> Floats:
    """(T, K) px, of what stays in it."""
    return np.asarray(_lasting(found) * np.sqrt(found.systematic.stays if found.systematic else 0.0))


def by_rows(found: Evidence) -> Floats:
    """(T, K) px, standard deviation of the disparity by the rows alone."""
    return np.sqrt(np.maximum(found.sigma[..., 2] ** 2 - _lasting(found) ** 2, 0.0))


def _lasting(found: Evidence) -> Floats:
    return np.zeros(found.score.shape) if found.lasting is None else np.asarray(found.lasting[..., 2])
