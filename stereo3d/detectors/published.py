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
from stereo3d.models.shelf import located

if TYPE_CHECKING:
    from stereo3d.detectors.bottomup import BottomUp
    from stereo3d.detectors.grid import Grid
    from stereo3d.detectors.topdown import TopDown
    from stereo3d.detectors.tuning import Tuning
    from stereo3d.models.families import Decoder, Family
    from stereo3d.models.weights import Checkpoint

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
        runtime: str = "torch",
    ) -> TopDown:
        """The detector with these weights.

        device: `cpu`, `cuda` or `auto`. flip: also look at the mirrored picture and average, as published results
        do; takes twice the time. threads: of the CPU. input_size: `WxH` px, `auto` as the checkpoint was trained.
        skeleton: the joints' skeleton where their number does not tell it. family: whose checkpoint it is, where its
        name misleads. runtime: what runs the network (models.runtimes), or `auto`. Raises UsageError, MissingWeights,
        MissingPackage, CheckpointError, InvalidValue.
        """
        checkpoint = _read(self, weights, input_size, skeleton, family)
        from stereo3d.detectors.single import top_down

        return top_down(
            checkpoint, decoder=self.decoder, flip=flip, device=device, threads=threads, runtime=runtime
        )

    def tuning(
        self, weights: str | os.PathLike[str], *, device: str = "auto", flip: bool = True, threads: int | None = None
    ) -> Tuning[TopDown]:
        """What is needed to try these weights (a file, or a name) in every runtime. Raises what calling it raises."""
        checkpoint = _read(self, located(weights), "auto", None, None)
        from stereo3d.detectors.single import tuning_of

        return tuning_of(checkpoint, decoder=self.decoder, flip=flip, device=device, threads=threads)


@dataclass(frozen=True, slots=True)
class Everyone:
    """A factory of detectors for the checkpoints of one family that find everyone in a picture."""

    family: Family
    what: str
    source: str

    def __call__(
        self, weights: str | os.PathLike[str] | None = None, *, device: str = "auto", flip: bool = True,
        threads: int | None = None, input_size: str = "auto", skeleton: str | None = None, grid: str = "1x1",
        scales: str | float = "1", runtime: str = "torch",
    ) -> BottomUp | Grid:
        """The detector with these weights.

        grid: `ROWSxCOLUMNS` pictures that the network looks at as one, in its time for one; infants are the smaller
        in it. scales: `0.5,1,2` looks at the pictures at several scales, as published results do; at a multiple of the
        time. runtime: what runs the network but for 8 bits, or `auto`; DEKR's offsets need torch. The others as for
        Published; OpenPose never looks at the mirrored picture.
        Raises UsageError, MissingWeights, MissingPackage, CheckpointError, InvalidValue.
        """
        rows, columns = _pair("grid", grid, "ROWSxCOLUMNS such as 2x2")
        checkpoint = _read(self, weights, input_size, skeleton, None)
        from stereo3d.detectors.bottomup import bottom_up
        from stereo3d.detectors.grid import Grid
        from stereo3d.detectors.scales import parsed

        detector = bottom_up(
            checkpoint, flip=flip, device=device, threads=threads, scales=parsed(scales), runtime=runtime
        )
        return detector if (rows, columns) == (1, 1) else Grid(detector, rows, columns)


def _read(
    factory: Published | Everyone, weights: str | os.PathLike[str] | None, input_size: str, skeleton: str | None,
    family: Family | None,
) -> Checkpoint:
    """The checkpoint, of the sort of networks that the factory is for."""
    if weights is None:
        raise missing_weights(factory.family, factory.what, factory.source)
    size = None if input_size == "auto" else _pair("input_size", input_size, "WxH px such as 288x384, or auto")
    try:
        from stereo3d.models.architectures import kind_of
        from stereo3d.models.weights import read_checkpoint
    except ModuleNotFoundError as error:
        raise MissingPackage(str(error.name), "detect", f"detector {factory.family!r}") from error
    checkpoint = read_checkpoint(os.fspath(weights), family=family, input_size=size, skeleton=skeleton)
    there, wanted = kind_of(checkpoint.architecture).name, _OWN.get(factory.family, "hrnet")
    if there != wanted:
        raise UsageError(
            f"detector {factory.family!r}: expected {factory.what}, got {checkpoint.architecture} in "
            f"{checkpoint.name}; use detector {'darkpose or hrnet' if there == 'hrnet' else there}"
        )
    if checkpoint.family == "plain" and family is None:
        return read_checkpoint(os.fspath(weights), family=factory.family, input_size=size, skeleton=skeleton)
    return checkpoint


_OWN = {family: family for family in ("efficientpose", "higherhrnet", "dekr", "openpose")}
"""Families whose networks are of a sort of their own; the others' are HRNets."""


def _pair(option: str, text: str, form: str) -> tuple[int, int]:
    first, _, second = str(text).lower().partition("x")
    if not (first.isdecimal() and second.isdecimal()):
        raise UsageError(f"{option}: expected {form}, got {text!r}")
    return int(first), int(second)


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
higherhrnet = Everyone(
    "higherhrnet",
    "a HigherHRNet checkpoint, W32 or W48, such as the authors' pose_higher_hrnet_w32_512.pth",
    "https://github.com/HRNet/HigherHRNet-Human-Pose-Estimation",
)
"""HigherHRNet: everyone in the crop, of whom the infant is kept and the others are counted."""
dekr = Everyone(
    "dekr",
    "a DEKR checkpoint, W32 or W48 of COCO or CrowdPose, the authors' or MMPose's",
    "https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/dekr/coco/"
    "dekr_hrnet-w32_8xb10-140e_coco-512x512_ac7c17bf-20221228.pth",
)
"""DEKR: as HigherHRNet; grid=2x2 looks at four pictures as one, as the NICU paper does."""
openpose = Everyone(
    "openpose",
    "the body model of OpenPose's COCO network, such as body_pose_model.pth",
    "https://github.com/Hzzone/pytorch-openpose (the weights are CMU's, for non-commercial research)",
)
"""OpenPose: as HigherHRNet; 18 joints."""
