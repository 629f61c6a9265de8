"""From a box to the network's input and back: the published affines, and the laws of any crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stereo3d.detectors.crops import (
    Box,
    CropRule,
    affine,
    apply,
    fit,
    heatmap_affine,
    invert,
    magnification,
    to_input,
    warp,
)
from stereo3d.detectors.heatmaps import decode_argmax, decode_dark, decode_quarter
from stereo3d.errors import InvalidValue, UsageError

COMMITTED = Path(__file__).with_name("golden") / "decode.npz"
CONVENTIONS = ["hrnet", "dark", "udp", "letterbox"]
INPUTS = {"256x192": (192, 256), "384x288": (288, 384)}
published = pytest.mark.parametrize("convention", ["hrnet", "dark"])
every = pytest.mark.parametrize("convention", CONVENTIONS)
rules = st.builds(
    CropRule,
    size=st.tuples(st.integers(32, 400), st.integers(32, 400)),
    padding=st.floats(1.0, 2.0),
    convention=st.sampled_from(CONVENTIONS),
)
coordinates = st.floats(-2000, 2000)
boxes = st.builds(
    Box,
    center=arrays(float, 2, elements=coordinates),
    size=arrays(float, 2, elements=st.floats(20, 1500)),
    angle=st.floats(-7, 7),
)
points = arrays(float, (5, 2), elements=coordinates)


def load(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def goldens(shared):
    return {n: load(shared / f"parity/golden/decode_{n}.npz") for n in ("hrnet", "darkpose")}


def assert_same_place(ours, theirs, size):
    """Both take the picture to the same px, to 1e-3, all over a crop of that size (theirs from float32)."""
    corners = np.tile(np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size, (len(theirs), 1, 1))
    np.testing.assert_allclose(apply(ours, apply(invert(theirs), corners)), corners, atol=1e-3)


def assert_published_crops(golden, xywh, size, *, convention):
    """Centre, scale, affine, turned affine and the way back from a heat map, for all boxes at once."""
    rule = CropRule(size, convention=convention)
    box = Box.from_xywh(xywh, convention=convention)
    region = fit(box, rule)
    np.testing.assert_allclose(region.center, golden["box_center"], atol=1e-4)
    np.testing.assert_allclose(region.size / 200, golden["box_scale"], atol=1e-6)
    assert_same_place(affine(box, rule), golden["affine"], size)
    turned = Box(box.center, box.size, np.full(len(xywh), np.pi / 6))
    assert_same_place(affine(turned, rule), golden["affine_rot30"], size)
    heat = (size[0] // 4, size[1] // 4)
    corners = np.tile([[0.0, 0.0], [heat[0], 0], heat], (len(xywh), 1, 1))
    back = apply(invert(affine(box, rule)), to_input(corners, heat, rule))
    np.testing.assert_allclose(back, apply(golden["affine_inv_heatmap"], corners), atol=1e-3)


@published
def test_committed_crops(convention):
    golden = load(COMMITTED)
    own = {n.removesuffix(f"_{convention}"): v for n, v in golden.items() if n.endswith(f"_{convention}")}
    assert_published_crops(own, golden["box_xywh"], (192, 256), convention=convention)


@published
@pytest.mark.parametrize("size", INPUTS)
def test_all_published_crops(goldens, convention, size):
    golden = goldens["darkpose" if convention == "dark" else convention]
    own = {n.removesuffix(f"_{size}"): v for n, v in golden.items() if n.endswith(f"_{size}")}
    assert_published_crops(own, goldens["hrnet"]["box_xywh"], INPUTS[size], convention=convention)


def region_of(center, scale):
    """The box that HRNet's centre and scale (of 200 px, padding included) mean."""
    return Box(center, 200.0 * scale)


@published
def test_committed_joints_come_back_to_the_picture(convention):
    golden = load(COMMITTED)
    peaks = (decode_dark if convention == "dark" else decode_quarter)(golden["maps"])
    rule = CropRule((192, 256), 1.0, convention)
    back = invert(affine(region_of(golden["center"], golden["scale"]), rule))
    xy, known = apply(back, to_input(peaks.xy, (48, 64), rule)), golden["score"] > 0
    np.testing.assert_allclose(xy[known], golden[f"preds_{convention}"][known], atol=1e-3)
    assert np.isnan(xy[~known]).all()


@pytest.mark.parametrize(
    ("name", "convention", "decode"),
    [
        ("preds_64x48", "hrnet", decode_quarter),
        ("preds_96x72", "hrnet", decode_quarter),
        ("preds_nopost_96x72", "hrnet", decode_argmax),
        ("preds_k11_64x48", "dark", decode_dark),
        ("preds_k11_96x72", "dark", decode_dark),
        ("preds_k17_96x72", "dark", lambda maps: decode_dark(maps, kernel=17)),
    ],
)
def test_all_published_joints_come_back_to_the_picture(goldens, name, convention, decode):
    golden, label = goldens["darkpose" if convention == "dark" else convention], name.split("_")[-1]
    size = (72, 96) if label == "96x72" else (48, 64)
    rule = CropRule((4 * size[0], 4 * size[1]), 1.0, convention)
    peaks = decode(goldens["hrnet"][f"hm_{label}"])
    back = invert(affine(region_of(golden[f"center_{label}"], golden[f"scale_{label}"]), rule))
    xy, known = apply(back, to_input(peaks.xy, size, rule)), golden[f"maxval_{label}"][..., 0] > 0
    np.testing.assert_allclose(xy[known], golden[name][known], atol=1e-3)


@published
def test_published_pictures(goldens, convention):
    golden = goldens["darkpose" if convention == "dark" else convention]
    transform = affine(
        region_of(golden["crop_center"], golden["crop_scale"]), CropRule((96, 128), 1.0, convention)
    )
    crop = warp(goldens["hrnet"]["crop_image"], transform, (96, 128))
    assert crop.dtype == np.uint8 and crop.shape == (128, 96, 3)
    np.testing.assert_allclose(crop.astype(int), golden["crop_out_96x128"], atol=1)


@pytest.mark.parametrize(
    ("convention", "left_top", "right_bottom"),
    [
        ("hrnet", (0, 0), (192, 256)),
        ("udp", (0, 0), (191, 255)),
        ("letterbox", (-0.5, -0.5), (191.5, 255.5)),
    ],
)
def test_where_the_sides_of_a_region_fall(convention, left_top, right_bottom):
    box, rule = Box([300, 200], [150, 200]), CropRule((192, 256), 1.0, convention)
    corners = [[225, 100], [375, 300]]
    np.testing.assert_allclose(apply(affine(box, rule), corners), [left_top, right_bottom], atol=1e-9)


def test_dark_counts_pixels_along_the_width():
    transform = affine(
        Box.from_xywh([225, 100, 150, 200], convention="dark"), CropRule((192, 256), 1.0, "dark")
    )
    np.testing.assert_allclose(
        apply(transform, [[225, 199.5], [374, 199.5]]), [[0, 127.5], [191, 127.5]], atol=1e-9
    )


def test_letterbox_is_efficientposes_resize_and_pad():
    """Whole 640 x 480 picture into 256: px edges scale by 0.4, and 32 black rows lie above."""
    rule = CropRule((256, 256), 1.0, "letterbox")
    transform = affine(Box.from_xywh([0, 0, 640, 480], convention="letterbox"), rule)
    places = np.array([[0.0, 0.0], [639.0, 479.0], [100.0, 50.0]])
    np.testing.assert_allclose(apply(transform, places), (places + 0.5) * 0.4 - 0.5 + [0, 32], atol=1e-9)
    np.testing.assert_allclose(to_input(places, (256, 256), rule), places, atol=1e-9)
    crop = warp(np.full((480, 640, 3), 200, np.uint8), transform, rule.size)
    assert (crop[33:223] == 200).all() and (crop[:31] == 0).all() and (crop[225:] == 0).all()


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("hrnet", [40, 80]),
        ("dark", [95.5 + (10 - 23.5) * 191 / 47, 127.5 + (20 - 31.5) * 191 / 47]),
        ("udp", [10 * 191 / 47, 20 * 255 / 63]),
        ("letterbox", [10.5 * 4 - 0.5, 20.5 * 4 - 0.5]),
    ],
)
def test_heat_map_pixels_in_the_input(convention, expected):
    rule = CropRule((192, 256), convention=convention)
    np.testing.assert_allclose(to_input([[10, 20]], (48, 64), rule), [expected])


@settings(deadline=None, max_examples=100)
@given(box=boxes, rule=rules, xy=points)
def test_there_and_back_is_nowhere(box, rule, xy):
    transform = affine(box, rule)
    np.testing.assert_allclose(apply(invert(transform), apply(transform, xy)), xy, atol=1e-6)
    np.testing.assert_allclose(invert(invert(transform)), transform, atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(box=boxes, rule=rules)
def test_the_centre_falls_on_the_centre_and_the_box_inside(box, rule):
    transform = affine(box, rule)
    middle = np.array(rule.size) / 2 - (0 if rule.convention == "hrnet" else 0.5)
    np.testing.assert_allclose(apply(transform, box.center[None]), [middle], atol=1e-6)
    turn = np.array([[np.cos(box.angle), -np.sin(box.angle)], [np.sin(box.angle), np.cos(box.angle)]])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2 * (box.size - 1) @ turn.T + box.center
    inside = apply(transform, corners)
    assert (inside > -0.5 - 1e-6).all() and (inside < np.array(rule.size) + 1e-6).all()


@settings(deadline=None, max_examples=100)
@given(box=boxes, rule=rules, turn=st.floats(-3, 3))
def test_turning_the_box_turns_the_crop_about_its_centre(box, rule, turn):
    assume(rule.convention != "udp")
    straight, turned = affine(box, rule), affine(Box(box.center, box.size, float(box.angle) + turn), rule)
    c, s = np.cos(turn), np.sin(turn)
    np.testing.assert_allclose(turned[:, :2], np.array([[c, s], [-s, c]]) @ straight[:, :2], atol=1e-9)
    np.testing.assert_allclose(apply(turned, box.center[None]), apply(straight, box.center[None]), atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(box=boxes, rule=rules)
def test_magnification_is_how_much_a_step_grows(box, rule):
    transform = affine(box, rule)
    a, b, c = apply(transform, [[0, 0], [1, 0], [0, 1]])
    area = abs(np.cross(np.append(b - a, 0), np.append(c - a, 0))[2])
    np.testing.assert_allclose(magnification(transform), np.sqrt(area), rtol=1e-6)


@settings(deadline=None, max_examples=100)
@given(xy=points, angle=st.floats(-7, 7))
def test_a_box_around_points_is_the_least_that_holds_them(xy, angle):
    box = Box.around(xy, angle=angle)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    own = (xy - box.center) @ turn
    np.testing.assert_allclose(own.max(0), box.size / 2, atol=1e-6)
    np.testing.assert_allclose(own.min(0), -box.size / 2, atol=1e-6)
    assert box.angle == angle


def test_missing_joints_do_not_count():
    gone = [np.nan, np.nan]
    box = Box.around(
        [[[10, 20], [30, 60], [np.nan, 5], [np.inf, 1e9]], [gone] * 4, [[7, 8], gone, gone, gone]]
    )
    np.testing.assert_allclose(box.center, [[20, 40], gone, [7, 8]])
    np.testing.assert_allclose(box.size, [[20, 40], gone, [0, 0]])


@every
def test_an_unknown_box_gives_an_unknown_crop(convention):
    boxes = Box(np.full((3, 2), np.nan), [[np.nan, 5], [0, 0], [9, 9]])
    transform = affine(boxes, CropRule((192, 256), 1.0, convention))
    assert transform.shape == (3, 2, 3)
    assert np.isnan(invert(transform)[..., 2]).all() and np.isnan(transform[:2]).all()
    assert np.isnan(apply(transform, np.zeros((3, 4, 2)))).all()
    assert np.isnan(magnification(transform[:2])).all()
    crop = warp(np.full((20, 20, 3), 255, np.uint8), np.array([[1, 0, 0], [0, 1, np.nan]]), (8, 6))
    assert crop.shape == (6, 8, 3) and not crop.any()


@every
def test_many_boxes_are_each_on_its_own(convention):
    rng, rule = np.random.default_rng(0), CropRule((192, 256), convention=convention)
    center, size, angle = rng.uniform(0, 900, (7, 2)), rng.uniform(10, 500, (7, 2)), rng.uniform(-3, 3, 7)
    together, xy = affine(Box(center, size, angle), rule), rng.uniform(0, 900, (7, 5, 2))
    for i in range(7):
        alone = affine(Box(center[i], size[i], angle[i]), rule)
        np.testing.assert_allclose(together[i], alone, atol=1e-9)
        np.testing.assert_allclose(apply(together, xy)[i], apply(alone, xy[i]))
        np.testing.assert_allclose(invert(together)[i], invert(alone), atol=1e-9)


def test_a_transform_without_a_way_back():
    flat = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0]])
    assert np.isnan(invert(flat)).all()


@every
@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5])
def test_a_dot_is_found_again_through_a_turned_crop(convention, angle):
    """A dot in the picture, cropped, decoded in the crop and taken back, is where it was."""
    dot = np.array([83.3, 61.8])
    y, x = np.mgrid[:120, :160]
    picture = (255 * np.exp(-((x - dot[0]) ** 2 + (y - dot[1]) ** 2) / (2 * 3.0**2))).astype(np.uint8)
    rule = CropRule((60, 80), 1.25, convention)
    transform = affine(Box([80, 60], [50, 40], angle), rule)
    crop = warp(picture, transform, rule.size)
    peaks = decode_dark(crop[None, None].astype(np.float64))
    np.testing.assert_allclose(apply(invert(transform), peaks.xy[0]), [dot], atol=0.05)
    np.testing.assert_allclose(peaks.sigma[0] / magnification(transform), 3.0, rtol=0.1)


def test_heat_map_affine_is_the_input_for_a_map_of_its_size():
    for convention in CONVENTIONS:
        unit = heatmap_affine((192, 256), CropRule((192, 256), convention=convention))
        np.testing.assert_allclose(unit, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_values_are_equal_by_content_and_stay_as_they_are():
    assert Box([1, 2], [3, np.nan]) == Box(np.array([1, 2]), (3, np.nan), 0.0) != Box([1, 2], [3, 4])
    assert CropRule((192, 256)) == CropRule(np.array([192, 256]), 1.25, "hrnet") != CropRule((192, 256), 1.3)
    with pytest.raises(ValueError, match="read-only"):
        Box([1, 2], [3, 4]).center[0] = 5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: CropRule((192, 1)), r"size: expected \(w, h\) of 2 px or more, got \(192, 1\)"),
        (lambda: CropRule((192, 256, 3)), r"size: expected shape \(2,\), got \(3,\)"),
        (lambda: CropRule((192, 256), -1), "padding: expected a number from 0 to inf, got -1"),
        (lambda: Box([1, 2], [3, -4]), "size: expected no negative px, got -4"),
        (lambda: Box([1, 2, 3], [3, 4, 5]), r"center: expected shape \(2,\), got \(3,\)"),
        (lambda: Box([[1, 2]], [3, 4]), r"size: expected shape \(1, 2\), got \(2,\)"),
        (lambda: Box([1, 2], [3, 4], [1.0, 2.0]), r"angle: expected shape \(\), got \(2,\)"),
        (lambda: Box.around([1, 2]), r"points: expected shape \(..., K, 2\), got \(2,\)"),
        (
            lambda: Box.around(np.zeros((3, 4, 2)), angle=np.zeros(2)),
            r"angle: expected shape \(3,\), got \(2,\)",
        ),
        (lambda: Box.from_xywh([1, 2, 3]), r"xywh: expected shape \(..., 4\), got \(3,\)"),
        (lambda: heatmap_affine((0, 9), CropRule((9, 9))), r"heatmap_size: .* of 2 px or more, got \(0, 9\)"),
        (
            lambda: warp(np.zeros((9, 9)), np.eye(3), (4, 4)),
            r"transform: expected shape \(2, 3\), got \(3, 3\)",
        ),
    ],
)
def test_bad_values_are_explained(call, sentence):
    with pytest.raises(InvalidValue, match=sentence):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: CropRule((192, 256), convention="darks"),
        lambda: Box.from_xywh([1, 2, 3, 4], convention="darks"),
    ],
)
def test_a_wrong_convention_gets_the_right_one(call):
    with pytest.raises(UsageError, match=r"unknown crop convention 'darks': did you mean 'dark'\?"):
        call()
