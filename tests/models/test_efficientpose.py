"""EfficientPose against what the published networks gave, and with its trained weights on a photograph."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import nameseed
import numpy as np
import pytest
import torch
from golden_networks import TOLERANCE, agree
from torch import Tensor, nn

from stereo3d.errors import UsageError
from stereo3d.models.efficientpose import VARIANTS, EfficientPose, variant_of
from stereo3d.models.weights import build_network, read_checkpoint
from stereo3d.skeleton import COCO_17, MPII_16, shared_joints

GOLDENS = {"RT": "efficientpose_rt_224", "I": "efficientpose_i_256"}
PARAMETERS = {"RT": 435_676, "I": 689_880, "II": 1_684_464, "III": 3_157_612, "IV": 6_448_266}
"""Of the published PyTorch networks."""


@pytest.mark.parametrize("variant", GOLDENS)
def test_tensors_stand_in_the_published_order(
    variant: str, goldens: dict[str, Any], efficientpose: dict[str, nn.Module]
) -> None:
    golden, state = goldens[GOLDENS[variant]], efficientpose[variant].state_dict()
    assert len(state) == golden["n_keys"]
    assert nameseed.key_digest(state) == golden["keys_sha256"]
    assert nameseed.digest(state) == golden["state_sha256"]


@pytest.mark.parametrize("variant", GOLDENS)
def test_heat_maps_are_the_published_ones(
    variant: str, goldens: dict[str, Any], efficientpose: dict[str, nn.Module]
) -> None:
    golden = goldens[GOLDENS[variant]]
    assert (golden["bn_gain"], golden["conv_gain"]) == (1.0, 1.0)
    with torch.inference_mode():
        maps = efficientpose[variant](nameseed.images(golden["input_seed"], golden["input_shape"]))
    agree(maps, golden["outputs"]["heatmaps"])


@pytest.mark.parametrize("name", ["efficientpose_rt_224", "efficientpose_i_256", "efficientpose_ii_368"])
def test_every_number_of_the_whole_goldens(name: str, shared: Path) -> None:
    with np.load(shared / f"parity/golden/{name}.npz") as golden:
        meta, kept = json.loads(str(golden["meta"])), golden["out_heatmaps"]
    net = EfficientPose(name.split("_")[1].upper())
    assert list(net.state_dict()) == meta["keys"]
    nameseed.fill(net, bn_gain=meta["bn_gain"], conv_gain=meta["conv_gain"])
    assert nameseed.digest(net.state_dict()) == meta["state_sha256"]
    with torch.inference_mode():
        maps = net(nameseed.images(meta["input_seed"], tuple(meta["input_shape"]))).numpy()
    output = meta["outputs"][0]
    maps = maps[..., output["offset"] :: output["stride"], output["offset"] :: output["stride"]]
    np.testing.assert_allclose(maps, kept, rtol=0, atol=TOLERANCE * np.abs(kept).max())


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_are_as_many_as_published(variant: str) -> None:
    with torch.device("meta"):
        net = EfficientPose(variant)
    assert sum(p.numel() for p in net.parameters()) == PARAMETERS[variant]
    assert variant_of(net.pass3_detection2_confs_convolution.in_channels) == variant


def test_backbones_are_registered_breadth_first() -> None:
    """Where the two backbones of III run side by side, as its published state dict has them."""
    with torch.device("meta"):
        names = [name for name, layer in EfficientPose("III").named_children() if isinstance(layer, nn.Conv2d)]
    start = names.index("block1c_dwconv_res1_depthwise")
    assert [name.rpartition("_")[0] for name in names[start : start + 12]] == [
        "block1c_dwconv_res1", "block2a_expand_conv_res2", "block2a_dwconv_res2", "block1c_se_reduce_res1",
        "block1c_se_expand_res1", "block2a_se_reduce_res2", "block1c_project_conv_res1", "block2a_se_expand_res2",
        "block2a_expand_conv_res1", "block2a_project_conv_res2", "block2b_expand_conv_res2", "block2a_dwconv_res1",
    ]


def test_the_enlargement_keeps_a_constant_and_lies_centred() -> None:
    """Eight times larger, each time between pixel centres: a ramp stays a ramp, half a pixel in from the border."""
    net = EfficientPose("RT")
    maps = torch.arange(4.0).expand(1, 16, 4, 4).clone()
    for _ in range(3):
        maps = nn.functional.conv_transpose2d(maps, net.bilinear, stride=2, padding=1, groups=16)
    middle = maps[0, 0, 16, 8:24]
    torch.testing.assert_close(middle, (torch.arange(8.0, 24.0) + 0.5) / 8 - 0.5)


def test_an_unknown_variant_is_named() -> None:
    with pytest.raises(UsageError, match="unknown EfficientPose variant 'V': .*I, II, III, IV, RT"):
        EfficientPose("V")


def test_no_variant_has_a_head_of_17_channels() -> None:
    assert variant_of(17) is None


def letterboxed(picture: np.ndarray, xywh: list[float], side: int) -> tuple[Tensor, np.ndarray]:
    """(1, 3, side, side) normalised crop round a box, and the affine from the picture to it."""
    x, y, w, h = xywh
    scale = side / (1.2 * max(w, h))
    affine = np.array([[scale, 0, side / 2 - scale * (x + w / 2)], [0, scale, side / 2 - scale * (y + h / 2)]])
    crop = cv2.warpAffine(picture, affine, (side, side)).astype(np.float32) / 255
    crop = (crop - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return torch.from_numpy(crop.transpose(2, 0, 1)[None].copy()), affine


def test_trained_weights_find_a_person_from_keras_and_from_torch_alike(shared: Path) -> None:
    """The official real-time network on a photograph with labelled joints."""
    photograph = shared / "data/coco-cc-by/000000000785.jpg"
    person = json.loads(photograph.with_name("person_keypoints_785.json").read_text())["annotations"][0]
    crop, affine = letterboxed(cv2.cvtColor(cv2.imread(str(photograph)), cv2.COLOR_BGR2RGB), person["bbox"], 224)
    folder = shared / "data/efficientpose"
    files = [folder / "EfficientPoseRT.h5", folder / "EfficientPoseRT.state_dict.pt"]
    with torch.inference_mode():
        keras, plain = (build_network(read_checkpoint(file))(crop) for file in files)
    torch.testing.assert_close(keras, plain, rtol=0, atol=0)

    labels = np.array(person["keypoints"], float).reshape(17, 3)
    coco, mpii = shared_joints(COCO_17, MPII_16)
    truth = labels[coco, :2] @ affine[:, :2].T + affine[:, 2]
    peaks = plain[0, mpii].flatten(1).argmax(1).numpy()
    error = np.hypot(*(np.stack([peaks % 224, peaks // 224], 1) - truth)[labels[coco, 2] > 0].T)
    assert len(error) >= 8
    assert np.median(error) < 224 * 0.05
