"""Texts of any length and depth end in a value or a sentence."""

from __future__ import annotations

import io
import json
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stereo3d import limits
from stereo3d.errors import InputError

trees = st.recursive(st.none() | st.floats(allow_nan=False) | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=9)


@given(tree=trees)
def test_json_as_deep_as_people_write_it_is_read(tree: object) -> None:
    assert limits.parse_json(json.dumps(tree)) == tree


@pytest.mark.parametrize("text", ["[" * 5 + "]" * 4, "[" * 33 + "]" * 33, '{"a":' * 33 + "1" + "}" * 33, "[" * 200_000, "9" * 5000, "nul"])
def test_json_that_is_none_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected JSON|up to 32 deep"):
        limits.parse_json(text)
    assert limits.parse_json("[" * 32 + "]" * 32)


@pytest.mark.parametrize("text", [
    "a = ", "a = " + "[" * 33 + "]" * 33, "a = " + "[" * 30_000, ".".join("a" * 40) + " = 1", "x = " + "9" * 5000, "y = 1\n" * 20_000,
])
def test_toml_that_is_none_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected TOML|up to 32 deep"):
        limits.parse_toml(text)


def test_the_slowest_toml_takes_seconds_at_most() -> None:
    """A key of many parts takes time by their number's square."""
    began = time.process_time()
    tail = ".a" * limits.MOST_DOTS + " = 1\n"
    with pytest.raises(InputError, match="deep"):
        limits.parse_toml("".join(f"a{i}{tail}" for i in range(limits.LONGEST_SETTINGS // len(tail) - 1)))
    with pytest.raises(InputError, match="1000 dots a line"):
        limits.parse_toml("a." + tail)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("text", ["[" + "1," * 7_000_001, "[" * 500_001 + "{" * 500_001, "[" + "[]," * 600_000 + "{}," * 500_000])
def test_json_that_holds_more_than_memory_should_is_refused_before_it_is_read(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InputError, match="of up to 7000000 values"):
        limits.parse_json(text)
    assert time.process_time() - began < 1


def test_a_table_has_lines_of_a_bounded_length_and_number_of_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 300_000 + b"," * limits.MOST_COLUMNS + b"\n" + b"x" * (limits.LONGEST_LINE - 1) + b"\n")
    limits.check_table(path)
    for line in (b"," * (limits.MOST_COLUMNS + 1), b"\t" * (limits.MOST_COLUMNS + 1), b"x" * (limits.LONGEST_LINE + 1)):
        path.write_bytes(b"a\n" + line)
        with pytest.raises(InputError, match="10000 cells and 1048576 bytes"):
            limits.check_table(path)


def test_joints_take_no_more_than_their_file_can_hold() -> None:
    limits.check_joints(108_000, 17, 60 << 20)
    limits.check_joints(2, limits.MOST_JOINTS, 10)
    for n_frames, n_joints, sentence in ((1, 1001, "up to 1000 joints, got 1001"), (100_000, 1000, "claims 2400000000 bytes")):
        with pytest.raises(InputError, match=sentence):
            limits.check_joints(n_frames, n_joints, 1 << 20)


def test_toml_is_read() -> None:
    assert limits.parse_toml('[detect]\nx = [1, 2]\ny = "z"') == {"detect": {"x": [1, 2], "y": "z"}}


def test_texts_are_read_up_to_their_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffä".encode())
    assert limits.read_text(path, 10) == "ä"
    with pytest.raises(InputError, match="up to 4 bytes, got a longer one"):
        limits.read_text(path, 4)
    path.write_bytes(b"\xff")
    with pytest.raises(InputError, match="text file in UTF-8, got other bytes at 0"):
        limits.read_text(path, 4)
    with pytest.raises(InputError, match="cannot be read"):
        limits.read_text(tmp_path, 4)


@settings(max_examples=30)
@given(tree=trees, protocol=st.integers(0, 5))
def test_pickles_of_plain_things_pass_and_the_stream_stands_behind_them(tree: object, protocol: int) -> None:
    stream = io.BytesIO(pickle.dumps(tree, protocol) + b"more")
    limits.check_pickle(stream)
    assert stream.read() == b"more"


@pytest.mark.parametrize("content", [
    b"Nr\xff\xff\xff\x7f.", b"Np2000000000\n.", b"\x82\x01.", b"N" * (limits.MOST_STEPS + 2) + b".", b"\x80", b"B\xff\xff\xff\x7fx."
])
def test_pickles_that_ask_for_too_much_do_not(content: bytes) -> None:
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        limits.check_pickle(io.BytesIO(content))
