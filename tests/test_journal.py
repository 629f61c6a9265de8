"""What was finished is known after a crash, and nothing else is taken for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stereo3d import atomic
from stereo3d.errors import InputError, UsageError
from stereo3d.journal import Journal, parts_of, sha256


def finish(journal: Journal, name: str, text: str = "x") -> None:
    atomic.write_text(journal.path(name), text)
    journal.finish(name)


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """An output of which the parts a and b are finished."""
    journal = Journal(tmp_path / "out", {"n": 1})
    finish(journal, "a")
    finish(journal, "b")
    return tmp_path / "out"


def test_finished_parts_are_known_again(begun: Path) -> None:
    again = Journal(begun, {"n": 1}, resume=True)
    assert [again.has(name) for name in "abc"] == [True, True, False] and len(again) == 2
    assert not again.joined
    again.discard()
    assert list(begun.parent.iterdir()) == []


def test_what_lies_there_is_not_thrown_away_unasked(begun: Path) -> None:
    with pytest.raises(UsageError, match="out.parts: unfinished work; give --resume to go on or --restart"):
        Journal(begun, {"n": 1})
    with pytest.raises(UsageError, match="was begun with another n; give --restart"):
        Journal(begun, {"n": 2}, resume=True)
    assert len(Journal(begun, {"n": 1}, resume=True)) == 2
    assert len(Journal(begun, {"n": 2}, restart=True)) == 0


def test_a_part_that_is_not_as_it_was_is_not_finished(begun: Path) -> None:
    (parts_of(begun) / "a").write_text("y")
    (parts_of(begun) / "b").unlink()
    assert len(Journal(begun, {"n": 1}, resume=True)) == 0


@pytest.mark.parametrize("spoil", [
    lambda data: data[:-4], lambda data: data + b'{"part": "c", "sha2', lambda data: data + b"\0" * 30 + b"\n",
    lambda data: data + b"[1]\n{}\n",
])
def test_torn_ends_are_cut_off_and_the_next_line_stands_alone(spoil, begun: Path) -> None:  # type: ignore[no-untyped-def]
    manifest = parts_of(begun) / "manifest.jsonl"
    manifest.write_bytes(spoil(manifest.read_bytes()))
    again = Journal(begun, {"n": 1}, resume=True)
    assert again.has("a")
    finish(again, "d")
    assert all(json.loads(line) for line in manifest.read_text().splitlines())
    assert Journal(begun, {"n": 1}, resume=True).has("d")


def test_a_torn_first_line_is_a_beginning(begun: Path) -> None:
    manifest = parts_of(begun) / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:5])
    assert len(Journal(begun, {"n": 1})) == 0


def test_a_join_that_was_killed_before_or_after_its_end(begun: Path) -> None:
    """An old output of the same size is not taken for the joined one."""
    begun.write_text("same")
    journal = Journal(begun, {"n": 1}, resume=True)
    with pytest.raises(KeyboardInterrupt), atomic.replacing(begun, journal.join) as temporary:
        temporary.write_text("size")
        raise KeyboardInterrupt
    assert not Journal(begun, {"n": 1}, resume=True).joined
    killed_before = begun.with_name("before")
    killed_before.write_text("size")
    journal.join(killed_before)
    assert not Journal(begun, {"n": 1}, resume=True).joined
    with atomic.replacing(begun, journal.join) as temporary:
        temporary.write_text("size")
    (parts_of(begun) / "a").unlink()
    after = Journal(begun, {"n": 1}, resume=True)
    assert after.joined and after.has("a")


def test_killed_while_the_parts_are_removed(begun: Path) -> None:
    """Whatever is left of them by then, the work is known to be finished."""
    journal = Journal(begun, {"n": 1}, resume=True)
    with atomic.replacing(begun, journal.join) as temporary:
        temporary.write_text("whole")
    parts = sorted(parts_of(begun).iterdir(), key=lambda path: path.name == "manifest.jsonl")
    for path in [None, *parts]:
        if path:
            path.unlink()
        again = Journal(begun, {"n": 1}, resume=True)
        assert again.joined and again.has("a") and again.has("b")
    again.discard()
    assert list(begun.parent.iterdir()) == [begun]


def test_an_old_output_is_no_finished_work(begun: Path) -> None:
    begun.write_text("old")
    assert not Journal(begun, {"n": 1}, resume=True).joined
    assert not Journal(begun, {"n": 1}, restart=True).joined


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder"):
        Journal(tmp_path / "none" / "out", {})
    (tmp_path / "out.parts").write_text("")
    with pytest.raises(InputError, match="out.parts: cannot be written"):
        Journal(tmp_path / "out", {})


def test_sums_of_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "a" / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    before = sha256(tmp_path / "a")
    (tmp_path / "a" / "x").rename(tmp_path / "a" / "y")
    assert sha256(tmp_path / "a") != before
