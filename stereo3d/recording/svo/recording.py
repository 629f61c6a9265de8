"""Recordings of ZED cameras (.svo2), read without their maker's SDK.

The layout is put together from what others found in cameras' own files (`message`, `header`, `sensors` say who); no
such file was at hand. So everything that is taken for granted is held against the file when it is opened or read, and
named where it does not hold (docs/recordings.md lists it).
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import numpy as np

from stereo3d.errors import LostPicture, MissingPackage, RecordingError, UsageError
from stereo3d.recording.base import Told
from stereo3d.recording.paired import USUAL_FPS, Facts, PairedRecording, rate, two_halves
from stereo3d.recording.svo.container import MAGIC, Mcap
from stereo3d.recording.svo.frames import Frames
from stereo3d.recording.svo.header import FOOTER_TOPIC, TOPIC, Header, listed_times
from stereo3d.recording.svo.pictures import ELSEWHERE, StreamPictures, StripPictures
from stereo3d.recording.svo.rig import find_rig
from stereo3d.recording.svo.sdk import open_with_sdk
from stereo3d.recording.svo.sensors import Sensors, parse_sensors
from stereo3d.values import Ints

SUFFIXES = (".svo", ".svo2")
_PICTURES = re.compile(r"Camera_SN(\d{1,19})/side_by_side")
_SENSORS = "Camera_SN{}/sensors"


def open_svo(left: Path, right: Path | None, told: Told) -> PairedRecording | None:
    """The recording in a ZED camera's file, None for other files; time 0 is its first frame.

    A frame that is missing or damaged keeps its place. Files that only the maker's SDK reads (version 1, LOSSLESS,
    encrypted) are read through `pyzed` where it is installed. Raises RecordingError for what cannot be read, in a
    sentence that says what to do.
    """
    if not left.is_file():
        return None
    with open(left, "rb") as file:
        mcap = file.read(len(MAGIC)) == MAGIC
    if not mcap and left.suffix.lower() not in SUFFIXES:
        return None
    if right is not None:
        raise UsageError(f"{left}: a ZED file holds both views; leave {right} out")
    try:
        return SvoRecording.open(left, told) if mcap else _version_1(left)
    except NeedsSdk as error:
        recording = open_with_sdk(left, told)
        if recording is None:
            raise RecordingError(f"{error}; {ELSEWHERE}") from error
        return recording


class NeedsSdk(RecordingError):
    """A file that only its maker's programs can read."""


def _version_1(path: Path) -> PairedRecording:
    raise NeedsSdk(
        f"{path}: expected an .svo2 (MCAP), got other bytes: an SVO file of version 1 (SDK before 4.1), whose layout "
        "is not known in public, or a damaged one"
    )


class SvoRecording(PairedRecording):
    """The frames of a ZED camera, and what its motion sensors measured."""

    def __init__(
        self, facts: Facts, mcap: Mcap, frames: Frames, views: StreamPictures | StripPictures, serial: str
    ) -> None:
        super().__init__(facts, two_halves(views), mcap.close)
        self._mcap, self._frames, self._serial = mcap, frames, serial

    @classmethod
    def open(cls, path: Path, told: Told) -> SvoRecording:
        """The recording in an MCAP file. Raises RecordingError."""
        with contextlib.ExitStack() as stack:
            mcap = stack.enter_context(contextlib.closing(_mcap(path)))
            header = _header(mcap)
            if header.encrypted:
                raise NeedsSdk(f"{path}: is encrypted")
            topic, serial = _camera(mcap)
            frames = Frames(mcap, topic, _listed(mcap, topic))
            views = _views(frames)
            facts = _facts(mcap, header, int(serial), frames, views)
            recording = cls(facts.hear(told), mcap, frames, views, serial)
            stack.pop_all()
            return recording

    def sensors(self) -> Sensors | None:
        """What the camera's motion sensors measured, None where the file holds nothing of it. Raises RecordingError
        where it is laid out in another way than is known."""
        self._check_open()
        messages = self._mcap.topics.get(_SENSORS.format(self._serial))
        if messages is None:
            return None
        held, times = [], []
        for index in range(len(messages)):
            with contextlib.suppress(LostPicture):
                held.append(self._mcap.read(messages, index))
                times.append(int(messages.time[index]))
        begin = int(self._frames.logged[0])
        return parse_sensors(held, np.array(times, np.int64), begin, f"{self.source}: sensors")


def _mcap(path: Path) -> Mcap:
    try:
        import mcap  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingPackage("mcap", "all", "reading .svo2 files") from error
    return Mcap(path)


def _header(mcap: Mcap) -> Header:
    messages = mcap.topics.get(TOPIC)
    if messages is None or not len(messages):
        return Header(note="the header is missing: serial number and rate are taken from elsewhere")
    try:
        return Header.parse(mcap.read(messages, 0))
    except LostPicture:
        return Header(note="the header is damaged: serial number and rate are taken from elsewhere")


def _camera(mcap: Mcap) -> tuple[str, str]:
    """The topic of the pictures and the camera's serial number. Raises RecordingError for none and for several."""
    found = {topic: match[1] for topic in mcap.topics if (match := _PICTURES.fullmatch(topic))}
    if len(found) != 1:
        held = ", ".join(sorted(mcap.topics)[:10]) or "no topics"
        raise RecordingError(
            f"{mcap.path}: expected an MCAP file with the pictures of one ZED stereo camera (topic "
            f"Camera_SN.../side_by_side), got {len(found)} such; the file holds {held}"
        )
    return next(iter(found.items()))


def _listed(mcap: Mcap, topic: str) -> Ints | None:
    """When the frames were logged by the footer's list, None without one, as in a file that was cut off."""
    messages = mcap.topics.get(FOOTER_TOPIC)
    if messages is None or not len(messages):
        return None
    try:
        return listed_times(mcap.read(messages, len(messages) - 1), topic)
    except LostPicture:
        return None


def _views(frames: Frames) -> StreamPictures | StripPictures:
    try:
        mode = frames.mode()
    except RecordingError as error:
        raise NeedsSdk(str(error)) from error
    return StripPictures(frames) if mode == "jpeg" else StreamPictures(frames, mode)


def _facts(mcap: Mcap, header: Header, serial: int, frames: Frames, views: StreamPictures | StripPictures) -> Facts:
    width, height = views.size
    if width % 2:
        raise RecordingError(f"{mcap.path}: expected two views of one size side by side, got {width} px for both")
    size, time = (width // 2, height), frames.time()
    fps = rate(time) if len(time) > 1 else float(header.fps or USUAL_FPS)
    frames.check_layout()
    rig, where = find_rig(mcap.path, serial, size)
    notes = [*mcap.notes, *frames.notes, views.note, *header.doubts(size, serial, fps), where]
    return Facts(
        sources=(mcap.path,), kind="ZED SVO2", codec=views.codec, size=size, time=time, fps=fps, rectified=False,
        rig=rig, notes=tuple(note for note in notes if note),
        valid=frames.valid & (np.arange(len(frames)) >= views.begins),
    )
