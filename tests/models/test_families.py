"""What names of published files tell."""

from __future__ import annotations

import pytest

from stereo3d.detectors.crops import CropRule
from stereo3d.models.families import USES, Family, family_named, size_named, use_of

FILES: list[tuple[str, Family | None, tuple[int, int] | None]] = [
    ("pose_hrnet_w32_384x288", "hrnet", (288, 384)),
    ("pose_hrnet_w48_256x192", "hrnet", (192, 256)),
    ("w32_256x192", "darkpose", (192, 256)),
    ("w48_384x288", "darkpose", (288, 384)),
    ("w48_384\u00d7288", "darkpose", (288, 384)),
    ("w48_384 x 288", "darkpose", (288, 384)),
    ("DarkPose_w32", "darkpose", None),
    ("FiDIP", "fidip", None),
    ("hrnet_fidip_w48_384x288", "fidip", (288, 384)),
    ("td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909", "mmpose", (192, 256)),
    ("td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288-39c3c381_20220916", "mmpose", (288, 384)),
    ("hrnet_w32_coco_256x192-c78dce93_20200708", "hrnet", (192, 256)),
    ("model_best", None, None),
    ("final_state", None, None),
    ("infant-2024-05-17", None, None),
]
"""Stem, family, (w, h) px."""


@pytest.mark.parametrize(("stem", "family", "size"), FILES, ids=[f[0] for f in FILES])
def test_a_name_tells_family_and_input(stem: str, family: Family | None, size: tuple[int, int] | None) -> None:
    assert family_named(stem) == family
    assert size_named(stem) == size


@pytest.mark.parametrize(
    ("family", "stem", "use"),
    [
        ("hrnet", "", ("hrnet", True, "quarter")),
        ("plain", "model_best", ("hrnet", True, "quarter")),
        ("darkpose", "w32_256x192", ("dark", False, "dark")),
        ("fidip", "FiDIP", ("dark", False, "dark")),
        ("efficientpose", "EfficientPoseRT", ("letterbox", False, "argmax")),
        ("mmpose", "td-hm_hrnet-w32_8xb64-210e_coco-256x192", ("hrnet", True, "quarter")),
        ("mmpose", "td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192", ("hrnet", True, "dark")),
        ("mmpose", "td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192", ("udp", False, "dark")),
        ("hrnet", "my_dark_room", ("hrnet", True, "quarter")),
    ],
)
def test_a_family_has_its_crop_its_flip_and_its_decoder(family: Family, stem: str, use: tuple[str, bool, str]) -> None:
    assert use_of(family, stem) == use


@pytest.mark.parametrize("family", USES)
def test_the_detectors_know_every_convention(family: Family) -> None:
    for stem in ("", "dark", "udp"):
        CropRule((192, 256), convention=use_of(family, stem).convention)  # type: ignore[arg-type]
