"""The verdict and the figures behind it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from made_boards import views

from stereo3d.calibration.quality import LIMITS, Calibration, assess, judge
from stereo3d.calibration.solve import solve
from stereo3d.calibration.views import LeftOut


@pytest.fixture(scope="module")
def sound() -> Calibration:
    return assess(solve(views(20, noise=0.1)[0]), 0.12)


def test_a_sound_calibration_is_good(sound: Calibration) -> None:
    assert sound.verdict.level == "good"
    assert str(sound.verdict).startswith("good: 20 of 20 pairs used; rows of held-out views agree to 0.1")
    assert "3D error stays under" in str(sound.verdict)


def spoilt(c: Calibration, what: str) -> Calibration:
    one, views_ = c.left_out_one, c.solution.views
    gone = tuple(LeftOut(100 + i, "the left and the right picture are exchanged") for i in range(7))
    changes: dict[str, dict[str, Any]] = {
        "rows": {"left_out_one": replace(one, rows=one.rows * 4)},
        "rows far": {"left_out_one": replace(one, rows=one.rows * 20)},
        "unsure": {"spread": replace(c.spread, total=c.spread.total * 6)},
        "unsure far": {"spread": replace(c.spread, total=c.spread.total * 40)},
        "halves": {"halves": c.halves and replace(c.halves, expected=replace(c.halves.expected, total=c.halves.expected.total / 60))},
        "baseline": {"nominal_baseline": 0.1215},
        "baseline far": {"nominal_baseline": 0.13},
        "exchanged": {"rig": replace(c.rig, translation=-c.rig.translation)},
        "gone": {"solution": replace(c.solution, views=replace(views_, left_out=gone))},
    }
    return replace(c, **changes[what])


@pytest.mark.parametrize("what, level, words", [
    ("rows", "usable", "rows of held-out views agree to"),
    ("rows far", "film again", "rows of held-out views"),
    ("unsure", "usable", "3D error stays under"),
    ("unsure far", "film again", "3D error stays under"),
    ("halves", "film again", "two halves of the views differ"),
    ("baseline", "usable", "measure the board's squares"),
    ("baseline far", "film again", "off the nominal 130.00 mm"),
    ("exchanged", "usable", "give the two the other way round"),
    ("gone", "usable", "7 of 27 views were left out"),
])
def test_each_figure_can_spoil_the_verdict(sound: Calibration, what: str, level: str, words: str) -> None:
    verdict = judge(spoilt(sound, what))
    assert verdict.level == level and words in str(verdict)


def test_what_is_not_good_says_what_to_film(sound: Calibration) -> None:
    verdict = judge(spoilt(sound, "rows far"))
    assert verdict.reasons[-1] == sound.coverage.hints[0] if sound.coverage.hints else len(verdict.reasons) == 1


def test_few_pairs_are_usable_at_best() -> None:
    few = assess(solve(views(7, noise=0.05)[0]))
    assert few.verdict.level in ("usable", "film again") and LIMITS["pairs"][0] > 7
    assert "7 of 7 pairs used" in str(judge(replace(few, spread=replace(few.spread, total=few.spread.total / 100))))


def test_the_figures_go_through_json(sound: Calibration) -> None:
    found = json.loads(json.dumps(sound.to_dict(), allow_nan=False))
    assert found["verdict"] == "good" and found["pairs"] == {"looked_at": 20, "used": 20, "left_out": 0}
    assert found["baseline"] == pytest.approx(sound.rig.baseline) == pytest.approx(0.12, abs=5e-4)
    assert found["rms"]["stereo"] == pytest.approx(0.1 * np.sqrt(2), rel=0.1)
    assert found["row_error"]["rms"] <= found["leave_one_out"]["row_error"] < found["row_error"]["max"]
    assert len(found["views"]) == 20 and found["views"][3]["pair"] == 3
    assert found["lens"]["coefficients"] == 5 and sum(t["chosen"] for t in found["lens"]["tried"]) == 1
    assert set(found["uncertainty"]["by_depth"]) == {f"{z:.2f}" for z in np.arange(0.4, 1.21, 0.1)}


def test_what_was_left_out_is_in_the_figures(sound: Calibration) -> None:
    found = spoilt(sound, "gone").to_dict()["left_out"]
    reason = "the left and the right picture are exchanged"
    assert found[0] == {"pair": 100, "side": None, "corner": None, "reason": reason}
