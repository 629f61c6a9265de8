"""ViTPose from a folder: a small one that nobody trained, held against transformers' own way of using it."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch

from stereo3d.detectors import crops
from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.crops import Box, CropRule
from stereo3d.errors import CheckpointError, MissingPackage, MissingWeights

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vitpose")
    backbone = transformers.VitPoseBackboneConfig(
        image_size=[256, 192], patch_size=[16, 16], hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        mlp_ratio=2, out_features=["stage2"], part_features=0,
    )
    config = transformers.VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=True)
    torch.manual_seed(0)
    transformers.VitPoseForPoseEstimation(config).save_pretrained(path)
    return path


def test_a_folder_becomes_a_detector(folder: Path) -> None:
    detector = build("vitpose", folder / "model.safetensors", device="cpu", threads=1)
    assert isinstance(detector, Detector) and detector.crop == CropRule((192, 256), 1.25, "udp")
    found = detector(np.random.default_rng(0).integers(0, 255, (3, 256, 192, 3), dtype=np.uint8))
    assert found.xy.shape == (3, 17, 2) and np.isfinite(found.score).all()


def test_joints_are_those_of_transformers_itself(folder: Path) -> None:
    """The same picture through their crop and ours; the same maps through their decoder and ours."""
    y, x = np.mgrid[:480, :640]
    picture = np.stack([127 + 100 * np.sin(x / a + y / b) for a, b in ((40, 60), (50, 30), (70, 45))], -1).astype(np.uint8)
    processor = transformers.VitPoseImageProcessorPil(do_affine_transform=True, size={"height": 256, "width": 192})
    xywh = [[200.0, 100.0, 180.0, 260.0]]
    inputs = processor(picture, boxes=[xywh], return_tensors="pt")
    detector = build("vitpose", folder / "model.safetensors", device="cpu", flip=False)
    box = Box.from_xywh(np.array(xywh), convention="udp")
    affine = crops.affine(box, detector.crop)  # type: ignore[union-attr]
    crop = crops.warp(picture, affine[0], (192, 256))
    shown = (crop / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    theirs = inputs["pixel_values"][0].permute(1, 2, 0).numpy()
    assert np.abs(shown - theirs)[2:-2, 2:-2].max() < 0.05
    places = np.random.default_rng(1).uniform((6, 6), (41, 57), (17, 2))
    v, u = np.mgrid[:64, :48]
    maps = np.stack([0.8 * np.exp(-((u - px) ** 2 + (v - py) ** 2) / 8) for px, py in places])[None]
    heat = torch.from_numpy(maps).float()
    outputs = types.SimpleNamespace(heatmaps=heat)
    (person,) = processor.post_process_pose_estimation(outputs, boxes=[xywh])[0]
    detector._network._net = lambda x: heat  # type: ignore[union-attr]
    found = detector(crop[None])  # type: ignore[operator]
    ours = crops.apply(crops.invert(affine[0]), found.xy[0])
    away = np.linalg.norm(ours - person["keypoints"].numpy(), axis=1)
    assert away.max() < 0.1, away
    np.testing.assert_allclose(found.score[0], np.clip(person["scores"].numpy(), 0, 1), atol=0.02)


def test_other_folders_are_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingWeights, match="detector 'vitpose' needs weights"):
        build("vitpose")
    for path in (folder, tmp_path / "model.safetensors", folder / "config.json"):
        with pytest.raises(MissingWeights, match="expected the path of a model.safetensors with its config.json"):
            build("vitpose", path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="expected a folder of ViTPose"):
        build("vitpose", tmp_path / "model.safetensors")
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingPackage, match=r"transformers.*stereo3d\[vitpose\]"):
        build("vitpose", folder / "model.safetensors")
