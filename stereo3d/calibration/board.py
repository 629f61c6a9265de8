"""The printed board: a chessboard, or a ChArUco board, whose white squares carry markers.

A board file is TOML; lengths are metres:

    kind = "chessboard"        # or "charuco"
    squares = [10, 7]          # across and down; or inner_corners = [9, 6], one less each way
    square = 0.025             # the side of a square, measured on the print
    inverted = false           # true where black and white are exchanged

    marker = 0.018             # these for charuco only: the side of a marker
    dictionary = "DICT_5X5_100"
    legacy = false             # the layout of OpenCV before 4.6, which begins with a white square where rows are even

The board's frame: origin at the inner corner nearest the top left, x to the right, y down, z away from the reader.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from stereo3d.calibration.textfile import naming, read_text
from stereo3d.errors import InvalidValue, unknown_name
from stereo3d.limits import parse_toml
from stereo3d.values import Floats, Ints, Value, number

MOST_SQUARES = 100
_COMMON = {"kind", "squares", "inner_corners", "square", "inverted"}
_KEYS = {"chessboard": _COMMON, "charuco": _COMMON | {"marker", "dictionary", "legacy"}}


@dataclass(frozen=True, slots=True, eq=False)
class Board(Value):
    """A board of squares; with `marker` and `dictionary` a ChArUco board."""

    squares: tuple[int, int]
    """How many across and down."""
    square: float
    """m, the side of a square."""
    marker: float | None = None
    """m, the side of a marker; None for a chessboard."""
    dictionary: str | None = None
    """The markers' dictionary as OpenCV names it, DICT_..."""
    inverted: bool = False
    """Whether black and white are exchanged."""
    legacy: bool = False
    """Whether a ChArUco board has the layout of OpenCV before 4.6."""

    def __post_init__(self) -> None:
        across, down = (int(number("squares", n, 3, MOST_SQUARES)) for n in self.squares)
        square = number("square (metres, so 0.025 for 25 mm)", self.square, 1e-4, 1)
        self._set(squares=(across, down), square=square)
        if (self.marker is None) != (self.dictionary is None):
            raise InvalidValue(f"marker, dictionary: expected both or none, got {self.marker} and {self.dictionary}")
        if self.marker is not None and self.dictionary is not None:
            self._set(marker=number("marker", self.marker, 1e-5, square * 0.999))
            _check_dictionary(self.dictionary, self.squares)

    @property
    def corners(self) -> tuple[int, int]:
        """Inner corners across and down."""
        return self.squares[0] - 1, self.squares[1] - 1

    @property
    def points(self) -> Floats:
        """(M, 3) m, the inner corners row by row in the board's frame."""
        across, down = self.corners
        grid = np.stack(np.meshgrid(np.arange(across), np.arange(down)), -1).reshape(-1, 2) * self.square
        return np.pad(grid, ((0, 0), (0, 1)))

    @property
    def edges(self) -> Ints:
        """(E, 2) indices of inner corners that are a square's side apart: those in a row, then those in a column."""
        index = np.arange(self.corners[0] * self.corners[1]).reshape(self.corners[::-1])
        rows = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], -1)
        return np.concatenate([rows, np.stack([index[:-1].ravel(), index[1:].ravel()], -1)])

    @property
    def starts_white(self) -> bool:
        """Whether the top left square is white on paper."""
        even = self.squares[1] % 2 == 0
        return (self.marker is not None and self.legacy and even) != self.inverted

    @property
    def name(self) -> str:
        """What it is, in words."""
        kind = "chessboard" if self.marker is None else f"ChArUco board ({self.dictionary})"
        inverted = ", inverted" if self.inverted else ""
        return f"{kind} of {self.squares[0]} x {self.squares[1]} squares of {self.square * 1000:g} mm{inverted}"


def read_board(path: str | os.PathLike[str]) -> Board:
    """The board that a TOML file describes (see above). Raises CalibrationError, which names the file."""
    text = read_text(path)
    with naming(path):
        return _parse(parse_toml(text))


def charuco(board: Board) -> Any:
    """OpenCV's object for a ChArUco board, black on white."""
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, str(board.dictionary)))
    made = cv2.aruco.CharucoBoard(board.squares, board.square, float(board.marker or 0), dictionary)
    made.setLegacyPattern(board.legacy)
    return made


def _parse(content: Mapping[str, Any]) -> Board:
    kind = content.get("kind", "charuco" if "marker" in content else "chessboard")
    if kind not in _KEYS:
        raise InvalidValue(str(unknown_name("kind", str(kind), _KEYS)))
    for key in content:
        if key not in _KEYS[kind]:
            raise InvalidValue(str(unknown_name(f"key of a {kind}", key, _KEYS[kind])))
    if "square" not in content:
        raise InvalidValue("square: missing; give the side of a printed square in metres, such as square = 0.025")
    own = {key: _flag(content, key) for key in ("inverted", "legacy") if key in content}
    if kind == "charuco":
        own |= {key: content.get(key) for key in ("marker", "dictionary")}
    return Board(_squares(content), content["square"], **own)


def _squares(content: Mapping[str, Any]) -> tuple[int, int]:
    counts = {key: content[key] for key in ("squares", "inner_corners") if key in content}
    for key, value in counts.items():
        if not (isinstance(value, list) and len(value) == 2 and all(isinstance(n, int) for n in value)):
            raise InvalidValue(f"{key}: expected two whole numbers, across and down, such as [10, 7], got {value!r}")
    found = {(value[0] + (key != "squares"), value[1] + (key != "squares")) for key, value in counts.items()}
    if len(found) != 1:
        raise InvalidValue(
            f"squares, inner_corners: expected one of them (corners are one less each way), got {counts or 'neither'}"
        )
    return found.pop()


def _flag(content: Mapping[str, Any], key: str) -> Any:
    if not isinstance(content[key], bool):
        raise InvalidValue(f"{key}: expected true or false, got {content[key]!r}")
    return bool(content[key])


def _check_dictionary(name: str, squares: tuple[int, int]) -> None:
    known = [n for n in dir(cv2.aruco) if n.startswith("DICT_")]
    if name not in known:
        raise InvalidValue(str(unknown_name("dictionary", str(name), known)))
    size = len(cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name)).bytesList)
    if size < squares[0] * squares[1] // 2:
        raise InvalidValue(
            f"dictionary: {name} has {size} markers, a board of {squares[0]} x {squares[1]} squares needs "
            f"{squares[0] * squares[1] // 2}; take a larger one"
        )
