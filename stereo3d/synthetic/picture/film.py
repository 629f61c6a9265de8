"""What becomes of light in a camera: blur by lens and motion, rows read one after the other, vignetting, noise, JPEG.

Figures: `shared` facts on the ZED 2's sensor (OV4689, rolling shutter, 25.6 us a row for HD720 at 30 fps) and noise at
60 to 120 lux (1 to 3 grey levels, half as much in colour, one to two pixels wide after the camera's denoiser).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stereo3d.synthetic.picture.texture import to_srgb

ROW = 25.6e-6
"""s from one row to the next."""
_TAPS = 5
_STILL = 0.6
"""px, less than this is no motion."""


@dataclass(frozen=True, slots=True)
class Film:
    """How B cameras take their pictures; (B,) each."""

    gain: Tensor
    """Times the light."""
    balance: Tensor
    """(B, 3) times its colours."""
    exposure: Tensor
    """s."""
    noise: Tensor
    """Grey levels, the standard deviation of brightness in mid grey."""
    blur: Tensor
    """px, the lens's."""
    vignette: Tensor
    """The part of the light that the picture's corners lack."""
    quality: Tensor
    """Of the JPEG, 1..100; above 98 none."""


def smear(light: Tensor, depth: Tensor, flow: Tensor, *, start: Tensor, spread: Tensor) -> Tensor:
    """(B, 3, H, W) light with things that move drawn where they are while their rows are exposed.

    flow (B, 2, H, W) px/s, depth (B, 1, H, W) m, start (B, 1, H, W) s from the pictures' moment to the middle of each
    row's exposure, spread (B, 1, 1, 1) s its length. Moving things cover still ones behind them (after McGuire 2012).
    """
    still = (flow.norm(dim=1) * (spread[:, 0] + start[:, 0].abs())).amax() < _STILL
    if bool(still):
        return light
    widest = _dominant(flow, reach=9)
    height, width = light.shape[2:]
    ranges = (torch.arange(n, device=light.device) for n in (height, width))
    y, x = torch.meshgrid(*ranges, indexing="ij")
    scale = light.new_tensor([2 / width, 2 / height])
    base = (torch.stack([x, y], -1) + 0.5) * scale - 1
    speed = flow.norm(dim=1, keepdim=True)
    packed = torch.cat([light, depth, speed], 1)
    total = torch.zeros_like(light)
    for tap in range(_TAPS):
        moment = start + spread * ((tap + 0.5) / _TAPS - 0.5)
        there = base - (widest * moment).permute(0, 2, 3, 1) * scale
        found = torch.nn.functional.grid_sample(packed, there, align_corners=False, padding_mode="border")
        fast = widest.norm(dim=1, keepdim=True).clamp(min=1e-6)
        arrives = (found[:, 4:] / fast).clamp(0, 1) * (found[:, 3:4] < depth + 0.01)
        leaves = (speed / fast).clamp(0, 1)
        share = torch.maximum(arrives, leaves)
        total = total + torch.lerp(light, found[:, :3], share)
    return total / _TAPS


def _dominant(flow: Tensor, *, reach: int) -> Tensor:
    """(B, 2, H, W) the greatest flow within `reach` px of each pixel, smoothed."""
    side = 2 * reach + 1
    speed = flow.norm(dim=1, keepdim=True)
    _, at = torch.nn.functional.max_pool2d(speed, side, stride=1, padding=reach, return_indices=True)
    flat = flow.flatten(2)
    found = flat.gather(2, at.flatten(2).expand(-1, 2, -1)).view_as(flow)
    return torch.nn.functional.avg_pool2d(found, 5, stride=1, padding=2, count_include_pad=False)


def develop(light: Tensor, film: Film, *, generator: torch.Generator, away: Tensor | None = None) -> Tensor:
    """(B, H, W, 3) uint8 pictures of linear light (B, 3, H, W); away (B, 1, H, W): how far each pixel is from the
    picture's middle, 1 in a corner."""
    gain = (film.gain[:, None] * film.balance)[:, :, None, None]
    if away is not None:
        gain = gain * (1 - film.vignette[:, None, None, None] * away**2)
    seen = _lens(light * gain, film.blur)
    seen = 0.92 * seen / (1 + 0.12 * seen.clamp(min=0)) + 0.004  # a soft shoulder, and glare
    picture = to_srgb(seen) + _grain(seen, film.noise, generator)
    return torch.round(_jpeg(picture.clamp(0, 1), film.quality).clamp(0, 1) * 255).to(torch.uint8).permute(0, 2, 3, 1)


def _lens(light: Tensor, blur: Tensor) -> Tensor:
    """Each picture blurred by its own sigma (B,) px."""
    at = torch.arange(-3, 4, device=light.device, dtype=light.dtype)
    kernel = torch.softmax(-(at**2) / (2 * blur[:, None] ** 2), 1)
    b, c, h, w = light.shape
    kernel = kernel.repeat_interleave(c, 0)
    flat = torch.nn.functional.pad(light.reshape(1, b * c, h, w), (3, 3, 3, 3), mode="replicate")
    flat = torch.nn.functional.conv2d(flat, kernel[:, None, None, :], groups=b * c)
    return torch.nn.functional.conv2d(flat, kernel[:, None, :, None], groups=b * c).reshape(b, c, h, w)


def _grain(seen: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """(B, 3, H, W) noise in sRGB, stronger in the dark; colour half as strong as brightness."""
    b, _, h, w = seen.shape
    drawn = torch.randn((b, 4, h, w), generator=generator, device=seen.device)
    drawn = torch.nn.functional.avg_pool2d(drawn, 3, stride=1, padding=1) * 1.9 * 0.6 + 0.5 * drawn
    bright = to_srgb(seen.mean(1, keepdim=True)).clamp(0.05, 1)
    size = (sigma / 255)[:, None, None, None] * (0.55 / bright).sqrt()
    return size * (drawn[:, 3:] + 0.5 * drawn[:, :3])


_LUMA = ((16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
         (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
         (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99))
"""ITU-T T.81, table K.1."""


def _jpeg(picture: Tensor, quality: Tensor) -> Tensor:
    """(B, 3, H, W) 0..1 as after JPEG with luma's table for all and colour as fine as brightness."""
    if bool((quality > 98).all()):
        return picture
    b, _, h, w = picture.shape
    padded = torch.nn.functional.pad(picture, (0, -w % 8, 0, -h % 8), mode="replicate")
    turn = picture.new_tensor([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    coloured = torch.einsum("ij,bjhw->bihw", turn, padded * 255 - 128 * padded.new_tensor([1.0, 1, 1])[:, None, None])
    blocks = coloured.reshape(b, 3, coloured.shape[2] // 8, 8, -1, 8).permute(0, 1, 2, 4, 3, 5)
    at = torch.arange(8, device=picture.device, dtype=picture.dtype)
    dct = 0.5 * torch.cos((2 * at + 1) * at[:, None] * torch.pi / 16)
    dct[0] *= 0.5**0.5
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[:, None, None]
    table = (picture.new_tensor(_LUMA) * scale).clamp(min=1)[:, None, None, None]
    kept = torch.round(dct @ blocks @ dct.T / table) * table
    back = (dct.T @ kept @ dct).permute(0, 1, 2, 4, 3, 5).reshape(padded.shape)
    out = (torch.einsum("ij,bjhw->bihw", torch.linalg.inv(turn), back) + 128) / 255
    return torch.where((quality > 98)[:, None, None, None], picture, out[..., :h, :w])
