"""A comparison as tables beside the papers': AGMA's tables 3, 4 and 5, OKS, LOS, RMSD, PCKh, steadiness and the tests.

For people: shares in %, lengths in cm or px, as the papers print them. All joints are pooled over frames but for rows
that say otherwise; mean and STD are of joints found; PCK counts a miss as wrong, `of found` leaves misses out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from stereo3d.evaluation import metrics
from stereo3d.evaluation.bootstrap import Interval
from stereo3d.evaluation.comparison import published
from stereo3d.evaluation.comparison.account import OF_FOUND, Account
from stereo3d.evaluation.comparison.boxplot import box
from stereo3d.evaluation.comparison.compared import Compared, intervals, paired_tests
from stereo3d.evaluation.comparison.pictures import PictureComparison
from stereo3d.evaluation.comparison.published import Table
from stereo3d.evaluation.comparison.space import Comparison
from stereo3d.evaluation.limbs import ASYMMETRIC_SIZE
from stereo3d.evaluation.pixels import PCKH_SHARES, picture_error
from stereo3d.evaluation.report import CENTIMETRES

READING = (
    "Mean and STD are of the joints found, PCK counts a miss as wrong and, in brackets, leaves misses out. Joints are "
    "pooled over frames, but for rows that say otherwise. Intervals are 95 %, by subject. The papers' figures are of "
    "their own infants, as printed: beside these, not against them."
)
AGMA_PICTURES = published.beside(published.AGMA_TABLE_3, published.AGMA_FIGURE_6)
_PAPERS = {"pictures": AGMA_PICTURES, "space": published.AGMA_TABLE_4, "joints": published.AGMA_TABLE_5}
_KEYPOINTS = ("AP", "AP50", "AP75", "AP medium", "AP large", "AR", "AR50", "AR75", "AR medium", "AR large")
_SMALL = "{0} px at {1} x {2}".format
_LIMB_COLUMNS = (
    "LOS", "distance px", "RMSD median px", "RMSD IQR px",
    *(_SMALL(name, *ASYMMETRIC_SIZE) for name in ("RMSD median", "RMSD IQR")),
)  # fmt: skip
_HEADS = (*(f"PCKh@{t:.1f}" for t in PCKH_SHARES), "ME")


def account_in_space(comparison: Comparison) -> Account:
    """All tables of a comparison, AGMA's beneath those that are laid out like them."""
    papers = {name: {"AGMA": table} for name, table in _PAPERS.items()}
    return _account(comparison.space, "frames", tables_in_space(comparison), READING, papers)


def account_in_pictures(comparison: PictureComparison) -> Account:
    """All tables of a comparison in pictures, the papers' beneath those that are laid out like them."""
    areas = f" OKS measures by the areas of {' and '.join(comparison.area_from)}." if comparison.keypoints else ""
    return _account(comparison.errors, "pictures", tables_in_pictures(comparison), READING + areas, _papers())


def _account(
    errors: Compared, of: str, made: Mapping[str, Table], reading: str, papers: Mapping[str, Mapping[str, Table]]
) -> Account:
    n_frames, n_joints = errors.labelled.shape
    head = f"{n_frames} {of} and {n_joints} joints that all share; subjects: {len(errors.subjects)}."
    counts = {"frames": n_frames, "joint_names": list(errors.joints), "subjects": list(errors.subjects)}
    return Account(head, counts, made, reading, {name: tables for name, tables in papers.items() if name in made})


def tables_in_space(comparison: Comparison) -> dict[str, Table]:
    """`pictures` (AGMA's table 3) and `picture boxes` (figure 6) where there are any, `space` (4), `joints` (5),
    `boxes`, `steadiness`, `intervals` where there are several subjects, and `tests`."""
    space, pictures = comparison.space, comparison.pictures
    made = {} if pictures is None else {"pictures": in_pictures(pictures), "picture boxes": in_boxes(pictures)}
    made |= {"space": in_space(space), "joints": by_joint(space), "boxes": in_boxes(space)}
    return made | {"steadiness": steadiness(comparison), **_by_subject(space)}


def tables_in_pictures(comparison: PictureComparison) -> dict[str, Table]:
    """`pictures` (AGMA's table 3), `joints`, `boxes` (figure 6), `keypoints`, `limbs`, `heads`, `intervals`, `tests`:
    those in which there is anything."""
    errors = comparison.errors
    made = {"pictures": in_pictures(errors), "joints": by_joint(errors), "boxes": in_boxes(errors)}
    if comparison.keypoints:
        made["keypoints"] = Table("OKS", _KEYPOINTS, {n: tuple(s) for n, s in _numbers(comparison).items()})
    rows = {f"{limb}, {n}": tuple(x) for n, of in comparison.limbs.items() for limb, x in of.items()}
    if rows:
        made["limbs"] = Table("Limb Overlap Score and RMSD", _LIMB_COLUMNS, rows)
    if comparison.heads:
        in_percent = {n: (*(100 * share for share in x[:-1]), x[-1]) for n, x in comparison.heads.items()}
        made["heads"] = Table("PCKh, %, and ME in head lengths", _HEADS, in_percent)
    return made | _by_subject(errors, comparison.averages)


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


def in_boxes(compared: Compared) -> Table:
    """AGMA's figure 6 as numbers: the boxes that `boxplot` draws, of the mean errors of the frames' found joints."""
    unit, times = "cm" if compared.size is None else "px", _unit(compared)
    columns = {"median": "med", "lower quartile": "q1", "upper quartile": "q3", "lower whisker": "whislo",
               "upper whisker": "whishi", "mean": "mean"}  # fmt: skip
    rows = {}
    for name, error in zip(compared.names, compared.error):
        held = box(times * picture_error(error, compared.labelled))
        rows[name] = tuple(held[key] for key in columns.values())
    title = f"Boxes of the mean error of each {'frame' if compared.size is None else 'picture'} (AGMA, figure 6)"
    return Table(title, tuple(f"{column} {unit}" for column in columns), rows)


def with_intervals(compared: Compared, more: Mapping[str, Mapping[str, Interval]] | None = None) -> Table:
    """Every figure of tables 3 and 4 with its interval by subject, and `more` by prediction and then name."""
    unit, times, shares = "cm" if compared.size is None else "px", _unit(compared), _columns(compared)
    rows: dict[str, tuple[float, ...]] = {}
    for i, name in enumerate(compared.names):
        held = intervals(compared, i)
        for column, share in zip(shares, held.pck):
            rows[f"{name}, {column} %"] = tuple(100 * x for x in share)
        rows[f"{name}, mean {unit}"] = tuple(times * x for x in held.mean)
        rows[f"{name}, STD {unit}"] = tuple(times * x for x in held.std)
        rows[f"{name}, found %"] = tuple(100 * x for x in held.detection_rate)
        for figure, ends in (more or {}).get(name, {}).items():
            rows[f"{name}, {figure} %"] = tuple(100 * x for x in ends)
    return Table("Figures with their 95 % intervals, by subject", ("figure", "low", "high"), rows)


def _by_subject(compared: Compared, more: Mapping[str, Mapping[str, Interval]] | None = None) -> dict[str, Table]:
    """`intervals`, where there is more than one subject, and `tests`."""
    made = {"intervals": with_intervals(compared, more)} if len(compared.subjects) > 1 else {}
    return made | {"tests": against_first(compared)}


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


def _numbers(comparison: PictureComparison) -> dict[str, list[float]]:
    fields = ("ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large")
    return {name: [getattr(s, field) for field in fields] for name, s in comparison.keypoints.items()}


def _papers() -> dict[str, dict[str, Table]]:
    shares = published.INFANT_OPENPOSE_TABLE_1
    as_shares = Table(shares.title, shares.columns, {n: tuple(x / 100 for x in r) for n, r in shares.rows.items()},
                      shares.source)  # fmt: skip
    rmsd = published.ASYMMETRIC_TABLE_2
    return {
        "pictures": {"AGMA": AGMA_PICTURES},
        "keypoints": {"HRNet+DEKR": published.HRNET_DEKR_TABLE_1, "Infant-Pose": as_shares},
        "limbs": {
            "HRNet+DEKR": published.HRNET_DEKR_TABLE_2,
            "Asymmetric convolutions": Table(rmsd.title, _LIMB_COLUMNS[4:], rmsd.rows, rmsd.source),
        },
        "heads": {"In-Motion": published.IN_MOTION_TABLE_1},
    }
