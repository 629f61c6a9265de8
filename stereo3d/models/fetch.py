"""Fetching a published checkpoint, only ever when somebody asks for it.

What was begun goes on where it stopped. What arrives counts only when its check sum is the published one.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from stereo3d import atomic
from stereo3d.errors import CheckpointError, InputError, MissingWeights, UsageError
from stereo3d.journal import sha256
from stereo3d.models.registry import Entry
from stereo3d.models.shelf import by_hand

TIMEOUT = 30.0
"""Seconds without a byte until the line counts as dead."""
MOST = 2 << 30
"""Bytes; no published checkpoint is as large."""
PIECE = 1 << 20
Progress = Callable[[int, int | None], None]
"""Told how many bytes are there, and of how many (None: nobody knows)."""


def fetch(entry: Entry, target: Path, *, on_progress: Progress = lambda *_: None) -> Path:
    """The path of the checkpoint's file, fetched to `target` and found to be what was published.

    A part that an earlier run left beside it is gone on from. Raises UsageError for a checkpoint that is brought by
    hand, MissingWeights where it cannot be fetched (with what to do instead), CheckpointError for another file than
    the published one.
    """
    if not entry.fetchable:
        raise UsageError(f"{entry.name}: is not to be fetched by a program; see {entry.address}, then: "
                         f"stereo3d weights add {entry.file}")
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _continue(entry.address, part, on_progress)
    except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
        why = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else str(error)
        raise MissingWeights(
            f"{entry.name}: could not be fetched from {entry.address} ({why}); run it again to go on, or\n"
            f"{by_hand(entry)}"
        ) from error
    except OSError as error:
        raise InputError(f"{part}: cannot be written ({error.strerror or error})") from error
    try:
        check_sum(part, entry)
    except CheckpointError:
        part.unlink()
        raise
    atomic.sync(part)
    os.replace(part, target)
    return target


def check_sum(path: Path, entry: Entry) -> str:
    """The file's sha256. Raises CheckpointError where it does not begin as the published one does."""
    found = sha256(path)
    if not found.startswith(entry.sha256):
        raise CheckpointError(
            f"{path.name}: expected {entry.name}, whose sha256 begins with {entry.sha256}, got {found[:16]}...; "
            "the file is torn or another one"
        )
    return found


def _continue(address: str, part: Path, on_progress: Progress) -> None:
    """Fetches what is missing of a part, or all of it where the server cannot begin in the middle."""
    there = part.stat().st_size if part.is_file() else 0
    try:
        with _opened(address, there) as response:
            _write(response, part, there if _goes_on_at(response, there) else 0, on_progress)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416 or not there:
            raise
        # Nothing is missing, or the part belongs to another file: the check sum tells.


def _opened(address: str, start: int) -> HTTPResponse:
    if not address.startswith(("https://", "http://")):
        raise UsageError(f"address: expected https://, got {address}")
    headers = {"User-Agent": "stereo3d", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    response = urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT)
    return response  # type: ignore[no-any-return]


def _goes_on_at(response: HTTPResponse, start: int) -> bool:
    return response.status == 206 and (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _write(response: HTTPResponse, part: Path, start: int, on_progress: Progress) -> None:
    if response.status == 206 and not start:
        raise HTTPException("the server sent another part than was asked for")
    length = response.headers.get("Content-Length") or ""
    total = start + int(length) if length.isdecimal() else None
    done = start
    on_progress(done, total)
    with part.open("ab" if start else "wb") as file:
        while piece := response.read(PIECE):
            done += len(piece)
            if done > MOST:
                raise CheckpointError(f"{part.name}: expected a file of weights, got more than {MOST} bytes")
            file.write(piece)
            on_progress(done, total)
    if total is not None and done < total:
        raise HTTPException(f"the line broke after {done} of {total} bytes")
