"""The notebooks run from beginning to end, stay short, and their pictures show something."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from notebook_runner import cells, code, png, run

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_short_and_uses_the_public_api(path: Path) -> None:
    book = cells(path)
    assert 4 <= len(book) < 15
    for text in (code(cell) for cell in book if cell["cell_type"] == "code"):
        for node in ast.walk(ast.parse(text)):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.ImportFrom):
                names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not [name for name in names if name.startswith("_")], "a private name"
    stored = "".join(str(cell.get("outputs", "")) for cell in book)
    assert not re.search(r"/(home|work|root|Users|tmp)/", stored), "a path of someone's machine"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs(path: Path) -> None:
    shown = run(path)
    pictures = [value for _, value in shown if hasattr(value, "savefig")]
    assert len(pictures) >= 4
    for figure in pictures:
        image = cv2.imdecode(np.frombuffer(png(figure), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.std() > 8
    text = "".join(printed for printed, _ in shown)
    if path.stem == "01_calibrate":
        assert "**good**: 18 of 18 pairs used" in text and "median 0." in text
    if path.stem == "02_check_calibration":
        assert text.count("good: rows are off by 0.0") == 1 and "the cameras have moved" in text
    if path.stem == "03_finetune":
        before, after = map(float, re.search(r"never saw: ([\d.]+) -> ([\d.]+) px", text).groups())  # type: ignore[union-attr]
        least = float(re.search(r"mean pose is ([\d.]+) px", text)[1])  # type: ignore[index]
        assert after < min(least, 0.85 * before)
        assert "learned from: 46 pictures of 11" in text and "other infants: 12 pictures of 4" in text
    assert NOTEBOOKS
    if path.stem == "04_evaluate":
        assert "AGMA: DarkPose32 retrained | 40.49" in text and "| fine |" in text and "0.125 |" in text and "nan" not in text
