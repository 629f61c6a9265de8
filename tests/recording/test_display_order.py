"""The order of showing of H.264 in containers that do not keep it: as the decoder gives it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import number_of, write_video

from stereo3d.recording.stream.display_order import display_order
from stereo3d.recording.stream.video_file import Video
from stereo3d.values import Bytes

N = 60
KINDS: dict[str, dict[str, str]] = {
    "none": {"bf": "0"},
    "two": {"bf": "2"},
    "pyramid": {"bf": "4", "g": "20", "x264-params": "b-pyramid=normal:open-gop=1"},
    "one key": {"bf": "3", "g": "999"},
    "long": {"bf": "2", "g": "999", "x264-params": "scenecut=0"},
}


def moving(number: int) -> Bytes:
    """A picture that says its number, with so much going on that B-frames are worth it."""
    image = np.random.default_rng(number).integers(0, 30, (64, 96, 3), dtype=np.uint8)
    image[32:, :, 0] = 10 * (number % 25)
    image[8:24, (number * 5) % 70:(number * 5) % 70 + 20] = 200
    return image


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("avi")
    return {k: write_video(root / f"{k}.avi", map(moving, range(N)), **how) for k, how in KINDS.items()}


def as_decoded(path: Path) -> tuple[list[bytes], list[int]]:
    """The packets, and the numbers of those packets in the order their pictures are shown."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        context = container.streams.video[0].codec_context
        shown = []
        for number, packet in enumerate([*packets, None]):
            if packet is not None:
                packet.pts = number
            shown += [frame.pts for frame in context.decode(packet)]
        return [bytes(p) for p in packets], [n for n in shown if n is not None]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_decoder_s_order(kind: str, videos: dict[str, Path]) -> None:
    packets, shown = as_decoded(videos[kind])
    places = display_order(packets)
    assert places is not None and len(shown) == N
    np.testing.assert_array_equal(np.argsort(places), shown)
    assert (places == np.arange(N)).all() == (kind == "none")


@pytest.mark.parametrize("kind", KINDS)
def test_an_avi_s_frames_are_found_in_any_order_from_their_keyframes(kind: str, videos: dict[str, Path]) -> None:
    seen = Video(videos[kind])
    in_order = [seen[i] for i in range(N)]
    assert len(seen) == N and [number_of(x)[0] for x in in_order] == [i % 25 for i in range(N)]
    np.testing.assert_allclose(seen.time, np.arange(N) / 30)
    for i in np.random.default_rng(1).permutation(N)[:15]:
        np.testing.assert_array_equal(seen[int(i)], in_order[i])
    assert (len(seen._source.timeline.keys) > 1) == (kind != "long")
    seen.close()


def test_other_streams_are_left_to_others() -> None:
    assert display_order([b"\0\0\1\x41" + bytes(20)]) is None
    order = display_order([])
    assert order is not None and len(order) == 0


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_give_an_order_or_none(parts: list[bytes]) -> None:
    start = b"\0\0\1\x67\x42\0\x1e\xf4\0\0\1\x65"
    order = display_order([start + part for part in parts])
    assert order is None or sorted(order.tolist()) == list(range(len(parts)))
