"""The report as Markdown, JSON and one HTML page; its pictures show what they say."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_boards import views
from scipy.spatial.transform import Rotation

from stereo3d.calibration import figures, report
from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.quality import Calibration, assess
from stereo3d.calibration.report import to_html, to_markdown, write_report
from stereo3d.calibration.solve import solve
from stereo3d.calibration.views import LeftOut
from stereo3d.errors import UsageError
from stereo3d.stereo import Stereo


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    found = assess(solve(views(10, noise=0.2)[0]), 0.12)
    out = (
        LeftOut(50, "blurred <3 px>", "left"), LeftOut(51, "no board is found", harmless=True),
        LeftOut(52, "is too far", "right", 3), LeftOut(52, "is too far", "right", 4),
    )
    return replace(found, solution=replace(found.solution, views=replace(found.solution.views, left_out=out)))


def test_markdown_has_the_verdict_the_figures_and_what_was_left_out(calibration: Calibration) -> None:
    text = to_markdown(calibration)
    assert text.startswith(f"# Calibration report\n\n**{calibration.verdict.level}**: ")
    for line in ("| pairs used | 10 of 10 |", "two halves of the views", "nominal 120.00 mm", "* hold the board"):
        assert line in text
    assert "| left and right | the right way round |" in text
    assert "* pair 50 left: blurred <3 px>\n* pair 52 right: 2 corners too far off\n" in text
    assert "pair 51" not in text and "* 1 pair: no board is found\n" in text, "no fault, but counted"


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes most of the time."""
    monkeypatch.setattr(report, "_WORDS", report._WORDS[-1:])


def test_a_pair_that_cannot_be_rectified_says_so(calibration: Calibration, few_pictures: None) -> None:
    turn = Rotation.from_rotvec((0, 0.8, 0)).as_matrix()
    wide = replace(calibration, rig=replace(calibration.rig, rotation=turn @ calibration.rig.rotation))
    text = to_markdown(wide)
    assert "| distance from the epipolar line |" in text and "not rectified: it would turn the cameras" in text
    picture = np.zeros((720, 1280, 3), np.uint8)
    assert "A pair, rectified" not in to_html(wide, Stereo(picture, picture))


def test_the_page_needs_nothing_else(calibration: Calibration) -> None:
    picture = np.full((720, 1280, 3), 90, np.uint8)
    page = to_html(calibration, Stereo(picture, picture))
    assert not re.search(r"(src|href)=[\"'](?!data:)", page) and "<script" not in page
    shown = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(shown) == 6
    for text in shown:
        image = cv2.imdecode(np.frombuffer(base64.b64decode(text), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.shape[1] > 800 and image.std() > 5
    assert "blurred &lt;3 px&gt;" in page and calibration.verdict.level in page
    assert "prefers-color-scheme:dark" in page and 'name="viewport"' in page and "fx, px" in page


@pytest.mark.parametrize("suffix", [".html", ".md", ".json"])
def test_the_suffix_says_the_form(calibration: Calibration, few_pictures: None, tmp_path: Path, suffix: str) -> None:
    path = write_report(calibration, tmp_path / f"report{suffix}")
    text = path.read_text()
    assert {".html": "<!doctype html>", ".md": "# Calibration", ".json": "{"}[suffix] in text[:20]
    if suffix == ".json":
        assert json.loads(text)["verdict"] == calibration.verdict.level


def test_another_suffix_is_refused(calibration: Calibration, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected .html, .md or .json for a report, got .txt"):
        write_report(calibration, tmp_path / "report.txt")


def test_nothing_left_out_is_said(calibration: Calibration, few_pictures: None) -> None:
    views_ = replace(calibration.solution.views, left_out=())
    clean = replace(calibration, solution=replace(calibration.solution, views=views_), halves=None)
    assert "## Left out\n\nnothing" in to_markdown(clean) and "two halves" not in to_markdown(clean)
    page = to_html(clean)
    assert "<p>Nothing.</p>" in page and page.count("<img") == 1, "no pair is shown without pictures"


def test_two_rigs_can_be_drawn_against_each_other(calibration: Calibration) -> None:
    other = replace(calibration.rig, translation=calibration.rig.translation * 1.01)
    figure = figures.comparison_figure(compare_rigs(calibration.rig, other))
    titles = [ax.get_title() for ax in figure.axes[:3]]
    assert [title.split(",")[0] for title in titles] == ["0.4 m away", "0.8 m away", "1.2 m away"]
    assert [float(title.split()[-1]) for title in titles] == pytest.approx([4.6, 8.2, 12.2], abs=0.3)
