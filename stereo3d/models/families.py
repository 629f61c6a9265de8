"""Whose checkpoint a file is, and so how its network is to be fed and read.

HRNet, DarkPose and FiDIP share one network with equal tensor names, so the tensors do not tell which crop and decoder
belong to them. Names of files do, as published:

    hrnet          pose_hrnet_w32_384x288.pth             github.com/leoxiaobin/deep-high-resolution-net.pytorch
    darkpose       w32_384x288.pth                        github.com/ilovepose/DarkPose
    fidip          FiDIP.pth                              github.com/ostadabbas/Infant-Pose-Estimation
    mmpose         td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288-39c3c381_20220916.pth; or by its `backbone.` tensors
    efficientpose  by its tensors                         github.com/daniegr/EfficientPose
    higherhrnet    by its tensors                         github.com/HRNet/HigherHRNet-Human-Pose-Estimation
    dekr           by its tensors, also MMPose's          github.com/HRNet/DEKR
    openpose       by its tensors                         github.com/Hzzone/pytorch-openpose
    plain          none of these: taken as HRNet's
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Family = Literal["hrnet", "darkpose", "fidip", "mmpose", "efficientpose", "higherhrnet", "dekr", "openpose", "plain"]
Decoder = Literal["argmax", "quarter", "dark", "tags", "centres", "limbs"]

_SIZE = r"(\d{2,4})\s*[x\u00d7]\s*(\d{2,4})"
_NAMES: tuple[tuple[Family, str], ...] = (
    ("fidip", "fidip"),
    ("mmpose", r"mmpose|td-hm|_\d+xb\d+-"),
    ("darkpose", rf"dark|^w(32|48)_{_SIZE}"),
    ("hrnet", "hrnet"),
)


class Use(NamedTuple):
    """How a network is fed and read."""

    convention: str
    """How its crop is laid: `hrnet`, `dark`, `udp` or `letterbox` (detectors.crops)."""
    flip_shift: bool
    """Whether the maps of the mirrored image are moved by one px before they are averaged in."""
    decoder: Decoder
    """How joints are read from the maps (detectors.heatmaps; tags, centres and limbs: detectors.bottomup)."""


USES: dict[Family, Use] = {
    "hrnet": Use("hrnet", True, "quarter"),
    "darkpose": Use("dark", False, "dark"),
    "fidip": Use("dark", False, "dark"),
    "mmpose": Use("hrnet", True, "quarter"),
    "efficientpose": Use("letterbox", False, "argmax"),
    "higherhrnet": Use("hrnet", False, "tags"),
    "dekr": Use("hrnet", False, "centres"),
    "openpose": Use("letterbox", False, "limbs"),
    "plain": Use("hrnet", True, "quarter"),
}


def family_named(stem: str) -> Family | None:
    """The family that a file's name, without its ending, tells of; None for none."""
    return next((family for family, pattern in _NAMES if re.search(pattern, stem.lower())), None)


def size_named(stem: str) -> tuple[int, int] | None:
    """(w, h) px of the input that a file's name tells of; published names say height x width."""
    found = re.search(_SIZE, stem)
    return (int(found[2]), int(found[1])) if found else None


def use_of(family: Family, stem: str) -> Use:
    """How a family's network is used. MMPose trains in several ways, which its files' names tell apart."""
    if family == "mmpose" and "udp" in stem.lower():
        return Use("udp", False, "dark")
    if family == "mmpose" and "dark" in stem.lower():
        return USES[family]._replace(decoder="dark")
    return USES[family]
