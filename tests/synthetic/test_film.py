"""The camera: motion blur and rolling shutter where things move, noise and JPEG of the strength that is asked for."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from stereo3d.synthetic.picture.film import ROW, Film, _jpeg, develop, smear  # noqa: E402
from stereo3d.synthetic.picture.texture import noise, to_srgb  # noqa: E402
from stereo3d.synthetic.picture.wires import wires  # noqa: E402

H, W = 48, 96


def bar(speed: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A bright upright bar, nearer than its dark ground, that moves to the right at px/s: light, depth, flow."""
    light, depth, flow = torch.full((1, 3, H, W), 0.1), torch.full((1, 1, H, W), 0.7), torch.zeros(1, 2, H, W)
    there = slice(40, 52)
    light[..., there], depth[..., there], flow[:, 0, :, there] = 0.8, 0.6, speed
    return light, depth, flow


def blurred(speed: float, *, start: torch.Tensor | None = None, spread: float = 0.02) -> torch.Tensor:
    light, depth, flow = bar(speed)
    start = torch.zeros(1, 1, H, W) if start is None else start
    return smear(light, depth, flow, start=start, spread=torch.full((1, 1, 1, 1), spread))


def middle(row: torch.Tensor) -> float:
    weight = row - 0.1
    return float((weight * torch.arange(W)).sum() / weight.sum())


def film(**changed: float) -> Film:
    values = {"gain": 1.0, "exposure": 0.02, "noise": 1e-6, "blur": 0.05, "vignette": 0.0, "quality": 99.0} | changed
    return Film(balance=torch.ones(1, 3), **{n: torch.tensor([v]) for n, v in values.items()})


def developed(light: torch.Tensor, *, away: torch.Tensor | None = None, **changed: float) -> np.ndarray:
    return develop(light, film(**changed), generator=torch.Generator().manual_seed(1), away=away)[0].numpy()


def test_what_stands_still_stays_sharp() -> None:
    assert torch.equal(blurred(0.0), bar(0.0)[0])


def test_a_moving_bar_is_as_wide_as_its_way() -> None:
    row = blurred(300)[0, 0, H // 2]
    assert middle(row) == pytest.approx(45.5, abs=0.4)
    assert row[46] == pytest.approx(0.8, abs=0.02) and 0.15 < row[39] < 0.75 and 0.15 < row[52] < 0.75
    assert row[30] == pytest.approx(0.1) and row[62] == pytest.approx(0.1)


def test_rows_are_read_one_after_the_other() -> None:
    """The lower rows show the bar where it is later."""
    start = (torch.arange(H) - H / 2)[None, None, :, None].expand(1, 1, H, W) * 10 * ROW
    out = blurred(800, start=start, spread=1e-4)
    shift = middle(out[0, 0, -1]) - middle(out[0, 0, 0])
    assert shift == pytest.approx(800 * 10 * ROW * (H - 1), rel=0.15)


def test_what_lies_before_a_moving_thing_hides_it() -> None:
    light, depth, flow = bar(600)
    light[..., 52:60], depth[..., 52:60] = 0.3, 0.4
    out = smear(light, depth, flow, start=torch.zeros(1, 1, H, W), spread=torch.full((1, 1, 1, 1), 0.02))
    assert torch.allclose(out[..., 54:60], torch.tensor(0.3), atol=1e-3)


@pytest.mark.parametrize("sigma", [1.0, 3.0])
def test_noise_is_as_strong_as_asked(sigma: float) -> None:
    grey = developed(torch.full((1, 3, 120, 160), 0.26), noise=sigma).astype(float)
    luma = grey @ [0.299, 0.587, 0.114]
    assert luma.std() == pytest.approx(sigma, rel=0.35)
    assert (grey - luma[..., None]).std() < luma.std()


def test_the_same_generator_gives_the_same_picture() -> None:
    light = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(developed(light, noise=2.0), developed(light, noise=2.0))


def test_brightness_never_falls_with_light_and_corners_are_darker() -> None:
    steps = torch.linspace(0, 3, 60)[None, None, None].expand(1, 3, 8, 60)
    row = developed(steps)[4, 3:-3, 1].astype(int)
    assert (np.diff(row) >= 0).all() and row[-1] > 200 > 120 > row[0]
    away = torch.linspace(0, 1, 60)[None, None, None].expand(1, 1, 8, 60)
    shaded = developed(torch.full((1, 3, 8, 60), 0.4), away=away, vignette=0.3)[4, :, 1].astype(int)
    assert shaded[0] - shaded[-1] > 15


def test_jpeg_is_rough_where_quality_is_low_and_none_at_99() -> None:
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0)),
                                             size=(45, 61), mode="bilinear")
    error = {q: (_jpeg(smooth, torch.tensor([float(q)])) - smooth).abs().mean() for q in (30, 90, 99)}
    assert error[99] == 0 < error[90] < error[30] < 0.05


def test_srgb_is_the_standard_curve() -> None:
    assert to_srgb(torch.tensor([0.0, 0.0031308, 0.2140, 1.0, 2.0])).tolist() == pytest.approx([0, 0.04045, 0.5, 1, 1], abs=1e-3)


def test_noise_in_space_is_smooth_and_of_unit_variance() -> None:
    points = torch.rand(1, 4000, 3, generator=torch.Generator().manual_seed(0))
    values = noise(points, size=0.02)
    assert 0.6 < values.std() < 1.4
    assert (noise(points + 0.0005, size=0.02) - values).abs().mean() < 0.1 * values.std()


def test_a_wire_covers_part_of_a_pixel_and_hides_behind_what_is_nearer() -> None:
    ways = torch.nn.functional.normalize(torch.stack(torch.meshgrid(
        torch.linspace(-0.02, 0.02, 41), torch.linspace(-0.02, 0.02, 41), indexing="xy") + (torch.full((41, 41), -1.0),), -1), dim=-1)
    drawn = {reach: wires(
        torch.zeros(1, 1681, 3), torch.full((1, 1681), reach), origin=torch.zeros(1, 1, 3), ways=ways.reshape(1, -1, 3),
        points=torch.tensor([[[[-1.0, 0, -0.5], [1.0, 0, -0.5]]]]), radius=torch.tensor([[0.001]]),
        colour=torch.ones(1, 1, 3), pixel=0.001).reshape(41, 41, 3) for reach in (0.7, 0.3)}
    assert drawn[0.7][20, :, 0].min() > 0.5 and drawn[0.7][10].max() == 0
    assert drawn[0.3].max() == 0
