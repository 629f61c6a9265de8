"""The order in which the pictures of an H.264 stream are shown, for containers that keep only the order of coding.

An AVI stores no times. Where pictures are coded out of order (B-frames), each says its place between two IDR pictures
by its picture order count (ITU-T H.264, 8.2.1); that is read from the slice headers, and nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from stereo3d.recording.stream.nal import Bits, slices, unit
from stereo3d.values import Ints

_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
"""Profiles whose parameters say more of the samples (7.3.2.1.1)."""
_HEADER = 64
"""Bytes of a slice, within which its header is."""
_LONGEST = 16
"""Bits of a counter (7.4.2.1.1)."""


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What a sequence parameter set says of slice headers."""

    planes_apart: bool
    frame_number_bits: int
    order: int
    """0 or 2: the kind of order count; 2 is the order of coding."""
    order_bits: int
    frames_only: bool

    @classmethod
    def of(cls, data: bytes) -> _Parameters | None:
        bits = Bits(data[1:])
        profile, _, _ = bits.take(8), bits.take(16), bits.exponential()
        planes_apart = _skip_chroma(bits) if profile in _WITH_CHROMA else False
        frame_number_bits = bits.exponential() + 4
        order = bits.exponential()
        order_bits = bits.exponential() + 4 if order == 0 else 0
        if order == 1 or max(frame_number_bits, order_bits) > _LONGEST:
            return None
        bits.exponential(), bits.take(1), bits.exponential(), bits.exponential()
        return cls(planes_apart, frame_number_bits, order, order_bits, bool(bits.take(1)))


def _skip_chroma(bits: Bits) -> bool:
    """Whether colour planes are coded apart; steps over the rest of what these profiles say."""
    chroma = bits.exponential()
    apart = bool(bits.take(1)) if chroma == 3 else False
    bits.exponential(), bits.exponential(), bits.take(1)
    if bits.take(1):
        for i in range(12 if chroma == 3 else 8):
            if bits.take(1):
                _skip_scaling(bits, 16 if i < 6 else 64)
    return apart


def _skip_scaling(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


@dataclass(frozen=True, slots=True)
class _Slice:
    idr: bool
    reference: bool
    count: int
    """The low bits of the picture order count."""


def display_order(pictures: Iterable[bytes]) -> Ints | None:
    """(T,) the place at which each of T coded pictures is shown, None where the stream does not say it as expected."""
    keys: list[tuple[int, int, int]] = []
    parameters: _Parameters | None = None
    period = high = low = 0
    for number, data in enumerate(pictures):
        parameters, found = _first_slice(data, parameters)
        if parameters is None:
            return None
        if found is None or parameters.order == 2:
            keys.append((period, high + low, number))
            continue
        if found.idr:
            period, high, low = period + 1, 0, 0
        count = _whole_count(found.count, high, low, 1 << parameters.order_bits)
        keys.append((period, count, number))
        if found.reference:
            low = found.count
            high = count - low
    shown = np.lexsort(np.array(keys, np.int64).reshape(-1, 3).T[::-1])
    places = np.empty(len(shown), np.int64)
    places[shown] = np.arange(len(shown))
    return places


def _whole_count(low: int, before_high: int, before_low: int, span: int) -> int:
    """The count with its high bits, which step where the low ones wrap (8-3)."""
    if low < before_low and before_low - low >= span // 2:
        return before_high + span + low
    if low > before_low and low - before_low > span // 2:
        return before_high - span + low
    return before_high + low


def _first_slice(data: bytes, parameters: _Parameters | None) -> tuple[_Parameters | None, _Slice | None]:
    """The parameters from here on and the header of the first slice, None without one."""
    for begin in slices(data):
        kind = data[begin] & 0x1F
        if kind == 7:
            parameters = _Parameters.of(unit(data, begin))
        elif parameters is not None:
            return parameters, _slice(data[begin:begin + _HEADER], kind == 5, parameters)
    return parameters, None


def _slice(data: bytes, idr: bool, parameters: _Parameters) -> _Slice:
    bits = Bits(data[1:])
    for _ in ("first_mb_in_slice", "slice_type", "pic_parameter_set_id"):
        bits.exponential()
    bits.take(2 * parameters.planes_apart + parameters.frame_number_bits)
    if not parameters.frames_only and bits.take(1):
        bits.take(1)
    if idr:
        bits.exponential()
    return _Slice(idr, bool(data[0] & 0x60), bits.take(parameters.order_bits))
