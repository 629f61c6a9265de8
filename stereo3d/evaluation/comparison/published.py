"""What the five papers report, as data with its source, to stand beside figures of one's own.

As printed, misprints included: shares in %, lengths in the unit that the column names. NaN where a paper has none.
They were measured on the papers' own infants and annotations: beside them, not against them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stereo3d.errors import InvalidValue
from stereo3d.values import Floats, Value


@dataclass(frozen=True, slots=True, eq=False)
class Table(Value):
    """Named rows of numbers under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    source: str = ""

    def __post_init__(self) -> None:
        wrong = [name for name, row in self.rows.items() if len(row) != len(self.columns)]
        if wrong:
            raise InvalidValue(f"{self.title}: expected {len(self.columns)} numbers in each row, not so in {wrong}")

    def column(self, name: str) -> Floats:
        """(rows,) one column's numbers."""
        at = self.columns.index(name)
        return np.array([row[at] for row in self.rows.values()], float)


def _table(source: str, title: str, columns: str, text: str) -> Table:
    """From lines of text: a name, a bar, numbers; columns are separated by bars."""
    rows = {}
    for line in text.strip().splitlines():
        name, _, numbers = line.partition("|")
        rows[name.strip()] = tuple(np.nan if x == "-" else float(x) for x in numbers.split())
    return Table(title, tuple(column.strip() for column in columns.split("|")), rows, source)


def beside(table: Table, other: Table) -> Table:
    """The rows of a table with another's columns behind, NaN where that has no such row."""
    unknown = (np.nan,) * len(other.columns)
    rows = {name: row + other.rows.get(name, unknown) for name, row in table.rows.items()}
    return Table(table.title, table.columns + other.columns, rows, table.source)


AGMA = (
    "A. Soualmi et al., A 3D pose estimation framework for preterm infants hospitalized in the Neonatal Unit, "
    "Multimedia Tools and Applications 83 (2023), doi:10.1007/s11042-023-16333-6"
)
IN_MOTION = (
    "D. Groos et al., Towards human-level performance on automatic pose estimation of infant spontaneous movements, "
    "Computerized Medical Imaging and Graphics 95 (2022), doi:10.1016/j.compmedimag.2021.102012"
)
HRNET_DEKR = "A Monitoring Support System Based on HRNet+DEKR for Neonatal Intensive Care Units"
ASYMMETRIC = (
    "L. Migliorelli et al., Asymmetric Three-dimensional Convolutions For Preterm Infants' Pose Estimation, EMBC 2021"
)
INFANT_OPENPOSE = (
    "X. Cao and Z. Chen, Infant-Pose: Apply OpenPose and Infant Keypoints Dataset to Evaluate Infant Posture"
)
_SPACE = "3DPCK@1cm | 3DPCK@2.5cm | 3DPCK@5cm | 3DPCK@10cm | mean cm | STD cm"

AGMA_TABLE_3 = _table(AGMA, "AGMA, table 3: PCK of the torso height in pictures, %", "PCK@0.05 | PCK@0.1 | PCK@0.2", """
Openpose             | 50.08 60.31 64.07
FiDIP                | 55.93 84.29 95.35
HRNet32              | 52.31 79.95 92.41
HRNet48              | 55.86 83.49 95.01
Higher32             | 53.80 75.58 85.24
Higher48             | 54.89 77.07 87.78
DarkPose32           | 54.44 82.09 93.31
DarkPose48           | 56.58 84.39 95.32
HRNet32 retrained    | 66.35 90.92 97.98
HRNet48 retrained    | 65.84 90.82 98.25
Higher32 retrained   | 65.90 89.47 97.44
Higher48 retrained   | 65.16 88.27 96.41
DarkPose32 retrained | 68.07 91.37 98.30
DarkPose48 retrained | 66.93 90.97 98.28
""")
AGMA_TABLE_4 = _table(AGMA, "AGMA, table 4: 3D error", _SPACE, """
Openpose             | 17.46 40.75 53.20 57.12 2.44 5.60
FiDIP                | 32.71 76.26 93.88 98.38 2.31 8.06
HRNet32              | 26.46 67.47 88.63 95.80 3.77 24.39
HRNet48              | 28.72 72.31 92.56 98.00 2.62 6.91
Higher32             | 31.87 65.94 81.03 87.94 8.96 70.62
Higher48             | 32.63 68.06 84.08 90.12 8.52 72.18
DarkPose32           | 31.81 73.64 91.20 96.96 2.97 16.81
DarkPose48           | 32.97 76.46 93.86 98.20 2.37 8.81
HRNet32 retrained    | 35.43 79.47 96.66 99.33 1.91 2.50
HRNet48 retrained    | 35.33 79.99 96.74 99.43 1.90 4.48
Higher32 retrained   | 39.33 80.48 95.75 98.69 1.98 7.34
Higher48 retrained   | 37.56 78.35 93.93 97.79 2.36 10.39
DarkPose32 retrained | 40.49 83.11 97.29 99.45 1.72 2.31
DarkPose48 retrained | 40.24 82.92 97.26 99.45 1.73 2.34
""")
AGMA_TABLE_5 = _table(AGMA, "AGMA, table 5: 3D error by joint, DarkPose32 retrained", _SPACE, """
nose      | 65.38 95.41 99.74 99.99 0.94 0.96
shoulders | 27.57 81.61 98.25 99.98 1.72 1.11
elbows    | 42.19 86.78 98.55 99.88 1.45 1.14
wrists    | 48.70 87.28 98.07 99.58 1.42 1.59
hips      | 15.12 66.93 95.08 99.94 2.24 1.42
knees     | 44.34 88.68 98.76 99.93 1.39 1.07
ankles    | 35.36 82.99 98.00 99.57 1.71 3.73
""")
AGMA_FIGURE_6 = _table(AGMA, "AGMA, figure 6: what the text says of it, 880 x 720 px", "mean px | found %", """
Openpose           | 6.0 30
Higher32           | 30.7 100
Higher48           | 28.5 100
Higher32 retrained | 3.7 100
Higher48 retrained | 5.3 100
""")
IN_MOTION_TABLE_1 = _table(
    IN_MOTION, "In-Motion, table 1: PCKh, %, and ME in head lengths",
    "PCKh@1.0 | PCKh@0.5 | PCKh@0.3 | PCKh@0.2 | PCKh@0.1 | ME", """
OpenPose library     | 96.99 95.51 90.90 81.49 49.66 0.1432
OpenPose             | 99.94 99.61 97.65 90.40 54.89 0.1087
CIMA-Pose            | 99.98 99.83 98.74 93.09 59.69 0.0988
EfficientPose RT     | 99.96 99.69 98.15 92.15 58.71 0.1022
EfficientPose I      | 99.98 99.83 98.81 93.68 60.78 0.0974
EfficientPose II     | 99.97 99.84 98.54 92.41 62.25 0.0969
EfficientPose III    | 99.99 99.94 99.54 97.57 78.21 0.0732
EfficientPose IV     | 99.98 99.93 99.45 96.77 71.10 0.0834
EfficientHourglass B4 | 99.99 99.95 99.56 97.67 81.11 0.0681
""")
IN_MOTION_TABLE_2 = _table(
    IN_MOTION, "In-Motion, table 2: spread of 10 people in head lengths, PCKh@Human0.95 in %",
    "H | H 0.95 | OpenPose | CIMA-Pose | EfficientPose III | EfficientHourglass B4", """
forehead       | 0.0554 0.1158 60.39 57.60 81.59 89.31
nose           | 0.0301 0.0574 32.03 42.89 74.48 82.41
right_ear      | 0.0603 0.1906 88.57 92.40 94.41 92.00
left_ear       | 0.0502 0.1364 73.31 77.49 88.54 89.04
upper_neck     | 0.0527 0.1212 80.67 83.23 88.77 89.19
right_shoulder | 0.0531 0.1106 62.97 73.14 85.71 86.63
right_elbow    | 0.0429 0.0956 52.81 71.00 81.71 86.73
right_wrist    | 0.0386 0.0851 45.43 60.93 80.14 82.60
upper_chest    | 0.0643 0.1200 69.38 72.44 77.31 79.42
left_shoulder  | 0.0576 0.1204 63.25 60.71 88.07 88.74
left_elbow     | 0.0418 0.0959 48.19 46.92 82.50 85.69
left_wrist     | 0.0388 0.0901 48.83 52.44 79.08 84.74
mid_pelvis     | 0.0781 0.1587 82.75 82.50 86.43 90.01
right_pelvis   | 0.0812 0.1553 78.31 80.89 87.30 88.72
right_knee     | 0.0549 0.1119 66.58 77.24 86.63 89.02
right_ankle    | 0.0417 0.0902 51.07 60.21 75.47 80.79
left_pelvis    | 0.0828 0.1603 79.25 77.53 88.07 90.31
left_knee      | 0.0489 0.1049 49.06 48.29 88.22 89.71
left_ankle     | 0.0408 0.0861 45.75 47.24 75.70 82.38
""")
IN_MOTION_TABLE_3 = _table(
    IN_MOTION, "In-Motion, table 3: agreement of ME with H over body parts, with 95 % intervals",
    "ICC(A,1) | A low | A high | ICC(C,1) | C low | C high", """
OpenPose              | 0.00 -0.03 0.07 0.02 -0.43 0.46
CIMA-Pose             | 0.08 -0.04 0.32 0.45 0.01 0.75
EfficientPose III     | 0.47 -0.03 0.84 0.94 0.85 0.98
EfficientHourglass B4 | 0.64 -0.03 0.91 0.96 0.91 0.99
""")
IN_MOTION_TABLE_6 = _table(
    IN_MOTION, "In-Motion, table 6: the same networks on MINI-RGBD", " | ".join(IN_MOTION_TABLE_1.columns), """
OpenPose library      | 98.35 97.02 94.47 90.75 73.80 0.1030
OpenPose              | 88.59 79.59 71.77 62.27 38.41 0.3926
CIMA-Pose             | 95.72 88.99 81.27 71.83 46.68 0.2415
EfficientPose RT      | 94.98 91.28 86.91 79.98 53.83 0.2135
EfficientPose I       | 93.13 91.09 88.16 81.98 56.19 0.2772
EfficientPose II      | 92.49 90.41 87.41 80.57 54.60 0.3263
EfficientPose III     | 83.79 81.45 79.60 76.06 58.56 0.8559
EfficientPose IV      | 93.02 91.15 89.05 86.14 71.35 0.2565
EfficientHourglass B4 | 99.81 99.17 97.52 94.13 75.86 0.0845
""")
HRNET_DEKR_TABLE_1 = _table(
    HRNET_DEKR, "HRNet+DEKR, table 1 and abstract: OKS", "AP | AP50 | AR", "HRNet+DEKR | 0.975 0.989 0.985"
)
HRNET_DEKR_TABLE_2 = _table(HRNET_DEKR, "HRNet+DEKR, table 2: Limb Overlap Score, 640 x 480 px", "LOS", """
left arm  | 0.993
right arm | 0.991
left leg  | 0.992
right leg | 0.992
mean      | 0.992
""")
ASYMMETRIC_TABLE_2 = _table(
    ASYMMETRIC, "Asymmetric convolutions, table II: RMSD at 128 x 96 px", "median px | IQR px", """
Asy-regression, right arm | 16.90 2.71
Asy-regression, left arm  | 16.59 2.43
Asy-regression, right leg | 16.27 2.97
Asy-regression, left leg  | 13.99 4.60
Regression, right arm     | 16.59 3.49
Regression, left arm      | 16.59 3.45
Regression, right leg     | 16.10 3.49
Regression, left leg      | 11.95 5.76
""")
INFANT_OPENPOSE_TABLE_1 = _table(INFANT_OPENPOSE, "Infant-Pose, table 1: OKS, %", "AP | AR", """
Openpose            | 8.30 13.1
Openpose, finetuned | 73.6 82.7
""")
TABLES = (
    AGMA_TABLE_3, AGMA_TABLE_4, AGMA_TABLE_5, AGMA_FIGURE_6, IN_MOTION_TABLE_1, IN_MOTION_TABLE_2, IN_MOTION_TABLE_3,
    IN_MOTION_TABLE_6, HRNET_DEKR_TABLE_1, HRNET_DEKR_TABLE_2, ASYMMETRIC_TABLE_2, INFANT_OPENPOSE_TABLE_1,
)
"""All of them."""
