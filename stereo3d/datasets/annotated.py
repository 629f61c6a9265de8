"""Annotated pictures: where the joints of one infant are in each, and whose picture it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.errors import InputError, InvalidValue
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bools, Bytes, Floats, Ints, Value, array


@dataclass(frozen=True, slots=True, eq=False)
class Annotated(Value):
    """N pictures with K joints each; the pictures are read as they are asked for."""

    picture: Callable[[int], Bytes]
    """The picture of a row, (h, w, 3) RGB."""
    xy: Floats
    """(N, K, 2) px, NaN where it is not annotated."""
    weight: Floats
    """(N, K) 0 where a joint is not annotated, 1 where it is, seen or guessed."""
    visible: Bools
    """(N, K) whether it is seen, as the annotators say."""
    subject: tuple[str, ...]
    """N: whose picture each is; pictures of one infant never go to both sides of a split."""
    skeleton: Skeleton
    others: Floats | None = None
    """(N, P, K, 2) px the joints of whoever else is annotated there, NaN where unknown or nobody; None: P = 0."""

    def __post_init__(self) -> None:
        n, k = len(self.subject), len(self.skeleton)
        others = np.zeros((n, 0, k, 2)) if self.others is None else self.others
        self._set(xy=array("xy", self.xy, (n, k, 2)), weight=array("weight", self.weight, (n, k)),
                  visible=array("visible", self.visible, (n, k), np.bool_),
                  others=array("others", others, (n, "P", k, 2)))

    def __len__(self) -> int:
        return len(self.subject)

    def rows(self, rows: Sequence[int] | Ints) -> Annotated:
        """Those of the pictures, in that order."""
        chosen = np.asarray(rows, int)

        def picture(row: int) -> Bytes:
            return self.picture(int(chosen[row]))

        subject = tuple(self.subject[i] for i in chosen.tolist())
        xy, weight, visible, others = (a[chosen] for a in (self.xy, self.weight, self.visible, self.people[:, 1:]))
        return Annotated(picture, xy, weight, visible, subject, self.skeleton, others)

    @property
    def people(self) -> Floats:
        """(N, 1 + P, K, 2) px everyone's joints, the infant's first."""
        infant = self.xy[:, None]
        return infant if self.others is None else np.concatenate([infant, self.others], 1)


def joined(parts: Sequence[Annotated]) -> Annotated:
    """All the pictures, one part after the other. Raises InvalidValue where skeletons differ or there is no part."""
    names = sorted({p.skeleton.name for p in parts})
    if len(names) != 1:
        raise InvalidValue(f"data sets: expected one skeleton, got {', '.join(names) or 'no data set'}")
    start = np.cumsum([0, *(len(p) for p in parts)])

    def picture(row: int) -> Bytes:
        part = int(np.searchsorted(start, row, side="right")) - 1
        return parts[part].picture(row - int(start[part]))

    xy, weight = (np.concatenate([getattr(p, n) for p in parts]) for n in ("xy", "weight"))
    visible, subject = np.concatenate([p.visible for p in parts]), sum((p.subject for p in parts), ())
    others = one_crowd([p.people[:, 1:] for p in parts])
    return Annotated(picture, xy, weight, visible, subject, parts[0].skeleton, others)


def one_crowd(parts: Sequence[Floats]) -> Floats:
    """All of several arrays (N, P, ...) one after the other, filled up with NaN to the most people P."""
    most = max(part.shape[1] for part in parts)
    wide = [(0, most - part.shape[1]) for part in parts]
    return np.concatenate([
        np.pad(part, [(0, 0), w, *[(0, 0)] * (part.ndim - 2)], constant_values=np.nan) for part, w in zip(parts, wide)])


def split(annotated: Annotated, share: float, *, seed: int = 0) -> tuple[Annotated, Annotated]:
    """(to learn from, held out): about `share` of the infants is held out, drawn by the seed, each wholly.

    At least one infant is on either side. Raises InvalidValue where there are fewer than two.
    """
    infants = sorted(set(annotated.subject))
    if len(infants) < 2:
        raise InvalidValue(
            f"held out: expected pictures of two infants or more, got {len(infants)}; give data.held_out, pictures of "
            "another infant, since pictures of one infant on both sides make any network look good"
        )
    count = min(max(1, round(share * len(infants))), len(infants) - 1)
    chosen = set(np.random.default_rng([seed, 31]).permutation(infants)[:count].tolist())
    held = np.array([s in chosen for s in annotated.subject])
    return annotated.rows(np.flatnonzero(~held)), annotated.rows(np.flatnonzero(held))


def separate(train: Annotated, held_out: Annotated) -> None:
    """Raises InputError where an infant is on both sides."""
    both = sorted(set(train.subject) & set(held_out.subject))
    if both:
        raise InputError(f"held out: expected other infants than those learned from, got {', '.join(both[:5])} in both")
