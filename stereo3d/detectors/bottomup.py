"""Networks that find everyone in a picture, as detectors: HigherHRNet, DEKR and OpenPose.

Of the people in a crop the infant is the one that it was cut out for; the others are counted, so that a recording
says when a nurse was there. Following the infant from frame to frame is left to the search.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from stereo3d.detectors import centres, fields, tags
from stereo3d.detectors.crops import Box, CropRule
from stereo3d.detectors.heatmaps import width_at
from stereo3d.detectors.people import People, infant_first, others, ranked
from stereo3d.detectors.scales import Scaled
from stereo3d.detectors.topdown import PADDING, device_named, set_threads, told
from stereo3d.detectors.tuning import Tuning
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.models import remembered
from stereo3d.models.architectures import kind_of
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.network import normalised
from stereo3d.models.runtimes import Port, runtime_named
from stereo3d.models.weights import Checkpoint, build_network
from stereo3d.poses import Detections
from stereo3d.skeleton import Skeleton
from stereo3d.values import Bytes, Floats

LARGEST_BATCH = {"cpu": 2, "cuda": 16}
"""Pictures that go through the network together: these inputs are three times as large as those of one person."""
Mirror = Sequence[int] | None
"""Each joint's partner where the mirrored picture is looked at too."""
Reader = Callable[[nn.Module, Tensor, Skeleton, Mirror], list[People]]
"""Everyone, the infant first, in N pictures (N, 3, h, w) of numbers from 0 to 255, RGB, in their px."""


class BottomUp:
    """A network that finds everyone, as a detector of the infant."""

    def __init__(
        self, net: nn.Module, skeleton: Skeleton, *, crop: CropRule, read: Reader, flip: bool = True,
        device: str = "cpu", step: int = 32,
    ) -> None:
        """flip: also look at the mirrored picture and average. step: px of which inputs are multiples."""
        self.skeleton = skeleton
        self.crop = crop
        self.flip = flip
        self.runtime = "torch"
        self.tune: Callable[[Bytes], BottomUp] | None = None
        self._read = read
        self._step = step
        self._device = torch.device(device)
        self._net = self._placed(net)

    def _placed(self, net: nn.Module) -> nn.Module:
        net = net.eval().to(self._device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return net

    def run_by(self, net: nn.Module) -> BottomUp:
        """The same detector with its network in another form."""
        other = copy.copy(self)
        scaled = self._net
        other._net = self._placed(Scaled(net, scaled.scales, scaled.step) if isinstance(scaled, Scaled) else net)
        other.tune = None
        return other

    @property
    def glance(self) -> BottomUp:
        """The same without the mirrored picture, in half the time: to find the infant."""
        rough = copy.copy(self)
        rough.flip = False
        rough._net = getattr(self._net, "glance", self._net)
        return rough

    def __call__(self, images: Bytes) -> Detections:
        """The infant's joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size`. Raises InvalidValue."""
        w, h = self.crop.size
        if images.shape[1:] != (h, w, 3):
            raise InvalidValue(f"images: expected (N, {h}, {w}, 3) uint8, got {images.shape} {images.dtype}")
        return first_of_each(self.people(images), len(self.skeleton))

    def people(self, images: Bytes) -> list[People]:
        """Everyone in each of N pictures (N, h, w, 3), RGB, the infant first, in their px.

        h and w are multiples of what the network halves them by (32 px; OpenPose 8). Raises InvalidValue.
        """
        sides = images.shape[1:3]
        odd = any(n % self._step or not n for n in sides)
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or odd:
            raise InvalidValue(
                f"images: expected (N, h, w, 3) uint8, h and w multiples of {self._step}, "
                f"got {images.shape} {images.dtype}"
            )
        step = LARGEST_BATCH[self._device.type]
        found: list[People] = []
        mirror = self.skeleton.mirror.tolist() if self.flip else None
        with torch.inference_mode():
            for start in range(0, len(images), step):
                part = torch.from_numpy(images[start:start + step].copy()).to(self._device)
                found += self._read(self._net, part.permute(0, 3, 1, 2).float(), self.skeleton, mirror)
        return found


def first_of_each(found: Sequence[People], n_joints: int) -> Detections:
    """The first person in each of N pictures, NaN and 0 where nobody is, and how many others there are."""
    blank = People(np.full((1, n_joints, 2), np.nan), np.zeros((1, n_joints)), np.full((1, n_joints), np.nan))
    firsts = [people if len(people.xy) else blank for people in found]
    xy, score, sigma = (
        np.concatenate([x[:0], *(first[i][:1] for first in firsts)]) for i, x in enumerate(blank)
    )
    return Detections(xy, np.clip(score, 0, 1), sigma, np.array([others(people) for people in found], np.float64))


def whole_picture(size: tuple[int, int], short: int) -> tuple[CropRule, Box]:
    """How HigherHRNet and DEKR look at a whole picture of (w, h) size px: its short side becomes `short` px.

    The long side goes up to the next multiple of 64 px; what that adds is black.
    """
    w, h = size
    long = int((short / min(size) * max(size) + 63) // 64 * 64)
    target = (short, long) if w < h else (long, short)
    shown = (w, long / short * w) if w < h else (long / short * h, h)
    return CropRule(target, 1.0, "hrnet"), Box(np.array([int(w / 2 + 0.5), int(h / 2 + 0.5)]), np.array(shown))


def read_tagged(net: nn.Module, images: Tensor, skeleton: Skeleton, mirror: Mirror) -> list[People]:
    """HigherHRNet's people. Joints that a person lacks are looked for only for the infant."""
    x = normalised(images)
    seen = net(x)
    flipped = None if mirror is None else net(x.flip(-1))
    maps, tagged = tags.maps_and_tags(seen, flipped, mirror or (), images.shape[2:])  # type: ignore[arg-type]
    order = tags.joint_order(skeleton)
    return [
        _tagged_people(tags.group(found, order), maps[i], tagged[i])
        for i, found in enumerate(tags.peaks(maps, tagged))
    ]


def _tagged_people(found: tags.Grouped, maps: Tensor, tagged: Tensor) -> People:
    numbers = maps.cpu().numpy()
    found = found._replace(xy=tags.adjusted(found, numbers))
    h, w = maps.shape[1:]
    order = ranked(_scored(found, numbers), (w, h))
    infant, rest = (tags.Grouped(*(x[rows] for x in found)) for rows in (order[:1], order[1:]))
    if len(order):
        infant = tags.refined(infant, maps, tagged)
    return _scored(tags.Grouped(*map(np.concatenate, zip(infant, rest, strict=True))), numbers)


def _scored(found: tags.Grouped, maps: Floats) -> People:
    xy = np.where(found.score[..., None] > 0, found.xy, np.nan)
    return People(xy, found.score, _widths(maps, xy))


def read_regressed(net: nn.Module, images: Tensor, skeleton: Skeleton, mirror: Mirror) -> list[People]:
    """DEKR's people. A joint's score is its own map's, not damped by the centre's, as the kept pose's may be weak."""
    h, w = images.shape[2:]
    copies, plain = [normalised(images)], 0
    if isinstance(net, Scaled):
        copies, plain = net.copies(copies[0])
        net = net.net
    looks = []
    for x in copies:
        flipped = None if mirror is None else net(centres.mirrored(x))
        share = x.shape[3] / w, x.shape[2] / h
        looks.append(centres.Look(*centres.merged(net(x), flipped, mirror or ()), share))
    return [
        infant_first(People(found.xy, np.clip(found.heat, 0, 1), _regressed_widths(looks[plain], n, found.xy)), (w, h))
        for n, found in enumerate(centres.poses(looks))
    ]


def _regressed_widths(look: centres.Look, picture: int, xy: Floats) -> Floats:
    """(P, K) px of the input the widths of the peaks in the maps of one look at one picture, at places (P, K, 2)."""
    maps = look.heat[picture, :-1].cpu().numpy()
    own = look.own(torch.from_numpy(xy)).numpy()
    return centres.STRIDE * _widths(maps, own / centres.STRIDE) / float(np.sqrt(np.prod(look.share)))


def read_fields(net: nn.Module, images: Tensor, skeleton: Skeleton, mirror: Mirror) -> list[People]:
    """OpenPose's people; the mirrored picture is never looked at."""
    limbs, maps = (x.cpu().numpy() for x in fields.enlarged(net(images.flip(1) / 256 - 0.5)))
    h, w = images.shape[2:]
    out = []
    for field, heat in zip(limbs, maps, strict=True):
        found = fields.group(fields.peaks(heat), field)
        out.append(infant_first(People(found.xy, np.clip(found.score, 0, 1), _widths(heat, found.xy)), (w, h)))
    return out


def _widths(maps: Floats, xy: Floats) -> Floats:
    """(P, K) px the widths of the peaks in maps (K, h, w) at places (P, K, 2)."""
    rows = [width_at(maps[None], person[None])[0] for person in xy]
    return np.array(rows).reshape(xy.shape[:2])


READERS: dict[str, Reader] = {"tags": read_tagged, "centres": read_regressed, "limbs": read_fields}
"""By the decoder that a checkpoint names."""


def bottom_up(
    checkpoint: Checkpoint, *, flip: bool = True, device: str = "auto", threads: int | None = None,
    scales: Sequence[float] = (1.0,), runtime: str = "torch",
) -> BottomUp:
    """A checkpoint's network as a detector, with the crop and reader that belong to the checkpoint.

    `threads` holds for all of torch. With several scales crops are as large as the largest of them. `runtime` is one of
    models.runtimes but for those of 8 bits, or `auto`, which wants pictures the first time (`BottomUp.tune`) and runs
    in torch until then. Raises CheckpointError for weights that do not fit, UsageError for a device or runtime that is
    not there or does not suit the network, or where the file does not tell what has to be known, MissingPackage.
    """
    (w, h), skeleton = told(checkpoint)
    step, most = kind_of(checkpoint.architecture).step, max(scales)
    size = _times(w, most, step), _times(h, most, step)
    set_threads(threads)
    device = device_named(device)
    if runtime != "auto":
        _check_runtime(runtime, device, checkpoint)
    net: nn.Module = fold_batchnorm(build_network(checkpoint))
    detector = BottomUp(
        net if tuple(scales) == (1.0,) else Scaled(net, scales, step), skeleton,
        crop=CropRule(size, PADDING, checkpoint.convention),  # type: ignore[arg-type]
        read=READERS[checkpoint.decoder], flip=flip and checkpoint.decoder != "limbs", device=device, step=step,
    )
    key = {"weights": checkpoint.sha256, "size": list(size), "flip": flip, "scales": list(scales),
           "decoder": checkpoint.decoder, "device": device, "threads": threads}
    port = Port(net, device=device, threads=threads, cache=remembered.folder())
    return _run_by(runtime, Tuning(detector, port, runtime, key))


def _run_by(runtime: str, tuning: Tuning[BottomUp]) -> BottomUp:
    """The detector in that runtime, or torch's that is to be tuned."""
    if runtime != "auto":
        detector = tuning.detector.run_by(tuning.workshop.network(runtime))
        detector.runtime = runtime
        return detector
    found = tuning.recalled()
    if found is None:
        tuning.detector.tune = tuning.tuned
    return found or tuning.detector


def _check_runtime(name: str, device: str, checkpoint: Checkpoint) -> None:
    """Raises UsageError for a runtime that these networks do not run in."""
    runtime = runtime_named(name, device)
    if checkpoint.decoder != "centres":
        return
    if runtime.precision in ("bf16", "fp16"):
        raise UsageError(f"runtime {name}: 16 bits round {checkpoint.architecture}'s offsets by pixels; take torch")
    if name != "torch":
        raise UsageError(f"runtime {name}: {checkpoint.architecture}'s moving kernels run in torch only; take torch")


def _times(side: int, scale: float, step: int) -> int:
    return max(step, round(side * scale / step) * step)
