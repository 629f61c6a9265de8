"""Offset, rate and swapped views on the command line, and what is said of views that are the wrong way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np

SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"


def write_view(path: Path, first: int) -> Path:
    """A video of pictures whose grey says their number, from that one to the 29th."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(first, 30):
            image = np.full((48, 64, 3), 8 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_an_offset_pairs_two_videos(run: Any, tmp_path: Path) -> None:
    left, right = write_view(tmp_path / "l.mp4", 0), write_view(tmp_path / "r.mp4", 6)
    code, out, _ = run("info", left, right, "--json")
    assert code == 0 and json.loads(out)["frames"] == 24
    code, out, _ = run("info", left, right, "--offset", 0.2, "--fps", 30, "--json")
    facts = json.loads(out)
    assert code == 0 and facts["frames"] == 24 and facts["invalid"] == 0
    assert facts["notes"] == ["left has 30 frames, right 24: 24 pairs lie in the time of both"]
    code, out, _ = run("convert", left, right, "--offset", 0.2, "--raw", "-o", "a.h5")
    assert code == 0
    from stereo3d.recording.base import open_recording

    with open_recording("a.h5") as recording:
        for pair in recording.frames():
            assert [round(float(image.mean()) / 8) for image in pair.images] == [pair.index + 6] * 2
    code, _, err = run("info", left, "--offset", 0.2)
    assert code == 2 and "offset: expected two videos" in err


def test_info_is_laid_out_for_people(run: Any, tmp_path: Path) -> None:
    paths = [write_view(tmp_path / f"{side}.mp4", first) for side, first in (("l", 0), ("r", 2))]
    code, out, _ = run("info", *paths, "--offset", 0.08)
    lines = dict(line.split(None, 1) for line in out.splitlines() if not line.startswith(" "))
    assert code == 0 and lines["size"] == "64 x 48" and lines["rectified"] == "unknown" and lines["invalid"] == "0"
    assert out.splitlines()[-2].startswith("           ") and "ms apart" in out.splitlines()[-2]


def test_views_the_wrong_way_round_are_told(run: Any) -> None:
    code, out, err = run("info", SAMPLE)
    assert code == 0 and "left and right as they should be" in out and not err
    code, out, _ = run("info", SAMPLE, "--swap")
    assert code == 0 and "LEFT AND RIGHT ARE THE WRONG WAY ROUND: open it with --swap" in out
    code, _, err = run("convert", SAMPLE, "--swap", "--stop", 0.2, "-o", "a.h5")
    assert code == 0 and "LEFT AND RIGHT ARE THE WRONG WAY ROUND" in err
    code, _, err = run("convert", "a.h5", "--stop", 0.2, "-o", "b.h5")
    assert code == 0 and "LEFT AND RIGHT ARE THE WRONG WAY ROUND" in err
    code, _, err = run("convert", "a.h5", "--swap", "--stop", 0.2, "-o", "c.h5")
    assert code == 0 and "LEFT AND RIGHT" not in err
    code, _, err = run("reconstruct", "a.h5", "--detector", "replay", "--dry-run", "-o", "d.h5")
    assert "LEFT AND RIGHT ARE THE WRONG WAY ROUND" in err
