"""Recordings as videos: one with both views side by side, or one for each view."""

from __future__ import annotations

import contextlib
from pathlib import Path

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.recording.base import Told
from stereo3d.recording.paired import Facts, PairedRecording, Pairs, rate, two_halves, two_views
from stereo3d.recording.pairing import NONE, Matched, begins_later, matched
from stereo3d.recording.stream.video_file import SUFFIXES, Video
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes, Ints

SIDE_BY_SIDE = 2.4
"""A picture at least this many times as wide as high holds two views."""
COMMENT = "stereo3d: both views side by side"
"""How the comment of a video written here begins; what follows says of what kind they are."""
COMMENTS = {True: f"{COMMENT}, rectified", False: f"{COMMENT}, raw", None: COMMENT}
_ZED_SIZES = {
    (2208, 1242), (1920, 1200), (1920, 1080), (1280, 720), (960, 600), (672, 376), (3840, 2160), (3200, 1800)
}
"""(width, height) px of one view."""
_LEAST_EXPORTED = 25.0
_OTHER_RATE = 0.05
"""By which share two videos' usual rates may differ: two clocks, not two settings."""
_APART = 0.25
"""Of the step from one pair to the next: pictures of a pair further apart are noted."""


def open_video(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in one side-by-side video or two videos, None for other files.

    A single one is side by side where it is at least 2.4 times as wide as high, or where told. Two are paired by their
    times, `told.offset` or their timecodes, as long as both go on; a picture without a partner leaves its pair
    invalid. Raises RecordingError where that cannot be done.
    """
    paths = [left] if right is None else [left, right]
    if any(not path.is_file() or path.suffix.lower() not in SUFFIXES for path in paths):
        return None
    with contextlib.ExitStack() as stack:
        videos = [stack.enter_context(contextlib.closing(Video(path))) for path in paths]
        if right is None:
            facts, pairs = _facts_of_one(videos[0], told), two_halves(videos[0])
        else:
            facts, pairs = _two(Stereo(*videos), told)
        return PairedRecording(facts.hear(told), pairs, stack.pop_all().close)


def _facts_of_one(video: Video, told: Told) -> Facts:
    width, height = video.size
    both = video.comment.startswith(COMMENT) or width >= SIDE_BY_SIDE * height
    if not (both if told.side_by_side is None else told.side_by_side):
        raise RecordingError(
            f"{video.path}: expected both views side by side, got one picture of {width} x {height}; "
            "give the right view's video too, or say side_by_side=True"
        )
    if width % 2:
        raise RecordingError(f"{video.path}: expected two views of one size side by side, got {width} px for both")
    return Facts(
        sources=(video.path,),
        kind="side-by-side video",
        codec=video.codec,
        size=(width // 2, height),
        time=video.time,
        fps=video.fps,
        valid=video.valid,
        rectified={c: r for r, c in COMMENTS.items()}.get(video.comment),
        notes=_exported(video, told),
    )


def _exported(video: Video, told: Told) -> tuple[str, ...]:
    """What is to be asked of a video that looks like one the ZED SDK exports."""
    width, height = video.size
    if video.path.suffix.lower() != ".avi" or (width // 2, height) not in _ZED_SIZES:
        return ()
    notes = []
    if told.rectified is None:
        notes.append("by its size an export of the ZED SDK, whose pictures are rectified: say so with --rectified")
    if told.fps is None and video.fps >= _LEAST_EXPORTED:
        notes.append(
            f"exports of the ZED SDK say {_LEAST_EXPORTED:g} frames a second or more, whatever the camera took: "
            "give --fps where that was less"
        )
    return tuple(notes)


def _two(videos: Stereo[Video], told: Told) -> tuple[Facts, Pairs]:
    left, right = videos
    if left.size != right.size:
        raise RecordingError(f"{right.path}: expected pictures of {left.size} like {left.path}, got {right.size}")
    usual = videos.map(lambda video: rate(video.time))
    if abs(usual.left / usual.right - 1) > _OTHER_RATE:
        raise RecordingError(
            f"{right.path}: expected {usual.left:.2f} frames a second like {left.path}, got {usual.right:.2f}; "
            "they cannot be paired picture by picture"
        )
    found, notes = _paired(videos, told, 1 / usual.left)
    facts = Facts(
        sources=(left.path, right.path),
        kind="two videos",
        codec=left.codec if left.codec == right.codec else f"{left.codec}, {right.codec}",
        size=left.size,
        time=found.time - found.time[0],
        fps=left.fps,
        notes=notes,
        valid=found.valid & left.valid[found.left] & right.valid[found.right],
    )
    return facts, two_views(_Chosen(left, found.left), _Chosen(right, found.right))


def _paired(videos: Stereo[Video], told: Told, step: float) -> tuple[Matched, tuple[str, ...]]:
    """The pairs, and what is to be said of them."""
    left, right = videos
    offset, note = begins_later(videos.map(Video.beginning), told.offset)
    found = matched(Stereo(left.time, right.time + offset), step)
    if not found.valid.any():
        raise RecordingError(
            f"{left.path} and {right.path}: expected videos of the same time, got {left.time[-1]:.2f} s and "
            f"{right.time[-1]:.2f} s that lie {offset:+.2f} s apart; give another offset"
        )
    notes = [note] if note else []
    notes += _left_out(found, (len(left), len(right)), moved=bool(offset))
    if found.apart > _APART * step:
        notes.append(f"the pictures of a pair are {1000 * found.apart:.0f} ms apart: what moves is misplaced by that")
    return found, tuple(notes)


def _left_out(found: Matched, counts: tuple[int, int], *, moved: bool) -> list[str]:
    """What is to be said where pictures of the two videos have no pair."""
    n, gaps, notes = len(found.left), int((~found.valid).sum()), []
    if moved or gaps or counts != (n, n):
        plain = not moved and not gaps and n == min(counts)
        outcome = f"the first {n} of each are paired" if plain else f"{n} pairs lie in the time of both"
        notes.append(f"left has {counts[0]} frames, right {counts[1]}: {outcome}")
    if gaps:
        notes.append(f"{gaps} pairs lack a picture that one of the cameras dropped: they are marked invalid")
    return notes


class _Chosen:
    """Some pictures of a video in the order given, with gaps."""

    def __init__(self, video: Video, indices: Ints) -> None:
        self._video, self._indices = video, indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> Bytes:
        if self._indices[index] == NONE:
            raise LostPicture(f"{self._video.path}: has no picture for pair {index}: the camera dropped it")
        return self._video[int(self._indices[index])]
