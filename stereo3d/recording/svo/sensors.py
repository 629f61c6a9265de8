"""What a ZED's motion sensors measured, as far as its layout in an .svo2 is known in public.

Each message is JSON with the base64 of a block of bytes: u64 at 16 the time (ns), three f32 at 88 the rates of turn
(deg/s) and three at 100 the accelerations (m/s2), uncorrected, in the camera's own axes. Worked out by
radarml.github.io/open-svo2 on a camera's own files; what comes out is held against gravity and the messages' times.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stereo3d import limits
from stereo3d.errors import InputError, RecordingError
from stereo3d.values import Floats, Ints, Value, array

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = np.dtype(
    {"names": ["time", "turning", "acceleration"], "formats": ["<u8", ("<f4", 3), ("<f4", 3)], "offsets": [16, 88, 100]}
)
_GRAVITY = (5.0, 15.0)
"""m/s2: within this lies the median acceleration of a camera that hangs, stands or is carried."""
_MOST_APART = 5.0
"""s between a sample's own time and its message's."""
_AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True, eq=False)
class Sensors(Value):
    """N samples of the motion sensors, uncorrected, in the camera's axes as its maker has them."""

    time: Floats
    """(N,) s on the recording's clock, never falling."""
    acceleration: Floats
    """(N, 3) m/s2, gravity with it."""
    turning: Floats
    """(N, 3) rad/s."""

    def __post_init__(self) -> None:
        time = array("time", self.time, ("N",))
        self._set(time=time, **{n: array(n, getattr(self, n), (len(time), 3)) for n in ("acceleration", "turning")})

    def __len__(self) -> int:
        return len(self.time)

    def to_frame(self) -> pd.DataFrame:
        """A table with a row for each sample: time (s), acceleration_x, _y, _z (m/s2), turning_x, _y, _z (rad/s)."""
        import pandas as pd

        columns = {"time": self.time}
        for name in ("acceleration", "turning"):
            columns |= {f"{name}_{axis}": getattr(self, name)[:, i] for i, axis in enumerate(_AXES)}
        return pd.DataFrame(columns)


def parse_sensors(messages: Iterable[bytes], logged: Ints, begin: int, what: str) -> Sensors:
    """The samples in messages that were logged at those times (N,) ns; time counts from `begin` ns.

    Raises RecordingError, which begins with `what`, where they are not laid out as expected.
    """
    blocks = [_block(message, what) for message in messages]
    found = np.frombuffer(b"".join(blocks), _BLOCK)
    acceleration, turning = found["acceleration"].astype(np.float64), np.deg2rad(found["turning"].astype(np.float64))
    if len(found):
        pull = float(np.median(np.linalg.norm(acceleration, axis=1)))
        apart = float(np.median(np.abs(found["time"].astype(np.float64) - logged))) / 1e9
        if not _GRAVITY[0] <= pull <= _GRAVITY[1] or not apart <= _MOST_APART:
            raise RecordingError(
                f"{what}: expected accelerations of about 9.8 m/s2 at the times of their messages, got {pull:.3g} "
                f"m/s2, {apart:.3g} s apart: this camera lays its samples out in another way, which is not known"
            )
    time = np.maximum.accumulate((found["time"].astype(np.int64) - begin) / 1e9) if len(found) else np.zeros(0)
    return Sensors(time, acceleration, turning)


def _block(message: bytes, what: str) -> bytes:
    """The block in a message, as long as the part of it that is known."""
    try:
        content = limits.parse_json(message.decode("utf-8"))
        block = base64.b64decode(content["data"], validate=True)
    except (InputError, UnicodeDecodeError, KeyError, TypeError, binascii.Error, ValueError) as error:
        raise RecordingError(f"{what}: expected JSON with base64 in `data`, got something else ({error})") from error
    if len(block) < _BLOCK.itemsize:
        raise RecordingError(f"{what}: expected samples of at least {_BLOCK.itemsize} bytes, got {len(block)}")
    return block[:_BLOCK.itemsize]
