"""The joints of both views of a recording: one remap from recorded pixels to each crop, both views in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.sizes import inside, sizes
from stereo3d.detectors import crops, search
from stereo3d.detectors.base import Detector, Replayer
from stereo3d.detectors.crops import Box
from stereo3d.detectors.follow import boxes
from stereo3d.detectors.look import Picture, look
from stereo3d.detectors.search import Survey
from stereo3d.errors import UsageError
from stereo3d.poses import Poses2D, concatenate
from stereo3d.recording.base import FramePair, Recording
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Floats

Roi = tuple[float, float, float]


def detect(
    recording: Recording, rectifier: Rectifier, detector: Detector | Replayer, frames: range | None = None, *,
    survey: Survey | None = None, roi: Roi | None = None, batch: int = 16,
) -> Stereo[Poses2D]:
    """The joints of the frames (all, where none are named) in both views, in px of `rectifier.camera`.

    Where to look says `roi`, a square (centre x, y, side) px in both recorded pictures, taken as it is and upright;
    else a survey of the recording, which is made where none is given. `batch` pairs are looked at together.
    Raises UsageError for frames or a square outside the recording.
    """
    parts = list(stream(recording, rectifier, detector, frames, survey=survey, roi=roi, batch=batch))
    return Stereo(concatenate([p.left for p in parts]), concatenate([p.right for p in parts]))


def stream(
    recording: Recording, rectifier: Rectifier, detector: Detector | Replayer, frames: range | None = None, *,
    survey: Survey | None = None, roi: Roi | None = None, batch: int = 16,
) -> Iterator[Stereo[Poses2D]]:
    """What `detect` gives, `batch` frames at a time, as they are done."""
    frames = _checked(frames, len(recording), batch)
    if isinstance(detector, Replayer):
        known = detector.joints_at(frames, rectifier)
        yield known.map(lambda view: replace(view, time=recording.time[np.asarray(frames)]))
        return
    if roi is not None:
        where = _fixed(recording, detector, roi, len(frames))
    else:
        where = boxes(recording, detector, frames, survey or search.survey(recording, detector))
    pairs = recording.frames(frames.start, frames.stop, frames.step)
    affines = np.stack([
        crops.affine(rectified(where[:, view], rectifier, side), detector.crop) for view, side in enumerate(SIDES)
    ], 1)
    for first in range(0, len(frames), batch):
        yield _look(islice(pairs, batch), affines[first:first + batch], rectifier, detector)


def _checked(frames: range | None, n_frames: int, batch: int) -> range:
    """The frames, all where none are named."""
    frames = range(n_frames) if frames is None else frames
    if not frames or frames.step < 0 or frames[0] < 0 or frames[-1] >= n_frames:
        raise UsageError(f"frames: expected some of 0 to {n_frames - 1} in order, got {frames}")
    if batch < 1:
        raise UsageError(f"batch: expected 1 or more, got {batch}")
    return frames


def _fixed(recording: Recording, detector: Detector, roi: Roi, n_frames: int) -> Floats:
    """(T, 2, 5) the same box for all, whose crop shows the square."""
    x, y, side = roi
    width, height = recording.size
    if not (0 <= x < width and 0 <= y < height and 0 < side < np.inf):
        raise UsageError(
            f"roi: expected centre x, y and side of a square in pictures of {width}x{height} px, "
            f"got {x:g},{y:g},{side:g}"
        )
    return np.broadcast_to(crops.box_of_square(roi, detector.crop), (n_frames, 2, 5))


def _look(pairs: Iterable[FramePair], affines: Floats, rectifier: Rectifier, detector: Detector) -> Stereo[Poses2D]:
    """The joints of some pairs by affines (P, 2, 2, 3) from rectified px to the detector's input."""
    time, frame = np.zeros(len(affines)), np.zeros(len(affines), np.int64)

    def pictures() -> Iterator[Picture]:
        # A pair is let go before the next is read: its memory, still in the CPU's cache, is then taken again.
        for row, pair in enumerate(pairs):
            time[row], frame[row] = pair.time, pair.index
            yield from (partial(rectifier.crop, pair.images[side], side=side) for side in SIDES)

    found = look(detector, pictures(), affines.reshape(-1, 2, 3))
    return Stereo(*(
        _within(Poses2D(found.xy[v], found.score[v], found.sigma[v], time, frame, detector.skeleton, found.others[v]),
                rectifier, side)
        for side, v in zip(SIDES, (slice(0, None, 2), slice(1, None, 2)))
    ))


def _within(view: Poses2D, rectifier: Rectifier, side: Side) -> Poses2D:
    """The view without joints that lie beyond the recorded picture: there a detector sees nothing, it guesses."""
    places = rectifier.raw_points(view.xy, side)
    beyond = np.isfinite(places).all(-1) & ~inside(places, sizes(rectifier.rig)[side])
    if not beyond.any():
        return view
    xy, score, sigma = (np.where(gone, np.nan, x) for gone, x in (
        (beyond[..., None], view.xy), (beyond, view.score), (beyond, view.sigma)))
    return replace(view, xy=xy, score=score, sigma=sigma)


def rectified(box: Floats, rectifier: Rectifier, side: Side) -> Box:
    """(N) boxes in px of `rectifier.camera` that show what boxes (N, 5) show of the recorded pictures.

    Near its centre, that is, or near the picture's place next to that: what bends the picture otherwise than evenly is
    left out. NaN where the lens has no inverse.
    """
    last, half, angle = np.array(sizes(rectifier.rig)[side]) - 1, box[:, 2:4] / 2, box[:, 4]
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    axes = np.moveaxis(turned, 2, 1) * half.T[..., None]
    inside = np.clip(box[:, :2], 0, last)
    leaves = ((inside + axes < 0) | (inside + axes > last)).any(-1, keepdims=True)
    way = np.where(leaves, -1, 1)
    center, *ends = rectifier.points(np.stack([inside, *(inside + way * axes)]), side)
    across, down = way * (np.stack(ends) - center)
    x, y = ((box[:, :2] - inside) * axes).sum(-1)[..., None] / half.T[..., None] ** 2
    size = np.stack([np.hypot(*across.T), np.hypot(*down.T)], -1)
    # Both axes have a say in the angle: the first as it is, the second after a quarter turn back.
    ahead = across / size[:, :1] + np.stack([down[:, 1], -down[:, 0]], -1) / size[:, 1:]
    return Box(center + x * across + y * down, 2 * size, np.arctan2(ahead[:, 1], ahead[:, 0]))
