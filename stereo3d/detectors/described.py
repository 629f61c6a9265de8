"""Any network in an ONNX file that gives heat maps or SimCC lines, used as a small TOML file says.

    model = "infant-256x192.onnx"       # beside this file
    output = "heatmap"                  # or "simcc"
    skeleton = "COCO-17"
    decoder = "dark"                    # heat maps: argmax, quarter or dark
    convention = "hrnet"                # how crops are laid: hrnet, dark, udp or letterbox
    padding = 1.25                      # a crop is the box times this
    size = [192, 256]                   # w, h px; only where the model does not say
    colour = "RGB"                      # or "BGR"
    mean = [123.675, 116.28, 103.53]
    deviation = [58.395, 57.12, 57.375]
    layout = "NCHW"                     # or "NHWC"
    split = 2.0                         # simcc: places a px
    flip_shift = false                  # heat maps: whether a mirrored picture's are moved by one px
    sha256 = "1352a4d2"                 # the first digits of the model's check sum, compared where they are given

Only `model` and `skeleton` have to be there. RTMPose needs no such file: `--detector rtmpose --weights MODEL.onnx`.
"""

from __future__ import annotations

import contextlib
import copy
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol, get_args

import numpy as np

from stereo3d.detectors import crops
from stereo3d.detectors.base import missing_weights
from stereo3d.detectors.crops import Convention, CropRule
from stereo3d.detectors.heatmaps import decode_argmax, decode_dark, decode_quarter, merge_flipped
from stereo3d.detectors.simcc import Lines, decode_simcc, merge_flipped_lines
from stereo3d.errors import CheckpointError, InputError, InvalidValue, MissingPackage, MissingWeights, unknown_name
from stereo3d.journal import sha256
from stereo3d.limits import LONGEST_SETTINGS, parse_toml, read_text
from stereo3d.poses import Detections
from stereo3d.skeleton import SKELETONS, skeleton_named
from stereo3d.values import Bytes, Floats, array, number

DECODERS = {"argmax": decode_argmax, "quarter": decode_quarter, "dark": decode_dark}
LARGEST_BATCH, MOST_PIXELS = 8, 1 << 22
"""Pictures that go through a network together, where it takes any number, and px of them all."""
_LARGEST_SIDE = 4096
"""px of a network's input."""
_CHOICES: dict[str, tuple[str, ...]] = {
    "output": ("heatmap", "simcc"), "decoder": tuple(DECODERS), "convention": get_args(Convention),
    "colour": ("RGB", "BGR"), "layout": ("NCHW", "NHWC"), "skeleton": tuple(SKELETONS),
}


@dataclass(frozen=True, slots=True)
class Description:
    """How an ONNX model is fed and read; the fields are those of the TOML file above."""

    model: str
    skeleton: str
    output: str = "heatmap"
    decoder: str = "dark"
    convention: Convention = "hrnet"
    padding: float = 1.25
    size: tuple[int, int] | None = None
    colour: str = "RGB"
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    deviation: tuple[float, float, float] = (58.395, 57.12, 57.375)
    layout: str = "NCHW"
    split: float = 2.0
    flip_shift: bool = False
    sha256: str = ""


class Session(Protocol):
    """A network that is ready to run."""

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Of its input; None where any number will do."""

    def __call__(self, inputs: Floats) -> list[Floats]:
        """Its outputs."""


class Described:
    """An ONNX model as a detector."""

    def __init__(self, session: Session, about: Description, *, flip: bool = True) -> None:
        """flip: also look at the mirrored picture and average. Raises CheckpointError, UsageError, InvalidValue."""
        self.skeleton = skeleton_named(about.skeleton)
        self.crop = CropRule(_size(session.shape, about), about.padding, about.convention)
        self.flip = flip
        self._run, self._about = session, about
        self._batch = _batch(session.shape[0], self.crop.size, about)
        self._mean, self._deviation = (array("mean", x, (3,)) for x in (about.mean, about.deviation))

    @property
    def glance(self) -> Described:
        """The same without the mirrored picture, in half the time."""
        rough = copy.copy(self)
        rough.flip = False
        return rough

    def __call__(self, images: Bytes) -> Detections:
        """The joints in px of each of N pictures (N, h, w, 3), RGB, of `crop.size`. Raises InvalidValue."""
        w, h = self.crop.size
        if images.ndim != 4 or images.shape[1:] != (h, w, 3) or images.dtype != np.uint8:
            raise InvalidValue(f"images: expected (N, {h}, {w}, 3) uint8, got {images.shape} {images.dtype}")
        k = len(self.skeleton)
        none = np.zeros((0, k, 2)), np.zeros((0, k)), np.zeros((0, k))
        parts = [self._look(images[i:i + self._batch]) for i in range(0, len(images), self._batch)]
        xy, score, sigma = (np.concatenate(arrays) for arrays in zip(none, *parts, strict=True))
        return Detections(xy, np.clip(score, 0, 1), sigma)

    def _look(self, images: Bytes) -> tuple[Floats, Floats, Floats]:
        """xy, score and sigma of one batch of pictures, in input px."""
        n = len(images)
        padded = np.zeros((self._batch if self._run.shape[0] else n, *images.shape[1:]), np.uint8)
        padded[:n] = images
        seen = self._outputs(padded, n)
        mirrored = self._outputs(crops.mirrored(padded), n) if self.flip else None
        if self._about.output == "simcc":
            return self._from_lines(seen, mirrored)
        return self._from_maps(seen[0], None if mirrored is None else mirrored[0])

    def _from_lines(self, seen: list[Floats], mirrored: list[Floats] | None) -> tuple[Floats, Floats, Floats]:
        lines = Lines(*seen[:2])
        if mirrored is not None:
            lines = merge_flipped_lines(lines, Lines(*mirrored[:2]), self.skeleton.mirror.tolist())
        xy, score = decode_simcc(lines, self._about.split)
        return xy, score, np.full(score.shape, np.nan)

    def _from_maps(self, maps: Floats, mirrored: Floats | None) -> tuple[Floats, Floats, Floats]:
        if mirrored is not None:
            maps = merge_flipped(maps, mirrored, self.skeleton.mirror.tolist(), shift=self._about.flip_shift)
        peaks = DECODERS[self._about.decoder](maps)
        back = crops.heatmap_affine((maps.shape[3], maps.shape[2]), self.crop)
        xy, score, sigma = (x.astype(np.float64) for x in peaks)
        return crops.apply(back, xy), score, sigma * crops.magnification(back)

    def _outputs(self, images: Bytes, n: int) -> list[Floats]:
        """What the network gives for the first n pictures; lines and maps are looked at for their shapes."""
        colours = images if self._about.colour == "RGB" else images[..., ::-1]
        x = ((colours - self._mean) / self._deviation).astype(np.float32)
        given = self._run(np.ascontiguousarray(x.transpose(0, 3, 1, 2) if self._about.layout == "NCHW" else x))
        wanted, axes = (2, 3) if self._about.output == "simcc" else (1, 4)
        shapes = [out.shape for out in given[:wanted]]
        if len(shapes) < wanted or any(len(s) != axes or s[1] != len(self.skeleton) for s in shapes):
            raise CheckpointError(
                f"{Path(self._about.model).name}: expected {wanted} output of {axes} axes with {len(self.skeleton)} "
                f"joints ({self.skeleton.name}, {self._about.output}), got shapes {[out.shape for out in given]}"
            )
        return [out[:n] for out in given]


def read_description(path: str | os.PathLike[str]) -> Description:
    """How a model is used, from a TOML file; `model` becomes the path beside it.

    Raises MissingWeights where there is no such file, InputError for one that is no such description, UsageError for
    an unknown key or choice (the nearest one is named).
    """
    path = Path(path)
    try:
        given = parse_toml(read_text(path, LONGEST_SETTINGS))
    except InputError as error:
        if not path.exists():
            raise MissingWeights(f"{path}: no such description of a model") from error
        raise InputError(f"{path}: expected a TOML file that describes a model, got none ({error})") from error
    about = _checked(given, path)
    if Path(about["model"]).name != about["model"]:
        raise InputError(f"{path}: model: expected the name of a file beside this one, got {about['model']!r}")
    return Description(**about | {"model": str(path.parent / about["model"])})


def _checked(given: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The same with its numbers as numbers."""
    _check_keys(given, path)
    out = dict(given)
    if "size" in out:
        size = array("size", out["size"], (2,), np.int64).tolist()
        out["size"] = tuple(int(number("size", length, 1, _LARGEST_SIDE)) for length in size)
    for key in {"mean", "deviation"} & out.keys():
        out[key] = tuple(number(key, x) for x in array(key, out[key], (3,)).tolist())
    for key in {"padding", "split"} & out.keys():
        out[key] = number(key, out[key], 1e-3)
    if 0 in out.get("deviation", ()):
        raise InvalidValue("deviation: expected no 0")
    return out


def _check_keys(given: Mapping[str, Any], path: Path) -> None:
    known = {f.name: f for f in fields(Description)}
    for key, value in given.items():
        if key not in known:
            raise unknown_name(f"key in {path.name}", key, known)
        if key in _CHOICES and value not in _CHOICES[key]:
            raise unknown_name(f"{key} in {path.name}", str(value), _CHOICES[key])
    lacking = [key for key in ("model", "skeleton") if not isinstance(given.get(key), str)]
    if lacking:
        raise InputError(f"{path}: expected {lacking[0]} = \"...\", got none")
    if not isinstance(given.get("flip_shift", False), bool):
        raise InputError(f"{path}: flip_shift: expected true or false, got {given['flip_shift']!r}")
    if not isinstance(given.get("sha256", ""), str):
        raise InputError(f"{path}: sha256: expected hexadecimal digits in quotes, got {given['sha256']!r}")


def _size(shape: tuple[int | None, ...], about: Description) -> tuple[int, int]:
    """(w, h) px of the model's input, from itself or from its description."""
    name = Path(about.model).name
    if len(shape) != 4:
        raise CheckpointError(f"{name}: expected a model of pictures (N, 3, h, w), got one of inputs {shape}")
    height, width, colours = (shape[i] for i in ((2, 3, 1) if about.layout == "NCHW" else (1, 2, 3)))
    if colours not in (3, None):
        raise CheckpointError(f"{name}: expected pictures of 3 colours as {about.layout}, got inputs {shape}")
    if width and height:
        return width, height
    if about.size is None:
        raise CheckpointError(f"{name}: does not say the size of its input; give it as size = [w, h]")
    return about.size


def _batch(fixed: int | None, size: tuple[int, int], about: Description) -> int:
    """How many pictures of (w, h) size go through together; as many as the model says, where it does."""
    pixels = size[0] * size[1]
    if (fixed or 1) * pixels > MOST_PIXELS:
        raise CheckpointError(
            f"{Path(about.model).name}: expected inputs of up to {MOST_PIXELS} px, got {fixed or 1} of "
            f"{size[0]}x{size[1]} px"
        )
    return fixed or min(LARGEST_BATCH, MOST_PIXELS // pixels)


def onnx(
    weights: str | os.PathLike[str] | None = None, *, flip: bool = True, threads: int | None = None
) -> Described:
    """The detector that a TOML file describes (see above). Raises what read_description and open_session raise."""
    if weights is None:
        raise missing_weights("onnx", "a TOML file that describes an ONNX model", "whoever made the model")
    about = read_description(weights)
    _check_sum(about)
    return Described(open_session(about.model, threads), about, flip=flip)


def _check_sum(about: Description) -> None:
    path = Path(about.model)
    if about.sha256 and path.is_file():
        found = sha256(path)
        if not found.startswith(about.sha256):
            raise CheckpointError(f"{path.name}: expected sha256 {about.sha256}..., got {found[:16]}...")


def rtmpose(
    weights: str | os.PathLike[str] | None = None, *, flip: bool = True, threads: int | None = None
) -> Described:
    """RTMPose from its ONNX file, 17 joints of COCO; Jiang et al., "RTMPose", 2023.

    Crop, colours and lines are as MMPose trains it. Raises MissingWeights, MissingPackage, CheckpointError.
    """
    if weights is None:
        raise missing_weights("rtmpose", "RTMPose as an ONNX file", "https://github.com/open-mmlab/mmpose (rtmposev1)")
    about = Description(os.fspath(weights), "COCO-17", output="simcc")
    return Described(open_session(about.model, threads), about, flip=flip)


class _Onnx:
    """A model in ONNX Runtime."""

    def __init__(self, session: Any, run: Callable[..., list[Floats]]) -> None:
        (self._input, *_) = session.get_inputs()
        self._run = run

    @property
    def shape(self) -> tuple[int | None, ...]:
        return tuple(n if isinstance(n, int) and n > 0 else None for n in self._input.shape)

    def __call__(self, inputs: Floats) -> list[Floats]:
        return self._run({self._input.name: inputs})


def open_session(path: str | os.PathLike[str], threads: int | None = None) -> Session:
    """An ONNX model in ONNX Runtime, on the CPU.

    Raises MissingPackage, MissingWeights where there is no such file, CheckpointError for one that is no such model.
    """
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state
    except ImportError as error:
        raise MissingPackage("onnxruntime", "onnx", "running an ONNX model") from error
    if not Path(path).is_file():
        raise MissingWeights(f"{path}: no such file of weights")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    refused = tuple(
        getattr(state, name) for name in ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoModel",
                                          "NotImplemented", "RuntimeException")
    )

    @contextlib.contextmanager
    def refusing() -> Iterator[None]:
        try:
            yield
        except (*refused, ValueError) as error:
            raise CheckpointError(
                f"{Path(path).name}: expected an ONNX model, got a file that cannot be run ({ascii(error)[:200]})"
            ) from error

    def run(inputs: dict[str, Floats]) -> list[Floats]:
        with refusing():
            return list(session.run(None, inputs))

    with refusing():
        session = onnxruntime.InferenceSession(os.fspath(path), options, providers=["CPUExecutionProvider"])
        return _Onnx(session, run)
