"""What both views err alike is told by no row: a detector's systematic error, learned and allowed for."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from clips import MIXED, clip_of
from scipy.signal import lfilter

from stereo3d.detectors.bundled import DETECTOR, FILE
from stereo3d.errors import InvalidValue
from stereo3d.poses import Status
from stereo3d.refinement import systematic_file
from stereo3d.refinement.clip import clip
from stereo3d.refinement.evidence import evidence, placed, prepare
from stereo3d.refinement.fit_systematic import Known, _beyond, _Errors, _growth, _spreads, fit_systematic
from stereo3d.refinement.frame import refine_frames
from stereo3d.refinement.offsets import Offsets
from stereo3d.refinement.refine import refine
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic import SystematicError, by_rows, in_common, length_of, lengthened, unseen_in
from stereo3d.refinement.systematic_file import from_dict, systematic_by, systematic_of, to_dict
from stereo3d.skeleton import COCO_17, Skeleton
from stereo3d.stereo import Stereo
from stereo3d.synthetic.noise import DetectorNoise

KINDS = Offsets.default().kinds
SMALL = DetectorNoise.mixed(1.0, correlation=0.0)


def systematic(across=0.004, along=0.001, nearer=0.0, left=0.0, doubt=0.0, stays=0.6, **fields) -> SystematicError:
    columns = (np.full(len(KINDS), x) for x in (across, along, nearer, left))
    return SystematicError(KINDS, *columns, doubt, stays, 0.4, Offsets.default(), **fields)


def alike(joints: Stereo, size: float, *, seed: int, nearer: float = 0.0, memory: float = 1.0) -> Stereo:
    """The joints with errors of `size` px along both axes, half constant and half slow, the same in both views; and
    disparities larger by `nearer` px."""
    rng, left = np.random.default_rng(seed), joints.left
    keep = np.exp(-float(np.median(np.diff(left.time))) / memory)
    new = rng.standard_normal(left.xy.shape)
    new[1:] *= np.sqrt(1 - keep**2)
    off = size * np.sqrt(0.5) * (rng.standard_normal(left.xy.shape[1:]) + lfilter([1.0], [1.0, -keep], new, axis=0))
    shift = np.array([nearer / 2, 0.0])
    return Stereo(*(dataclasses.replace(v, xy=v.xy + off + s * shift) for v, s in zip(joints, (1, -1))))


def held(poses, truth) -> tuple[float, float]:
    """Shares of x, y, z within 1 and 1.96 standard deviations."""
    size = np.abs(poses.xyz - truth)[poses.found] / poses.sigma[poses.found]
    return float((size < 1).mean()), float((size < 1.96).mean())


@pytest.fixture(scope="module")
def seen():
    """Joints of five infants that a detector errs at by 2 px in both views alike and by 1 px in each."""
    out = []
    for seed in range(5):
        made = clip_of(SMALL, 40 + seed, 2.5)
        out.append((alike(made.joints, 2.0, seed=seed), made))
    return out


@pytest.fixture(scope="module")
def fitted():
    """Of a detector that errs by 2 px in both views alike, a px near, on ten infants of 12 frames."""
    known, units = [], []
    for seed in range(10):
        made = clip_of(SMALL, 40 + seed, 2.5)
        camera, rows = made.evidence.camera, np.arange(0, 75, 7)
        joints = alike(made.joints, 2.0, seed=seed, nearer=1.5, memory=0.05).map(
            lambda v: type(v)(v.xy[rows], v.score[rows], v.sigma[rows], v.time[rows], v.frame[rows], v.skeleton))
        units.append(length_of(made.evidence))
        known.append(Known(joints, camera, surface(made, rows, seed), made.truth[rows], np.zeros((len(rows), 17), bool)))
    return fit_systematic(known), float(np.mean(units))


class TestErrorsAlikeInBothViews:
    def own(self, made) -> SystematicError:
        return systematic(across=2.0 / length_of(made.evidence))

    def shares(self, seen, refined):
        return np.mean([held(refined(joints, made), made.truth) for joints, made in seen], axis=0)

    def test_error_bars_hold_with_the_systematic_error_and_not_without(self, seen):
        one, two = self.shares(seen, lambda j, m: refine(j, m.evidence.camera, systematic=self.own(m)))
        assert 0.63 < one < 0.76 and 0.91 < two < 0.98
        alone, far = self.shares(seen, lambda j, m: refine(j, m.evidence.camera))
        assert alone < 0.55 and far < 0.85

    def test_so_do_those_of_single_frames(self, seen):
        one, two = self.shares(
            seen, lambda j, m: refine_frames(prepare(j, m.evidence.camera, systematic=self.own(m)).evidence))
        assert 0.63 < one < 0.78 and 0.91 < two < 0.99

    def test_tracks_are_followed_as_closely_though_bones_pull_less(self, seen):
        joints, made = seen[0]
        camera = made.evidence.camera
        plain, told = refine(joints, camera), refine(joints, camera, systematic=self.own(made))
        apart = np.linalg.norm(plain.xyz - told.xyz, axis=-1)
        assert np.nanmedian(apart) < 0.3 * np.nanmedian(np.linalg.norm(plain.xyz - made.truth, axis=-1))

    def test_joints_of_a_low_score_are_doubted(self, seen):
        joints, made = seen[0]
        low = np.where(np.arange(17) == 9, 0.5, 1.0)
        doubted = joints.map(lambda v: dataclasses.replace(v, score=v.score * 0 + low))
        camera, unsure = made.evidence.camera, dataclasses.replace(self.own(made), doubt=4.0)
        sigma = (prepare(doubted, camera, systematic=n).evidence.lasting[0, :, 0] for n in (self.own(made), unsure))
        ratio = np.divide(*reversed(list(sigma)))
        assert ratio[9] == pytest.approx(3.0) and np.delete(ratio, 9) == pytest.approx(np.ones(16))


class TestAllowedFor:
    def test_nothing_changes_without_one(self):
        made = clip_of(MIXED, 60, 1.0)
        assert made.evidence.lasting is None and made.evidence.systematic is None
        same, common = in_common(made.evidence)
        assert same is made.evidence and not common.any()

    def test_sigma_holds_both_and_rows_can_be_had_back(self):
        made = clip_of(MIXED, 60, 1.0)
        found = prepare(made.joints, made.evidence.camera, systematic=systematic(left=0.002)).evidence
        unit = length_of(made.evidence)
        assert unit == pytest.approx(400, rel=0.2)
        assert found.sigma == pytest.approx(np.hypot(made.evidence.sigma, [0.004 * unit, 0.004 * unit, 0.001 * unit]), nan_ok=True)
        assert by_rows(found) == pytest.approx(made.evidence.sigma[..., 2], nan_ok=True)
        bare, common = in_common(found)
        assert bare.sigma[..., :2] == pytest.approx(made.evidence.sigma[..., :2], nan_ok=True)
        assert common[0, 0] == pytest.approx([0.004 * unit, 0.004 * unit, 0.002 * unit], rel=0.01)

    def test_what_one_view_gave_keeps_its_sigma(self):
        made = clip_of(MIXED, 60, 1.0)
        found = prepare(made.joints, made.evidence.camera, systematic=systematic()).evidence
        rescued = dataclasses.replace(found, status=found.status | int(Status.RESCUED))
        assert in_common(rescued)[0].sigma == pytest.approx(found.sigma, nan_ok=True)

    @pytest.mark.parametrize("baseline", [1, -1])
    def test_disparities_lose_their_mean_error_whichever_way_round_the_views_are(self, baseline):
        made = clip_of(MIXED, 60, 1.0)
        camera, joints = made.evidence.camera, made.joints
        if baseline < 0:
            camera = dataclasses.replace(camera, baseline=-camera.baseline, cx=Stereo(camera.cx.right, camera.cx.left))
            joints = Stereo(joints.right, joints.left)
        before, after = evidence(joints, camera), prepare(joints, camera, systematic=systematic(nearer=0.003)).evidence
        moved = after.place[..., 2] - before.place[..., 2]
        assert moved[np.isfinite(moved)] == pytest.approx(-baseline * 0.003 * length_of(before))

    def test_the_parts_of_the_noise_stay_whole(self):
        made = clip_of(MIXED, 60, 2.5)
        noise = prepare(made.joints, made.evidence.camera, systematic=systematic(along=0.02, stays=0.9)).noise
        before = prepare(made.joints, made.evidence.camera).noise
        assert noise.white + noise.slow + noise.bias == pytest.approx(np.ones(17))
        assert (noise.bias > before.bias).all() and (noise.white < before.white).all()

    def test_a_detector_that_is_off_in_depth_is_set_right(self):
        made = clip_of(SMALL, 41, 2.5)
        camera, unit = made.evidence.camera, length_of(made.evidence)
        near = Stereo(*(dataclasses.replace(v, xy=v.xy + s * np.array([0.002 * unit, 0.0])) for v, s in zip(made.joints, (1, -1))))
        off, right = (np.nanmedian((refine(near, camera, systematic=n).xyz - made.truth)[..., 2]) for n in (None, systematic(nearer=0.004)))
        assert off < -0.006 and abs(right) < 0.3 * abs(off)

    def test_no_frames_and_no_joints(self):
        made = clip_of(MIXED, 60, 1.0)
        camera = made.evidence.camera
        none = made.joints.map(lambda v: dataclasses.replace(v, xy=np.full(v.xy.shape, np.nan), score=v.score * 0))
        assert not refine(none, camera, systematic=systematic()).found.any()
        empty = made.joints.map(lambda v: type(v)(v.xy[:0], v.score[:0], v.sigma[:0], v.time[:0], v.frame[:0], v.skeleton))
        assert len(refine(empty, camera, systematic=systematic())) == 0


class TestLengthened:
    """Error bars are longer where scores are low and pictures do not show the joint."""

    @staticmethod
    def seen(own, hidden=0.0, score=1.0, matched=True):
        found = dataclasses.replace(clip_of(MIXED, 60, 1.0).evidence, systematic=own)
        flat, d = np.ones(found.score.shape), found.place[..., 2]
        return dataclasses.replace(
            found, hidden=hidden * flat, score=score * flat, matched=d if matched else np.nan * flat, matched_sigma=flat)

    def test_not_of_joints_that_are_surely_seen(self):
        found = self.seen(systematic(unseen_across=0.5, unseen_along=2.0, doubt=3.0))
        sigma = found.sigma
        known = np.isfinite(found.matched)
        np.testing.assert_array_equal(lengthened(found, sigma)[known], sigma[known])
        assert lengthened(dataclasses.replace(found, systematic=None), sigma) is sigma

    def test_by_the_root_of_the_probability_that_a_joint_is_not_seen(self):
        found = self.seen(systematic(unseen_across=0.5, unseen_along=2.0), hidden=0.25)
        times = lengthened(found, np.ones(found.place.shape))[np.isfinite(found.matched)]
        assert times == pytest.approx(np.broadcast_to([1.25, 1.25, 2.0], times.shape))

    def test_of_depth_by_the_score_and_less_where_all_is_well(self):
        own = systematic(doubt=2.0, sure=0.9)
        times = [lengthened(found, np.ones(found.place.shape))[np.isfinite(found.matched)][0]
                 for found in (self.seen(own), self.seen(own, score=0.8), self.seen(own, score=0.1))]
        assert np.array(times) == pytest.approx(np.array([[1, 1, 0.9], [1, 1, 0.9 * 1.4], [1, 1, 0.9 * 2.0]]))

    def test_without_pictures_nothing_is_said_of_hidden_joints(self):
        assert not unseen_in(self.seen(systematic(), matched=False)).any()
        found = self.seen(systematic())
        one = np.array(found.matched)
        one[3, 5] = np.nan
        assert unseen_in(dataclasses.replace(found, matched=one))[3, 5] == 1.0

    @pytest.mark.parametrize("mode", ["frame", "clip"])
    def test_both_refinements_heed_it(self, mode):
        found = self.seen(systematic(), hidden=0.25)
        longer = dataclasses.replace(found, systematic=systematic(unseen_along=2.0))
        one, two = ((refine_frames if mode == "frame" else clip)(x) for x in (found, longer))
        np.testing.assert_array_equal(one.xyz, two.xyz)
        assert np.nanmedian(two.sigma[..., 2] / one.sigma[..., 2]) == pytest.approx(2.0, rel=0.01)


class TestShipped:
    def test_is_that_of_the_weights_in_the_box(self):
        check = hashlib.sha256(FILE.read_bytes()).hexdigest()
        own = systematic_of(DETECTOR, check)
        assert own is not None and not own.supposed and own.kinds == KINDS
        assert (own.across > 0.001).all() and (own.across < 0.008).all() and (np.abs(own.nearer) < 0.006).all()
        assert systematic_by({"config": {"detect": {"detector": DETECTOR}}, "weights_sha256": check}) is own

    def test_of_others_as_much_is_supposed_but_no_side(self):
        other, own = systematic_of("hrnet", "of nobody"), next(iter(systematic_file._shipped().values()))
        assert other is not None and other.supposed and not other.nearer.any()
        assert other.along == pytest.approx(np.hypot(own.along, own.nearer)) and (other.across == own.across).all()
        assert other.offsets.depth == pytest.approx(Offsets.default().depth)
        made = clip_of(MIXED, 60, 1.0)
        notes = clip(prepare(made.joints, made.evidence.camera, systematic=other).evidence).origin["refine"]["notes"]
        assert any("both views alike" in note for note in notes)

    def test_of_joints_that_no_network_found_nothing_is(self):
        assert systematic_of("replay") is None and systematic_of(None) is None
        assert systematic_by({}) is None and systematic_by({"config": {"detect": {"detector": "replay"}}}) is None
        assert systematic_by({"config": "none"}) is None

    def test_is_read_as_it_was_written(self):
        own = systematic(nearer=-0.0021, left=0.00123, doubt=2.5, unseen_across=0.25, unseen_along=1.5, sure=0.875)
        again = from_dict(to_dict(own))
        for name in ("across", "along", "nearer", "left"):
            assert getattr(again, name) == pytest.approx(getattr(own, name))
        assert (again.kinds, again.doubt, again.stays) == (own.kinds, 2.5, 0.6)
        assert (again.unseen_across, again.unseen_along, again.sure) == (0.25, 1.5, 0.875)
        assert again.offsets.spread == pytest.approx(own.offsets.spread)

    def test_joints_of_other_names_have_what_is_usual(self):
        own = dataclasses.replace(systematic(), across=np.arange(len(KINDS)) / 100)
        strange = Skeleton("strange", ("tail", "left_wrist", "right_wrist"), (), None)
        assert own.of(strange).across == pytest.approx([0.04, *[KINDS.index("wrist") / 100] * 2])

    @pytest.mark.parametrize("wrong", [{"doubt": -1.0}, {"sure": -0.1}, {"unseen_along": np.nan}, {"stays": 1.5}, {"across": np.zeros(2)}])
    def test_what_is_none_is_refused(self, wrong):
        with pytest.raises(InvalidValue):
            dataclasses.replace(systematic(), **wrong)


class TestFitted:
    def test_finds_what_was_drawn(self, fitted):
        own, unit = fitted
        usual = np.median(own.across) * unit
        assert usual == pytest.approx(2.0, rel=0.2) and np.median(own.nearer) * unit == pytest.approx(1.5, rel=0.35)
        assert np.median(own.along) * unit < 0.8 and own.doubt < 2

    def test_depths_go_with_it(self, fitted):
        depth = Offsets.default().of(COCO_17)[0]
        assert fitted[0].offsets.of(COCO_17)[0] == pytest.approx(depth, abs=0.012)

    @staticmethod
    def errors(n: int) -> _Errors:
        rng = np.random.default_rng(4)
        none = np.zeros(n)
        kind = rng.integers(0, 3, n)
        return _Errors(none, kind, np.arange(n) // 6, none[:, None] * [1, 1], none, none > 0, none, none[:, None] * [1, 1], rng.random(n))

    @pytest.mark.parametrize("growth", [0.0, 1.0, 3.0])
    def test_how_errors_grow_with_their_cause(self, growth):
        errors, rng = self.errors(6000), np.random.default_rng(5)
        size = np.array([1.0, 2.0, 0.5])[errors.kind] * rng.exponential(1 + growth * errors.unseen)
        assert _growth(errors, np.append(size[:-1], np.nan), errors.unseen) == pytest.approx(growth, abs=0.5)

    def test_how_far_errors_are_wider_than_claimed(self):
        errors, rng = self.errors(6000), np.random.default_rng(6)
        claimed, times = 0.002 * (1 + rng.random(6000)), 1 + errors.unseen
        x = np.hypot(claimed, 0.003 * times)[:, None] * rng.standard_normal((6000, 2))
        assert _beyond(x, claimed, times) == pytest.approx(0.003, rel=0.05)
        assert _beyond(0.5 * claimed[:, None] * rng.standard_normal((6000, 1)), claimed, times) == pytest.approx(0, abs=1e-5)
        assert _beyond(x * np.nan, claimed, times) == 0
        assert _spreads(errors, x, claimed, 4, times=times) == pytest.approx(np.full(4, 0.003), rel=0.1)
        whole = _spreads(errors, times[:, None] * 0.005 * rng.standard_normal((6000, 1)), np.full(6000, 0.003), 4, times=times, whole=True)
        assert whole == pytest.approx(np.full(4, 0.004), rel=0.1)

    def test_nothing_is_learned_of_nothing(self):
        made = clip_of(SMALL, 40, 2.5)
        rows = np.arange(0, 75, 7)
        joints = made.joints.map(lambda v: type(v)(v.xy[rows], v.score[rows], v.sigma[rows], v.time[rows], v.frame[rows], v.skeleton))
        unknown = np.full_like(made.truth[rows], np.nan)
        with pytest.raises(InvalidValue, match="known joints"):
            fit_systematic([Known(joints, made.evidence.camera, surface(made, rows, 1), unknown, np.zeros((len(rows), 17), bool))])


def surface(made, rows, seed) -> Surface:
    """Skin as deep over the joints as the shipped values say, seen with 0.3 px of noise."""
    place, camera = placed(made.truth, made.evidence.camera)[rows], made.evidence.camera
    reach = camera.baseline * camera.focal
    deep = Offsets.default().of(COCO_17)[0] * 0.5
    skin = reach / (reach / place[..., 2] - deep) + np.random.default_rng(seed).normal(0, 0.3, place.shape[:2])
    one = np.ones(skin.shape)
    given = made.evidence
    return Surface(place[..., :2], skin, 0.95 * one, 0.3 * one, np.zeros(skin.shape, int), given.time[rows], given.frame[rows], given.skeleton)
