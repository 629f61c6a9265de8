"""`stereo3d report`: a page from files, its provenance from beside the result, pictures only on demand."""

from __future__ import annotations

from pathlib import Path

import pytest
from results import result

from stereo3d import pipeline
from stereo3d.cli.report import report
from stereo3d.config import resolve
from stereo3d.errors import InputError, UsageError
from stereo3d.provenance import read_provenance

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


@pytest.fixture(scope="module")
def poses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = resolve(None, ["detect.detector=replay"])
    return pipeline.reconstruct(SAMPLE, tmp_path_factory.mktemp("run") / "poses.h5", config=settings)


def test_a_page_with_truth_and_provenance(poses: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report(poses, tmp_path / "page.html", truth=SAMPLE, title="Bed 4")
    page = (tmp_path / "page.html").read_text()
    about = read_provenance(poses) or {}
    assert "<h1>Bed 4</h1>" in page and "Distance from the truth" in page and "<img" not in page
    assert about["sha256"] in page and about["packages"]["numpy"] in page
    assert capsys.readouterr().out == f"{tmp_path / 'page.html'}\n"


def test_pictures_of_the_worst_moments(poses: Path, tmp_path: Path) -> None:
    report(poses, tmp_path / "page.html", recording=SAMPLE, pictures=True)
    page = (tmp_path / "page.html").read_text()
    assert 1 <= page.count('src="data:image/jpeg;base64,/9j/') <= 6


def test_pictures_need_the_recording(poses: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--pictures: needs the recording"):
        report(poses, tmp_path / "page.html", pictures=True)


def test_a_recording_alone_is_told_of_but_not_shown(poses: Path, tmp_path: Path) -> None:
    report(poses, tmp_path / "page.html", recording=SAMPLE)
    page = (tmp_path / "page.html").read_text()
    assert "45 pairs of 1280 x 720 px in 3.0 s, 15 a second; 0 pairs without pictures; the result has 45" in page
    assert "<img" not in page and "infant.h5" not in page and str(SAMPLE) not in page


def test_pictures_of_another_recording_are_refused(tmp_path: Path) -> None:
    result(120, tmp_path / "poses.h5")
    with pytest.raises(InputError, match="is it another one"):
        report(tmp_path / "poses.h5", tmp_path / "page.html", recording=SAMPLE)


@pytest.mark.parametrize("text", ["{", "[1]", "\xff"])
def test_a_broken_provenance_is_told(tmp_path: Path, text: str) -> None:
    result(5, tmp_path / "poses.h5")
    (tmp_path / "poses.run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="expected the provenance as"):
        report(tmp_path / "poses.h5", tmp_path / "page.html")
