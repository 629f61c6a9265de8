"""Checkpoints of every family: recognised, loaded, and refused where they do not fit."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nameseed
import numpy as np
import pytest
import torch
from golden_networks import agree
from test_keras_h5 import write_keras
from torch import Tensor, nn

from stereo3d.errors import CheckpointError, InvalidValue, MissingPackage, MissingWeights, UsageError
from stereo3d.models.efficientpose import HEAD, EfficientPose
from stereo3d.models.hrnet import HRNet
from stereo3d.models.weights import build_network, load_into, read_checkpoint

State = dict[str, Tensor]


class HistoryBuffer:
    """What MMEngine's checkpoints hold beside the weights, in kind."""

    def __init__(self) -> None:
        self.log = np.arange(4.0)


def plain(state: State) -> Any:
    return state


def run(state: State) -> Any:
    return {"epoch": 210, "model": "pose_hrnet", "state_dict": parallel(state), "perf": np.float64(0.9)}


def parallel(state: State) -> State:
    return {f"module.{name}": value for name, value in state.items()}


def best(state: State) -> Any:
    last = {f"module.{name}": torch.zeros_like(value) for name, value in state.items()}
    return {"epoch": 3, "model": "adaptive_pose_hrnet", "state_dict": last, "best_state_dict": state}


def mmpose(state: State) -> Any:
    head = {name: f"head.{name}" if name.startswith("final_layer") else f"backbone.{name}" for name in state}
    return {
        "meta": {"dataset_meta": {"sigmas": np.zeros(17)}, "seed": np.int64(1)},
        "state_dict": {head[name]: value for name, value in state.items()},
        "message_hub": {"log_scalars": {"loss": HistoryBuffer()}},
    }


def mmpose_0(state: State) -> Any:
    head = {n: f"keypoint_head.{n}" if n.startswith("final_layer") else f"backbone.{n}" for n in state}
    return {"meta": {"config": "..."}, "state_dict": parallel({head[name]: value for name, value in state.items()})}


@dataclasses.dataclass(frozen=True)
class Case:
    """A file's name and make-up, and what is to be read from it."""

    name: str
    wrap: Callable[[State], Any]
    family: str
    wrapper: str
    use: tuple[str, bool, str]
    size: tuple[int, int] | None = None


CASES = [
    Case("pose_hrnet_w32_384x288.pth", plain, "hrnet", "plain", ("hrnet", True, "quarter"), (288, 384)),
    Case("w32_256x192.pth", plain, "darkpose", "plain", ("dark", False, "dark"), (192, 256)),
    Case("FiDIP_w48_384x288.pth", run, "fidip", "state_dict", ("dark", False, "dark"), (288, 384)),
    Case("final_state.pth.tar", parallel, "plain", "plain", ("hrnet", True, "quarter")),
    Case("checkpoint.pth", run, "plain", "state_dict", ("hrnet", True, "quarter")),
    Case("checkpoint.pth", best, "fidip", "best_state_dict", ("dark", False, "dark")),
    Case("epoch_210.pth", mmpose, "mmpose", "state_dict", ("hrnet", True, "quarter")),
    Case(
        "td-hm_hrnet-w48_dark-8xb32-210e_coco-384x288-39c3c381_20220916.pth", mmpose, "mmpose", "state_dict",
        ("hrnet", True, "dark"), (288, 384),
    ),
    Case("hrnet_w32_256x192-c78dce93.pth", mmpose_0, "mmpose", "state_dict", ("hrnet", True, "quarter"), (192, 256)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.wrap.__name__}-{case.name[:20]}")
def test_a_checkpoint_of_each_family_is_recognised_and_gives_the_same_maps(
    case: Case, narrow: nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / case.name
    torch.save(case.wrap(dict(narrow.state_dict())), path)
    read = read_checkpoint(path)
    assert (read.architecture, read.n_joints, read.skeleton) == ("hrnet_w8", 17, "COCO-17")
    assert (read.family, read.wrapper, read.input_size) == (case.family, case.wrapper, case.size)
    assert (read.convention, read.flip_shift, read.decoder) == case.use
    assert read.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    x = nameseed.images("family", (1, 3, 64, 64))
    net = build_network(read)
    assert not net.training
    with torch.inference_mode():
        torch.testing.assert_close(net(x), narrow(x), rtol=0, atol=0)


def test_what_is_guessed_is_said(narrow: nn.Module, tmp_path: Path) -> None:
    torch.save(narrow.state_dict(), tmp_path / "w32_256x192.pth")
    assert read_checkpoint(tmp_path / "w32_256x192.pth").inferred == (
        "family darkpose: from the file's name; crop and decoder from its name",
        "skeleton COCO-17: from the number of joints",
        "input 192 px wide and 256 px high: from the file's name",
    )
    (tmp_path / "w32_256x192.pth").rename(tmp_path / "mine.pth")
    assert read_checkpoint(tmp_path / "mine.pth").inferred[0] == (
        "family plain: nothing tells it, so crop and decoder are taken as HRNet's"
    )


def test_the_caller_overrules_the_name(narrow: nn.Module, tmp_path: Path) -> None:
    torch.save(narrow.state_dict(), tmp_path / "w32_256x192.pth")
    read = read_checkpoint(tmp_path / "w32_256x192.pth", family="fidip", input_size=(288, 384), skeleton="COCO-17")
    assert (read.family, read.input_size, read.inferred) == ("fidip", (288, 384), ())
    assert read_checkpoint(tmp_path / "w32_256x192.pth", family="hrnet").decoder == "quarter"


@pytest.mark.usefixtures("narrow")
def test_other_numbers_of_joints_need_a_skeleton(tmp_path: Path) -> None:
    path = tmp_path / "infant.pth"
    torch.save(HRNet(8, 12).state_dict(), path)
    read = read_checkpoint(path)
    assert (read.n_joints, read.skeleton, read.input_size) == (12, None, None)
    assert read_checkpoint(path, skeleton="BabyPose-12").skeleton == "BabyPose-12"
    with pytest.raises(InvalidValue, match="skeleton: MPII-16 has 16 joints, but the weights give 12"):
        read_checkpoint(path, skeleton="MPII-16")
    net = build_network(read).eval()
    with torch.inference_mode():
        assert net(torch.zeros(1, 3, 32, 32)).shape == (1, 12, 8, 8)


def test_a_name_with_a_size_no_network_takes_tells_nothing(narrow: nn.Module, tmp_path: Path) -> None:
    torch.save(narrow.state_dict(), tmp_path / "seen_on_1920x1080.pth")
    assert read_checkpoint(tmp_path / "seen_on_1920x1080.pth").input_size is None


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"family": "alphapose"}, UsageError, "unknown family of checkpoints 'alphapose'"),
        ({"family": "dekr"}, InvalidValue, "family: dekr does not go with .*, which holds hrnet_w8"),
        ({"family": "efficientpose"}, InvalidValue, "family: efficientpose does not go with .*, which holds hrnet_w8"),
        ({"input_size": (190, 256)}, InvalidValue, r"input_size: expected multiples of 32 px .* got \(190, 256\)"),
        ({"input_size": (0, 256)}, InvalidValue, "input_size: expected multiples of 32 px"),
        ({"input_size": (192, 256, 3)}, InvalidValue, r"input_size: expected shape \(2,\)"),
        ({"skeleton": "COCO"}, UsageError, "unknown skeleton 'COCO'"),
    ],
)
def test_wrong_arguments_are_told(
    options: dict[str, Any], error: type[Exception], told: str, narrow: nn.Module, tmp_path: Path
) -> None:
    torch.save(narrow.state_dict(), tmp_path / "w.pth")
    with pytest.raises(error, match=told):
        read_checkpoint(tmp_path / "w.pth", **options)


def test_a_missing_file_is_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"gone\.pth: no such file of weights"):
        read_checkpoint(tmp_path / "gone.pth")


class KitModel(nn.Module):
    """As EfficientPose's authors pickled theirs: all layers at the top, and nothing else."""


@pytest.mark.parametrize("variant", ["RT", "I"])
def test_efficientpose_is_one_network_in_three_kinds_of_file(
    variant: str, efficientpose: dict[str, nn.Module], tmp_path: Path
) -> None:
    net, kit = efficientpose[variant], KitModel()
    for name, layer in net.named_children():
        kit.add_module(name, layer)
    write_keras(tmp_path / "weights.h5", net)
    torch.save(kit, tmp_path / "weights", _use_new_zipfile_serialization=False)
    torch.save({k: v for k, v in net.state_dict().items() if "num_batches" not in k}, tmp_path / "weights.pt")
    side = {"RT": 224, "I": 256}[variant]
    x = nameseed.images("kinds", (1, 3, 64, 64))
    for file, wrapper in (("weights.h5", "keras"), ("weights", "module"), ("weights.pt", "plain")):
        read = read_checkpoint(tmp_path / file)
        assert (read.family, read.wrapper, read.skeleton) == ("efficientpose", wrapper, "MPII-16")
        assert (read.architecture, read.input_size) == (f"efficientpose_{variant.lower()}", (side, side))
        assert (read.convention, read.decoder, read.inferred) == ("letterbox", "argmax", ())
        with torch.inference_mode():
            torch.testing.assert_close(build_network(read)(x), net(x), rtol=0, atol=0)


def test_a_training_run_of_w32_gives_the_published_maps(
    goldens: dict[str, Any], hrnet_w32: nn.Module, tmp_path: Path
) -> None:
    """The whole way for a network of full size, as DataParallel saves it."""
    golden, path = goldens["hrnet_w32_256x192"], tmp_path / "pose_hrnet_w32_256x192.pth"
    torch.save({"epoch": 210, "state_dict": parallel(dict(hrnet_w32.state_dict()))}, path)
    read = read_checkpoint(path)
    path.unlink()
    assert (read.architecture, read.family, read.input_size) == ("hrnet_w32", "hrnet", (192, 256))
    with torch.inference_mode():
        agree(build_network(read)(nameseed.images(golden["input_seed"], golden["input_shape"])), golden["outputs"]["heatmaps"])


def test_safetensors_are_read_like_a_state_dict(narrow: nn.Module, tmp_path: Path) -> None:
    pytest.importorskip("safetensors.torch").save_file(dict(narrow.state_dict()), tmp_path / "w32_256x192.safetensors")
    read = read_checkpoint(tmp_path / "w32_256x192.safetensors")
    assert (read.family, read.wrapper, len(read.state)) == ("darkpose", "plain", 1754)
    assert all(torch.equal(read.state[name], value) for name, value in narrow.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"\xff" * 64, (10**12).to_bytes(8, "little") + b"{}", b"\2\0\0\0\0\0\0\0[]"])
def test_torn_safetensors_are_refused(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.safetensors: expected safetensors"):
        read_checkpoint(tmp_path / "w.safetensors")


def test_safetensors_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "safetensors", None)
    (tmp_path / "w.safetensors").write_bytes(b"")
    with pytest.raises(MissingPackage, match=r"needs the package safetensors.*stereo3d\[safetensors\]"):
        read_checkpoint(tmp_path / "w.safetensors")


CONV = "stage2.0.branches.0.0.conv1.weight"
FOREIGN: dict[str, tuple[Any, str]] = {
    "a list": ([torch.ones(3)], "expected a dict of weights, got list"),
    "no tensors": ({"epoch": 3}, "got 0 tensors of something else"),
    "another network": ({"fc.weight": torch.ones(3, 3)}, r"expected weights of hrnet_w32, .* got 1 .*\('fc.weight'\)"),
    "another width": ({CONV: torch.ones(18, 18, 3, 3), "final_layer.weight": torch.ones(17, 18, 1, 1)}, "got 2"),
    "no head": ({CONV: torch.ones(32, 32, 3, 3)}, "got 1 tensors of something else"),
    "a head of no shape": ({CONV: torch.ones(32, 32, 3, 3), "final_layer.weight": torch.tensor(1.0)}, "got 2"),
    "a branch of no shape": ({CONV: torch.tensor(1.0), "final_layer.weight": torch.ones(17, 32, 1, 1)}, "got 2"),
    "another EfficientPose": ({HEAD: torch.ones(16, 99, 1, 1)}, "got 1"),
    "an EfficientPose's head of no shape": ({HEAD: torch.tensor(1.0)}, "got 1"),
    "names with escapes": ({"\x1b[31m\ud800": torch.ones(1)}, r"'\\x1b\[31m\\ud800'"),
}


@pytest.mark.parametrize(("value", "told"), FOREIGN.values(), ids=FOREIGN.keys())
def test_another_networks_weights_are_told_apart(value: Any, told: str, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=rf"^other\.pth: .*{told}"):
        read_checkpoint(tmp_path / "other.pth")


def without(state: State) -> None:
    for name in [name for name in state if name.startswith("transition3.")]:
        del state[name]


def with_more(state: State) -> None:
    state |= {"classifier.weight": torch.ones(2), "classifier.bias": torch.ones(2)}


def reshaped(state: State) -> None:
    state["layer1.0.conv1.weight"] = torch.ones(64, 64, 3, 3)


def quantised(state: State) -> None:
    state["conv1.weight"] = torch.ones(64, 3, 3, 3, dtype=torch.int8)


def all_at_once(state: State) -> None:
    for change in (without, with_more, reshaped):
        change(state)


MISFITS = [
    (without, r"5 missing \('transition3\.3\.0\.0\.weight', 'transition3\.3\.0\.1\.weight', .*, \.\.\.\)$"),
    (with_more, r"2 unexpected \('classifier\.weight', 'classifier\.bias'\)$"),
    (reshaped, r"1 that do not fit \('layer1\.0\.conv1\.weight: \(64, 64, 1, 1\) of floats wanted, \(64, 64, 3, 3\)"),
    (quantised, r"1 that do not fit \('conv1\.weight: .* of floats wanted, .* of whole numbers there'\)$"),
    (all_at_once, r"5 missing .*; 1 that do not fit .*; 2 unexpected"),
]


@pytest.mark.parametrize(("change", "told"), MISFITS, ids=lambda x: getattr(x, "__name__", ""))
def test_what_does_not_fit_is_named_and_nothing_is_loaded(
    change: Callable[[State], None], told: str, narrow: nn.Module, tmp_path: Path
) -> None:
    state = {name: value + 1 for name, value in narrow.state_dict().items()}
    change(state)
    torch.save(state, tmp_path / "odd.pth")
    before = {name: value.clone() for name, value in narrow.state_dict().items()}
    with pytest.raises(CheckpointError, match=r"^odd\.pth: expected the 1754 tensors of HRNet, got \d+: ") as caught:
        load_into(narrow, read_checkpoint(tmp_path / "odd.pth"))
    caught.match(told)
    assert all(torch.equal(value, before[name]) for name, value in narrow.state_dict().items())


def test_half_precision_and_missing_counters_load(narrow: nn.Module, tmp_path: Path) -> None:
    """Weights may be stored at half their size, and old torch kept no num_batches_tracked."""
    state = {k: v.half() for k, v in narrow.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(state, tmp_path / "half.pth")
    net = HRNet(8)
    load_into(net, read_checkpoint(tmp_path / "half.pth"))
    assert all(p.dtype == torch.float32 for p in net.parameters())
    loaded = net.state_dict()
    assert all(torch.equal(loaded[name], value.float()) for name, value in state.items())


def test_a_checkpoint_does_not_go_into_another_network(narrow: nn.Module, tmp_path: Path) -> None:
    torch.save(narrow.state_dict(), tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"expected the 310 tensors of EfficientPose, got 1754: 268 missing"):
        load_into(EfficientPose("RT"), read_checkpoint(tmp_path / "w.pth"))


def test_a_checkpoint_is_frozen(narrow: nn.Module, tmp_path: Path) -> None:
    torch.save(narrow.state_dict(), tmp_path / "w.pth")
    read = read_checkpoint(tmp_path / "w.pth")
    with pytest.raises(dataclasses.FrozenInstanceError):
        read.decoder = "dark"  # type: ignore[misc]
    with pytest.raises(TypeError):
        read.state["conv1.weight"] = torch.ones(1)  # type: ignore[index]
    assert dataclasses.replace(read, decoder="dark").decoder == "dark"
