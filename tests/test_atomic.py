"""A file appears whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stereo3d import atomic
from stereo3d.errors import InputError


def test_text_replaces_the_old_one(tmp_path: Path) -> None:
    atomic.write_text(tmp_path / "a.txt", "one\n")
    assert atomic.write_text(tmp_path / "a.txt", "zwei ä\n").read_bytes() == "zwei ä\n".encode()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = atomic.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(KeyboardInterrupt), atomic.replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        atomic.write_text(tmp_path / "none" / "a.txt", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        atomic.write_text(tmp_path / "folder", "")
