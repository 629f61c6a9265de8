"""The infant is one: mass, girths, lengths, depths of its joints and nothing through anything, as the literature has it.

The checks of the facts' last section: W from volume x 1.03 g/ml within 10 %, crown to heel within 1 %, girths within 8 %
of k sqrt(W / L), joints as deep below the skin as in dissections, no part deeper than 3 mm in another, movement units
and accelerations of infants' legs.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.synthetic.body import InfantBody, growth, infant_body  # noqa: E402
from stereo3d.synthetic.contacts import apart  # noqa: E402
from stereo3d.synthetic.flesh import GROUPS  # noqa: E402
from stereo3d.synthetic.garments import Outfit, dressed  # noqa: E402
from stereo3d.synthetic.kinematics import Posture, pose  # noqa: E402
from stereo3d.synthetic.motion import writhing  # noqa: E402
from stereo3d.synthetic.movements import movement  # noqa: E402
from stereo3d.synthetic.picture.field import Field, field  # noqa: E402
from stereo3d.synthetic.picture.grid import bounds  # noqa: E402
from stereo3d.synthetic.picture.truth import skin_towards  # noqa: E402
from stereo3d.synthetic.posture import ANGLES, Angles, limits  # noqa: E402
from stereo3d.values import Floats  # noqa: E402

AGES = (28, 34, 40, 52)
BARE = Outfit(nappy=False)


def tensor(x: object) -> torch.Tensor:
    return torch.tensor(np.asarray(x), dtype=torch.float32)


def median_infant(weeks: float) -> InfantBody:
    return infant_body(weeks, z=(0, 0, 0))


def stretched(body: InfantBody) -> Posture:
    """Lying with its limbs away from each other."""
    angles = np.zeros((1, len(ANGLES)))
    for i, name in enumerate(ANGLES):
        if name.endswith("azimuth"):
            angles[0, i] = np.radians(80 if "arm" in name else 25)
        if name.endswith("elevation"):
            angles[0, i] = np.radians(12)
    return pose(body, Angles.split(angles))


def bare(body: InfantBody) -> tuple[Posture, Field, tuple[Floats, Floats]]:
    posture = stretched(body)
    flesh = dressed(body, posture, BARE)
    return posture, field([(flesh, 0)]), bounds(flesh, 0)


@pytest.mark.parametrize("weeks", AGES)
def test_its_mass_is_that_of_its_volume(weeks: float) -> None:
    body = median_infant(weeks)
    _, skin, (low, high) = bare(body)
    step = 0.006
    axes = [np.arange(a, b, step) for a, b in zip(low, high)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(1, -1, 3)
    volume = float((skin.distance(tensor(points)) < 0).sum()) * step**3
    assert volume * 1030 == pytest.approx(body.mass, rel=0.10)


def girth(skin: Field, centre: Floats, axis: Floats, group: str) -> float:
    """m, around the part at a right angle to the axis."""
    axis = axis / np.linalg.norm(axis)
    across = np.cross(axis, [0.3, 0.5, 0.8])
    across /= np.linalg.norm(across)
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)[:, None]
    ways = np.cos(turn) * across + np.sin(turn) * np.cross(axis, across)
    reach = np.linspace(0.003, 0.1, 195)
    points = (centre + reach[:, None, None] * ways).reshape(1, -1, 3)
    allowed = torch.zeros(points.shape[1], len(GROUPS), dtype=torch.bool)
    allowed[:, GROUPS.index(group)] = True
    outside = skin.own_distance(tensor(points), allowed).reshape(len(reach), -1).numpy() > 0
    ring = centre + reach[outside.argmax(0)][:, None] * ways
    return float(np.linalg.norm(np.roll(ring, -1, 0) - ring, axis=1).sum())


_PLACES = {
    "upper_arm": ("left_shoulder", "left_elbow", 0.5, "left_arm"), "forearm": ("left_elbow", "left_wrist", 0.3, "left_arm"),
    "wrist": ("left_elbow", "left_wrist", 0.93, "left_arm"), "thigh": ("left_hip", "left_knee", 0.5, "left_leg"),
    "calf": ("left_knee", "left_ankle", 0.33, "left_leg"), "ankle": ("left_knee", "left_ankle", 0.92, "left_leg"),
}


@pytest.mark.parametrize("weeks", AGES)
def test_girths_follow_the_law(weeks: float) -> None:
    body = median_infant(weeks)
    posture, skin, _ = bare(body)
    at = dict(zip(COCO_17.joints, posture.joints[0]))
    hips, shoulders = ((at[f"left_{j}"] + at[f"right_{j}"]) / 2 for j in ("hip", "shoulder"))
    places = {n: ((1 - f) * at[a] + f * at[b], at[b] - at[a], g) for n, (a, b, f, g) in _PLACES.items()}
    places |= {n: (hips + f * (shoulders - hips), shoulders - hips, "trunk") for n, f in (("chest", 0.7), ("abdomen", 0.32))}
    for name, (centre, axis, group) in places.items():
        grown = 1 + 0.08 * np.clip((weeks - 40) / 17, 0, 1) * (name == "thigh")  # 1.85 s at birth, 2.0 at 4 months
        assert girth(skin, centre, axis, group) == pytest.approx(2 * np.pi * body.radius(name) * grown, rel=0.08), name


@pytest.mark.parametrize("weeks", (25, 30, 40, 64))
def test_crown_to_heel_is_the_length(weeks: float) -> None:
    body = infant_body(weeks, seed=3)
    total = body.vertex + body.trunk + body.thigh + body.shank + body.ankle
    assert total == pytest.approx(body.length, rel=0.01)
    assert infant_body(weeks, z=(0, 0, 0)).length == pytest.approx(growth(weeks)[0])


def test_growth_is_one_curve_and_boys_are_larger() -> None:
    ages = np.arange(25, 64.1, 0.5)
    girls, boys = (np.array([growth(w, sex=s) for w in ages]) for s in (0, 1))
    assert (np.diff(girls, axis=0) > 0).all() and (boys > girls).all()
    assert np.abs(np.diff(np.log(girls), 2, axis=0)).max() < 0.06, "no step at 27 weeks"
    assert growth(40)[0] == pytest.approx(0.501, abs=0.002)


def test_shape_can_be_given() -> None:
    tall, short = (infant_body(40, z=(z, 0, 0)) for z in (1.5, -1.5))
    assert tall.length == pytest.approx(short.length * np.exp(0.12))
    assert infant_body(40, cephalic_index=0.71).cephalic_index == 0.71


@pytest.mark.parametrize(("joint", "low", "high"), [
    ("left_shoulder", 11, 20), ("left_elbow", 9, 17), ("left_wrist", 6, 12), ("left_hip", 15, 30),
    ("left_knee", 11, 20), ("left_ankle", 8, 17),
])
def test_joints_lie_as_deep_as_in_infants(joint: str, low: float, high: float) -> None:
    """mm below the skin towards a camera above, at term (+-3 mm and the bend of the surface)."""
    body = median_infant(40)
    posture, skin, _ = bare(body)
    joints = tensor(posture.joints)
    way = posture.legs[0, 0, 1, :, 0] if "ankle" in joint else [0, 0, 1]  # the foot stands before the ankle's front
    above = joints[:, COCO_17.index(joint), None] + 0.7 * tensor(way)
    depth = (skin_towards(skin, joints, above) - joints).norm(dim=-1)[0, COCO_17.index(joint)]
    assert low < 1000 * float(depth) < high


def sunk(skin: Field, one: str, others: list[str], points: Floats) -> float:
    """m, how deep a group is in others: twice the depth of the point that is deepest in both."""

    def inside(groups: list[str]) -> torch.Tensor:
        allowed = torch.zeros(points.shape[0], len(GROUPS), dtype=torch.bool)
        allowed[:, [GROUPS.index(g) for g in groups]] = True
        return -skin.own_distance(tensor(points)[None], allowed)[0]

    return 2 * float(torch.minimum(inside([one]), inside(others)).max())


@pytest.mark.parametrize("seed", range(4))
def test_no_limb_goes_through_another(seed: int) -> None:
    """Hands and forearms in the head, the other arm or the legs; feet in the other leg: at most 3 mm."""
    body = infant_body(30 + 6 * seed, seed=seed)
    posture = apart(body, writhing(body, np.arange(0, 60, 4.0), seed=seed))
    flesh = dressed(body, posture, BARE)
    rng = np.random.default_rng(seed)
    for index in range(len(flesh)):
        skin = field([(flesh, index)])
        for side, j in (("left", 0), ("right", 1)):
            other = "right" if side == "left" else "left"
            wrist, elbow = posture.joints[index, 9 + j], posture.joints[index, 7 + j]
            cloud = np.concatenate([
                wrist + rng.uniform(-0.06, 0.06, (500, 3)),
                elbow + rng.uniform(0, 1, (500, 1)) * (wrist - elbow) + rng.uniform(-0.02, 0.02, (500, 3))])
            away = ["head", f"{other}_arm", f"{other}_hand", f"{side}_leg", f"{other}_leg"]
            assert sunk(skin, f"{side}_hand", away, cloud) < 0.003
            assert sunk(skin, f"{side}_arm", ["head"], cloud) < 0.003
            ankle = posture.joints[index, 15 + j] + rng.uniform(-0.05, 0.05, (500, 3))
            assert sunk(skin, f"{side}_foot", [f"{other}_leg", f"{other}_foot"], ankle) < 0.003


def test_angles_stay_within_section_2() -> None:
    low, high = limits()
    for kind in ("writhing", "fidgety", "cramped-synchronised", "startles", "rest"):
        found = movement(kind, median_infant(40), np.arange(0, 40, 0.2), seed=5).joined()
        assert ((found > low) & (found < high)).all(), kind


def test_leg_movement_units_are_as_long_and_as_sharp_as_in_infants() -> None:
    """Trujillo-Priego 2017: units of .23 to .33 s on average (.2 to .65 here, whose noise-free speeds split less), of
    which those that a sensor counts peak at 3 to 9 m/s2 on average."""
    lengths, peaks = [], []
    for seed in range(4):
        body, fps = infant_body(42, seed=seed), 60
        ankles = pose(body, writhing(body, np.arange(0, 60, 1 / fps), seed=seed)).joints[:, 15:]
        velocity = np.gradient(ankles, 1 / fps, axis=0)
        speed = np.linalg.norm(velocity, axis=-1)
        sharp = np.linalg.norm(np.gradient(velocity, 1 / fps, axis=0), axis=-1)
        for one, its in zip(speed.T, sharp.T):
            lows = ((one[1:-1] < one[:-2]) & (one[1:-1] <= one[2:])).nonzero()[0]
            lengths += np.diff(lows).tolist()
            peaks += [its[a:b].max() for a, b in zip(lows[:-1], lows[1:])]
    counted = np.array(peaks)[np.array(peaks) > 1.0]
    assert 0.2 < np.median(lengths) / 60 < 0.65
    assert 1.5 < counted.mean() < 9
