"""ViTPose from a folder of the package transformers; nothing is fetched, and torchvision is not needed.

Xu et al., "ViTPose: Simple Vision Transformer Baselines for Human Pose Estimation", NeurIPS 2022. Crops are laid as UDP
does and maps are read by DARK, as transformers' own processor has it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stereo3d.detectors.base import missing_weights
from stereo3d.detectors.crops import CropRule
from stereo3d.errors import CheckpointError, MissingPackage, MissingWeights
from stereo3d.skeleton import COCO_17

WEIGHTS = "model.safetensors"

if TYPE_CHECKING:
    from stereo3d.detectors.topdown import TopDown


def vitpose(
    weights: str | os.PathLike[str] | None = None, *, device: str = "auto", flip: bool = True,
    threads: int | None = None,
) -> TopDown:
    """The detector from a model.safetensors that has its config.json beside it, as transformers saves a model.

    Raises MissingWeights, MissingPackage, CheckpointError for another model, UsageError.
    """
    if weights is None:
        what, source = "ViTPose's model.safetensors and config.json", "https://huggingface.co/usyd-community"
        raise missing_weights("vitpose", what, source)
    folder = Path(weights).parent
    if Path(weights).name != WEIGHTS or not Path(weights).is_file() or not (folder / "config.json").is_file():
        raise MissingWeights(f"{weights}: expected the path of a {WEIGHTS} with its config.json beside it, got none")
    net = _read(folder)
    from stereo3d.detectors.heatmaps import decode_dark
    from stereo3d.detectors.topdown import PADDING, TopDown, device_named, set_threads

    set_threads(threads)
    height, width = net.image_size
    if net.n_joints != len(COCO_17):
        raise CheckpointError(f"{folder.name}: expected {len(COCO_17)} joints (COCO-17), got {net.n_joints}")
    return TopDown(
        net, COCO_17, crop=CropRule((width, height), PADDING, "udp"), decode=decode_dark,
        flip_shift=False if flip else None, device=device_named(device),
    )


def _read(folder: Path) -> Any:
    try:
        import torch
        from torch import Tensor, nn
        from transformers import VitPoseConfig, VitPoseForPoseEstimation
        from transformers.utils import logging
    except ImportError as error:
        raise MissingPackage("transformers", "vitpose", "ViTPose") from error

    class Maps(nn.Module):
        """Heat maps alone; of nets for several data sets, those of the first, which is COCO."""

        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model
            config = model.config
            self.image_size = tuple(config.backbone_config.image_size)
            self.n_joints = int(config.num_labels)
            self.experts = int(getattr(config.backbone_config, "num_experts", 1))

        def forward(self, x: Tensor) -> Tensor:
            coco = torch.zeros(len(x), dtype=torch.int64, device=x.device) if self.experts > 1 else None
            heat: Tensor = self.model(pixel_values=x, dataset_index=coco).heatmaps
            return heat

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = VitPoseConfig.from_pretrained(folder, local_files_only=True)
        if config.model_type != "vitpose" or config.backbone_config is None:
            raise ValueError(f"a model of type {config.model_type}")
        return Maps(VitPoseForPoseEstimation.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True
        ))
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{folder.name}: expected a folder of ViTPose, got one that cannot be read as such ({ascii(error)[:160]})"
        ) from error
