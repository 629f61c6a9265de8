"""EfficientPose from Keras: the same tensors under other names, and files that lead elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from stereo3d.errors import CheckpointError
from stereo3d.models.efficientpose import EfficientPose
from stereo3d.models.keras_h5 import read_keras

STEM = "model_weights/stem_conv_res1/stem_conv/kernel:0"
HEAD = "model_weights/pass3_detection2_confs/pass3_detection2_confs/kernel:0"


def write_keras(path: Path, net: nn.Module) -> None:
    """The network as Keras stores it: kernels as (h, w, in, out), depthwise ones as (h, w, channels, 1)."""
    with h5py.File(path, "w") as file:
        for name, layer in net.named_children():
            keras = name.removesuffix("_convolution").removesuffix("_depthwise").removesuffix("_FusedBatchNorm_1")
            inner = keras.replace("_res1", "").replace("_res2", "_1")
            group = file.create_group(f"model_weights/{keras}/{inner}")
            for kind, values in keras_arrays(layer).items():
                group[kind] = values


def keras_arrays(layer: nn.Module) -> dict[str, np.ndarray]:
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    if isinstance(layer, nn.BatchNorm2d):
        names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
        return {f"{kind}:0": state[name] for kind, name in names.items()}
    assert isinstance(layer, nn.Conv2d)
    if layer.groups > 1:
        return {"depthwise_kernel:0": np.moveaxis(state["weight"], (0, 1), (2, 3))}
    bias = {"bias:0": state["bias"]} if layer.bias is not None else {}
    return {"kernel:0": np.moveaxis(state["weight"], (0, 1), (3, 2)), **bias}


@pytest.fixture(scope="module")
def written(efficientpose: dict[str, nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    for variant, net in efficientpose.items():
        write_keras(folder / f"{variant}.h5", net)
    return folder


@pytest.mark.parametrize("variant", ["RT", "I"])
def test_tensors_come_in_the_networks_order(variant: str, written: Path, efficientpose: dict[str, nn.Module]) -> None:
    state = efficientpose[variant].state_dict()
    read = read_keras(written / f"{variant}.h5")
    assert list(read) == list(state)
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_the_official_file_holds_what_the_pickled_network_holds(shared: Path) -> None:
    folder = shared / "data/efficientpose"
    plain = torch.load(folder / "EfficientPoseRT.state_dict.pt", weights_only=True)
    keras = read_keras(folder / "EfficientPoseRT.h5")
    assert {name for name in keras if not name.endswith("num_batches_tracked")} == set(plain)
    assert all(torch.equal(keras[name], plain[name]) for name in plain)
    assert list(keras) == list(EfficientPose("RT").state_dict())


def elsewhere(file: h5py.File, folder: Path) -> None:
    with h5py.File(folder / "other.h5", "w") as other:
        other["kernel"] = np.zeros((3, 3, 3, 32), np.float32)


def external_link(file: h5py.File, folder: Path) -> None:
    elsewhere(file, folder)
    file[STEM] = h5py.ExternalLink(str(folder / "other.h5"), "kernel")


def soft_link(file: h5py.File, folder: Path) -> None:
    file["real"] = np.zeros((3, 3, 3, 32), np.float32)
    file[STEM] = h5py.SoftLink("/real")


def external_storage(file: h5py.File, folder: Path) -> None:
    (folder / "raw").write_bytes(bytes(3456))
    file.create_dataset(STEM, (3, 3, 3, 32), np.float32, external=[(str(folder / "raw"), 0, 3456)])


def virtual(file: h5py.File, folder: Path) -> None:
    elsewhere(file, folder)
    layout = h5py.VirtualLayout((3, 3, 3, 32), np.float32)
    layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "kernel", (3, 3, 3, 32))
    file.create_virtual_dataset(STEM, layout)


def chunked(file: h5py.File, folder: Path) -> None:
    file.create_dataset(STEM, (3, 3, 3, 32), np.float32, chunks=True, compression="gzip")


def huge(file: h5py.File, folder: Path) -> None:
    file.create_dataset(STEM, (3, 3, 10**6, 10**6), np.float32)


def doubles(file: h5py.File, folder: Path) -> None:
    file[STEM] = np.zeros((3, 3, 3, 32))


def transposed(file: h5py.File, folder: Path) -> None:
    file[STEM] = np.zeros((32, 3, 3, 3), np.float32)


def nothing(file: h5py.File, folder: Path) -> None:
    """The layer stays without its kernel."""


def a_group(file: h5py.File, folder: Path) -> None:
    file.create_group(STEM)


REPLACEMENTS = [
    (external_link, "is a link to elsewhere"), (soft_link, "is a link to elsewhere"),
    (external_storage, "takes its numbers from another file"), (virtual, "takes its numbers from another file"),
    (chunked, "does not lie in the file"), (huge, r"got float32 \(3, 3, 1000000, 1000000\)"),
    (doubles, r"expected float32 .* got float64"), (transposed, r"\(32, 3, 3, 3\), got float32 \(32, 3, 3, 3\)"),
    (nothing, "no layer stem_conv_res1"), (a_group, "no layer stem_conv_res1"),
]


@pytest.mark.parametrize(("replace", "told"), REPLACEMENTS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_tensor_that_is_not_plainly_there_is_refused(
    replace: Callable[[h5py.File, Path], None], told: str, written: Path, tmp_path: Path
) -> None:
    path = tmp_path / "RT.h5"
    shutil.copy(written / "RT.h5", path)
    with h5py.File(path, "a") as file:
        del file[STEM]
        replace(file, tmp_path)
    with pytest.raises(CheckpointError, match=told):
        read_keras(path)


def test_another_head_is_no_variant(written: Path, tmp_path: Path) -> None:
    shutil.copy(written / "RT.h5", tmp_path / "RT.h5")
    with h5py.File(tmp_path / "RT.h5", "a") as file:
        del file[HEAD]
        file[HEAD] = np.zeros((1, 1, 99, 16), np.float32)
    with pytest.raises(CheckpointError, match=r"RT, I, II, III, IV, got a head of shape \(1, 1, 99, 16\)"):
        read_keras(tmp_path / "RT.h5")


def test_another_file_of_hdf5_is_told_apart(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "poses.h5", "w") as file:
        file["xyz"] = np.zeros((5, 17, 3))
    with pytest.raises(CheckpointError, match=r"poses\.h5: expected EfficientPose from Keras"):
        read_keras(tmp_path / "poses.h5")


@pytest.mark.parametrize("kept", [8, 800, 100_000])
def test_a_torn_file_is_refused(kept: int, written: Path, tmp_path: Path) -> None:
    (tmp_path / "RT.h5").write_bytes((written / "RT.h5").read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"RT\.h5: expected an HDF5 file, got one that cannot be opened"):
        read_keras(tmp_path / "RT.h5")
