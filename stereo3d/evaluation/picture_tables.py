"""A comparison in pictures as tables beside the papers': AGMA's table 3, OKS, LOS, RMSD and PCKh."""

from __future__ import annotations

from stereo3d.evaluation import published
from stereo3d.evaluation.account import Account
from stereo3d.evaluation.limbs import ASYMMETRIC_SIZE
from stereo3d.evaluation.picture_comparison import PictureComparison
from stereo3d.evaluation.pixels import PCKH_SHARES
from stereo3d.evaluation.published import Table
from stereo3d.evaluation.tables import AGMA_PICTURES, READING, against_first, by_joint, in_pictures

_KEYPOINTS = ("AP", "AP50", "AP75", "AP medium", "AP large", "AR", "AR50", "AR75", "AR medium", "AR large")
_SMALL = "{0} px at {1} x {2}".format
_LIMBS = ("LOS", "distance px", "RMSD median px", "RMSD IQR px",
          *(_SMALL(name, *ASYMMETRIC_SIZE) for name in ("RMSD median", "RMSD IQR")))  # fmt: skip
_HEADS = (*(f"PCKh@{t:.1f}" for t in PCKH_SHARES), "ME")


def account(comparison: PictureComparison) -> Account:
    """All tables of a comparison in pictures, the papers' beneath those that are laid out like them."""
    errors = comparison.errors
    n_pictures, n_joints = errors.labelled.shape
    head = f"{n_pictures} pictures and {n_joints} joints that all share; subjects: {len(errors.subjects)}."
    counts = {"frames": n_pictures, "joint_names": list(errors.joints), "subjects": list(errors.subjects)}
    made = tables(comparison)
    areas = f" OKS measures by the areas of {' and '.join(comparison.area_from)}." if comparison.keypoints else ""
    papers = {name: of for name, of in _papers().items() if name in made}
    return Account(head, counts, made, READING + areas, papers)


def tables(comparison: PictureComparison) -> dict[str, Table]:
    """`pictures` (AGMA's table 3), `joints`, `keypoints`, `limbs`, `heads` and `tests`, where there is anything."""
    errors = comparison.errors
    made = {"pictures": in_pictures(errors), "joints": by_joint(errors)}
    if comparison.keypoints:
        made["keypoints"] = Table("OKS", _KEYPOINTS, {n: tuple(s) for n, s in _numbers(comparison).items()})
    rows = {f"{limb}, {n}": tuple(x) for n, of in comparison.limbs.items() for limb, x in of.items()}
    if rows:
        made["limbs"] = Table("Limb Overlap Score and RMSD", _LIMBS, rows)
    if comparison.heads:
        in_percent = {n: (*(100 * share for share in x[:-1]), x[-1]) for n, x in comparison.heads.items()}
        made["heads"] = Table("PCKh, %, and ME in head lengths", _HEADS, in_percent)
    return made | {"tests": against_first(errors)}


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
            "Asymmetric convolutions": Table(rmsd.title, _LIMBS[4:], rmsd.rows, rmsd.source),
        },
        "heads": {"In-Motion": published.IN_MOTION_TABLE_1},
    }
