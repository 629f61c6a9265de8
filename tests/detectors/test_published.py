"""The built-in detectors: what they make of a file of weights."""

from __future__ import annotations

import builtins
import dataclasses
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from stereo3d.detectors import published
from stereo3d.detectors.base import build
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.published import Published
from stereo3d.errors import MissingPackage, MissingWeights, UsageError
from stereo3d.models import weights
from stereo3d.models.efficientpose import EfficientPose
from stereo3d.models.weights import Checkpoint, read_checkpoint
from stereo3d.skeleton import MPII_16


@pytest.fixture(scope="module")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of EfficientPose RT that nobody trained."""
    path = tmp_path_factory.mktemp("weights") / "EfficientPoseRT.pt"
    torch.manual_seed(1)
    torch.save(EfficientPose("RT").state_dict(), path)
    return path


def test_efficientpose_from_a_file(rt: Path) -> None:
    detector = build("efficientpose", rt, flip=False, device="cpu")
    assert detector.skeleton == MPII_16 and detector.crop.size == (224, 224)  # type: ignore[union-attr]
    assert detector.flip_shift is None  # type: ignore[union-attr]


def test_another_input_size(rt: Path) -> None:
    detector = build("efficientpose", rt, input_size="160x128", device="cpu")
    assert detector.crop == CropRule((160, 128), 1.25, "letterbox")  # type: ignore[union-attr]


def test_weights_of_another_network_are_told(rt: Path) -> None:
    sentence = "expected a DarkPose.* got efficientpose_rt in EfficientPoseRT.pt; use detector efficientpose"
    with pytest.raises(UsageError, match=sentence):
        build("darkpose", rt)


@pytest.mark.parametrize("size", ["288", "axb", "288x", "-3x4", "288x384x3"])
def test_an_input_size_that_is_none(rt: Path, size: str) -> None:
    with pytest.raises(UsageError, match=f"input_size: expected WxH px such as 288x384, or auto, got '{size}'"):
        build("efficientpose", rt, input_size=size)


def test_weights_that_are_not_there() -> None:
    with pytest.raises(MissingWeights, match="nowhere.pth"):
        build("hrnet", "nowhere.pth")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, rt: Path) -> dict[str, Any]:
    """What the file is said to be, and what was asked and made of it."""
    from stereo3d.detectors import single

    log: dict[str, Any] = {"family": "plain", "asked": []}
    real = read_checkpoint(rt)

    def fake(path: str, *, family: str | None, **_: object) -> Checkpoint:
        log["asked"].append(family)
        return dataclasses.replace(real, architecture="hrnet_w32", family=family or log["family"])

    monkeypatch.setattr(weights, "read_checkpoint", fake)
    monkeypatch.setattr(single, "top_down", lambda checkpoint, **options: log.update(made=checkpoint, options=options))
    return log


@pytest.mark.parametrize(("factory", "family"), [
    (published.darkpose, "darkpose"), (published.hrnet, "hrnet"), (published.fidip, "fidip"),
])
def test_the_detectors_name_counts_where_the_file_tells_nothing(
    read: dict[str, Any], factory: Published, family: str
) -> None:
    factory("some.pth")
    assert read["asked"] == [None, family] and read["made"].family == family


def test_the_file_counts_where_it_tells(read: dict[str, Any]) -> None:
    read["family"] = "mmpose"
    published.darkpose("some.pth")
    assert read["asked"] == [None] and read["made"].family == "mmpose"


def test_the_caller_counts_most(read: dict[str, Any]) -> None:
    published.darkpose("some.pth", family="plain")
    assert read["asked"] == ["plain"] and read["made"].family == "plain"


def test_darkpose_reads_any_hrnet_by_dark(read: dict[str, Any]) -> None:
    published.darkpose("some.pth", flip=False, device="cpu", threads=2)
    assert read["options"] == {"decoder": "dark", "flip": False, "device": "cpu", "threads": 2, "runtime": "torch"}
    published.hrnet("some.pth")
    assert read["options"]["decoder"] is None


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any) -> Any:
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return real(name, *args)

    for module in [m for m in sys.modules if m.startswith(("stereo3d.models", "stereo3d.detectors.topdown", "stereo3d.detectors.single"))]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", refuse)
    sentence = r"detector 'hrnet' needs the package torch.*pip install 'stereo3d\[detect\]'"
    with pytest.raises(MissingPackage, match=sentence):
        published.hrnet("some.pth")
