"""AGMA's tables of a comparison: every number against the functions it comes from, and files read back."""

from __future__ import annotations

import csv
import dataclasses
import json

import numpy as np
import pytest
from takes import LEVELS, infants, predicted, without

from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.comparison import published
from stereo3d.evaluation.comparison.account import markdown, to_csv, to_dict, to_markdown, write
from stereo3d.evaluation.comparison.space import compare
from stereo3d.evaluation.comparison.compared import paired_tests
from stereo3d.evaluation.comparison.published import Table
from stereo3d.evaluation.comparison.tables import account_in_space, in_pictures, tables_in_space

TRUTHS = infants()
BOTH = {name: predicted(TRUTHS, metres, 1000 * metres) for name, metres in LEVELS.items()}
BOTH["bad"] = {s: without(p, 0) for s, p in BOTH["bad"].items()}
COMPARISON = compare(BOTH, TRUTHS)
MADE, ACCOUNT = tables_in_space(COMPARISON), account_in_space(COMPARISON)
ALONE = compare({"good": {"": BOTH["good"]["infant 0"]}}, {"": TRUTHS["infant 0"]})


def row(table: str, name: str) -> dict[str, float]:
    return dict(zip(MADE[table].columns, MADE[table].rows[name]))


def cells(text: str, start: str) -> list[str]:
    """Those of the first line of Markdown that starts so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


class TestTables:
    def test_names(self):
        assert list(MADE) == ["pictures", "picture boxes", "space", "joints", "boxes", "steadiness", "intervals", "tests"]
        alone = tables_in_space(dataclasses.replace(COMPARISON, pictures=None))
        assert "pictures" not in alone and "picture boxes" not in alone
        assert "intervals" not in tables_in_space(ALONE)

    @pytest.mark.parametrize("name, paper", [("pictures", published.AGMA_TABLE_3), ("space", published.AGMA_TABLE_4),
                                             ("joints", published.AGMA_TABLE_5)])  # fmt: skip
    def test_columns_are_the_papers(self, name, paper):
        assert set(paper.columns) <= set(MADE[name].columns)

    @pytest.mark.parametrize("i, name", list(enumerate(LEVELS)))
    def test_space_is_in_percent_and_centimetres(self, i, name):
        space, held = COMPARISON.space, row("space", name)
        mean, std, _ = metrics.spread(space.error[i])
        assert held["mean cm"] == pytest.approx(100 * mean) and held["STD cm"] == pytest.approx(100 * std)
        shares = [held[f"3DPCK@{t}cm"] for t in (1, 2.5, 5, 10)]
        np.testing.assert_allclose(shares, 100 * space.pck(i))
        assert held["found %"] == pytest.approx(100 if name == "good" else 100 * 16 / 17)

    def test_both_readings_of_misses(self):
        """The bad one never finds the nose: 10 cm are met by all joints found, and by 16 of 17."""
        held = row("space", "bad")
        assert held["3DPCK@10cm"] == pytest.approx(100 * 16 / 17)
        assert held["3DPCK@10cm of found"] == pytest.approx(100)

    def test_mean_over_frames(self):
        held = row("space", "bad, mean over frames")
        assert held["mean cm"] == pytest.approx(3.3) and held["STD cm"] == pytest.approx(100 * 0.003 * np.sqrt(2 / 3))
        assert held["found %"] == pytest.approx(100 * 16 / 17)

    def test_pictures_are_of_the_same_subjects(self):
        assert COMPARISON.pictures.subjects == COMPARISON.space.subjects == tuple(TRUTHS)

    def test_pictures_are_in_percent_and_pixels(self):
        held = row("pictures", "good")
        assert held["mean px"] == pytest.approx(11)
        np.testing.assert_allclose([held[f"PCK@{t}"] for t in (0.05, 0.1, 0.2)], 100 * COMPARISON.pictures.pck(0))

    def test_joints_are_grouped_left_and_right(self):
        assert list(MADE["joints"].rows)[:3] == ["nose, good", "nose, bad", "shoulders, good"]
        assert len(MADE["joints"].rows) == 7 * 2
        assert row("joints", "nose, bad")["found %"] == 0 and np.isnan(row("joints", "nose, bad")["mean cm"])
        assert row("joints", "knees, bad")["mean cm"] == pytest.approx(3.3)

    def test_boxes_are_of_frames(self):
        """Errors of 3, 3.3 and 3.6 cm, of 20 frames each."""
        held = row("boxes", "bad")
        numbers = [held[f"{n} cm"] for n in ("median", "lower quartile", "upper quartile", "lower whisker", "upper whisker", "mean")]
        assert numbers == pytest.approx([3.3, 3.0, 3.6, 3.0, 3.6, 3.3])
        assert row("picture boxes", "good")["upper whisker px"] == pytest.approx(12)

    def test_intervals_are_in_the_units_of_the_tables(self):
        for name in ("good", "bad"):
            for figure in ("3DPCK@1cm", "3DPCK@10cm", "mean cm", "STD cm", "found %"):
                held = row("intervals", f"{name}, {figure}{' %' if figure.startswith('3') else ''}")
                assert held["figure"] == pytest.approx(row("space", name)[figure])
                assert held["low"] <= held["figure"] <= held["high"]
        assert row("intervals", "bad, mean cm")["low"] == pytest.approx(3.0, abs=0.11)
        assert len(MADE["intervals"].rows) == 2 * 7

    def test_tests_are_of_subjects(self):
        test = paired_tests(COMPARISON.space)[0]
        held = row("tests", "bad")
        assert held["difference cm"] == pytest.approx(100 * test.difference.value) == pytest.approx(2.2)
        assert (held["subjects"], held["p t test"], held["p Wilcoxon"]) == (3, test.p_t, test.p_wilcoxon)
        assert held["low"] < held["mean cm"] < held["high"]
        assert np.isnan(row("tests", "good")["difference cm"]) and row("tests", "good")["subjects"] == 3

    def test_steadiness_is_in_percent(self):
        steady = COMPARISON.steadiness["bad"]
        assert row("steadiness", "bad")["limb length variation %"] == pytest.approx(100 * steady.length_variation)
        assert row("steadiness", "bad")["acceleration error m/s^2"] == steady.acceleration_error


class TestMarkdown:
    text = to_markdown(ACCOUNT)

    def test_counts_come_first(self):
        assert self.text.startswith("60 frames and 17 joints that all share; subjects: 3.")
        assert published.AGMA in self.text

    def test_ours_and_the_papers_rows(self):
        ours = cells(self.text.partition("**In space")[2], "bad")
        assert ours[4:] == ["94.12 (100.00)", "3.30", "0.24", "94.12"]
        paper = cells(self.text, "AGMA: DarkPose32 retrained")
        assert paper[1:] == ["68.07", "91.37", "98.30", "-", "-", "-"]
        assert cells(self.text, "AGMA: Openpose")[1:] == ["50.08", "60.31", "64.07", "6.00", "-", "30.00"]
        assert cells(self.text, "AGMA: hips")[5] == "2.24"
        assert "nan" not in self.text
        assert cells(self.text, "nose, bad")[1:] == ["0.00 (-)"] * 4 + ["-", "-", "0.00"]

    def test_every_row_has_all_columns(self):
        for part in self.text.split("\n\n"):
            if part.startswith("|"):
                assert len({line.count("|") for line in part.splitlines()}) == 1

    def test_pictures_alone(self):
        """What can be said of joints in pictures where there are none in space."""
        text = markdown(in_pictures(COMPARISON.pictures))
        assert text.startswith("**In pictures") and "AGMA" not in text
        assert cells(text, "good")[4] == "11.00"

    def test_a_bar_in_a_name_does_not_break_the_table(self):
        line = markdown(Table("t", ("x",), {"a|b": (1.0,)})).splitlines()[-1]
        assert line == r"| a\|b | 1.00 |"

    def test_of_one_prediction_of_one_infant(self):
        text = to_markdown(account_in_space(ALONE))
        assert cells(text.partition("**Against good")[2], "good")[2:] == ["-", "-", "-", "-", "-", "1", "-", "-"]


class TestFiles:
    def test_json_is_plain(self, tmp_path):
        path = write(ACCOUNT, tmp_path / "a.json")
        held = json.loads(path.read_text())
        assert held == json.loads(json.dumps(to_dict(ACCOUNT)))
        assert held["space"]["rows"]["bad"]["mean cm"] == pytest.approx(3.3)
        assert held["tests"]["rows"]["good"]["p t test"] is None
        assert held["published"]["space"]["AGMA"]["source"] == published.AGMA
        assert (held["frames"], held["subjects"]) == (60, list(TRUTHS))

    def test_csv_has_a_row_for_each_number(self, tmp_path):
        path = write(ACCOUNT, tmp_path / "a.csv")
        assert path.read_text() == to_csv(ACCOUNT)
        lines = list(csv.DictReader(path.read_text().splitlines()))
        ours = [line for line in lines if not line["source"]]
        assert len(ours) == sum(len(t.columns) * len(t.rows) for t in MADE.values())
        found = [x for x in ours if (x["table"], x["row"], x["column"]) == ("space", "bad", "mean cm")]
        assert float(found[0]["value"]) == pytest.approx(3.3)
        assert {x["value"] for x in ours if x["row"] == "nose, bad" and x["column"] == "mean cm"} == {""}

    def test_markdown(self, tmp_path):
        assert write(ACCOUNT, tmp_path / "a.md").read_text() == to_markdown(ACCOUNT)

    def test_another_ending(self, tmp_path):
        with pytest.raises(UsageError, match="expected a name that ends in .md, .json, .csv"):
            write(ACCOUNT, tmp_path / "a.xlsx")
        assert not list(tmp_path.iterdir())
