"""Fetching, against a server on this machine: whole, in parts, broken off, and of the wrong thing."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stereo3d.errors import CheckpointError, InputError, MissingWeights, UsageError
from stereo3d.models import fetch as room
from stereo3d.models.fetch import check_sum, fetch
from stereo3d.models.registry import Entry, entry_named

DATA = bytes(range(256)) * 1000
DIGEST = hashlib.sha256(DATA).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves DATA, and can be told to behave badly."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.ranges, self.break_after, self.status = DATA, True, None, None
        self.asked: list[str | None] = []

    content: bytes
    ranges: bool
    break_after: int | None
    status: int | None

    @property
    def entry(self) -> Entry:
        address = f"http://127.0.0.1:{self.server_address[1]}/w.pth"
        return dataclasses.replace(
            entry_named("darkpose-w32-384x288"), file="w.pth", address=address, sha256=DIGEST[:8]
        )


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and server.ranges else 0
        if server.status or start >= len(server.content) > 0:
            self.send_error(server.status or 416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:server.break_after])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_a_file_arrives_whole(server: Server, tmp_path: Path) -> None:
    said: list[tuple[int, int | None]] = []
    path = fetch(server.entry, tmp_path / "new" / "w.pth", on_progress=lambda *x: said.append(x))
    assert path.read_bytes() == DATA and [p.name for p in path.parent.iterdir()] == ["w.pth"]
    assert said[0] == (0, len(DATA)) and said[-1] == (len(DATA), len(DATA))


def test_what_was_begun_goes_on(server: Server, tmp_path: Path) -> None:
    server.break_after = 100_000
    with pytest.raises(MissingWeights, match="run it again to go on"):
        fetch(server.entry, tmp_path / "w.pth")
    assert (tmp_path / "w.pth.part").stat().st_size == 100_000 and not (tmp_path / "w.pth").exists()
    server.break_after = None
    assert fetch(server.entry, tmp_path / "w.pth").read_bytes() == DATA
    assert server.asked == [None, "bytes=100000-"]


def test_a_server_that_cannot_go_on_begins_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(DATA[:5000])
    server.ranges = False
    assert fetch(server.entry, tmp_path / "w.pth").read_bytes() == DATA


def test_a_part_that_is_whole_already_is_only_checked(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(DATA)
    assert fetch(server.entry, tmp_path / "w.pth").read_bytes() == DATA


def test_another_file_than_the_published_one_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.content = DATA[:-1] + b"x"
    with pytest.raises(CheckpointError, match=rf"whose sha256 begins with {DIGEST[:8]}, got"):
        fetch(server.entry, tmp_path / "w.pth")
    assert not list(tmp_path.iterdir())


def test_a_part_of_another_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth.part").write_bytes(b"x" * 5000)
    with pytest.raises(CheckpointError, match="torn or another one"):
        fetch(server.entry, tmp_path / "w.pth")
    assert not list(tmp_path.iterdir())
    assert fetch(server.entry, tmp_path / "w.pth").read_bytes() == DATA


@pytest.mark.parametrize("status", [404, 503])
def test_without_the_file_the_stick_is_explained(server: Server, tmp_path: Path, status: int) -> None:
    server.status = status
    with pytest.raises(MissingWeights) as caught:
        fetch(server.entry, tmp_path / "w.pth")
    *_, elsewhere, here = str(caught.value).splitlines()
    assert f"HTTP {status}" in str(caught.value)
    assert elsewhere.split() == ["elsewhere:", "curl", "-L", "-o", "w.pth", server.entry.address]
    assert here.split() == ["here:", "stereo3d", "weights", "add", "w.pth"]


def test_without_network_the_stick_is_explained(tmp_path: Path) -> None:
    with Server() as closed:
        entry = closed.entry
    with pytest.raises(MissingWeights, match=r"could not be fetched from http://127.*\n  elsewhere: curl"):
        fetch(entry, tmp_path / "w.pth")


def test_no_more_is_taken_than_a_checkpoint_can_have(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST", 1000)
    with pytest.raises(CheckpointError, match="got more than 1000 bytes"):
        fetch(server.entry, tmp_path / "w.pth")


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="cannot be written"):
        fetch(server.entry, tmp_path / "file" / "w.pth")


def test_what_is_brought_by_hand_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not to be fetched by a program; see https://github.com/ostadabbas"):
        fetch(entry_named("fidip-w48-384x288"), tmp_path / "w.pth")


@pytest.mark.parametrize("address", ["file:///etc/hostname", "ftp://127.0.0.1/w.pth"])
def test_only_the_web_is_fetched_from(address: str, tmp_path: Path) -> None:
    entry = dataclasses.replace(entry_named("darkpose-w32-384x288"), address=address)
    with pytest.raises(UsageError, match="address: expected https://"):
        fetch(entry, tmp_path / "w.pth")


def test_check_sums_may_be_known_in_part(server: Server, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(DATA)
    assert check_sum(tmp_path / "w.pth", server.entry) == DIGEST
    assert check_sum(tmp_path / "w.pth", dataclasses.replace(server.entry, sha256="")) == DIGEST
