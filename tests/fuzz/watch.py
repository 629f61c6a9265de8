"""What a reader opens: Python's own opens by an audit hook, those of C libraries by watching what must stay closed."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

_IN_OPEN = 0x20
_REFUSED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect", "socket.bind", "urllib.Request")
_OF_PYTHON = tuple({sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(Path(__file__).parents[2])})
_OF_THE_MACHINE = ("/proc/", "/sys/", "/dev/null", "/dev/urandom", "/etc/ld.so.cache", "/usr/share/zoneinfo")
_TRIAL = {sys.executable, "-m", "stereo3d.detectors.tflite"}
"""The one command that a reader may start: it tries a model where a crash does no harm."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Notes whatever is opened outside a folder, and written inside it, while it is on."""

    def __init__(self, inside: Path, forbidden: Path) -> None:
        """`forbidden` is a folder of files that specimens lead to: opening one is seen whoever does it."""
        self._inside, self._on = f"{inside.resolve()}{os.sep}", False
        self._seen: list[str] = []
        self._notify = _watch_folder(forbidden)
        sys.addaudithook(self._hear)

    def __enter__(self) -> list[str]:
        """The list that fills with what must not have been opened."""
        self._seen, self._on = [], True
        return self._seen

    def __exit__(self, *_: object) -> None:
        self._on = False
        try:
            while events := os.read(self._notify, 4096):
                self._seen.append(f"opened by a C library: {events[16:].rstrip(bytes(1)).decode(errors='replace')}")
        except BlockingIOError:
            pass

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event in _REFUSED and not (event == "subprocess.Popen" and _TRIAL <= set(map(str, arguments[1]))):
            self._seen.append(f"{event}: {arguments[0]!r}")
        elif event == "open" and isinstance(arguments[0], (str, bytes, os.PathLike)):
            path = os.path.realpath(os.fsdecode(arguments[0]))
            within = f"{path}{os.sep}".startswith(self._inside)
            if within and arguments[2] & _WRITES:
                self._seen.append(f"written: {path}")
            elif not within and not path.startswith(_OF_PYTHON + _OF_THE_MACHINE):
                self._seen.append(f"opened: {path}")


def _watch_folder(folder: Path) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    handle: int = libc.inotify_init1(os.O_NONBLOCK)
    if handle < 0 or libc.inotify_add_watch(handle, os.fsencode(folder), _IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), "the kernel watches no folder here")
    return handle
