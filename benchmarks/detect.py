"""How fast joints are found: by what runs the network, end to end, and what all but the network costs.

    python benchmarks/detect.py [--parts runtimes ends moves gpu] [--runtime openvino-bf16] [--weights FILE] [--json]

CPU seconds on one thread, every ratio within one run. The network is HRNet W32 at 288x384 before its training: what it
finds is nothing, what it costs is the same.

    runtimes  ms a picture beside plain torch (eager, channels last, nothing folded)
    ends      `reconstruct` of a made-up 1280x720 recording, from JPEG in HDF5 and from H.264, beside its bare network
    moves     how far each runtime moves the joints: of a network like HRNet with --weights FILE on held-out rendered
              infants, or of EfficientPose RT with its official weights in real pictures (docs/data.md)
    gpu       pairs a second from crops that are in memory; says so where there is no GPU
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import h5py
import numpy as np
import torch
from decode import noisy_peaks
from numpy.typing import NDArray
from stages import ROI, SIZE, rig

from stereo3d import pipeline, segments
from stereo3d.config import Config, Detect
from stereo3d.detectors import crops, look
from stereo3d.detectors.crops import Box, CropRule
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.detectors.published import darkpose, efficientpose
from stereo3d.detectors.speed import SHOWN, untrained
from stereo3d.detectors.topdown import TopDown
from stereo3d.detectors.tuning import Tuning
from stereo3d.models.hrnet import HRNet
from stereo3d.models.network import Network, TorchNetwork
from stereo3d.models.runtimes import Workshop, offered
from stereo3d.recording.base import open_recording
from stereo3d.refinement.settings import Refine
from stereo3d.recording.hdf5_writer import RecordingWriter
from stereo3d.skeleton import COCO_17
from stereo3d.stereo import Stereo
from stereo3d.synthetic.crops import PER_SCENE, crops_of
from stereo3d.synthetic.held_out import held_out_seeds

PARTS = ("runtimes", "ends", "moves", "gpu")
RENDERED = 96
"""Crops for the moves of a network's joints: half for the ranges of 8 bits, half to measure with."""
STAGES = ("reading", "crops", "network", "decoding")
SHORT = 16
"""Frames of the run with the network."""
FLOP_A_PICTURE = 2 * 17.2e9
"""Of HRNet W32 at 288x384."""
ROOF = 790e12
"""Operations a second of an H200 in bf16, as measured by others; other GPUs have other roofs."""


def least(run: Callable[[], Any], repeats: int) -> float:
    """The least CPU seconds of several runs."""
    return min(_cpu(run) for _ in range(repeats))


def _cpu(run: Callable[[], Any]) -> float:
    before = time.process_time()
    run()
    return time.process_time() - before


def runtimes(repeats: int) -> dict[str, Any]:
    """ms a picture of every runtime that is here, without the mirrored look, and times faster than plain torch."""
    made = untrained(device="cpu", threads=1, flip=False)
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (SHOWN, *made.detector.crop.size[::-1], 3), dtype=np.uint8)
    model = made.workshop.in_bytes(pictures) if "onnx-int8" in offered("cpu") else None
    torch.manual_seed(0)
    networks = {"plain": TorchNetwork(HRNet(32).eval())}
    networks |= {name: made.workshop.network(name, model) for name in offered("cpu")}  # type: ignore[misc]
    few = torch.from_numpy(pictures[:4])
    seconds: dict[str, float] = dict.fromkeys(networks, float("inf"))
    with torch.inference_mode():
        for turn in range(repeats + 1):
            for name, network in networks.items():
                spent = _cpu(lambda: network(few)) / len(few)  # noqa: B023
                seconds[name] = min(seconds[name], spent) if turn else float("inf")
    return {name: {"ms": 1e3 * s, "times": seconds["plain"] / s} for name, s in seconds.items()}


def room(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(720, 1280, 3) soft shapes: a ward without its noise."""
    coarse = rng.integers(40, 216, (60, 107, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)


def write_recordings(folder: Path, n_frames: int) -> dict[str, tuple[Path, ...]]:
    """The same pictures, which move a little and are noisy, as JPEG (quality 90) in HDF5 and as two H.264 videos."""
    rng = np.random.default_rng(0)
    stills = [room(rng) for _ in range(2)]
    grains = [rng.normal(0, 2.5, (SIZE[1], SIZE[0], 1)).astype(np.float32) for _ in range(8)]
    videos = [_Video(folder / f"{side}.mp4") for side in ("left", "right")]
    with RecordingWriter(folder / "made.h5", SIZE, fps=30, rectified=False) as writer:
        for i in range(n_frames):
            views = [
                np.clip(np.roll(still, i, axis=1) + grains[(3 * i + k) % 8], 0, 255).astype(np.uint8)
                for k, still in enumerate(stills)
            ]
            writer.append(Stereo(*views), i / 30)
            for video, view in zip(videos, views, strict=True):
                video.add(view)
    for video in videos:
        video.close()
    return {"JPEG": (folder / "made.h5",), "H.264": (folder / "left.mp4", folder / "right.mp4")}


def bare(paths: tuple[Path, ...], n_frames: int) -> float:
    """CPU ms a pair that the decoders alone take: OpenCV's of JPEG, FFmpeg's of H.264 without turning it into RGB."""
    if len(paths) == 2:
        return 1e3 * least(lambda: [sum(1 for _ in av.open(str(p)).decode(video=0)) for p in paths], 3) / n_frames
    with h5py.File(paths[0], "r") as file:
        pictures = [np.asarray(run) for side in ("left", "right")
                    for run in np.split(file[side]["jpeg"][:], file[side]["offset"][1:-1].astype(int))]
    return 1e3 * least(lambda: sum(cv2.imdecode(p, cv2.IMREAD_COLOR).size for p in pictures), 3) / n_frames


class _Video:
    """An H.264 video, quality 18, a keyframe a second."""

    def __init__(self, path: Path) -> None:
        self._file = av.open(str(path), "w")
        self._stream: Any = self._file.add_stream("libx264", rate=30, options={"crf": "18", "preset": "veryfast"})
        self._stream.width, self._stream.height, self._stream.pix_fmt = *SIZE, "yuv420p"
        self._stream.codec_context.thread_count = 1

    def add(self, image: NDArray[np.uint8]) -> None:
        self._file.mux(self._stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))

    def close(self) -> None:
        self._file.mux(self._stream.encode())
        self._file.close()


class Still(Network):
    """In the network's place: maps with peaks that cost nothing, so that all the time is the rest's."""

    def __init__(self) -> None:
        self.device, self.batches = torch.device("cpu"), (8,)
        self._maps = torch.from_numpy(noisy_peaks(8, np.random.default_rng(0)))

    def maps(self, pictures: torch.Tensor) -> torch.Tensor:
        return self._maps


def ends(n_frames: int, runtime: str, repeats: int) -> dict[str, Any]:
    """CPU ms a pair of `reconstruct` but for its network, by kind of recording; and its time over the network's.

    The first are those that the second half of n_frames adds, a segment of its own, with nothing in the network's
    place, the second of SHORT frames with it. So what a run costs to begin and to end, which an hour does not notice,
    is left out; so is the refinement, which benchmarks/refinement.py measures. Of several runs the least counts batch
    by batch: other work on the machine does not last for all of them.
    """
    out: dict[str, Any] = {}
    half = n_frames // 2
    pipeline.misfit = lambda *_: None  # an untrained network's joints fit no camera
    segments.LENGTH = half
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = folder / "hrnet_w32_384x288.pth"
        torch.manual_seed(0)
        torch.save(HRNet(32).state_dict(), weights)
        config = Config(Detect("darkpose", str(weights), roi=ROI, options={
            "runtime": runtime, "threads": 1, "device": "cpu",
        }), refine=Refine("none"))
        for kind, paths in write_recordings(folder, n_frames).items():
            rest = {stage: ms / half for stage, ms in _least_rest(paths, folder, config, 2 * half, repeats).items()}
            whole = {stage: ms / SHORT for stage, ms in _run(paths, folder, config, range(SHORT), None)[-1].items()}
            over = whole["all"] / whole["network"]
            out[kind] = {"bare decoder": bare(paths, n_frames), "rest": rest, "whole": whole, "over the network": over}
    return out


def _least_rest(
    paths: tuple[Path, ...], folder: Path, config: Config, n_frames: int, repeats: int
) -> dict[str, float]:
    """CPU ms by stage that the second half of the frames takes with nothing in the network's place, each batch's the
    least of several runs."""
    runs = [_run(paths, folder, config, range(n_frames), Still())[:-1] for _ in range(repeats)]
    stages = runs[0][0].keys()
    done = np.array([[[batch[stage] for stage in stages] for batch in run] for run in runs])
    second = np.diff(done, axis=1)[:, done.shape[1] // 2 - 1:]
    return dict(zip(stages, second.min(0).sum(0).tolist(), strict=True))


def _run(
    paths: tuple[Path, ...], folder: Path, config: Config, frames: range, network: Network | None
) -> list[dict[str, float]]:
    """CPU ms by stage, once all is ready: up to the end of each batch, and of the run."""
    seconds: Counter[str] = Counter(dict.fromkeys(STAGES, 0))
    done: list[dict[str, float]] = []

    def note(_: int) -> None:
        spent = {"all": time.process_time() - begun, **seconds}
        others = spent["all"] - sum(seconds.values())
        done.append({stage: 1e3 * s for stage, s in {**spent, "others": others}.items()})

    with open_recording(*paths) as recording:
        run = pipeline._Run(recording, rig(), config, frames)
        if network is not None:
            run.detector = run.detector.run_by(network)  # type: ignore[union-attr]
        run.detector._network = _Timed(run.detector._network, seconds)  # type: ignore[union-attr]
        kept = look.cut_out
        look.cut_out = timed(seconds, "crops", kept)
        run.detector._decode = timed(seconds, "decoding", run.detector._decode)  # type: ignore[union-attr]
        recording._pairs = timed(seconds, "reading", recording._pairs)  # type: ignore[attr-defined]
        try:
            begun = time.process_time()
            run.execute(folder / "poses.h5", "restart", note, triangulated=True)
            note(0)
        finally:
            look.cut_out = kept
    return done


def timed(seconds: Counter[str], stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose CPU time is counted."""

    def run(*args: Any, **options: Any) -> Any:
        before = time.process_time()
        try:
            return function(*args, **options)
        finally:
            seconds[stage] += time.process_time() - before  # type: ignore[assignment]

    return run


class _Timed:
    """A network whose CPU time is counted."""

    def __init__(self, network: Network, seconds: Counter[str]) -> None:
        self.device = network.device
        self._run = timed(seconds, "network", network)

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self._run(pictures)
        return maps


def moves(weights: Path | None) -> dict[str, Any]:
    """px (median) that each runtime moves the joints: of those weights on held-out rendered infants, or without any of
    EfficientPose RT on crops of a real photograph; empty without its data."""
    if weights is None:
        return _moves_in_a_photograph()
    made = darkpose.tuning(weights, device="cpu", threads=1)
    seeds = held_out_seeds("clean", RENDERED // PER_SCENE)
    return _moved(made, crops_of(seeds, RENDERED, size=made.detector.crop.size).images.numpy())


def _moved(made: Tuning, pictures: NDArray[np.uint8]) -> dict[str, Any]:
    trials, _ = made.trials(pictures, time.process_time)
    return {trial.runtime: {"px": trial.shift, "ms": 1e3 * trial.seconds, "why": trial.why} for trial in trials}


def _moves_in_a_photograph() -> dict[str, Any]:
    shared = Path(os.environ.get("STEREO3D_SHARED", Path(__file__).parents[2] / "shared")) / "data"
    weights, folder = shared / "efficientpose/EfficientPoseRT.h5", shared / "coco-cc-by"
    if not weights.is_file():
        return {}
    made = efficientpose.tuning(weights, device="cpu", threads=1)
    image = cv2.cvtColor(cv2.imread(str(folder / "000000000785.jpg")), cv2.COLOR_BGR2RGB)
    person = json.loads((folder / "person_keypoints_785.json").read_text())["annotations"][0]["bbox"]
    box, rng = Box.from_xywh(np.array(person), convention="letterbox"), np.random.default_rng(0)
    cut = []
    for _ in range(32):
        near = Box(box.center + rng.normal(0, 8, 2), box.size * rng.uniform(0.9, 1.2), rng.normal(0, 0.1))
        cut.append(crops.warp(image, crops.affine(near, made.detector.crop), made.detector.crop.size))
    return _moved(made, np.stack(cut))


def gpu(repeats: int) -> dict[str, Any]:
    """Pairs a second from crops in memory to joints in memory, by precision; the device's name."""
    if not torch.cuda.is_available():
        return {"device": None}
    torch.manual_seed(0)
    out: dict[str, Any] = {"device": torch.cuda.get_device_name()}
    workshop = Workshop(HRNet(32).eval(), (288, 384), device="cuda")
    pictures = np.random.default_rng(0).integers(0, 256, (512, 384, 288, 3), dtype=np.uint8)
    for name in offered("cuda"):
        detector = TopDown(workshop.network(name), COCO_17, crop=CropRule((288, 384)), decode=decode_dark)
        detector(pictures)
        seconds = []
        for _ in range(repeats):
            before = time.perf_counter()
            detector(pictures)
            seconds.append(time.perf_counter() - before)
        pairs = len(pictures) / 2 / min(seconds)
        out[name] = {"pairs a second": pairs, "share of an H200's roof": 2 * pairs * FLOP_A_PICTURE / ROOF}
    return out


def show(report: dict[str, Any]) -> None:
    """For a person."""
    for name, row in report.get("runtimes", {}).items():
        print(f"{name:15}{row['ms']:8.1f} ms a picture {row['times']:6.2f} times plain torch")
    for kind, row in report.get("ends", {}).items():
        rest = {stage: ms for stage, ms in row["rest"].items() if stage not in ("all", "network")}
        print(f"{kind:6} {row['rest']['all'] - row['rest']['network']:.1f} ms a pair beside the network ("
              + ", ".join(f"{stage} {ms:.1f}" for stage, ms in rest.items())
              + f"; the bare decoder takes {row['bare decoder']:.1f}); with it {row['over the network']:.3f} times "
              f"the network's {row['whole']['network']:.0f} ms")
    for name, row in report.get("moves", {}).items():
        print(f"{name:15}moves the joints by {row['px']:.3f} px in {row['ms']:.1f} ms a picture {row['why']}")
    if "gpu" in report and report["gpu"]["device"] is None:
        print("no GPU here: nothing was measured on one")
    for name, row in report.get("gpu", {}).items():
        if isinstance(row, dict):
            print(f"{name:15}" + ", ".join(f"{key} {value:.3g}" for key, value in row.items()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--runtime", default="openvino-bf16", help="of the run from end to end")
    parser.add_argument("--weights", type=Path, help="whose moves are measured, on held-out rendered infants")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    measure = {
        "runtimes": lambda: runtimes(options.repeats),
        "ends": lambda: ends(options.frames, options.runtime, options.repeats),
        "moves": lambda: moves(options.weights), "gpu": lambda: gpu(options.repeats),
    }
    report = {part: measure[part]() for part in options.parts}
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        show(report)


if __name__ == "__main__":
    main()
