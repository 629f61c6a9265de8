"""Reports in centimetres: the same figures as the evaluation's, in Markdown, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from tracks import off_by, rows, truth_poses

from stereo3d.errors import UsageError
from stereo3d.evaluation import report
from stereo3d.evaluation.evaluate import evaluate
from stereo3d.skeleton import BABYPOSE_12, COCO_17

TRUTH = truth_poses()


def some(metres=None, truth=TRUTH, **options):
    off = np.linspace(0, 0.12, 17) * np.linspace(0.5, 1, len(truth))[:, None] if metres is None else metres
    off = np.array(np.broadcast_to(off, truth.score.shape))
    off[:1, 0] = np.nan
    return evaluate(off_by(truth, off), truth, **options)


class TestDict:
    def test_holds_the_evaluations_figures_in_centimetres(self):
        found = some()
        figures = report.to_dict(found)
        assert figures["all"]["mean_cm"] == pytest.approx(found.mean * 100, abs=1e-4)
        assert figures["all"]["std_cm"] == pytest.approx(found.std * 100, abs=1e-4)
        assert figures["all"]["median_cm"] == pytest.approx(found.median * 100, abs=1e-4)
        limits = {"1cm": 0.01, "2.5cm": 0.025, "5cm": 0.05, "10cm": 0.1}
        shares = {label: pytest.approx(found.pck(limit) * 100, abs=1e-4) for label, limit in limits.items()}
        assert figures["all"]["pck_percent"] == shares
        figures_of_part = report.to_dict(evaluate(rows(TRUTH, slice(0, 2)), TRUTH))
        assert figures_of_part["frames"] == {"shared": 2, "poses": 2, "truth": 6, "paired_by": "frame", "apart_s": None}
        assert set(figures["per_joint"]) == set(COCO_17.joints) and len(figures["groups"]) == 7

    def test_gives_both_readings_pooled_and_by_frame(self):
        found = some(np.array([[0.02] * 17] * 5 + [[np.nan] * 16 + [0.02]]))
        figures = report.to_dict(found)
        assert figures["all"]["detection_rate_percent"] == pytest.approx(100 * 85 / 102, abs=1e-4)
        by_frame = 100 * (4 + 16 / 17 + 1 / 17) / 6
        assert figures["mean_over_frames"]["detection_rate_percent"] == pytest.approx(by_frame, abs=1e-4)
        assert figures["all"]["pck_percent"]["5cm"] == figures["all"]["detection_rate_percent"]
        assert figures["all"]["pck_of_found_percent"]["5cm"] == 100
        assert figures["mean_over_frames"]["mean_cm"] == pytest.approx(2)

    def test_is_json_even_of_nothing(self):
        for found in (some(), evaluate(rows(TRUTH, slice(0, 0)), TRUTH), some(np.nan)):
            text = json.dumps(report.to_dict(found), allow_nan=False)
            assert json.loads(text)["frames"]["shared"] == found.frame.size
        assert report.to_dict(some(np.nan))["all"]["mean_cm"] is None


class TestMarkdown:
    def cells(self, text):
        lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
        return {line[0]: line[1:] for line in lines}

    def test_is_a_table_of_all_groups_and_joints(self):
        text = report.to_markdown(some(0.017))
        cells = self.cells(text)
        assert list(cells)[2:5] == ["**all**", "all, mean over frames", "nose"]
        assert list(cells)[5:11] == ["shoulders", "elbows", "wrists", "hips", "knees", "ankles"]
        assert cells["shoulders"] == ["100.00", "1.70", "0.00", "1.70"] + ["0.00 (0.00)"] + ["100.00 (100.00)"] * 3
        assert cells["nose"][0] == "83.33" and cells["nose"][5] == "83.33 (100.00)"
        assert len({line.count("|") for line in text.splitlines() if line.startswith("|")}) == 1

    def test_names_its_thresholds(self):
        assert "3DPCK@0.75cm % |" in report.to_markdown(some(thresholds=(0.0075,)))

    def test_says_what_was_shared(self):
        found = evaluate(rows(TRUTH, slice(0, 2)), truth_poses(skeleton=BABYPOSE_12))
        text = report.to_markdown(found)
        assert text.startswith("2 frames shared (poses have 2, truth 6; paired by frame), 12 joints shared; in one")
        assert "alone: left_ear, left_eye, nose" in text
        assert "12 joints shared." not in text and "17 joints shared." in report.to_markdown(some())

    def test_of_nothing_has_dashes(self):
        text = report.to_markdown(evaluate(rows(TRUTH, slice(0, 0)), TRUTH))
        assert self.cells(text)["**all**"] == ["-"] * 4 + ["- (-)"] * 4 and "nan" not in text


class TestFiles:
    def test_csv_reads_back(self):
        found = some()
        table = list(csv.DictReader(io.StringIO(report.to_csv(found))))
        assert [row["name"] for row in table][:2] == ["all", "nose"] and len(table) == 25
        assert float(table[0]["mean_cm"]) == pytest.approx(found.mean * 100, abs=1e-4)
        assert float(table[0]["pck_percent@5cm"]) == pytest.approx(found.pck(0.05) * 100, abs=1e-4)
        nothing = next(csv.DictReader(io.StringIO(report.to_csv(some(np.nan)))))
        assert nothing["mean_cm"] == "" and nothing["found"] == "0"

    @pytest.mark.parametrize("name, start", [("a.md", "6 frames shared"), ("a.JSON", "{"), ("a.csv", "part,name,")])
    def test_are_written_by_their_ending(self, tmp_path, name, start):
        path = report.write(some(), tmp_path / name)
        assert path == tmp_path / name and path.read_text().startswith(start)

    def test_another_ending_is_refused(self, tmp_path):
        with pytest.raises(UsageError, match="expected a name that ends in .md, .json, .csv"):
            report.write(some(), tmp_path / "a.xlsx")
        assert not list(tmp_path.iterdir())
