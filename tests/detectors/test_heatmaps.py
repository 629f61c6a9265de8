"""Joints from heat maps: against the published decoders, rendered Gaussians, and numpy against torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from stereo3d.detectors.heatmaps import Peaks, decode_argmax, decode_dark, decode_quarter, merge_flipped
from stereo3d.errors import InvalidValue

COMMITTED = Path(__file__).with_name("golden") / "decode.npz"
DECODERS = {
    "argmax": decode_argmax,
    "smoothed": lambda maps: decode_argmax(maps, blur=1.0),
    "quarter": decode_quarter,
    "dark": decode_dark,
    "dark3": lambda maps: decode_dark(maps, kernel=3),
}
SIZE = (40, 30)
MIRROR = [0, *(i + 1 if i % 2 else i - 1 for i in range(1, 17))]
decoder = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)
places = st.tuples(st.floats(10, 19), st.floats(10, 29))


def gaussian(x, y, sigma=2.0, size=SIZE):
    """(1, 1, h, w) a clean Gaussian of height 1."""
    h, w = size
    return np.exp(-((np.arange(w) - x) ** 2 + (np.arange(h)[:, None] - y) ** 2) / (2 * sigma**2))[None, None]


def load(path):
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def hrnet(shared):
    return load(shared / "parity/golden/decode_hrnet.npz")


@pytest.fixture(scope="module")
def darkpose(shared):
    return load(shared / "parity/golden/decode_darkpose.npz")


@pytest.fixture(scope="module")
def noisy():
    """(4, 5, 40, 30) Gaussians in noise, some at the border, one map of noise, one of nothing."""
    rng = np.random.default_rng(3)
    maps = np.concatenate([gaussian(rng.uniform(0, 29), rng.uniform(0, 39)) for _ in range(20)])
    maps[18] = 0
    maps = maps.reshape(4, 5, *SIZE) + rng.normal(0, 0.03, (4, 5, *SIZE))
    maps[3, 4] = 0
    return maps.astype(np.float32)


def assert_decoded(xy, golden, score):
    """Equal to 1e-3 px where the map has a positive peak, NaN where it has none."""
    known = score > 0
    np.testing.assert_allclose(xy[known], golden[known], atol=1e-3)
    assert np.isnan(xy[~known]).all()


def test_committed_numbers_of_the_published_decoders():
    golden = load(COMMITTED)
    score = golden["score"]
    assert (score <= 0).sum() == 2
    plain, dark = decode_argmax(golden["maps"]), decode_dark(golden["maps"])
    np.testing.assert_array_equal(plain.score, score)
    np.testing.assert_array_equal(dark.score, score)
    assert_decoded(plain.xy, golden["argmax"], score)
    assert_decoded(dark.xy, golden["dark"], score)


@pytest.mark.parametrize(("size", "kernel"), [("64x48", 11), ("96x72", 11), ("96x72", 17)])
def test_dark_against_all_published_numbers(hrnet, darkpose, size, kernel):
    peaks = decode_dark(hrnet[f"hm_{size}"], kernel=kernel)
    score = darkpose[f"maxval_{size}"][..., 0]
    np.testing.assert_array_equal(peaks.score, score)
    assert_decoded(peaks.xy, darkpose[f"coords_k{kernel}_{size}"], score)


@pytest.mark.parametrize("size", ["64x48", "96x72"])
def test_argmax_against_all_published_numbers(hrnet, size):
    peaks = decode_argmax(hrnet[f"hm_{size}"])
    assert_decoded(peaks.xy, hrnet[f"argmax_{size}"], hrnet[f"maxval_{size}"][..., 0])


@pytest.mark.parametrize("shift", [False, True])
def test_flip_against_published_numbers(hrnet, shift):
    merged = merge_flipped(hrnet["flip_normal"], hrnet["flip_mirrored"], MIRROR, shift=shift)
    np.testing.assert_allclose(merged, hrnet["flip_avg_shift" if shift else "flip_avg_noshift"], atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(place=places, sigma=st.floats(1.5, 3.0))
def test_dark_finds_a_clean_gaussian_and_its_width(place, sigma):
    peaks = decode_dark(gaussian(*place, sigma))
    np.testing.assert_allclose(peaks.xy[0, 0], place, atol=0.02)
    np.testing.assert_allclose(peaks.sigma, sigma, rtol=0.05)


@settings(deadline=None, max_examples=60)
@given(place=places, sigma=st.floats(1.5, 3.0))
def test_simple_decoders_come_as_near_as_they_promise(place, sigma):
    maps = gaussian(*place, sigma)
    assert np.abs(decode_argmax(maps).xy[0, 0] - place).max() <= 0.5
    assert np.abs(decode_quarter(maps).xy[0, 0] - place).max() <= 0.25 + 1e-9
    np.testing.assert_allclose(decode_quarter(maps).sigma, sigma, rtol=1e-6)


def test_width_of_an_oval_peak_is_its_root_mean_square():
    across, down = (np.arange(30) - 15.0) ** 2 / 1.5**2, (np.arange(40)[:, None] - 20.0) ** 2 / 3.0**2
    oval = np.exp(-0.5 * (across + down))[None, None]
    np.testing.assert_allclose(decode_argmax(oval).sigma, np.sqrt((1.5**2 + 3.0**2) / 2), rtol=1e-9)


def test_a_saddle_has_no_width():
    """One bright px where the map around bends up along x: there is a step, but no Gaussian bends so."""
    dx, dy = np.minimum(np.abs(np.arange(30) - 15), 5), np.arange(40)[:, None] - 20
    maps = 0.1 * np.exp(0.02 * dx**2 - 0.005 * dy**2)[None, None]
    maps[..., 20, 15] = 0.17
    peaks = decode_dark(maps)
    np.testing.assert_allclose(peaks.xy, [[[15, 20]]], atol=1e-9)
    assert np.isnan(peaks.sigma).all()


@decoder
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_mirrored_map_gives_the_mirrored_place(decode, seed):
    rng = np.random.default_rng(seed)
    maps = gaussian(rng.uniform(8, 21), rng.uniform(8, 31)) + rng.uniform(0.05, 0.15, (1, 1, *SIZE))
    straight, mirrored = decode(maps), decode(maps[..., ::-1])
    np.testing.assert_allclose(mirrored.xy[..., 0], 29 - straight.xy[..., 0], atol=1e-6)
    np.testing.assert_allclose(mirrored.xy[..., 1], straight.xy[..., 1], atol=1e-6)
    np.testing.assert_allclose(mirrored.sigma, straight.sigma, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "y", "moves"),
    [
        (2, 20, True),
        (1, 20, False),
        (27, 20, True),
        (28, 20, True),
        (29, 20, False),
        (15, 1, False),
        (15, 38, True),
    ],
)
def test_quarter_leaves_the_published_border_alone(x, y, moves):
    peaks = decode_quarter(gaussian(x + 0.3, y + 0.3))
    np.testing.assert_allclose(peaks.xy[0, 0], [x, y] + 0.25 * np.full(2, moves))


@pytest.mark.parametrize(
    ("x", "y", "moves"), [(2, 20, True), (1, 20, False), (27, 20, True), (28, 20, False)]
)
def test_dark_leaves_the_published_border_alone(x, y, moves):
    peaks = decode_dark(gaussian(x + 0.3, y + 0.3))
    assert (peaks.xy[0, 0] != [x, y]).all() == moves
    assert np.isfinite(peaks.sigma[0, 0]) == moves


@decoder
@pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_a_map_without_a_peak_gives_nan_and_its_maximum(decode, value):
    maps = np.concatenate((np.full((1, 1, *SIZE), value), gaussian(15, 20)), 1)
    peaks = decode(maps)
    assert np.isnan(peaks.xy[0, 0]).all() and np.isnan(peaks.sigma[0, 0])
    if np.isfinite(value):
        np.testing.assert_allclose(peaks.score[0, 0], value, atol=1e-12)
    np.testing.assert_allclose(peaks.xy[0, 1], [15, 20], atol=1e-6)


@decoder
def test_one_nan_pixel_loses_its_own_map_only(decode):
    maps = np.concatenate([gaussian(15, 20)] * 2, 1)
    maps[0, 0, 3, 3] = np.nan
    peaks = decode(maps)
    np.testing.assert_array_equal(np.isnan(peaks.xy).all(-1), [[True, False]])


@decoder
def test_a_flat_map_has_no_width(decode):
    assert np.isnan(decode(np.full((1, 1, *SIZE), 0.25)).sigma).all()


@pytest.mark.parametrize("decode", [decode_argmax, decode_quarter, decode_dark])
def test_of_equal_pixels_the_first_is_taken(decode):
    np.testing.assert_array_equal(decode(np.full((1, 2, *SIZE), 0.25)).xy, np.zeros((1, 2, 2)))


@pytest.mark.parametrize("kernel", [3, 11])
def test_a_flat_top_inside_is_not_moved_by_rounding(kernel):
    maps = np.zeros((200, 1, *SIZE))
    maps[..., 5:36, 5:26] = np.random.default_rng(0).uniform(0, 1, (200, 1, 1, 1))
    maps[..., 20, 15] *= 1 + 1e-15
    np.testing.assert_allclose(decode_dark(maps, kernel=kernel).xy, np.broadcast_to([15, 20], (200, 1, 2)))


@pytest.mark.parametrize("kernel", [3, 7, 11, 17])
def test_the_blur_is_opencvs_where_the_floor_cuts_in(kernel):
    """A map of noise that blurs below zero near its top: the published way needs the whole map's maximum."""
    noise = np.random.default_rng(kernel).normal(0, 1, SIZE)
    noise[20, 15] = 4.0
    wide = cv2.GaussianBlur(np.pad(noise, kernel), (kernel, kernel), 0)[kernel:-kernel, kernel:-kernel]
    h = np.log(np.maximum(wide * (4.0 / wide.max()), 1e-10))[18:23, 13:18]
    gradient = 0.5 * np.array([h[2, 3] - h[2, 1], h[3, 2] - h[1, 2]])
    dxy = h[3, 3] - h[1, 3] - h[3, 1] + h[1, 1]
    hessian = 0.25 * np.array(
        [[h[2, 4] - 2 * h[2, 2] + h[2, 0], dxy], [dxy, h[4, 2] - 2 * h[2, 2] + h[0, 2]]]
    )
    expected = np.array([15, 20]) - np.linalg.solve(hessian, gradient)
    np.testing.assert_allclose(decode_dark(noise[None, None], kernel=kernel).xy[0, 0], expected, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 3.0, 20.0])
def test_smoothing_is_scipys(noisy, sigma):
    smooth = np.stack([gaussian_filter(m, sigma) for m in noisy.astype(float).reshape(20, *SIZE)]).reshape(
        noisy.shape
    )
    expected, peaks = decode_argmax(smooth), decode_argmax(noisy.astype(float), blur=sigma)
    np.testing.assert_allclose(peaks.score, expected.score, atol=1e-12)
    np.testing.assert_array_equal(peaks.xy, expected.xy)


@decoder
def test_a_batch_is_its_maps_one_by_one(decode, noisy):
    together = decode(noisy)
    for n, k in np.ndindex(4, 5):
        alone = decode(noisy[n : n + 1, k : k + 1])
        for whole, part in zip(together, alone):
            np.testing.assert_allclose(whole[n, k], part[0, 0], atol=1e-4)


@decoder
def test_torch_says_what_numpy_says(decode, noisy):
    torch = pytest.importorskip("torch")
    ours, theirs = decode(noisy), decode(torch.from_numpy(noisy))
    assert isinstance(theirs, Peaks) and all(isinstance(x, torch.Tensor) for x in theirs)
    for a, b in zip(ours, theirs):
        assert a.shape == tuple(b.shape) and str(a.dtype) == str(b.dtype).removeprefix("torch.")
        np.testing.assert_allclose(a, b.numpy(), atol=1e-5)


@pytest.mark.parametrize("shift", [False, True])
def test_torch_merges_as_numpy_does(noisy, shift):
    torch = pytest.importorskip("torch")
    other, mirror = noisy[::-1].copy(), [0, 2, 1, 4, 3]
    merged = merge_flipped(torch.from_numpy(noisy), torch.from_numpy(other), mirror, shift=shift)
    np.testing.assert_array_equal(merged.numpy(), merge_flipped(noisy, other, mirror, shift=shift))


@decoder
@pytest.mark.parametrize(
    ("dtype", "out"),
    [("float64", "float64"), ("float32", "float32"), ("float16", "float32"), ("uint8", "float32")],
)
def test_other_number_types_are_taken(decode, dtype, out):
    maps = np.rint(200 * gaussian(15.3, 20.2)).astype(dtype)
    peaks = decode(maps)
    assert {x.dtype.name for x in peaks} == {out}
    np.testing.assert_allclose(peaks.xy[0, 0], [15.3, 20.2], atol=0.35)


def test_bfloat16_is_taken():
    torch = pytest.importorskip("torch")
    peaks = decode_dark(torch.from_numpy(gaussian(15.3, 20.2)).to(torch.bfloat16))
    assert peaks.xy.dtype == torch.float32
    np.testing.assert_allclose(peaks.xy[0, 0].numpy(), [15.3, 20.2], atol=0.1)


@decoder
def test_mixed_precision_around_it_changes_nothing(decode, noisy):
    torch = pytest.importorskip("torch")
    maps = torch.from_numpy(noisy)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = decode(maps)
    for a, b in zip(decode(maps), mixed):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_merging_a_symmetric_answer_changes_nothing(noisy):
    mirror = [0, 2, 1, 4, 3]
    answer = noisy[:, mirror, :, ::-1]
    np.testing.assert_allclose(merge_flipped(noisy, answer, mirror, shift=False), noisy)


def test_the_shift_moves_the_mirrored_half_one_pixel_right():
    maps = np.zeros((1, 1, 1, 4))
    flipped = np.array([[[[1.0, 2.0, 3.0, 4.0]]]])
    np.testing.assert_allclose(merge_flipped(maps, flipped, [0], shift=True), [[[[2.0, 2.0, 1.5, 1.0]]]])


@decoder
@pytest.mark.parametrize("shape", [(0, 5, 8, 8), (2, 0, 8, 8), (2, 3, 1, 1), (1, 1, 2, 30)])
def test_small_and_empty_maps_are_fine(decode, shape):
    peaks = decode(np.ones(shape))
    assert peaks.xy.shape == (*shape[:2], 2)
    assert peaks.score.shape == peaks.sigma.shape == shape[:2]
    assert ((peaks.xy >= 0) & (peaks.xy < shape[:1:-1])).all()


@decoder
@pytest.mark.parametrize("shape", [(40, 30), (5, 40, 30), (1, 1, 0, 30), (1, 2, 3, 4, 5)])
def test_bad_shapes_are_named(decode, shape):
    with pytest.raises(InvalidValue, match=r"maps: expected shape \(N, K, h, w\), got \("):
        decode(np.ones(shape))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: decode_dark(m, kernel=10), "kernel: expected an odd number of px, got 10"),
        (lambda m: decode_dark(m, kernel=-1), "kernel: expected an odd number of px, got -1"),
        (lambda m: decode_argmax(m, blur=-1.0), "blur: expected a number from 0 to inf, got -1"),
        (lambda m: decode_argmax(m.tolist()), "maps: expected a numpy array or a torch tensor, got list"),
        (lambda m: merge_flipped(m, m[:, :1], [0, 1], shift=True), r"flipped: expected shape \(1, 2, 6, 5\)"),
        (
            lambda m: merge_flipped(m, m, [0, 0], shift=True),
            r"mirror: expected each of 0..1 once, got \(0, 0",
        ),
        (lambda m: merge_flipped(m[0], m[0], [0], shift=True), r"maps: expected shape \(N, K, h, w\)"),
    ],
)
def test_bad_calls_are_explained(call, sentence):
    with pytest.raises(InvalidValue, match=sentence):
        call(np.ones((1, 2, 6, 5)))


def test_numpy_maps_do_not_load_torch():
    code = (
        "import sys, numpy as np; from stereo3d.detectors import heatmaps as h; m = np.ones((1, 1, 9, 9));"
        "h.decode_dark(m); h.decode_argmax(m, blur=1); h.merge_flipped(m, m, [0], shift=True);"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
