"""The built-in detectors by name: which checkpoint each needs, and how it is used.

How a network is fed belongs to its checkpoint and is read off the file; a detector's name counts where the file tells
nothing. torch is loaded when a detector is made, not before.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stereo3d.detectors.base import missing_weights
from stereo3d.errors import MissingPackage, UsageError

if TYPE_CHECKING:
    from stereo3d.detectors.topdown import TopDown
    from stereo3d.models.families import Decoder, Family

_MMPOSE = "https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/coco/"


@dataclass(frozen=True, slots=True)
class Published:
    """A factory of detectors for the checkpoints of one family."""

    family: Family
    what: str
    """The file it needs, in words."""
    source: str
    """Where that is to be had."""
    decoder: Decoder | None = None
    """How joints are read from heat maps; None: as the checkpoint's authors do."""

    def __call__(
        self, weights: str | os.PathLike[str] | None = None, *, device: str = "auto", flip: bool = True,
        threads: int | None = None, input_size: str = "auto", skeleton: str | None = None, family: Family | None = None,
    ) -> TopDown:
        """The detector with these weights.

        device: `cpu`, `cuda` or `auto`. flip: also look at the mirrored picture and average, as published results
        do; takes twice the time. threads: of the CPU. input_size: `WxH` px, `auto` as the checkpoint was trained.
        skeleton: the joints' skeleton where their number does not tell it. family: whose checkpoint it is, where its
        name misleads. Raises UsageError, MissingWeights, MissingPackage, CheckpointError, InvalidValue.
        """
        if weights is None:
            raise missing_weights(self.family, self.what, self.source)
        size = None if input_size == "auto" else _size(input_size)
        try:
            from stereo3d.detectors.topdown import top_down
            from stereo3d.models.weights import read_checkpoint
        except ModuleNotFoundError as error:
            raise MissingPackage(str(error.name), "detect", f"detector {self.family!r}") from error
        checkpoint = read_checkpoint(os.fspath(weights), family=family, input_size=size, skeleton=skeleton)
        if (checkpoint.family == "efficientpose") != (self.family == "efficientpose"):
            right = "efficientpose" if checkpoint.family == "efficientpose" else "darkpose or hrnet"
            raise UsageError(
                f"detector {self.family!r}: expected {self.what}, got {checkpoint.architecture} in {checkpoint.name}; "
                f"use detector {right}"
            )
        if checkpoint.family == "plain" and family is None:
            checkpoint = read_checkpoint(os.fspath(weights), family=self.family, input_size=size, skeleton=skeleton)
        return top_down(checkpoint, decoder=self.decoder, flip=flip, device=device, threads=threads)


def _size(text: str) -> tuple[int, int]:
    width, _, height = str(text).lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise UsageError(f"input_size: expected WxH px such as 288x384, or auto, got {text!r}")
    return int(width), int(height)


darkpose = Published(
    "darkpose",
    "a DarkPose, HRNet or FiDIP checkpoint, such as MMPose's HRNet W32 trained on COCO with DARK",
    _MMPOSE + "td-hm_hrnet-w32_dark-8xb64-210e_coco-384x288-9bab4c9b_20220917.pth",
    decoder="dark",
)
"""HRNet W32 or W48 read by DARK's decoder, whoever trained it."""
hrnet = Published(
    "hrnet",
    "an HRNet checkpoint, such as MMPose's W32 trained on COCO",
    _MMPOSE + "td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth",
)
"""HRNet W32 or W48 as its authors read it."""
fidip = Published(
    "fidip",
    "the FiDIP checkpoint, HRNet W48 fine-tuned on infants",
    "https://github.com/ostadabbas/Infant-Pose-Estimation (for non-commercial use)",
)
"""FiDIP, used like DarkPose."""
efficientpose = Published(
    "efficientpose",
    "an EfficientPose checkpoint, .h5 or of PyTorch",
    "https://github.com/daniegr/EfficientPose/tree/master/models",
)
"""EfficientPose RT to IV, by the weights: the 16 joints of MPII."""
