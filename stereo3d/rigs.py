"""Rigs from recordings: calibrate one from pictures of a board, check one on what was recorded with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np

from stereo3d.calibration.board import Board, read_board
from stereo3d.calibration.check import Check, check
from stereo3d.calibration.coverage import diverse
from stereo3d.calibration.files import read_rig
from stereo3d.calibration.quality import Calibration, assess
from stereo3d.calibration.sighting import OnSight, find_views
from stereo3d.calibration.solve import Mode, solve
from stereo3d.calibration.views import LeftOut, Views
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, UsageError
from stereo3d.recording.base import Recording, open_recording
from stereo3d.stereo import Side, Stereo
from stereo3d.values import Bytes

PathLike = str | os.PathLike[str]
MOST_LOOKED_AT = 240
"""Pairs of a film; of a longer one the stillest of so many stretches are looked at."""
STILLS = 200
"""Pairs in a folder of pictures, up to which they are taken for single shots that do not follow one another in time."""


def calibrate(
    recording: Recording | PathLike,
    board: Board | PathLike,
    *,
    mode: Mode = "full",
    start: StereoRig | PathLike | None = None,
    baseline: float | None = None,
    coefficients: int | None = None,
    on_sight: OnSight = lambda _: None,
) -> Calibration:
    """The rig of the cameras that filmed a board, with all that tells whether to trust it.

    `recording`: pairs of pictures of the board at many places, distances and tilts. `mode`: see `solve`; "extrinsics"
    and "refine" begin with `start` or with the recording's own rig. `baseline`: the nominal one in m, to hold the
    result against. `coefficients`: how many of the lens's distortion, else those that predict best. `on_sight` is told
    of every pair looked at. Raises CalibrationError and RecordingError, in a sentence that says what to do, where there
    is no rig to be had, UsageError for a mode without its rig.
    """
    described = board if isinstance(board, Board) else read_board(board)
    with _opened(recording) as film:
        begin = _start(film, mode, start)
        found = look_for(film, described, on_sight=on_sight)
    if baseline is None and begin is not None:
        baseline = begin.baseline
    return assess(solve(diverse(found), mode, begin, lens=coefficients), baseline)


def look_for(recording: Recording, board: Board, *, on_sight: OnSight = lambda _: None) -> Views:
    """The board in a recording: in every pair of single shots, in the stillest ones of a film.

    Pictures that cannot be read, or are of another size than the others, are left out, and it is said why.
    """
    unread: list[LeftOut] = []

    def pairs() -> Iterator[tuple[int, Stereo[Bytes]]]:
        for pair in recording.frames():
            if pair.valid:
                yield pair.index, pair.images
            else:
                side: Side = "left" if pair.faults.left else "right"
                fault = pair.faults[side].rpartition(": ")[2]
                unread.append(LeftOut(pair.index, re.sub(r"\((\d+), (\d+)\)", r"\1 x \2", fault), side))

    try:
        found = find_views(pairs(), board, film=stretches(recording), on_sight=on_sight)
    except CalibrationError as error:
        raise CalibrationError(f"{error}; {unread[0]}" if unread else str(error)) from error
    every = found.only(np.arange(len(found)), *unread)
    return replace(every, looked_at=found.looked_at + len(unread))


def stretches(recording: Recording) -> int:
    """Of how many pairs each the stillest is looked at; 0 for single shots, which are all looked at."""
    if "folder" in recording.kind and len(recording) <= STILLS:
        return 0
    return max(1, -(-len(recording) // MOST_LOOKED_AT))


def check_rig(
    rig: StereoRig | RectifiedCamera | PathLike, recording: Recording | PathLike, *, pairs: int = 12
) -> Check:
    """Whether the rig still fits what its cameras record: how far rows disagree in so many pairs of the recording.

    No board is needed, only texture. Raises CalibrationError where the rig does not go with the recording, InputError
    where too little is seen in both views.
    """
    with _opened(recording) as film:
        found = read_rig(rig, film.size) if isinstance(rig, (str, os.PathLike)) else rig
        every = np.unique(np.linspace(0, len(film) - 1, min(pairs, len(film))).astype(int))
        return check(found, (film[int(i)].images for i in every), rectified=bool(film.rectified))


def best_pair(calibration: Calibration, recording: Recording) -> Stereo[Bytes]:
    """The pictures of the view in which the board is largest, to show what rectification does."""
    views = calibration.solution.views
    largest = int(np.argmax(calibration.coverage.measures[:, 2]))
    return recording[int(views.frame[largest])].images


def _opened(recording: Recording | PathLike) -> AbstractContextManager[Recording]:
    """The recording, closed afterwards where it was opened here."""
    return open_recording(recording) if isinstance(recording, (str, os.PathLike)) else nullcontext(recording)


def _start(recording: Recording, mode: Mode, start: StereoRig | PathLike | None) -> StereoRig | None:
    if recording.rectified:
        raise CalibrationError(
            "the recording's pictures are rectified: expected them as the cameras take them; record them raw"
        )
    given = read_rig(start, recording.size) if isinstance(start, (str, os.PathLike)) else start
    if given is None and mode != "full" and isinstance(recording.rig, StereoRig):
        given = recording.rig
    if given is None and mode != "full":
        raise UsageError(f"{mode}: expected a rig to start from (--start), got none; give the factory calibration")
    if isinstance(given, RectifiedCamera):
        raise CalibrationError("start: expected a rig of the two cameras, got one of rectified pictures")
    return given
