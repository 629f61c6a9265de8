"""Which network a file's tensors belong to, and what they are most like where they belong to none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stereo3d.errors import CheckpointError
from stereo3d.models import architectures
from stereo3d.models.architectures import build, kind_of, names, nearest, recognise, side_of
from stereo3d.models.weights import read_checkpoint


def meta(name: str, n_joints: int = 17) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return build(name, n_joints).state_dict()


@pytest.mark.parametrize("name", names())
def test_every_network_is_recognised_by_its_own_tensors(name: str) -> None:
    n_joints = {"openpose": 18, "efficientpose": 16}.get(name.partition("_")[0], 14)
    assert recognise(meta(name, n_joints)) == (name, n_joints)
    assert kind_of(name).name == name.partition("_")[0]


def test_published_sides() -> None:
    assert {name: side_of(name) for name in names() if "pose" in name or "dekr" in name or "higher" in name} == {
        "higherhrnet_w32": 512, "higherhrnet_w48": 640, "dekr_w32": 512, "dekr_w48": 640, "openpose": 368,
        "efficientpose_rt": 224, "efficientpose_i": 256, "efficientpose_ii": 368, "efficientpose_iii": 480,
        "efficientpose_iv": 600,
    }
    assert side_of("hrnet_w32") is None


def test_a_network_with_holes_is_still_known_for_what_it_is() -> None:
    state = meta("higherhrnet_w48")
    lost = [name for name in state if name.startswith("transition2.") and not name.endswith("num_batches_tracked")]
    holed = {k: v for k, v in state.items() if not k.startswith("transition2.")}
    holed["conv1.weight"] = torch.empty(64, 3, 7, 7, device="meta")
    holed["extra.weight"] = torch.empty(1, device="meta")
    like = nearest(holed)
    assert like is not None and like.architecture == "higherhrnet_w48" and like.n_joints == 17
    assert like.missing == tuple(lost) and like.unexpected == ("extra.weight",) and like.misfits == ("conv1.weight",)


def test_nothing_is_like_nothing() -> None:
    assert nearest({"fc.weight": torch.ones(2, 2)}) is None


def test_an_imagenet_backbone_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with the trunk and another head: what is wrong is said in the words of what it is nearest to."""
    monkeypatch.setattr(architectures, "WIDTHS", [8])
    state = {k: v for k, v in build("hrnet_w8", 17).state_dict().items() if not k.startswith("final_layer")}
    torch.save(state | {"classifier.weight": torch.ones(10, 4)}, tmp_path / "hrnet-imagenet.pth")
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint(tmp_path / "hrnet-imagenet.pth")
    caught.match(r"nearest is hrnet_w8, with which 1752 of 1754 agree: 2 missing \('final_layer.weight', 'final_layer.bias'\)")
    caught.match(r"1 unexpected \('classifier.weight'\)")


def test_original_openpose_layers_are_read(tmp_path: Path) -> None:
    state = {name.partition(".")[2]: tensor for name, tensor in build("openpose", 18).state_dict().items()}
    torch.save(state, tmp_path / "body_pose_model.pth")
    read = read_checkpoint(tmp_path / "body_pose_model.pth")
    (tmp_path / "body_pose_model.pth").unlink()
    assert (read.architecture, read.n_joints, read.skeleton) == ("openpose", 18, "OpenPose-18")
    assert (read.input_size, read.convention, read.decoder) == ((368, 368), "letterbox", "limbs")
