"""What a machine remembers of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d.models import remembered


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_what_was_remembered_is_recalled() -> None:
    name = remembered.name_of({"weights": "ab", "size": [1, 2]})
    assert remembered.recall(name) is None
    remembered.remember(name, {"runtime": "torch", "trials": [1.5, None]})
    assert remembered.recall(name) == {"runtime": "torch", "trials": [1.5, None]}


def test_names_depend_on_all_of_a_key_and_not_on_its_order() -> None:
    assert remembered.name_of({"a": 1, "b": 2}) == remembered.name_of({"b": 2, "a": 1})
    assert remembered.name_of({"a": 1, "b": 2}) != remembered.name_of({"a": 1, "b": 3})


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b" " * (2 << 20)])
def test_torn_files_are_nothing(place: Path, content: bytes) -> None:
    place.mkdir()
    (place / "x.json").write_bytes(content)
    assert remembered.recall("x") is None


def test_bytes_are_recalled_only_whole() -> None:
    remembered.remember_bytes("model", b"numbers")
    right = "d9b6d67a40f0ef2a0e13a0f2d5a0d8b7"
    assert remembered.recall_bytes("model", right) is None
    import hashlib

    sha = hashlib.sha256(b"numbers").hexdigest()
    assert remembered.recall_bytes("model", sha[:16]) == b"numbers"
    assert remembered.recall_bytes("model", "") is None and remembered.recall_bytes("other", sha) is None


def test_a_folder_that_cannot_be_written_is_no_error(place: Path) -> None:
    place.write_text("a file where the folder should be")
    remembered.remember("x", {})
    remembered.remember_bytes("x", b"")
    assert remembered.recall("x") is None


@pytest.mark.parametrize(("platform", "variables", "end"), [
    ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/stereo3d"), ("linux", {"HOME": "/me"}, "/me/.cache/stereo3d"),
    ("darwin", {"HOME": "/me"}, "/me/Library/Caches/stereo3d"),
    ("win32", {"LOCALAPPDATA": "/local"}, "/local/stereo3d/cache"),
])
def test_the_folder_is_where_the_system_keeps_such_things(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], end: str
) -> None:
    for name in ("STEREO3D_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(remembered.sys, "platform", platform)
    assert remembered.folder().as_posix() == end
