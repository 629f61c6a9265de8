"""How much a file from elsewhere may ask for: every limit of the readers in one place.

A file can claim any size in a few bytes and nest without end. Whatever it says is held against these numbers, or
against the file's own length, before memory is taken for it or a loop is begun, so that anything malformed ends in a
sentence within seconds and 500 MB. What is specific to HDF5 lies in `hdf5_gate`; both hold for all rooms above.
"""

from __future__ import annotations

import json
import os
import pickle
import pickletools
import tomllib
from typing import IO, Any

from stereo3d.errors import InputError

MOST_PIXELS = 40_000_000
"""Of one picture; two of them decoded stay under 500 MB. 8K has 33 million."""
MOST_SCANS, MOST_SCANNED = 100, 10 * MOST_PIXELS
"""Of one JPEG, and pixels times scans. A progressive one has about ten, each a pass over all pixels, however few its
bytes are."""
MOST_FRAMES = 10_000_000
"""Of one recording: 92 hours at 30 pairs a second."""
LARGEST_PICTURE = 256 << 20
"""Bytes of one picture's file, and of one record of a stream of pictures."""

LARGEST_CHUNK = 128 << 20
"""Bytes of an HDF5 chunk, which is held whole to read any part of it."""
MOST_CHUNKS = 1 << 17
"""Of HDF5, in one picture or array."""
MOST_OBJECTS = 10_000
"""Groups and data sets of an HDF5 file."""
MOST_IN_COLLECTION = 1 << 16
"""Rows of variable length that HDF5 keeps in one place, gone through one by one."""
SPARSEST, SMALLEST_CLAIM = 4, 16 << 20
"""An array may unpack to so many times the file's own length, or to so many bytes."""
MOST_BYTES = 4 << 30
"""Of one array, whatever the file's length is."""

LONGEST_SETTINGS = 64 << 10
"""Bytes of a TOML file."""
MOST_DOTS = 1000
"""In a line of TOML: a key of many parts takes time by their number's square."""
LONGEST_TEXT = 4 << 20
"""Bytes of a calibration or a provenance."""
LARGEST_JSON = 64 << 20
"""Bytes of joints as JSON."""
MOST_VALUES, MOST_BRACKETS = 7_000_000, 1_000_000
"""Commas in JSON, each of which brings a number or text of some 60 bytes, and its lists and tables, which take more: an
hour of joints of one view has 6 million in 216,000."""
LONGEST_LINE, MOST_COLUMNS = 1 << 20, 10_000
"""Bytes of a line, and cells in it, of a table as text: each column costs as much as thousands of rows."""
MOST_JOINTS = 1000
"""Of one infant in files of joints."""
DEEPEST = 32
"""Lists and tables within each other, in JSON and TOML."""

MOST_STEPS = 1_000_000
"""Instructions of a pickle; a training checkpoint of HRNet-W48 has about 150,000."""
MOST_AXES = 8
"""Of a tensor."""
LONGEST_HEADER = 16 << 20
"""Bytes, of safetensors; HRNet's is 0.2 MB."""
LONGEST_NAME = 1000
"""Characters of a tensor's name, which modules within modules make longer and longer."""


def check_claim(what: str, claimed: int, length: int) -> None:
    """Raises InputError where `what` in a file of `length` bytes claims more bytes than such a file can hold."""
    if claimed > min(max(SPARSEST * length, SMALLEST_CLAIM), MOST_BYTES):
        raise InputError(f"{what} claims {claimed} bytes in a file of {length}; refused")


def read_text(path: str | os.PathLike[str], most: int) -> str:
    """The text of a file in UTF-8 of up to `most` bytes. Raises InputError where it is longer, other or not there."""
    try:
        with open(path, "rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    if len(content) > most:
        raise InputError(f"{path}: expected a text of up to {most} bytes, got a longer one; check the path, cut it up")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected a text file in UTF-8, got other bytes at {error.start}") from error


def parse_json(text: str, **settings: Any) -> Any:
    """What a JSON text holds; `settings` are those of json.loads. Raises InputError, also for one that is too deep or
    holds too much."""
    if text.count(",") > MOST_VALUES or text.count("[") + text.count("{") > MOST_BRACKETS:
        raise InputError(
            f"expected JSON of up to {MOST_VALUES} values, {MOST_BRACKETS} lists and tables, got more, which takes "
            "over 500 MB to read; cut it into parts of fewer pictures"
        )
    try:
        content = json.loads(text, **settings)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON, got something else ({error})") from error
    _check_depth(content)
    return content


def check_table(path: str | os.PathLike[str]) -> None:
    """Raises InputError where a table as text has a line that is too long, or of too many cells."""
    with open(path, "rb") as file:
        while line := file.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE or max(line.count(b","), line.count(b"\t")) > MOST_COLUMNS:
                raise InputError(
                    f"expected a table whose lines have up to {MOST_COLUMNS} cells and {LONGEST_LINE} bytes, got more"
                )


def check_joints(n_frames: int, n_joints: int, length: int, *, numbers: int = 3) -> None:
    """Raises InputError where so many joints are too many, or so many numbers of each in each frame too much for a
    file of `length` bytes."""
    if n_joints > MOST_JOINTS:
        raise InputError(f"expected up to {MOST_JOINTS} joints, got {n_joints}")
    check_claim(f"{n_joints} joints in each of {n_frames} frames", 8 * numbers * n_frames * n_joints, length)


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text holds. Raises InputError, also for one that is too long or too deep."""
    if len(text) > LONGEST_SETTINGS or any(line.count(".") > MOST_DOTS for line in text.splitlines()):
        raise InputError(f"expected TOML of up to {LONGEST_SETTINGS} bytes and {MOST_DOTS} dots a line, got more")
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected TOML, got something else ({error})") from error
    _check_depth(content)
    return content


def _check_depth(content: Any) -> None:
    layer = [content]
    for _ in range(DEEPEST):
        layer = [x for item in layer for x in _items(item) if isinstance(x, (dict, list))]
        if not layer:
            return
    raise InputError(f"expected lists and tables up to {DEEPEST} deep, got deeper ones")


def _items(item: Any) -> Any:
    return item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()


def check_pickle(stream: IO[bytes]) -> None:
    """Goes through the next pickle of a stream without running it, and leaves the stream behind it.

    Raises pickle.UnpicklingError or ValueError for one that is torn, or asks for memory or code that no list, tensor
    or text needs.
    """
    for step, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        jumps = "PUT" in opcode.name and int(argument or 0) > step
        if jumps or step > MOST_STEPS or opcode.name.startswith("EXT"):
            raise pickle.UnpicklingError(f"instruction {step} of the pickle ({opcode.name}) is none that torch writes")
