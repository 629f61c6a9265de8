"""Top-down detection in torch: crops of one person in, joints out, in batches of few fixed shapes.

Crops go to the device as bytes and are normalised there; heat maps are decoded there; only joints come back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from stereo3d.detectors import crops
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.heatmaps import Peaks, decode_argmax, decode_dark, decode_quarter, merge_flipped
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.models.families import Decoder
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.weights import Checkpoint, build_network
from stereo3d.poses import Detections
from stereo3d.skeleton import Skeleton, skeleton_named
from stereo3d.values import Bytes

LARGEST_BATCH = {"cpu": 8, "cuda": 64}
"""Pictures that go through the network together; on a CPU larger batches fall out of its cache and cost more each."""
PADDING = 1.25
"""A crop is a person's box times this, as HRNet is trained; EfficientPose is at its best between 1.2 and 1.3 too."""
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DECODERS: dict[Decoder, Callable[[Tensor], Peaks[Tensor]]] = {
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
        self, net: nn.Module, skeleton: Skeleton, *, crop: CropRule, decode: Callable[[Tensor], Peaks[Tensor]],
        flip_shift: bool | None = None, device: str = "cpu",
    ) -> None:
        """flip_shift: whether the maps of the mirrored picture are moved by one px; None: no mirrored picture."""
        self.skeleton = skeleton
        self.crop = crop
        self.flip_shift = flip_shift
        self._decode = decode
        self._device = torch.device(device)
        self._net = net.eval().to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._mean, self._deviation = (
            torch.tensor(x, device=self._device)[:, None, None] * 255 for x in (_MEAN, _DEVIATION)
        )

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
        step = LARGEST_BATCH[self._device.type]
        parts = [self._look(images[i:i + step]) for i in range(0, len(images), step)]
        k = len(self.skeleton)
        none = np.zeros((0, k, 2)), np.zeros((0, k)), np.zeros((0, k))
        xy, score, sigma = (np.concatenate(arrays) for arrays in zip(none, *parts))
        return Detections(xy, score, sigma)

    def _look(self, images: Bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """xy, score and sigma of one batch of pictures, in input px."""
        n = len(images)
        padded = np.zeros((1 << (n - 1).bit_length(), *images.shape[1:]), np.uint8)
        padded[:n] = images
        with torch.inference_mode():
            maps = self._maps(torch.from_numpy(padded).to(self._device))
            peaks = [x[:n].double().cpu().numpy() for x in self._decode(maps)]
        back = crops.heatmap_affine((maps.shape[3], maps.shape[2]), self.crop)
        xy, score, sigma = peaks
        return crops.apply(back, xy), np.clip(score, 0, 1), sigma * crops.magnification(back)

    def _maps(self, images: Tensor) -> Tensor:
        """Heat maps of (N, h, w, 3) bytes; seen as (N, 3, h, w) these lie channels last, as the network likes it."""
        x = (images.permute(0, 3, 1, 2) - self._mean) / self._deviation
        maps: Tensor = self._net(x)
        if self.flip_shift is None:
            return maps
        mirrored: Tensor = self._net(x.flip(-1))
        return merge_flipped(maps, mirrored, self.skeleton.mirror.tolist(), shift=self.flip_shift)


def top_down(
    checkpoint: Checkpoint, *, decoder: Decoder | None = None, flip: bool = True, device: str = "auto",
    threads: int | None = None,
) -> TopDown:
    """A checkpoint's network as a detector, with the crop, flip test and decoder that belong to the checkpoint.

    `decoder` overrules its decoder; `threads` holds for all of torch. Raises CheckpointError for weights that do not
    fit, UsageError for a device that is not there or where the file does not tell what has to be known.
    """
    size, skeleton = told(checkpoint)
    set_threads(threads)
    return TopDown(
        fold_batchnorm(build_network(checkpoint)),
        skeleton,
        crop=CropRule(size, PADDING, checkpoint.convention),  # type: ignore[arg-type]
        decode=_decoder(decoder or checkpoint.decoder, checkpoint),
        flip_shift=checkpoint.flip_shift if flip else None,
        device=device_named(device),
    )


def _decoder(name: Decoder, checkpoint: Checkpoint) -> Callable[[Tensor], Peaks[Tensor]]:
    """EfficientPose but for its real-time net smooths its maps before it looks for the maximum."""
    if name == "argmax" and checkpoint.architecture not in ("efficientpose_rt", "hrnet_w32", "hrnet_w48"):
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
