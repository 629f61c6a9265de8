"""Killed at any moment and resumed, the work ends in the same bytes and at most one segment is done twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stereo3d import storage
from stereo3d.errors import UsageError
from stereo3d.poses import Poses2D
from stereo3d.segments import LENGTH, Segments
from stereo3d.skeleton import BABYPOSE_12

FRAMES = range(5, 5 + 4 * LENGTH + 17)


def joints(part: range) -> dict[str, Poses2D]:
    rng = np.random.default_rng(part.start)
    shape = (len(part), 12)
    xy = rng.normal(size=(*shape, 2))
    return {"left": Poses2D(xy, rng.random(shape), xy[..., 0], np.array(part) / 30, np.array(part), BABYPOSE_12)}


def run(output: Path, log: Path | None = None, **options: bool) -> Path:
    def work(part: range) -> dict[str, Poses2D]:
        if log:
            with open(log, "a") as file:
                file.write(f"{part.start}\n")
            time.sleep(0.005)
        return joints(part)

    segments = Segments(output, {"config": {"a": 1}}, **options)
    segments.run(FRAMES, work)
    return segments.join(FRAMES)


def test_the_output_is_all_segments_in_order(tmp_path: Path) -> None:
    left = storage.read(run(tmp_path / "out.h5"), "left")
    assert left.frame.tolist() == list(FRAMES)
    assert left.xy[LENGTH:2 * LENGTH].tolist() == joints(FRAMES[LENGTH:2 * LENGTH])["left"].xy.tolist()
    assert os.listdir(tmp_path) == ["out.h5"]


def test_fewer_frames_than_a_segment(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "out.h5", {})
    segments.run(range(3), joints)
    assert len(storage.read(segments.join(range(3)), "left")) == 3


def test_unfinished_work_is_not_thrown_away_unasked(tmp_path: Path) -> None:
    Segments(tmp_path / "out.h5", {"config": 1})
    with pytest.raises(UsageError, match="--resume to go on or --restart"):
        Segments(tmp_path / "out.h5", {"config": 1})
    with pytest.raises(UsageError, match="begun with another config; give --restart"):
        Segments(tmp_path / "out.h5", {"config": 2}, resume=True)
    Segments(tmp_path / "out.h5", {"config": 1}, resume=True)
    Segments(tmp_path / "out.h5", {"config": 2}, restart=True)


def test_finished_segments_are_not_done_again(tmp_path: Path) -> None:
    done: list[range] = []
    first = Segments(tmp_path / "out.h5", {})
    first.run(FRAMES[: 2 * LENGTH], joints)
    again = Segments(tmp_path / "out.h5", {}, resume=True)
    again.run(FRAMES, lambda part: (done.append(part), joints(part))[1])  # type: ignore[func-returns-value]
    assert [part.start for part in done] == [5 + 2 * LENGTH, 5 + 3 * LENGTH, 5 + 4 * LENGTH]


def test_a_spoilt_segment_is_done_again(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.h5").read_bytes()
    first = Segments(tmp_path / "out.h5", {"config": {"a": 1}})
    first.run(FRAMES, joints)
    victim = sorted((tmp_path / "out.h5.parts").glob("*.h5"))[1]
    victim.write_bytes(victim.read_bytes()[:-5])
    assert run(tmp_path / "out.h5", resume=True).read_bytes() == whole


def test_a_torn_last_line_of_the_manifest_is_tolerated(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.h5").read_bytes()
    first = Segments(tmp_path / "out.h5", {"config": {"a": 1}})
    first.run(FRAMES[: 2 * LENGTH], joints)
    manifest = tmp_path / "out.h5.parts" / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    assert run(tmp_path / "out.h5", resume=True).read_bytes() == whole


def test_a_value_made_once_is_kept(tmp_path: Path) -> None:
    segments = Segments(tmp_path / "out.h5", {})
    value = joints(range(3))["left"]
    assert segments.once("survey", lambda: value) == value
    again = Segments(tmp_path / "out.h5", {}, resume=True)
    assert again.once("survey", lambda: 1 / 0) == value  # type: ignore[arg-type]


@pytest.mark.slow
def test_kill_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole.h5").read_bytes()
    output, log = tmp_path / "out.h5", tmp_path / "log"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nfrom pathlib import Path\nimport test_segments as t\n"
        "print('ready', flush=True)\nt.run(Path(sys.argv[2]), Path(sys.argv[3]), resume=True)\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(output), str(log)]
    kills, random_ = 0, random.Random(1)
    while not output.exists():
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        if kills < 12:
            time.sleep(random_.uniform(0, 0.06))
            process.kill()
            kills += process.wait() != 0
        else:
            assert process.wait() == 0
        process.stdout.close()
    assert output.read_bytes() == whole
    assert len(log.read_text().split()) <= 5 + kills
    assert kills > 0
