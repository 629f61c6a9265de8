"""Damaged and unequal videos: frames are marked, not lost, and pairs are made by time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made import both, number_of, picture, write_video

from stereo3d.errors import RecordingError, UsageError
from stereo3d.recording.base import Recording, open_recording
from stereo3d.recording.stream.video_file import Video
from stereo3d.stereo import SIDES

N = 24
KEYS = (0, 8, 16)


def noisy(number: int) -> Any:
    """Both views side by side, with noise, so that each packet is long enough to be hurt."""
    image = both(number, (128, 96)).astype(int)
    image[:40] += np.random.default_rng(number).integers(-40, 40, image[:40].shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def hurt(path: Path, number: int, n_bytes: int = 40) -> Path:
    """Overwrite the middle of one packet's data."""
    import av

    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][number]
        at, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    middle = at + size // 2
    data[middle:middle + n_bytes] = bytes(n_bytes)
    path.write_bytes(data)
    return path


def invalid(recording: Recording) -> list[int]:
    """The frames that are marked, after seeing that the others are what they should be."""
    for pair in recording.frames():
        assert not pair.valid or [number_of(x) for x in pair.images] == [(pair.index, "left"), (pair.index, "right")]
    return [pair.index for pair in recording.frames() if not pair.valid]


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi"])
@pytest.mark.parametrize("bf", ["0", "2"])
def test_a_damaged_stretch_of_h264_ends_at_the_next_keyframe(ending: str, bf: str, tmp_path: Path) -> None:
    options = {"bf": bf, "keyint_min": "8", "x264-params": "scenecut=0", "threads": "1"}
    path = write_video(tmp_path / f"a.{ending}", map(noisy, range(N)), **options)
    hurt(path, 11)
    with open_recording(path, side_by_side=True) as recording:
        marked = invalid(recording)
        assert len(recording) == N and recording.valid.all()
        assert marked and marked == list(range(marked[0], 16)) and 8 < marked[0] <= 11
        assert "damaged" in recording[marked[0]].faults.left
        assert recording[marked[-1] + 1].valid and recording[0].valid and not recording[12].valid


@pytest.mark.parametrize(("n_bytes", "lost"), [(200, [5]), (4000, [5, 6, 7, 8])])
def test_lost_motion_jpeg_frames_cost_themselves(n_bytes: int, lost: list[int], tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", map(noisy, range(N)), codec="mjpeg")
    hurt(path, 5, n_bytes)
    with open_recording(path, side_by_side=True) as recording:
        assert invalid(recording) == lost and len(recording) == N
        assert np.flatnonzero(~recording.valid).tolist() == lost[1:]
        assert recording[9].time == pytest.approx(0.3) and "damaged" in recording[5].faults.left


@pytest.mark.parametrize("bf", ["0", "2"])
def test_lost_frames_of_an_avi_in_h264_cost_no_more_than_their_stretch(bf: str, tmp_path: Path) -> None:
    options = {"bf": bf, "keyint_min": "8", "x264-params": "scenecut=0", "threads": "1"}
    path = write_video(tmp_path / "a.avi", map(noisy, range(N)), **options)
    with open_recording(path, side_by_side=True) as recording:
        assert invalid(recording) == []
    hurt(path, 10, 3000)
    with open_recording(path, side_by_side=True) as recording:
        marked = invalid(recording)
        assert len(recording) == N and marked == list(range(marked[0], marked[-1] + 1))
        assert 8 < marked[0] <= 11 and marked[-1] in (15, 23)
        np.testing.assert_allclose(recording.time, np.arange(N) / 30, atol=1e-6)
        assert [recording[i].valid for i in (0, 12, 8)] == [True, False, True]


def side(name: str, numbers: Any, path: Path, rate: int = 30, **how: Any) -> Path:
    numbers = list(numbers)
    return write_video(path, [picture(i, name) for i in numbers], rate=rate, pts=[i - numbers[0] for i in numbers], **how)


def numbers_of(recording: Recording) -> list[tuple[int | None, int | None]]:
    return [
        tuple(None if pair.faults[s] else number_of(pair.images[s])[0] for s in SIDES)  # type: ignore[misc]
        for pair in recording.frames()
    ]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_frames_that_one_camera_dropped_leave_gaps(ending: str, tmp_path: Path) -> None:
    left = side("left", [0, 1, 2, 5, 6, 7, 8, 9], tmp_path / f"l.{ending}")
    right = side("right", [0, 1, 2, 3, 4, 5, 7, 8, 9, 10], tmp_path / f"r.{ending}")
    with open_recording(left, right) as recording:
        assert numbers_of(recording) == [
            (0, 0), (1, 1), (2, 2), (None, 3), (None, 4), (5, 5), (6, None), (7, 7), (8, 8), (9, 9),
        ]
        np.testing.assert_allclose(recording.time, np.arange(10) / 30, atol=1e-3)
        assert np.flatnonzero(~recording.valid).tolist() == [3, 4, 6]
        assert recording[3].faults.left.endswith("l." + ending + ": has no picture for pair 3: the camera dropped it")
        assert recording.notes == (
            "left has 8 frames, right 10: 10 pairs lie in the time of both",
            "3 pairs lack a picture that one of the cameras dropped: they are marked invalid",
        )


@pytest.mark.parametrize(("late", "offset"), [(4, 4 / 30), (-3, -0.1), (4, 0.14)])
def test_videos_with_different_starts_are_paired_by_the_offset(late: int, offset: float, tmp_path: Path) -> None:
    left = side("left", range(max(0, -late), 20), tmp_path / "l.mp4")
    right = side("right", range(max(0, late), 24), tmp_path / "r.mp4")
    with open_recording(left, right, offset=offset) as recording:
        assert numbers_of(recording) == [(i, i) for i in range(abs(late), 20)]
        assert recording.time[0] == 0 and recording.valid.all()


def test_timecodes_pair_them_without_being_told(tmp_path: Path) -> None:
    import av

    paths = []
    for name, first, code in (("left", 0, "10:00:00:00"), ("right", 6, "10:00:00:06")):
        plain = side(name, range(first, 20), tmp_path / f"{name}.plain.mp4")
        with av.open(str(plain)) as source, av.open(str(tmp_path / f"{name}.mov"), "w") as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            stream.metadata["timecode"] = code
            for packet in source.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
        paths.append(tmp_path / f"{name}.mov")
    with open_recording(*paths) as recording:
        assert numbers_of(recording) == [(i, i) for i in range(6, 20)]
        assert recording.notes[0] == "the right video begins +0.200 s after the left one by their timecodes"


def test_a_variable_rate_is_paired_by_time(tmp_path: Path) -> None:
    when = [0, 1, 2, 4, 5, 6, 7, 11, 12, 13]
    paths = [side(name, when, tmp_path / f"{name}.mkv") for name in SIDES]
    with open_recording(*paths) as recording:
        assert numbers_of(recording) == [(i, i) for i in when] and recording.valid.all()
        np.testing.assert_allclose(recording.time, np.array(when) / 30, atol=1e-3)


def test_videos_that_do_not_overlap_are_refused(tmp_path: Path) -> None:
    paths = [side(name, range(9), tmp_path / f"{name}.mp4") for name in SIDES]
    with pytest.raises(RecordingError, match=r"expected videos of the same time, got .* that lie \+9.00 s apart"):
        open_recording(*paths, offset=9.0)
    with pytest.raises(UsageError, match="offset: expected two videos"):
        open_recording(paths[0], offset=9.0)


def test_a_lag_within_the_pair_is_noted(tmp_path: Path) -> None:
    paths = [side(name, range(9), tmp_path / f"{name}.mp4") for name in SIDES]
    with open_recording(*paths, offset=0.012) as recording:
        assert recording.notes[-1] == "the pictures of a pair are 12 ms apart: what moves is misplaced by that"


@pytest.mark.parametrize(("codec", "form", "size"), [
    ("libx264", "yuv420p10le", (64, 48)), ("libx265", "yuv420p10le", (64, 48)), ("ffv1", "gray", (64, 48)),
    ("ffv1", "gray10le", (64, 48)), ("ffv1", "gray16le", (64, 48)), ("ffv1", "rgb48le", (64, 48)),
    ("ffv1", "yuv420p", (63, 47)), ("mjpeg", "yuvj420p", (63, 47)),
])
def test_deep_grey_and_odd_videos(codec: str, form: str, size: tuple[int, int], tmp_path: Path) -> None:
    import av

    images = [picture(i, "left", size) for i in range(5)]
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
        stream = container.add_stream(codec, rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = *size, form
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    seen = Video(tmp_path / "a.mkv")
    assert seen.size == size and len(seen) == 5
    for i, image in enumerate(images):
        grey = np.repeat(np.round(image @ [0.299, 0.587, 0.114])[..., None], 3, 2) if "gray" in form else image
        assert np.abs(seen[i].astype(float) - grey)[:, :, :].mean() < 4 and seen[i].dtype == np.uint8
    seen.close()


def test_views_the_wrong_way_round_are_put_right(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [both(i) for i in range(3)])
    with open_recording(path, swap=True) as recording:
        assert [number_of(x) for x in recording[1].images] == [(1, "right"), (1, "left")]
