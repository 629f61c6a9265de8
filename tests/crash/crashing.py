"""Runs jobs in children that are killed on the way; started by `test_crash`, told what to do in lines of JSON.

    {"job": "convert", "target": PATH, "resume": true, "kill_at": 17, "torn": false}
    {"job": "reconstruct", "target": PATH, "resume": false, "after": 0.02}

A child is killed at the `kill_at`-th time that it touches the disk, in the middle of a write where `torn`, or `after` so
many seconds; each is a fork, so that starting one costs nothing. The answer says how it ended, how often it touched the
disk, and how many parts it began.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from stereo3d import Config, Detect, pipeline, segments, steady_file
from stereo3d.recording import to_hdf5
from stereo3d.recording.base import open_recording
from stereo3d.recording.convert import convert
from stereo3d.recording.form import Form

LENGTH = 5
TOUCHES = ("fsync", "replace", "rename", "unlink", "mkdir", "rmdir", "truncate")


def do(job: str, source: str, target: str, resume: bool) -> None:
    how: Any = "resume" if resume else "refuse"
    with open_recording(source) as recording:
        if job == "convert":
            convert(recording, target, form=Form(quality=80, reencode=True), unfinished=how)
        else:
            pipeline.reconstruct(recording, target, config=Config(Detect("replay")), unfinished=how)


class Count:
    """What happened in a child, in a file that outlives it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def __call__(self, letter: str) -> None:
        os.write(self._file, letter.encode())


def hook(count: Count, kill_at: int, torn: bool) -> None:
    """Count every touch of the disk, and die at one of them."""
    left = kill_at

    def touched(before_death: Callable[[], object] = lambda: None) -> None:
        nonlocal left
        count("t")
        left -= 1
        if left == 0:
            before_death()
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            touched()
            return function(*args, **options)

        return run

    for name in TOUCHES:
        setattr(os, name, counted(getattr(os, name)))
    write = steady_file.SteadyFile.write

    def write_or_tear(self: Any, data: Any) -> int:
        whole = memoryview(data).cast("B")
        touched((lambda: write(self, whole[:len(whole) // 2])) if torn else lambda: None)
        return write(self, data)

    steady_file.SteadyFile.write = write_or_tear  # type: ignore[method-assign,assignment]


def note_parts(count: Count) -> None:
    """Count the parts that are begun."""
    for home, name in ((to_hdf5.ToHdf5, "_added"), (pipeline._Run, "_detect")):
        def begun(self: Any, *args: Any, real: Any = getattr(home, name)) -> Any:
            count("p")
            return real(self, *args)

        setattr(home, name, begun)


def child(order: dict[str, Any], source: str, log: Path) -> None:
    count = Count(log)
    note_parts(count)
    hook(count, order.get("kill_at", 0), order.get("torn", False))
    try:
        do(order["job"], source, order["target"], order["resume"])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    cv2.setNumThreads(1)
    segments.LENGTH = to_hdf5.LENGTH = LENGTH
    source, log = sys.argv[1], Path(sys.argv[2])
    for line in sys.stdin:
        order = json.loads(line)
        log.write_text("")
        pid = os.fork()
        if not pid:
            child(order, source, log)
        if "after" in order:
            time.sleep(order["after"])
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        seen = log.read_text()
        ended = "killed" if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        print(json.dumps({"ended": ended, "touches": seen.count("t"), "parts": seen.count("p")}), flush=True)


if __name__ == "__main__":
    main()
