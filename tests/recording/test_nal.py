"""Access units looked into: codec, parameter sets, and from where a stream can be decoded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from svo_files import N, join, payloads, units

from stereo3d.recording.stream import nal


@pytest.mark.parametrize(("mode", "codec"), [("h264", "h264"), ("refreshed", "h264"), ("hevc", "hevc")])
def test_the_codec_is_told_by_the_parameter_sets(mode: str, codec: nal.Codec) -> None:
    found = {nal.codec_of(data) for data in payloads(mode)}
    assert found == {codec, None}
    assert all((nal.codec_of(data) is None) == (nal.headers(data, codec) == b"") for data in payloads(mode))


@pytest.mark.parametrize(("mode", "codec", "entries"), [
    ("h264", "h264", {0: 0, 10: 0, 20: 0}),
    ("hevc", "hevc", {0: 0, 10: 0, 20: 0}),
    ("refreshed", "h264", {3: 7, 11: 7, 19: 7, 27: 7}),
    ("unmarked", "h264", {}),
])
def test_where_decoding_can_begin(mode: str, codec: nal.Codec, entries: dict[int, int]) -> None:
    found = {i: nal.entry(data, codec) for i, data in enumerate(payloads(mode))}
    assert len(found) == N and {i: n for i, n in found.items() if n is not None} == entries


def test_parameter_sets_come_out_as_they_are() -> None:
    first = payloads("h264")[0]
    assert nal.headers(first, "h264") == join(u for u in units(first) if u[0] & 31 in (7, 8))


def recovery(*messages: bytes, codec: nal.Codec = "h264") -> bytes:
    return join([(b"\x06" if codec == "h264" else b"\x4e\x01") + b"".join(messages) + b"\x80", b"\x41" if codec == "h264" else b"\x02\x01"])


@pytest.mark.parametrize(("data", "codec", "after"), [
    (recovery(b"\x06\x01\xc0"), "h264", 0),
    (recovery(b"\x06\x02\x08\x40"), "h264", 15),
    (recovery(b"\x05\xff\x01" + bytes(256), b"\x06\x01\x40"), "h264", 1),
    (recovery(b"\x05\x03abc"), "h264", None),
    (recovery(b"\x06\x01\x40", codec="hevc"), "hevc", 1),
    (recovery(b"\x06\x01\x60", codec="hevc"), "hevc", 0),
    (recovery(), "h264", None),
    (b"", "h264", None),
    (b"\0\0\1", "hevc", None),
])
def test_recovery_points_are_found_among_other_messages(data: bytes, codec: nal.Codec, after: int | None) -> None:
    assert nal.entry(data, codec) == after


@given(st.lists(st.tuples(st.sampled_from(["exponential", "signed", "take"]), st.integers(-(2**10), 2**10)), max_size=20))
def test_bits_give_back_what_was_written(numbers: list[tuple[str, int]]) -> None:
    bits = ""
    for how, number in numbers:
        code = abs(number) if how != "signed" else 2 * number - 1 if number > 0 else -2 * number
        word = f"{code + 1:b}"
        bits += f"{abs(number):011b}" if how == "take" else "0" * (len(word) - 1) + word
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "1") or "1" * 8, 2).to_bytes(max(1, -(-len(bits) // 8)), "big")
    escaped = b""
    for byte in data:
        escaped += (b"\3" if escaped.endswith(b"\0\0") and byte <= 3 else b"") + bytes([byte])
    reader = nal.Bits(escaped)
    for how, number in numbers:
        got = reader.take(11) if how == "take" else getattr(reader, how)()
        assert got == (number if how == "signed" else abs(number))


@given(st.binary(max_size=200), st.sampled_from(["h264", "hevc"]))
def test_any_bytes_are_looked_into_without_harm(data: bytes, codec: nal.Codec) -> None:
    data = b"\0\0\1" + data
    assert nal.codec_of(data) in (None, "h264", "hevc")
    after = nal.entry(data, codec)
    assert after is None or after >= 0
    assert isinstance(nal.headers(data, codec), bytes)
