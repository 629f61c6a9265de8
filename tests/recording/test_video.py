"""Videos: every frame by its index, whatever the container, the codec and the times."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from av.video.stream import VideoStream
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made import blank_frame, both, number_of, picture, write_video

from stereo3d.errors import LostPicture, MissingPackage, RecordingError, Stereo3DError
from stereo3d.recording import pictures
from stereo3d.recording.base import open_recording
from stereo3d.recording.stream.video_file import Video

N = 25
KINDS: dict[str, dict[str, Any]] = {
    "x264.mp4": {},
    "no-b-frames.mp4": {"bf": "0"},
    "open-gop.mp4": {"bf": "3", "x264-params": "open-gop=1:b-pyramid=1"},
    "one-keyframe.mp4": {"g": "999"},
    "x264.mkv": {"bf": "2"},
    "x264.ts": {"bf": "2"},
    "reordered.avi": {"bf": "2"},
    "motion.avi": {"codec": "mjpeg"},
    "mpeg4.avi": {"codec": "mpeg4", "b": "8M"},
    "vp9.webm": {"codec": "libvpx-vp9", "cpu-used": "8"},
    "x265.mp4": {"codec": "libx265", "x265-params": "log-level=none:pools=1"},
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("videos")
    return {n: write_video(root / n, [picture(i, "left") for i in range(N)], **how) for n, how in KINDS.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_by_index_is_the_one_in_order(kind: str, videos: dict[str, Path]) -> None:
    seen = Video(videos[kind])
    in_order = [seen[i] for i in range(N)]
    assert (len(seen), seen.size, seen.fps) == (N, (64, 48), pytest.approx(30))
    assert [number_of(x) for x in in_order] == [(i, "left") for i in range(N)]
    np.testing.assert_allclose(seen.time, np.arange(N) / 30, atol=1e-3)
    for i in (N - 1, 0, *np.random.default_rng(1).permutation(N)):
        np.testing.assert_array_equal(seen[int(i)], in_order[i], err_msg=f"frame {i}")
    seen.close()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(st.integers(0, N - 1), min_size=1, max_size=8), kind=st.sampled_from(sorted(KINDS)))
def test_any_order_of_asking_gives_the_same(wanted: list[int], kind: str, videos: dict[str, Path]) -> None:
    seen = Video(videos[kind])
    assert [number_of(seen[i])[0] for i in wanted] == wanted
    seen.close()


def test_in_order_nothing_is_decoded_twice(videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Video(videos["x264.mp4"])
    seen[0]
    sought: list[int] = []
    monkeypatch.setattr(seen._source, "run", lambda start: sought.append(start))
    assert [number_of(seen[i])[0] for i in (1, 2, 3, 5)] == [1, 2, 3, 5]
    assert sought == []
    seen.close()


def test_a_far_frame_is_sought_from_its_keyframe(videos: dict[str, Path]) -> None:
    seen = Video(videos["x264.mp4"])
    decoder, packets = seen._source.run(seen._source.start(N - 1))
    places = [place for place, _ in packets]
    assert sorted(places) == list(range(N - len(places), N)) and 0 < len(places) <= 8
    seen.close()


def test_times_are_those_of_the_packets(tmp_path: Path) -> None:
    pts = [3, 4, 7, 8, 20, 21]
    path = write_video(tmp_path / "a.mp4", [both(i) for i in range(6)], pts=pts)
    with open_recording(path) as recording:
        np.testing.assert_allclose(recording.time, (np.array(pts) - 3) / 30, atol=1e-6)
        assert [number_of(recording[i].images.left)[0] for i in (5, 2, 4)] == [5, 2, 4]
    with open_recording(path, fps=15) as recording:
        np.testing.assert_array_equal(recording.time, np.arange(6) / 15)


@pytest.mark.skipif(not hasattr(VideoStream, "set_display_rotation"), reason="this av cannot write turned videos")
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_video_is_put_upright(rotation: int, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", [picture(4, "left")] * 3, rotation=rotation)
    seen = Video(path)
    assert seen.size == ((64, 48) if rotation % 180 == 0 else (48, 64))
    capture = cv2.VideoCapture(str(path))
    reference = capture.read()[1][..., ::-1]
    capture.release()
    assert np.abs(seen[1].astype(int) - reference).max() <= 3
    assert seen[1].flags.c_contiguous
    seen.close()


def test_two_videos_of_unequal_length_are_paired_from_the_start(tmp_path: Path) -> None:
    left = write_video(tmp_path / "l.mp4", [picture(i, "left") for i in range(9)])
    right = write_video(tmp_path / "r.mkv", [picture(i, "right") for i in range(7)])
    with open_recording(left, right) as recording:
        assert len(recording) == 7 and len(recording.time) == 7
        assert recording.notes == ("left has 9 frames, right 7: the first 7 of each are paired",)
        assert [number_of(x) for x in recording[6].images] == [(6, "left"), (6, "right")]


def test_two_videos_of_unequal_rate_are_refused(tmp_path: Path) -> None:
    left = write_video(tmp_path / "l.mp4", [picture(i, "left") for i in range(4)])
    right = write_video(tmp_path / "r.mp4", [picture(i, "right") for i in range(4)], rate=60)
    with pytest.raises(RecordingError, match="expected 30.00 frames a second like .*, got 60.00"):
        open_recording(left, right)


def test_an_odd_width_holds_no_two_views(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", [np.zeros((16, 63, 3), np.uint8)], codec="mjpeg")
    with pytest.raises(RecordingError, match="expected two views of one size side by side, got 63 px for both"):
        open_recording(path)


@pytest.mark.parametrize("kind", ["x264.mkv", "x264.ts", "motion.avi"])
def test_a_cut_off_video_gives_the_frames_it_has(kind: str, videos: dict[str, Path], tmp_path: Path) -> None:
    data = videos[kind].read_bytes()
    path = tmp_path / kind
    path.write_bytes(data[:len(data) * 6 // 10])
    seen = Video(path)
    assert 2 < len(seen) < N
    assert [number_of(seen[i])[0] for i in range(len(seen) - 1)] == list(range(len(seen) - 1))
    seen.close()


def test_a_cut_off_mp4_says_so(videos: dict[str, Path], tmp_path: Path) -> None:
    data = videos["x264.mp4"].read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[:len(data) // 2])
    with pytest.raises(RecordingError, match="a.mp4: could not be read as a video"):
        open_recording(tmp_path / "a.mp4")


def test_a_lost_frame_is_named_and_the_others_keep_their_places(videos: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(videos["motion.avi"].read_bytes())
    blank_frame(path, 5)
    seen = Video(path)
    assert len(seen) == N
    with pytest.raises(LostPicture, match="frame 5: "):
        seen[5]
    assert [number_of(seen[i])[0] for i in (6, 4, 24)] == [6, 4, 24]
    seen.close()


@pytest.mark.parametrize("text", [
    "#EXTM3U\n#EXTINF:10,\nother.mp4\n", "ffconcat version 1.0\nfile other.mp4\n",
])
def test_a_list_of_other_files_is_no_video(text: str, videos: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "other.mp4").write_bytes(videos["x264.mp4"].read_bytes())
    (tmp_path / "a.mp4").write_text(text)
    with pytest.raises(RecordingError, match="could not be read as a video"):
        open_recording(tmp_path / "a.mp4")


def test_a_sound_file_is_no_video(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(RecordingError, match="expected a video, got a file without pictures"):
        open_recording(tmp_path / "a.mp4")


def test_pictures_beyond_the_limit_are_not_decoded(
    videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 64 * 48 - 1)
    with pytest.raises(RecordingError, match="expected a picture of 1 to 3071 px, got 64 x 48; refused"):
        Video(videos["x264.mp4"])


def test_without_pyav_the_extra_is_named(videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingPackage, match="needs the package av"):
        open_recording(videos["x264.mp4"])


@pytest.mark.parametrize("kind", ["x264.mp4", "x264.mkv", "motion.avi", "x264.ts"])
def test_whatever_the_bytes_only_our_errors_come_out(kind: str, videos: dict[str, Path], tmp_path: Path) -> None:
    whole = np.frombuffer(videos[kind].read_bytes(), np.uint8)
    rng = np.random.default_rng(3)
    path = tmp_path / kind
    for _ in range(20):
        data = whole.copy()
        where = rng.integers(0, min(len(data), rng.choice([300, len(data)])), rng.integers(1, 5))
        data[where] = rng.integers(0, 256, len(where))
        path.write_bytes(data[:rng.integers(50, len(data))] if rng.random() < 0.2 else data)
        try:
            with open_recording(path, side_by_side=True) as recording:
                for _ in recording.frames(0, 5):
                    pass
        except Stereo3DError as error:
            assert str(path) in str(error)


def test_the_real_pair(shared: Path) -> None:
    folder = shared / "data" / "pose2sim-single" / "videos"
    with open_recording(folder / "cam01.mp4", folder / "cam02.mp4", rectified=False) as recording:
        assert (len(recording), recording.size, recording.fps) == (100, (1080, 1920), 60)
        assert recording.codec == "h264, vp9"
        stream = {p.index: p for p in recording.frames(40, 46, 5)}
        assert list(stream) == [40, 45] and recording[45] == stream[45] and recording[40] == stream[40]
        assert recording[40].time == pytest.approx(40 / 60)
        rows = recording[40].images.left
        assert rows[:6].mean() < 30 < rows[100:].mean()


def test_an_export_of_the_zed_sdk_is_asked_about(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", [both(0, (672, 376))] * 3, codec="mjpeg", rate=25)
    with open_recording(path) as recording:
        assert recording.rectified is None and [note.split(":")[0] for note in recording.notes] == [
            "by its size an export of the ZED SDK, whose pictures are rectified",
            "exports of the ZED SDK say 25 frames a second or more, whatever the camera took",
        ]
    with open_recording(path, rectified=True, fps=15) as recording:
        assert recording.notes == () and recording.rectified and recording.fps == 15
        np.testing.assert_allclose(recording.time, np.arange(3) / 15)
    for other in (write_video(tmp_path / "b.mp4", [both(0, (672, 376))]), write_video(tmp_path / "b.avi", [both(0)])):
        with open_recording(other) as recording:
            assert recording.notes == ()
