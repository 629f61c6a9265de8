"""A comparison as AGMA's tables 3, 4 and 5 beside the paper's own, and the tests.

For people: shares in %, lengths in cm or px, as the papers print them. All joints are pooled over frames but for rows
that say otherwise; mean and STD are of joints found; PCK counts a miss as wrong, `of found` leaves misses out.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from stereo3d.evaluation import metrics, published
from stereo3d.evaluation.account import OF_FOUND, Account
from stereo3d.evaluation.compare import Comparison
from stereo3d.evaluation.compared import Compared, paired_tests
from stereo3d.evaluation.pixels import picture_error
from stereo3d.evaluation.published import Table
from stereo3d.evaluation.report import CENTIMETRES

READING = (
    "Mean and STD are of the joints found, PCK counts a miss as wrong and, in brackets, leaves misses out. Joints are "
    "pooled over frames, but for rows that say otherwise. Intervals are 95 %, by subject. The papers' figures are of "
    "their own infants, as printed: beside these, not against them."
)
AGMA_PICTURES = published.beside(published.AGMA_TABLE_3, published.AGMA_FIGURE_6)
_PAPERS = {"pictures": AGMA_PICTURES, "space": published.AGMA_TABLE_4, "joints": published.AGMA_TABLE_5}


def account(comparison: Comparison) -> Account:
    """All tables of a comparison, AGMA's beneath those that are laid out like them."""
    space = comparison.space
    n_frames, n_joints = space.labelled.shape
    head = f"{n_frames} frames and {n_joints} joints that all share; subjects: {len(space.subjects)}."
    counts = {"frames": n_frames, "joint_names": list(space.joints), "subjects": list(space.subjects)}
    made = tables(comparison)
    return Account(head, counts, made, READING, {name: {"AGMA": t} for name, t in _PAPERS.items() if name in made})


def tables(comparison: Comparison) -> dict[str, Table]:
    """`pictures` (AGMA's table 3, where there are any), `space` (4), `joints` (5), `steadiness`, `tests`."""
    space, pictures = comparison.space, comparison.pictures
    made = {} if pictures is None else {"pictures": in_pictures(pictures)}
    made |= {"space": in_space(space), "joints": by_joint(space), "steadiness": steadiness(comparison)}
    return made | {"tests": against_first(space)}


def in_pictures(compared: Compared) -> Table:
    """AGMA's table 3 and its figure 6 in numbers: PCK of the torso height, mean and STD of the pictures' errors."""
    rows = _rows(compared, "") | _over_frames(compared)
    return Table("In pictures: PCK of the torso height, %, and error", _columns(compared), rows)


def in_space(compared: Compared) -> Table:
    """AGMA's table 4: 3DPCK, mean and STD."""
    rows = _rows(compared, "") | _over_frames(compared)
    return Table("In space: 3DPCK, %, and error", _columns(compared), rows)


def by_joint(compared: Compared) -> Table:
    """AGMA's table 5 for each prediction: its joints, left and right together."""
    rows: dict[str, tuple[float, ...]] = {}
    for group, which in metrics.joint_groups(compared.joints).items():
        rows |= _rows(compared.of_joints(which), f"{group}, ")
    return Table(f"In {'space' if compared.size is None else 'pictures'}, by joint", _columns(compared), rows)


def steadiness(comparison: Comparison) -> Table:
    """How much tracks shake: acceleration error, limb segments' coefficient of variation, the detector's row noise."""
    rows = {name: (s[0], 100 * s[1], s[2]) for name, s in comparison.steadiness.items()}
    return Table("Steadiness", ("acceleration error m/s^2", "limb length variation %", "row noise px"), rows)


def against_first(compared: Compared) -> Table:
    """Mean errors with their intervals, and each prediction's difference from the first with its paired tests."""
    unit, times = "cm" if compared.size is None else "px", _unit(compared)
    columns = (f"mean {unit}", "low", "high", f"difference {unit}", "difference low", "difference high", "subjects",
               "p t test", "p Wilcoxon")  # fmt: skip
    held = {test.name: test for test in paired_tests(compared)}
    rows = {}
    for i, name in enumerate(compared.names):
        test, mean = held.get(name), compared.mean(i)
        against = (np.nan,) * 3 if test is None else test.difference
        rest = (len(compared.subjects), np.nan, np.nan) if test is None else (test.subjects, test.p_t, test.p_wilcoxon)
        rows[name] = (*(times * x for x in (*mean, *against)), *map(float, rest))
    return Table(f"Against {compared.names[0]}, by subject", columns, rows)


def _columns(compared: Compared) -> tuple[str, ...]:
    if compared.size is None:
        unit, shares = "cm", [f"3DPCK@{t * CENTIMETRES:g}cm" for t in compared.thresholds]
    else:
        unit, shares = "px", [f"PCK@{t:g}" for t in compared.thresholds]
    return (*shares, *(share + OF_FOUND for share in shares), f"mean {unit}", f"STD {unit}", "found %")


def _unit(compared: Compared) -> float:
    """What lengths are multiplied by for people: m to cm, px as they are."""
    return CENTIMETRES if compared.size is None else 1.0


def _rows(compared: Compared, prefix: str) -> dict[str, tuple[float, ...]]:
    return {prefix + name: (*_shares(compared, i), *_spread(compared, i)) for i, name in enumerate(compared.names)}


def _shares(compared: Compared, i: int, over: metrics.Over = "joints") -> Iterable[float]:
    both = [compared.pck(i, "wrong", over), compared.pck(i, "left out", over)]
    return (100 * np.concatenate(both)).tolist()  # type: ignore[no-any-return]


def _spread(compared: Compared, i: int) -> tuple[float, ...]:
    mean, std, _ = metrics.spread(compared.error[i])
    rate = metrics.detection_rate(compared.error[i], compared.labelled)
    return _unit(compared) * mean, _unit(compared) * std, 100 * rate


def _over_frames(compared: Compared) -> dict[str, tuple[float, ...]]:
    """Each prediction's mean over frames of every frame's figures; the STD is that of the frames' means."""
    rows, unit = {}, _unit(compared)
    for i, name in enumerate(compared.names):
        mean, std, _ = metrics.spread(picture_error(compared.error[i], compared.labelled))
        found = metrics.detection_rate(compared.error[i], compared.labelled, "frames")
        rows[f"{name}, mean over frames"] = (*_shares(compared, i, "frames"), unit * mean, unit * std, 100 * found)
    return rows
