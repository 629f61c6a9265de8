"""The recipe: a recording in, joints in metres out, in segments that survive a crash.

    rectifier = Rectifier(rig)
    joints    = detect(recording, rectifier, detector)
    poses     = refine(joints, rectifier.camera)
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

import stereo3d
from stereo3d import storage
from stereo3d.calibration.files import read_rig
from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.config import Config
from stereo3d.detectors.base import Detector, Replayer, build, tuned
from stereo3d.detectors.bundled import bundled
from stereo3d.detectors.detect import stream
from stereo3d.detectors.replay import rectified
from stereo3d.detectors.samples import samples
from stereo3d.detectors.search import Survey, survey
from stereo3d.errors import CalibrationError, InputError, UsageError
from stereo3d.journal import sha256
from stereo3d.models.shelf import located
from stereo3d.poses import CHANGED, Poses2D, Poses3D, Status, concatenate
from stereo3d.provenance import write_provenance
from stereo3d.recording.base import Recording, open_recording
from stereo3d.recording.rig import Rig, rectifier_for
from stereo3d.recording.watched import Watched
from stereo3d.refinement.looking import Looking, joined
from stereo3d.refinement.surface import Surface
from stereo3d.refinement.systematic_file import systematic_by
from stereo3d.refining import UNRECTIFIED, offsets_of, put_refined
from stereo3d.segments import LENGTH, Segments, Work
from stereo3d.stereo import Stereo
from stereo3d.triangulation import misfit, triangulate
from stereo3d.values import Value

PathLike = str | os.PathLike[str]
Unfinished = Literal["refuse", "resume", "restart"]
_PACKAGES = ("av", "h5py", "numpy", "onnxruntime", "opencv-contrib-python", "openvino", "scipy", "torch")


def reconstruct(
    recording: Recording | PathLike, output: PathLike, *, rig: Rig | PathLike | None = None,
    config: Config | None = None, frames: range | None = None, unfinished: Unfinished = "refuse",
    on_progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """The path of a file with `poses` (Poses3D), `left` and `right` (Poses2D, rectified px) and `camera`.

    `rig` is needed where the recording does not bring its own. `unfinished` says what becomes of an interrupted run
    with the same output. `on_progress` is told how many frames were finished. Provenance is written beside the
    output as `.run.json`. Raises CalibrationError where the rig does not fit the recording, UsageError and
    InputError for what cannot be used, MissingError for packages or weights that are not there.
    Source: AGMA, section 3 (rectify, detect in both views, triangulate each joint).
    """
    run = _Run(recording, rig, config or Config(), frames)
    return run.execute(Path(output), unfinished, on_progress, triangulated=True)


def detect_joints(
    recording: Recording | PathLike, output: PathLike, *, rig: Rig | PathLike | None = None,
    config: Config | None = None, frames: range | None = None, unfinished: Unfinished = "refuse",
    on_progress: Callable[[int], None] = lambda _: None,
) -> Path:
    """The path of a file with `left` and `right` (Poses2D, rectified px) and `camera`: `reconstruct` but its end."""
    run = _Run(recording, rig, config or Config(), frames)
    return run.execute(Path(output), unfinished, on_progress, triangulated=False)


def frames_between(recording: Recording, start: float | None, stop: float | None) -> range:
    """The frames from `start` to before `stop`, both in s. Raises UsageError where there are none."""
    ends = [-np.inf if start is None else start, np.inf if stop is None else stop]
    first, last = (int(i) for i in np.searchsorted(recording.time, ends))
    if first >= last:
        last_one = recording.time[-1] if len(recording) else np.nan
        raise UsageError(f"no frames from {ends[0]:g} to {ends[1]:g} s: the last one is at {last_one:.2f} s")
    return range(first, last)


def _detector(recording: Recording, config: Config) -> Detector | Replayer:
    """The detector that the settings name; `replay` without weights takes the joints that the recording holds."""
    weights = config.detect.weights
    if config.detect.detector == "replay" and weights is None:
        weights = os.fspath(recording.sources[0])
    return build(config.detect.detector, weights, **config.detect.options)


class _Run:
    """One recording on its way through the stages."""

    def __init__(
        self, recording: Recording | PathLike, rig: Rig | PathLike | None, config: Config, frames: range | None
    ) -> None:
        opened = open_recording(recording) if isinstance(recording, (str, os.PathLike)) else recording
        self.recording: Recording = opened
        self.config = config
        self.frames = range(len(opened)) if frames is None else frames
        self.rectifier = rectifier_for(opened, rig)
        show = functools.partial(samples, opened, roi=config.detect.roi)
        self.detector = tuned(_detector(opened, config), show)
        rectified = isinstance(self.rectifier.camera, RectifiedCamera)
        self.mode = config.refine.mode if rectified else "none"
        self.origin = self._describe(config.detect.weights or bundled(config.detect.detector))
        if self.mode != config.refine.mode:
            self.origin["refined"] = {"method": "none", "notes": [UNRECTIFIED]}
        self.cpu: dict[str, float] = defaultdict(float)

    def _describe(self, weights: PathLike | None) -> dict[str, Any]:
        """What the result depends on, by check sums and not by names: a path can name an infant."""
        settings = self.config.to_dict()
        settings["detect"].pop("weights")
        offsets = settings["refine"].pop("offsets")
        rig = self.rectifier.rig
        described: dict[str, Any] = {
            "stereo3d": stereo3d.__version__,
            "recording_sha256": [sha256(path) for path in self.recording.sources],
            "rig": {"size": list(self.recording.size), "baseline": rig.baseline},
            "route": self.rectifier.reason,
            "weights_sha256": sha256(located(weights)) if weights else None,
            "runtime": getattr(self.detector, "runtime", None),
            "offsets_sha256": sha256(offsets) if offsets else None,
            "config": settings,
            "frames": [self.frames.start, self.frames.stop, self.frames.step],
        }
        text = json.dumps(described, sort_keys=True)
        return json.loads(text) | {"sha256": hashlib.sha256(text.encode()).hexdigest()}  # type: ignore[no-any-return]

    def execute(
        self, output: Path, unfinished: Unfinished, on_progress: Callable[[int], None], *, triangulated: bool
    ) -> Path:
        """Do all segments, join them, and write the provenance."""
        segments = Segments(output, self.origin, resume=unfinished == "resume", restart=unfinished == "restart")
        refined = triangulated and self.mode != "none"
        segments.run(self.frames, self._work(segments, on_progress, triangulated))
        return segments.join(
            self.frames, self._refine if refined else lambda _: None, lambda path: self._write_run(path, triangulated),
            camera=self.rectifier.camera,
        )

    def _work(self, segments: Segments, on_progress: Callable[[int], None], triangulated: bool) -> Work:
        detector = None if self.config.detect.roi else self.detector

        def work(part: range) -> Mapping[str, Value]:
            seen = None
            if isinstance(detector, Detector):
                seen = segments.once("survey", functools.partial(self._survey, detector))
            joints, surface = self._detect(part, seen, on_progress, triangulated)
            values: dict[str, Value] = {"left": joints.left, "right": joints.right}
            if triangulated:
                values |= self._triangulate(part, joints)
            return values | ({"surface": surface} if surface else {})

        return work

    def _triangulate(self, part: range, joints: Stereo[Poses2D]) -> dict[str, Value]:
        """The joints in space, where they stay as they are; the refinement makes its own when all are there."""
        plain = self.mode == "none"
        if not plain and part.start != self.frames.start:
            return {}
        with self._timing("triangulate"):
            poses = triangulate(joints, self.rectifier.camera, self.config.triangulate)
        self._check_fit(part, poses)
        return {"poses": dataclasses.replace(poses, origin=self.origin)} if plain else {}

    def _refine(self, file: h5py.File) -> None:
        with self._timing("refine"):
            camera: Any = self.rectifier.camera
            put_refined(file, camera, self.config.refine, gates=self.config.triangulate, origin=self.origin)

    def _survey(self, detector: Detector) -> Survey:
        with self._timing("survey"):
            return survey(self.recording, detector)

    def _detect(
        self, part: range, seen: Survey | None, on_progress: Callable[[int], None], looking: bool
    ) -> tuple[Stereo[Poses2D], Surface | None]:
        """The joints of a part and what its pictures show of them, batch by batch as its pairs are read."""
        settings, refine, done, shown = self.config.detect, self.config.refine, [], []
        watched = Watched(self.recording)
        looks = looking and self.mode != "none" and refine.pictures
        eyes = Looking(self.rectifier, offsets_of(refine), systematic_by(self.origin)) if looks else None
        chunks = stream(
            watched.recording if eyes else self.recording, self.rectifier, self.detector, part, survey=seen,
            roi=settings.roi, batch=settings.batch,
        )
        for chunk in self._timed("detect", chunks):
            done.append(chunk)
            if eyes:
                with self._timing("match"):
                    shown.append(eyes.see(chunk, watched.pairs(chunk.left.frame)))
            on_progress(len(chunk.left))
        joints = Stereo(concatenate([c.left for c in done]), concatenate([c.right for c in done]))
        return joints, joined(shown) if shown else None

    def _timed(self, stage: str, chunks: Iterator[Stereo[Poses2D]]) -> Iterator[Stereo[Poses2D]]:
        while True:
            with self._timing(stage):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _check_fit(self, part: range, poses: Poses3D) -> None:
        """A rig that does not fit shows in the first segment; better no result than a wrong one."""
        wrong = misfit(poses, self.config.triangulate) if part.start == self.frames.start else None
        if wrong:
            raise CalibrationError(wrong)

    @contextlib.contextmanager
    def _timing(self, stage: str) -> Iterator[None]:
        before = time.process_time()
        yield
        self.cpu[stage] += time.process_time() - before

    def _write_run(self, output: Path, triangulated: bool) -> None:
        about = {
            **self.origin,
            "python": platform.python_version(),
            "packages": {p: v for p in _PACKAGES if (v := _version(p))},
            "cpu_seconds_of_last_run": {k: round(v, 3) for k, v in self.cpu.items()},
            "note": "Research use only; not a medical device.",
        }
        if triangulated:
            about["joints"] = count_status(output)
        write_provenance(output, about)


def _version(package: str) -> str | None:
    """The version that is installed, None where none is."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def plan(recording: Recording, rig: Rig | PathLike | None, config: Config, frames: range) -> dict[str, Any]:
    """What `reconstruct` would do, after checking that it could: weights and rig are read, nothing is written."""
    rectifier = rectifier_for(recording, rig)
    detector = _detector(recording, config)
    return {
        "frames": len(frames), "size": f"{recording.size[0]}x{recording.size[1]}", "route": rectifier.reason,
        "detector": config.detect.detector, "skeleton": detector.skeleton.name,
        "segments": -(-len(frames) // LENGTH), "config": config.to_dict(),
    }


def summary(output: PathLike) -> dict[str, Any]:
    """What a result holds, for a person: its path, frames, joints found and why the others are missing."""
    with h5py.File(output, "r") as file:
        held = [name for name in file if "class" in file[name].attrs]
        facts: dict[str, Any] = {"output": os.fspath(output), "frames": len(file[held[-1]]["time"])}
    if "poses" not in held:
        return facts
    counts = count_status(output)
    kinds = {str(flag.name).lower(): flag for flag in Status if flag and counts[str(flag.name).lower()]}
    missing = {name: counts[name] for name, flag in kinds.items() if not flag & CHANGED}
    changed = {name: counts[name] for name, flag in kinds.items() if flag & CHANGED}
    found = f"{100 * counts['placed'] / max(counts['all'], 1):.1f} %"
    joints = {"joints": counts["all"], "found": found, "rejected": missing or "none"}
    return {**facts, **joints, **({"changed": changed} if changed else {})}


def count_status(path: PathLike) -> dict[str, int]:
    """How many joints of a result there are (`all`), have a place (`placed`), have one that was not changed (`ok`).

    By the names of Status also how many of those without a place have each reason, and of those with one each change.
    """
    counts: Counter[tuple[bool, int]] = Counter()
    with h5py.File(path, "r") as file:
        status, xyz = file["poses/status"], file["poses/xyz"]
        for first in range(0, len(status), 10_000):
            rows = slice(first, first + 10_000)
            placed = np.isfinite(xyz[rows]).all(-1)
            for there in (False, True):
                codes, numbers = np.unique(status[rows][placed == there], return_counts=True)
                counts.update({(there, code): n for code, n in zip(codes.tolist(), numbers.tolist())})
    named = {
        str(f.name).lower(): sum(n for (there, code), n in counts.items() if code & f and there == bool(f & CHANGED))
        for f in Status if f
    }  # fmt: skip
    placed_ones = sum(n for (there, _), n in counts.items() if there)
    return {"all": sum(counts.values()), "placed": placed_ones, "ok": counts[True, 0], **named}


def triangulate_file(
    joints: PathLike, output: PathLike, *, rig: Rig | PathLike | None = None, config: Config | None = None
) -> Path:
    """The path of a file with `poses`, `left`, `right` and `camera`, from a file of joints `left` and `right`.

    Joints whose file holds a `camera` are in its rectified px; those of one that does not are in raw px and need
    `rig`, unless it holds one too. Raises InputError for a file without joints, CalibrationError where a rig is
    needed or does not fit.
    """
    values = storage.read(joints)
    missing = {"left", "right"} - values.keys()
    if missing:
        raise InputError(f"{joints}: expected joints left and right, got {', '.join(values) or 'nothing'}")
    views, camera = Stereo(values["left"], values["right"]), values.get("camera")
    if camera is None:
        rig = values.get("rig") if rig is None else rig
        if rig is None:
            raise CalibrationError(f"{joints}: its joints are in raw pixels: give the calibration with --rig")
        rectifier = Rectifier(rig if isinstance(rig, (StereoRig, RectifiedCamera)) else read_rig(rig))
        camera = rectifier.camera
        views = rectified(views, rectifier)
    gates = (config or Config()).triangulate
    poses = triangulate(views, camera, gates)
    wrong = misfit(poses, gates)
    if wrong:
        raise CalibrationError(wrong)
    origin = {"stereo3d": stereo3d.__version__, "joints_sha256": sha256(joints), "config": dataclasses.asdict(gates)}
    poses = dataclasses.replace(poses, origin=origin)
    return storage.write(output, left=views.left, right=views.right, camera=camera, poses=poses)
