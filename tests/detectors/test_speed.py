"""A machine's figures: pairs a second and hours for an hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stereo3d.detectors import speed
from stereo3d.detectors.tuning import Trial
from stereo3d.models import hrnet


def test_seconds_a_picture_become_pairs_and_hours() -> None:
    rows = speed.speeds([Trial("torch", 0.5, 0.0), Trial("onnx", 0.1, 0.02), Trial("x", np.nan, np.nan, "broken")], 30)
    assert [row.runtime for row in rows] == ["onnx", "torch", "x"], "the fastest first"
    assert rows[1].pairs == 1.0 and rows[1].hours == 30.0
    assert rows[0].pairs == pytest.approx(5) and rows[0].hours == pytest.approx(6) and rows[0].shift == 0.02
    assert np.isnan(rows[2].pairs) and rows[2].why == "broken"


def test_a_network_nobody_trained_can_be_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path))
    monkeypatch.setattr(hrnet, "MODULES", (1, 1, 1))
    monkeypatch.setattr(hrnet, "DEPTH", 1)
    monkeypatch.setattr(speed, "SIZE", (32, 64))
    made = speed.untrained(device="cpu", threads=1, flip=False)
    pictures = speed.noise(made.detector)
    assert pictures.shape == (speed.SHOWN, 64, 32, 3) and made.detector.flip_shift is None
    assert made.detector(pictures).xy.shape == (speed.SHOWN, 17, 2)
