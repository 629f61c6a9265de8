"""docs/accuracy.md is what its command makes: remade on fewer infants, and held against what it says."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from stereo3d.evaluation.comparison.account import markdown
from stereo3d.evaluation.comparison.tables import in_space
from stereo3d.synthetic.held_out import held_out

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")


def script(name: str) -> ModuleType:
    """A script of benchmarks/ as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_benchmark", ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def accuracy() -> ModuleType:
    return script("accuracy")


def numbers(text: str, row: str) -> list[float]:
    """Those of the last row of that name, without those in brackets."""
    line = [line for line in text.splitlines() if line.startswith(f"| {row} |")][-1]
    return [float(cell.split()[0]) for cell in line.strip("| ").split("|")[1:]]


def test_the_sample_is_as_the_page_says(accuracy: ModuleType) -> None:
    assert markdown(in_space(accuracy.sample().space)) in PAGE


def test_the_law_is_as_the_page_says_and_holds(accuracy: ModuleType) -> None:
    table = accuracy.law()
    assert markdown(table) in PAGE
    rows = np.array(list(table.rows.values()))
    np.testing.assert_allclose(rows[:, ::2], rows[:, 1::2], rtol=0.02)


def test_a_page_of_two_infants(accuracy: ModuleType) -> None:
    infants = {str(i): held_out("clean", i, seconds=0.5, fps=4) for i in range(2)}
    clean = accuracy.compared(infants, accuracy.NOISES)
    text = accuracy.page(clean, clean, "the command")
    assert [line for line in text.splitlines() if line.startswith("#")][0] == PAGE.splitlines()[0]
    assert numbers(text, "exact")[:6] == [100, 100, 100, 100, 0, 0]
    means = [clean.space.mean(i).value for i in range(len(clean.space.names))]
    assert means == sorted(means), "more noise costs more, and noise that the views share costs less"
    for row in ("AGMA: DarkPose32 retrained", "AGMA: hips"):
        assert numbers(text.replace("| - ", "| 0 "), row) == numbers(PAGE.replace("| - ", "| 0 "), row)
    assert "synthetic" in text and "nan" not in text


def test_the_benchmark_of_an_hour_runs() -> None:
    found = script("evaluation").measure(300, 1)
    assert found["frames"] == 300 and set(found["cpu_s"]) == {
        "bare distances", "evaluate and report", "compare two, all tables", "average precision"
    }  # fmt: skip
