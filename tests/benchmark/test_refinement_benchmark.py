"""The benchmark's scenes are what they are said to be, and its command adds parts up."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from stereo3d.benchmark.conditions import covered, faint, rows_off
from stereo3d.benchmark.refinement import CONDITIONS, NOISES, Plan, measure, results, seed_of
from stereo3d.benchmark.scenes import FRAMES, synthetic_scene
from stereo3d.benchmark.tally import Row
from stereo3d.cli.app import app
from stereo3d.errors import UsageError
from stereo3d.synthetic.noise import DetectorNoise


@pytest.fixture(scope="module")
def scene():
    return synthetic_scene(95, every=60)


def pictures(scene) -> list:
    return [pair.images for pair in scene.pairs()]


class TestScene:
    def test_has_its_joints_in_both_rectified_views(self, scene):
        assert scene.xyz.shape == (FRAMES, 17, 3) and scene.frames == [0, 60] and scene.hidden.shape == (2, 17)
        left, right = scene.camera.project(scene.xyz)
        assert np.abs(left[..., 1] - right[..., 1]).max() < 1e-9
        assert scene.seen.left.xy == pytest.approx(left)

    def test_its_detector_says_nothing_of_its_sigma(self, scene):
        views = scene.detected(DetectorNoise(white=1.0), seed=1)
        assert np.isnan(views.left.sigma).all()
        assert (views.left.xy - scene.seen.left.xy).std() == pytest.approx(1.0, rel=0.1)

    def test_hidden_joints_are_few_in_an_infant_on_its_back(self, scene):
        assert scene.hidden.mean() < 0.2

    @pytest.mark.parametrize("kind, slower", [("still", 0.0), ("startle", 3.0)])
    def test_moves_as_its_kind(self, scene, kind, slower):
        made = synthetic_scene(95, kind, every=FRAMES)
        speed = [np.linalg.norm(np.diff(s.xyz, axis=0), axis=-1).mean() for s in (made, scene)]
        assert speed[0] >= slower * speed[1] and (kind != "still" or speed[0] == 0)
        assert np.diff(made.seen.left.time) == pytest.approx(np.full(FRAMES - 1, 1 / 30))


class TestConditions:
    def test_faint_pictures_have_little_texture(self, scene):
        sharp, soft = (np.diff(pictures(s)[0].left[200:500, 500:800].astype(float), axis=0).std()
                       for s in (scene, faint(scene, seed=1)))
        assert soft < 0.8 * sharp

    def test_rows_are_a_pixel_off_in_pictures_and_joints(self, scene):
        low = rows_off(scene)
        assert (pictures(low)[0].right[101:400] == pictures(scene)[0].right[100:399]).mean() > 0.99
        noise = DetectorNoise(white=0.1)
        apart = low.detected(noise, seed=1).right.xy - scene.detected(noise, seed=1).right.xy
        assert apart[..., 1] == pytest.approx(np.ones(apart.shape[:2])) and (apart[..., 0] == 0).all()

    def test_cloth_hides_some_joints(self, scene):
        shares = [covered(scene, seed=s).hidden.mean() for s in range(12)]
        assert 0.25 < np.mean(shares) < 0.55
        cloth = covered(scene, seed=1)
        assert (pictures(cloth)[0].left != pictures(scene)[0].left).any()


class TestMeasure:
    def test_tells_every_method_in_every_cell(self, scene):
        plan = Plan(1, 95, 60, ("usual",))
        tally = measure(plan, scene=lambda seed, kind, every: scene, on_scene=lambda _: None)
        noise = "2 px, rho .5"
        for method in ("plain", "gates", "frame", "clip, no pictures"):
            for joints in ("13", "17"):
                assert tally.figures(Row("usual", noise, joints, "all", method)).mean.value < 0.05
        assert {row.noise for row in tally.sums} == set(NOISES)

    def test_each_noise_and_draw_is_another(self, scene):
        seeds = [seed_of(*what) for what in ((95, "2 px", 0), (95, "2 px", 1), (95, "1 px", 0), (96, "2 px", 0))]
        assert len(set(seeds)) == 4 and seed_of(95, "2 px", 0) == seeds[0]
        one, three = (
            measure(Plan(1, 95, 60, ("40 % covered",), draws=n), scene=lambda *_: scene, on_scene=lambda _: None)
            for n in (1, 3)
        )
        row, hidden = (Row("40 % covered", "1 px, rho .5", "17", seen, "plain") for seen in ("all", "hidden"))
        assert three.sums[row]["95"][0] == 3 * one.sums[row]["95"][0]
        assert three.figures(row).mean.value != one.figures(row).mean.value
        assert three.sums[hidden]["95"][0] != 3 * one.sums[hidden]["95"][0], "cloth lies elsewhere"

    def test_pictures_better_the_plain_method(self, scene):
        found = dict(results(scene, scene.detected(NOISES["3 px, rho .5"], seed=95)))
        error = {
            name: np.nanmean(np.linalg.norm(poses.xyz - scene.xyz[scene.frames], axis=-1))
            for name, poses in found.items()
        }
        assert error["frame"] < 0.7 * error["plain"]

    def test_an_unknown_condition_is_refused(self):
        with pytest.raises(UsageError, match="faint"):
            Plan(1, conditions=("feint",))
        assert set(Plan(1).conditions) == set(CONDITIONS)


class TestCommand:
    def test_adds_parts_up(self, tmp_path, scene):
        plan = Plan(1, 95, 60, ("usual",))
        tally = measure(plan, scene=lambda seed, kind, every: scene, on_scene=lambda _: None)
        part = tmp_path / "part.json"
        part.write_text(json.dumps(tally.to_dict()))
        done = CliRunner().invoke(app, ["benchmark", "refinement", str(part), "--infants", "0"])
        assert done.exit_code == 0 and "Synthetic: 1 rendered infants" in done.output

    @pytest.mark.parametrize("content", ["[]", "nothing", "{}"])
    def test_what_is_no_part_is_bad_input(self, tmp_path, content):
        part = tmp_path / "part.json"
        part.write_text(content)
        assert CliRunner().invoke(app, ["benchmark", "refinement", str(part), "--infants", "0"]).exit_code == 4

    def test_nothing_to_do_is_a_wrong_use(self):
        assert CliRunner().invoke(app, ["benchmark", "refinement", "--infants", "0"]).exit_code == 2
