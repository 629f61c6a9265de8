"""The pictures of a ZED .svo2 file by index: picture i is message i, whatever became of the others."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from stereo3d.errors import LostPicture, RecordingError
from stereo3d.recording import pictures
from stereo3d.recording.stream import nal
from stereo3d.recording.stream.coded import NOT_SHOWN, Coded, decoded, prepared
from stereo3d.recording.stream.video_file import trouble
from stereo3d.recording.svo.message import decode_strips
from stereo3d.values import Bytes

if TYPE_CHECKING:
    import av

ELSEWHERE = (
    "where the ZED SDK is, resave it as an .svo2 with H.264 or H.265 and without encryption, or export its pictures "
    "and open those with --rectified; with pyzed installed, stereo3d reads it through that"
)
"""What can be done with a file that only its maker's programs read."""
REACH = 600
"""Pictures that are looked through for one to start from: 20 s at 30 a second."""
_AGREE = 3
"""Pictures in a row that have to agree for a stream to count as refreshed."""
_UNKNOWN, _NEVER = -2, -1


class Payloads(Protocol):
    """The coded pictures of a file by index; raises LostPicture for one that is missing or damaged."""

    @property
    def name(self) -> str:
        """What they are of, for messages."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> bytes: ...


class StripPictures:
    """(H, W, 3) RGB pictures of both views in JPEG mode; each stands alone."""

    def __init__(self, payloads: Payloads) -> None:
        self._payloads = payloads
        self.codec, self.note = "jpeg", ""
        self.begins = 0
        """The first frame that is not lost for want of those before the recording."""
        self.size: tuple[int, int] = _first_whole(self).shape[1::-1]

    def __len__(self) -> int:
        return len(self._payloads)

    def __getitem__(self, index: int) -> Bytes:
        return decode_strips(self._payloads[index], f"{self._payloads.name}: frame {index}")


class StreamPictures:
    """(H, W, 3) RGB pictures of both views in H.264 or H.265."""

    def __init__(self, payloads: Payloads, codec: nal.Codec) -> None:
        self._name, self.codec = payloads.name, codec
        self._stream = _Stream(payloads, codec)
        self._coded = Coded(self._stream)
        with trouble(self._name):
            first = self._coded.first()
        self.size = pictures.check_size(self._name, first.width, first.height)
        self.note, self.begins = self._stream.note, self._stream.begins

    def __len__(self) -> int:
        return len(self._stream)

    def __getitem__(self, index: int) -> Bytes:
        with trouble(f"{self._name}: frame {index}"):
            return np.asarray(self._coded[index].to_ndarray(format="rgb24", threads=1), np.uint8)


def _first_whole(pictures_: StripPictures) -> Bytes:
    """The first picture that is not lost. Raises RecordingError where there is none within reach."""
    reason = ""
    for index in range(min(REACH, len(pictures_))):
        try:
            return pictures_[index]
        except LostPicture as error:
            reason = reason or str(error)
    raise RecordingError(f"expected pictures, got none that could be decoded: {reason}")


class _Stream:
    """The access units of a file: a `coded.Source`.

    ZED cameras are said to write H.264 without IDR pictures, refreshed bit by bit. Where recovery points are marked,
    decoding starts from these. Where nothing is marked it starts so many pictures before as the stream takes to be
    refreshed, which is measured.
    """

    def __init__(self, payloads: Payloads, codec: nal.Codec) -> None:
        self.name, self.codec = payloads.name, codec
        self.note = ""
        self._payloads = payloads
        self._entries = np.full(len(payloads), _UNKNOWN, np.int64)
        self._parameters = b""
        self._refreshed = _UNKNOWN
        first = next((i for i in range(min(REACH, len(self))) if self._entry(i) is not None), None)
        if not self._parameters:
            raise RecordingError(
                f"{self.name}: expected the stream's parameter sets among its first {REACH} pictures, got none: "
                f"without them nothing can be decoded; {ELSEWHERE}"
            )
        if first is None and not self._refreshed_within():
            raise RecordingError(
                f"{self.name}: expected a stream with pictures to start from, or one that is refreshed within {REACH}, "
                f"got neither; {ELSEWHERE}"
            )
        self.begins = first + (self._entry(first) or 0) if first is not None else self._refreshed
        if self.begins:
            self.note = f"the stream is whole from frame {self.begins} on: those before are marked invalid"

    def __len__(self) -> int:
        return len(self._payloads)

    def start(self, index: int) -> int:
        for at in range(index, -1, -1):
            after = self._entry(at)
            if after is not None and at + after <= index:
                return at
            if at == index - REACH and self._refreshed_within():
                break
        return max(0, index - 2 * self._refreshed) if self._refreshed > 0 else 0

    def told(self, start: int) -> bool:
        return self._entry(start) is not None or self._refreshed <= 0

    def right_after(self, index: int) -> int | None:
        after = self._entry(index)
        if after is not None or self._refreshed <= 0:
            return after
        return 2 * self._refreshed if index else self._refreshed

    def run(self, start: int) -> tuple[av.VideoCodecContext, Iterator[tuple[int, av.Packet[Any] | LostPicture]]]:
        import av

        decoder: av.VideoCodecContext = av.CodecContext.create(self.codec, "r")
        return prepared(decoder), self._packets(start)

    def _packets(self, start: int) -> Iterator[tuple[int, av.Packet[Any] | LostPicture]]:
        import av

        before = self._parameters
        for index in range(start, len(self)):
            try:
                data = self._payloads[index]
            except LostPicture as error:
                yield index, error
                continue
            self._note(index, data)
            if before and self.codec == "h264" and self._entries[index]:
                # FFmpeg drops what refers to a picture before the first; its own double stands in for that one.
                yield NOT_SHOWN, av.Packet(before + data)
                before = b""
            yield index, av.Packet(before + data)
            before = b""

    def _entry(self, index: int) -> int | None:
        """After how many pictures all are right from this one on, None where decoding cannot begin with it."""
        if self._entries[index] == _UNKNOWN:
            try:
                self._note(index, self._payloads[index])
            except LostPicture:
                self._entries[index] = _NEVER
        found = int(self._entries[index])
        return None if found == _NEVER else found

    def _note(self, index: int, data: bytes) -> None:
        if self._entries[index] == _UNKNOWN:
            found = nal.entry(data, self.codec)
            self._entries[index] = _NEVER if found is None else found
            self._parameters = self._parameters or nal.headers(data, self.codec)

    def _refreshed_within(self) -> bool:
        """Whether the stream is refreshed without marks, and after how many pictures nothing hangs on the first: from
        there on, decoding that begins one picture later gives the same."""
        if self._refreshed == _UNKNOWN:
            self._refreshed, agreed = _NEVER, 0
            later, held = decoded(self, 1, {}), None
            for index, frame in itertools.takewhile(lambda one: one[0] < REACH, decoded(self, 0, {})):
                while held is None or held[0] < index:
                    held = next(later, (len(self), None))
                agreed = agreed + 1 if held[0] == index and _alike(frame, held[1]) else 0
                if agreed == _AGREE:
                    self._refreshed = index - _AGREE + 1
                    break
        return self._refreshed > 0


def _alike(one: av.VideoFrame, other: av.VideoFrame | None) -> bool:
    return other is not None and bool(np.array_equal(one.to_ndarray(), other.to_ndarray()))
