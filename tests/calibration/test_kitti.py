"""KITTI's projection matrices as a rectified camera."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.calibration.kitti import parse_kitti
from stereo3d.errors import CalibrationError

TEXT = """P0: 7.0e+02 0.0 6.0e+02 0.0 0.0 7.0e+02 1.8e+02 0.0 0.0 0.0 1.0 0.0
P1: 7.0e+02 0.0 6.1e+02 -3.5e+02 0.0 7.0e+02 1.8e+02 0.0 0.0 0.0 1.0 0.0
P2: 7.0e+02 0.0 6.0e+02 4.5e+01 0.0 7.0e+02 1.8e+02 -2.0 0.0 0.0 1.0 2.7e-03
Tr: 1 0 0 0 0 1 0 0 0 0 1 0
"""


def test_centre_baseline_and_depth() -> None:
    camera = parse_kitti(TEXT, (1226, 370))
    assert (camera.focal, camera.cx.left, camera.cx.right, camera.cy, camera.baseline) == (700, 600, 610, 180, 0.5)
    point = np.array([1.0, -0.5, 7.0, 1.0])
    for name, seen in zip(("P0", "P1"), camera.project(point[:3]), strict=True):
        row = next(line for line in TEXT.splitlines() if line.startswith(name))
        u, v, w = np.array(row.split()[1:], float).reshape(3, 4) @ point
        np.testing.assert_allclose(seen, [u / w, v / w], rtol=1e-14)


def test_the_other_order_keeps_its_sign() -> None:
    assert parse_kitti(TEXT, (1226, 370), ("P1", "P0")).baseline == -0.5


@pytest.mark.parametrize(("text", "size", "cameras", "sentence"), [
    (TEXT, None, None, "holds no picture size"),
    (TEXT, (1226, 370), ("P0", "P2"), "expected a rectified pair"),
    (TEXT, (1226, 370), ("P0", "P9"), "P9: expected 12 finite numbers"),
    (TEXT.replace("-3.5e+02", "far"), (1226, 370), None, "P1: expected numbers"),
    (TEXT.replace("-3.5e+02", "nan"), (1226, 370), None, "P1: expected 12 finite"),
    (TEXT.replace("-3.5e+02", "-3.5e+05"), (1226, 370), None, "expected metres"),
    (TEXT.replace("7.0e+02", "0"), (1226, 370), None, "focal length first"),
])
def test_a_bad_file_gets_a_sentence(
    text: str, size: tuple[int, int] | None, cameras: tuple[str, str] | None, sentence: str
) -> None:
    with pytest.raises(CalibrationError, match=sentence):
        parse_kitti(text, size, cameras)
