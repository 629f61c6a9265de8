"""What the flesh and the things on it look like: reflectance, in linear light, of every group of parts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from stereo3d.synthetic.flesh import GROUPS
from stereo3d.synthetic.picture.texture import lay, noise, spot, step


SLEEVE = 0.8
"""Of the infant's cloth's colour, a carer's."""


@dataclass(frozen=True, slots=True)
class Dress:
    """Colours and places that paint B bodies: (B, 1, 3) linear RGB, frames in the bed's."""

    skin: Tensor
    hair: Tensor
    iris: Tensor
    print: Tensor
    cloth: Tensor
    """Of hat and shirt."""
    glove: Tensor
    lids: Tensor
    """(B, 1) how far the eyes are closed, 0..1."""
    redness: Tensor
    """(B, 1) of palms, soles, cheeks and knees, 0..1."""
    thatch: Tensor
    """(B, 1) how thick the hair is, 0..1."""
    pattern: Tensor
    """(B, 1) of the nappy: 0 dots, 1 stripes, 2 plain."""
    head: Tensor
    """(B, 3, 3) the head's axes, in parts of its circumference."""
    head_centre: Tensor
    """(B, 1, 3)."""
    trunk: Tensor
    """(B, 3, 3) the trunk's axes, in parts of its length."""
    hips: Tensor
    """(B, 1, 3) between the hips."""

    def on_head(self, points: Tensor) -> Tensor:
        """(B, N, 3) in the head's axes and parts of its circumference."""
        return (points - self.head_centre) @ self.head

    def on_trunk(self, points: Tensor) -> Tensor:
        """(B, N, 3) from between the hips in parts of the trunk's length."""
        return (points - self.hips) @ self.trunk


def reflectance(dress: Dress, points: Tensor, weight: Tensor) -> Tensor:
    """(B, N, 3) of points (B, N, 3) m that belong to each of GROUPS by weight (B, N, G)."""
    share = {g: weight[..., i] for i, g in enumerate(GROUPS)}
    bare = _bare(dress, points, share)
    out = _face(dress, points, bare) * share["head"][..., None]
    out = out + _torso(dress, points, bare) * share["trunk"][..., None]
    limbs = torch.stack([share[f"{s}_{g}"] for s in ("left", "right") for g in ("arm", "leg", "hand", "foot")]).sum(0)
    out = out + bare * limbs[..., None]
    out = out + _nappy(dress, points) * share["nappy"][..., None]
    knit = 1 + 0.10 * torch.sin(points @ dress.trunk.new_tensor([900.0, 500.0, 300.0]))[..., None]
    worn = share["hat"] + share["shirt"] + share["left_sleeve"] + share["right_sleeve"]
    out = out + dress.cloth * knit * worn[..., None]
    rubber = dress.glove * (1 + 0.04 * noise(points, size=0.006))
    white = torch.ones_like(dress.cloth)
    plain = {"glove": rubber, "tube": 0.75 * white, "tape": 0.62 * white, "dummy": dress.print, "shield": 0.7 * white,
             "cuff": dress.cloth * SLEEVE, "blanket": dress.cloth * (1 + 0.12 * noise(points, size=0.003))}
    for group, colour in plain.items():
        out = out + colour * share[group][..., None]
    return out.clamp(0.003, 1)


def _bare(dress: Dress, points: Tensor, share: dict[str, Tensor]) -> Tensor:
    """Skin with its mottling, redder on hands, feet and knees."""
    patchy = noise(points, size=0.020, channels=3)
    fine = noise(points, size=0.004)
    red = 0.5 * (share["left_hand"] + share["right_hand"] + share["left_foot"] + share["right_foot"]) * dress.redness
    red = (red + 0.10 + 0.10 * patchy[..., 0] * dress.redness).clamp(0, 1)
    tint = torch.stack([1 + 0.02 * red, 1 - 0.30 * red, 1 - 0.34 * red], -1)
    return dress.skin * tint * (1 + 0.035 * patchy[..., 1:2] + 0.025 * fine)


def _face(dress: Dress, points: Tensor, bare: Tensor) -> Tensor:
    x, y, z = dress.on_head(points).unbind(-1)
    front = step(z, 0.02, 0.06)
    wisps = 0.010 * noise(points, size=0.012)[..., 0] + 0.006 * noise(points, size=0.003)[..., 0]
    crown = y + 0.62 * (0.05 - z) - 0.070 + wisps
    hair = step(crown, 0.0, 0.05) * dress.thatch * (0.85 + 0.10 * noise(points, size=0.0025)[..., 0])
    out = lay(bare, dress.hair, hair.clamp(0, 0.92))
    cheek = front * spot(x.abs() - 0.068, y + 0.070, half=(0.045, 0.038), soft=0.8)
    out = lay(out, bare * bare.new_tensor([1.0, 0.70, 0.68]), 0.7 * cheek * dress.redness)
    side = x.abs() - 0.060
    brow = spot(side, y - 0.024 + 5 * side**2, half=(0.028, 0.005), soft=0.7)
    out = lay(out, dress.hair, 0.35 * front * brow)
    upper = spot(x, y + 0.0955 - 3.0 * x**2, half=(0.027, 0.0065), soft=0.5)
    lower = spot(x, y + 0.106 - 2.5 * x**2, half=(0.021, 0.007), soft=0.5)
    out = lay(out, bare * bare.new_tensor([0.80, 0.42, 0.42]), 0.85 * front * torch.maximum(upper, lower))
    out = lay(out, bare * 0.25, 0.8 * front * spot(x, y + 0.1005 - 2.6 * x**2, half=(0.024, 0.0016), soft=0.8))
    out = lay(out, bare * 0.22, 0.75 * front * spot(x.abs() - 0.0085, y + 0.0765, half=(0.0048, 0.0035), soft=0.6))
    return _eyes(dress, side, y, bare=out, front=front)


def _eyes(dress: Dress, x: Tensor, y: Tensor, *, bare: Tensor, front: Tensor) -> Tensor:
    """Lashes, and under open lids the white, iris, pupil and a glint; x from the middle of the nearer eye."""
    y = y + 0.017
    open_by = 0.0125 * (1 - dress.lids)
    bow = 0.55 * x**2 / 0.024
    within = spot(x, torch.zeros_like(x), half=(0.0235, 1.0), soft=0.10) * front
    slit = within * step(open_by * (1 - (x / 0.0235) ** 2) - (y + 0.003).abs(), -0.0006, 0.0010) * (dress.lids < 0.9)
    out = lay(bare, bare * bare.new_tensor([0.82, 0.66, 0.66]), 0.6 * front * spot(x, y, half=(0.036, 0.024), soft=0.7))
    out = lay(out, torch.full_like(bare, 0.60), slit)
    out = lay(out, dress.iris, slit * spot(x, y, half=(0.0135, 0.0135), soft=0.12))
    out = lay(out, torch.full_like(bare, 0.01), slit * spot(x, y, half=(0.0062, 0.0062), soft=0.2))
    out = lay(out, torch.ones_like(bare), slit * spot(x + 0.004, y - 0.004, half=(0.0028, 0.0028), soft=0.4))
    lash = step(0.0022 - (y + 0.003 + bow - open_by * (1 - (x / 0.0235) ** 2)).abs(), -0.0008, 0.0012)
    closed = step(0.0018 - (y + 0.006 - bow).abs(), -0.0008, 0.0010)
    line = torch.where(dress.lids < 0.9, lash, closed) * within
    return lay(out, dress.hair * 0.5, 0.75 * line)


def _torso(dress: Dress, points: Tensor, bare: Tensor) -> Tensor:
    x, y, z = dress.on_trunk(points).unbind(-1)
    front = step(z, 0.0, 0.06)
    nipple = spot(x.abs() - 0.155, y - 0.76, half=(0.024, 0.024), soft=0.5)
    navel = spot(x, y - 0.385, half=(0.026, 0.020), soft=0.7)
    out = lay(bare, bare * bare.new_tensor([0.72, 0.48, 0.48]), 0.8 * front * nipple)
    return lay(out, bare * bare.new_tensor([0.40, 0.28, 0.26]), 0.8 * front * navel)


def _nappy(dress: Dress, points: Tensor) -> Tensor:
    """White, with dots or stripes, a band at the waist and two tapes."""
    x, y, z = dress.on_trunk(points).unbind(-1)
    row = torch.round(y / 0.075)
    shifted = x + 0.0375 * (row % 2)
    dots = spot(shifted - 0.075 * torch.round(shifted / 0.075), y - 0.075 * row, half=(0.018, 0.018), soft=0.35)
    stripes = spot(y - 0.05 * torch.round(y / 0.05), 0 * y, half=(0.008, 1.0), soft=0.4)
    printed = torch.where(dress.pattern < 0.5, dots, torch.where(dress.pattern < 1.5, stripes, 0 * dots))
    printed = printed * (x.abs() < 0.24) * (y < 0.24)
    tapes = spot(x.abs() - 0.21, y - 0.27, half=(0.070, 0.028), soft=0.1) * (z > 0)
    crease = 1 + 0.05 * noise(points, size=0.010)
    out = torch.full_like(points, 0.80) * crease
    return lay(lay(out, dress.print, 0.8 * printed), dress.print, 0.85 * tapes)
