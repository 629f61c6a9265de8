"""The frames of a ZED .svo2 file: which there are, when they were taken, and their coded pictures."""

from __future__ import annotations

import numpy as np

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.recording.svo.container import Mcap
from stereo3d.recording.svo.message import END, Mode, continues, end_time, lossless, mode_of, payload
from stereo3d.values import Bools, Floats, Ints

_LOOKED_AT = 600
"""Frames that are looked at to tell how the pictures are coded."""
_NONE = -1
_SAME = 1_000_000
"""ns within which two times are one."""


class Frames:
    """The frames of a file in the order of their messages; those that the file lists but does not hold keep their
    place. Raises LostPicture for one that is missing or damaged."""

    def __init__(self, mcap: Mcap, topic: str, listed: Ints | None) -> None:
        self.name = str(mcap.path)
        self._mcap, self._messages = mcap, mcap.topics[topic]
        self._message = np.arange(len(self._messages))
        self.logged = self._messages.time
        self.notes: list[str] = []
        if listed is not None:
            self._take_list(listed)
        if not len(self.logged):
            raise RecordingError(f"{self.name}: expected pictures in {topic}, got none: the recording is empty")

    def _take_list(self, listed: Ints) -> None:
        """Give the frames that are listed but not there their places."""
        held = self._messages.time
        missing = np.setdiff1d(listed, held)
        if not len(missing):
            return
        if not np.isin(held, listed).all() or (np.diff(held) < 0).any():
            self.notes.append("the footer's list of frames does not go with the frames: it is left aside")
            return
        times = np.concatenate([held, missing])
        order = np.argsort(times, kind="stable")
        self._message = np.concatenate([self._message, np.full(len(missing), _NONE)])[order]
        self.logged = times[order]
        self.notes.append(f"{len(missing)} frames are listed but not in the file: they are marked invalid")

    def __len__(self) -> int:
        return len(self.logged)

    def __getitem__(self, index: int) -> bytes:
        return payload(self.message(index), f"{self.name}: frame {index}")

    def message(self, index: int) -> bytes:
        """The whole message of a frame. Raises LostPicture."""
        if self._message[index] == _NONE:
            raise LostPicture(f"{self.name}: frame {index}: is listed but not in the file")
        return self._mcap.read(self._messages, int(self._message[index]))

    @property
    def valid(self) -> Bools:
        """(T,) False where the file does not hold the frame."""
        return np.asarray(self._message != _NONE)

    def time(self) -> Floats:
        """(T,) s from the first frame, never falling."""
        seconds = (self.logged - self.logged[0]) / 1e9
        falls = int((np.diff(seconds) < 0).sum())
        if falls:
            self.notes.append(f"the frames' times fall back {falls} times, expected them to rise: they are held there")
        return np.maximum.accumulate(seconds)

    def mode(self) -> Mode:
        """How the pictures are coded. Raises RecordingError where that is not known."""
        first, reason = b"", ""
        for index in range(min(_LOOKED_AT, len(self))):
            try:
                data = self[index]
            except LostPicture as error:
                reason = reason or str(error)
                continue
            found = mode_of(data)
            if found is not None:
                return found
            first = first or data
        what = _unknown(first) if first else f"none that is whole ({reason})"
        raise RecordingError(f"{self.name}: expected pictures in H.264, H.265 or JPEG, got {what}")

    def check_layout(self) -> None:
        """Note where the first whole message is laid out otherwise than is known."""
        for index in range(min(_LOOKED_AT, len(self))):
            try:
                message = self.message(index)
                size = len(self[index])
            except LostPicture:
                continue
            rest, time = len(message) - 8 - size, end_time(message)
            if time is None:
                what = f"a message has {rest} bytes behind its picture, expected {END}: they are passed over"
                self.notes.append(what)
            elif abs(time - int(self.logged[index])) > _SAME:
                self.notes.append("a message's own time differs from when it was logged: the latter is taken")
            return


def _unknown(data: bytes) -> str:
    """What a picture of no known coding seems to be."""
    packing = lossless(data)
    if packing:
        return f"pictures packed with {packing}: the LOSSLESS mode, whose layout is not known in public"
    if continues(data):
        return "a stream without the parameter sets that it is decoded by"
    seen = data[:8].hex(" ")
    return f"other bytes ({seen}): encrypted (as the SDK can since 5.3), LOSSLESS, or laid out in a new way"
