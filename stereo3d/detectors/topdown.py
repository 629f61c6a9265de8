"""Top-down detection: crops of one person in, joints out.

Crops go to the device as bytes, are mirrored and normalised there, and heat maps are decoded there; only joints come
back. What runs the network is a Network: torch, ONNX Runtime or OpenVINO.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stereo3d.detectors import crops
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.heatmaps import Peaks, decode_argmax, decode_dark, decode_quarter, merge_flipped
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.models.families import Decoder
from stereo3d.models.network import Network, TorchNetwork
from stereo3d.models.weights import Checkpoint
from stereo3d.poses import Detections
from stereo3d.skeleton import Skeleton, skeleton_named
from stereo3d.values import Bytes

AT_ONCE = {"cpu": 8, "cuda": 64}
"""Pictures whose maps are held together: on a CPU few enough to stay in its cache. How many go through the network at a
time is the Network's own affair."""
PADDING = 1.25
"""A crop is a person's box times this, as HRNet is trained; EfficientPose is at its best between 1.2 and 1.3 too."""
_DECODERS: dict[Decoder, Callable[[Any], Peaks[Any]]] = {
    "argmax": decode_argmax,
    "quarter": decode_quarter,
    "dark": decode_dark,
}


class TopDown:
    """A network of heat maps as a detector.

    A joint's score is the height of its peak, which an EfficientPose net sets at 0.4 to 0.6 for a joint that is plain
    to see and HRNet at 0.8 to 1; low ones are kept, for the gates of triangulation to decide.
    """

    def __init__(
        self, net: nn.Module | Network, skeleton: Skeleton, *, crop: CropRule,
        decode: Callable[[Any], Peaks[Any]], flip_shift: bool | None = None, device: str = "cpu",
    ) -> None:
        """net: a network of torch, run as it is on the device, or one that is ready to run.

        flip_shift: whether the maps of the mirrored picture are moved by one px; None: no mirrored picture.
        `runtime` names what runs the network; `tune`, where there is one, makes the detector that runs best here
        from pictures (base.tuned).
        """
        self.skeleton = skeleton
        self.crop = crop
        self.flip_shift = flip_shift
        self._decode = decode
        self._network = TorchNetwork(net, device) if isinstance(net, nn.Module) else net
        self.runtime = "torch"
        self.tune: Callable[[Bytes], TopDown] | None = None

    def run_by(self, network: Network) -> TopDown:
        """The same detector with its network in another form."""
        other = copy.copy(self)
        other._network, other.tune = network, None
        return other

    @property
    def glance(self) -> TopDown:
        """The same without the mirrored picture, in half the time: to find the infant."""
        rough = copy.copy(self)
        rough.flip_shift = None
        return rough

    def __call__(self, images: Bytes) -> Detections:
        """The joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size`. Raises InvalidValue."""
        w, h = self.crop.size
        if images.ndim != 4 or images.shape[1:] != (h, w, 3) or images.dtype != np.uint8:
            raise InvalidValue(f"images: expected (N, {h}, {w}, 3) uint8, got {images.shape} {images.dtype}")
        step = AT_ONCE[self._network.device.type]
        parts = [self._look(images[i:i + step]) for i in range(0, len(images), step)]
        k = len(self.skeleton)
        none = np.zeros((0, k, 2)), np.zeros((0, k)), np.zeros((0, k))
        xy, score, sigma = (np.concatenate(arrays) for arrays in zip(none, *parts))
        return Detections(xy, score, sigma)

    def _look(self, images: Bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """xy, score and sigma of some pictures, in input px."""
        with torch.inference_mode():
            maps = self._maps(images)
            peaks = [_numbers(x) for x in self._decode(maps)]
        back = crops.heatmap_affine((maps.shape[3], maps.shape[2]), self.crop)
        xy, score, sigma = peaks
        return crops.apply(back, xy), np.clip(score, 0, 1), sigma * crops.magnification(back)

    def _maps(self, images: Bytes) -> Any:
        """Heat maps of (N, h, w, 3) bytes: of numpy on a CPU, where that is several times faster in small steps.

        Mirrored pictures go through the network with the others.
        """
        n = len(images)
        seen = self._network(self._moved(images))
        maps: Any = seen.numpy() if seen.device.type == "cpu" else seen
        if self.flip_shift is None:
            return maps
        return merge_flipped(maps[:n], maps[n:], self.skeleton.mirror.tolist(), shift=self.flip_shift)

    def _moved(self, images: Bytes) -> Tensor:
        """The pictures as bytes on the device, and behind them the mirrored ones where these are looked at.

        On a CPU OpenCV mirrors them, several times as fast as torch. From pinned memory the copy to another device
        does not hold up the CPU; they are mirrored there.
        """
        there = torch.from_numpy(np.ascontiguousarray(images))
        flips = self.flip_shift is not None
        if self._network.device.type == "cpu":
            return torch.from_numpy(np.concatenate((images, crops.mirrored(images)))) if flips else there
        moved = there.pin_memory().to(self._network.device, non_blocking=True)
        return torch.cat((moved, moved.flip(2))) if flips else moved


def _numbers(x: Any) -> np.ndarray:
    return np.asarray(x.double().cpu() if isinstance(x, Tensor) else x, np.float64)


def decoder_of(name: Decoder, checkpoint: Checkpoint) -> Callable[[Any], Peaks[Any]]:
    """EfficientPose but for its real-time net smooths its maps before it looks for the maximum."""
    if name == "argmax" and checkpoint.architecture not in ("efficientpose_rt", "hrnet_w16", "hrnet_w32", "hrnet_w48"):
        return partial(decode_argmax, blur=1.0)
    return _DECODERS[name]


def told(checkpoint: Checkpoint) -> tuple[tuple[int, int], Skeleton]:
    """(w, h) px of a checkpoint's input, and its skeleton. Raises UsageError where nothing tells one of them."""
    if checkpoint.input_size is None:
        raise UsageError(
            f"{checkpoint.name}: nothing tells the input size it was trained for; "
            "give it as WxH, such as --set detect.input_size=288x384"
        )
    if checkpoint.skeleton is None:
        raise UsageError(
            f"{checkpoint.name}: nothing tells which {checkpoint.n_joints} joints it gives; "
            "name them, such as --set detect.skeleton=CrowdPose-14"
        )
    return checkpoint.input_size, skeleton_named(checkpoint.skeleton)


def device_named(name: str) -> str:
    """`cpu` or `cuda` for one of these or `auto`. Raises UsageError for what is not there."""
    cuda = torch.cuda.is_available()
    if name not in ("cpu", "cuda", "auto") or (name == "cuda" and not cuda):
        raise UsageError(f"device: expected cpu{', cuda' * cuda} or auto, got {name!r}")
    return "cuda" if cuda and name != "cpu" else "cpu"


def set_threads(threads: int | None) -> None:
    """Lets all of torch use that many threads of the CPU; None leaves it alone. Raises UsageError."""
    if threads is None:
        return
    if threads < 1:
        raise UsageError(f"threads: expected 1 or more, got {threads}")
    torch.set_num_threads(threads)
