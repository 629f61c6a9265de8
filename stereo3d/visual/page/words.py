"""Numbers as a person reads them: centimetres, per cent, minutes; a dash for what is not known."""

from __future__ import annotations

import math
from collections.abc import Callable

from stereo3d.visual.page.markup import Cell

UNKNOWN = "–"


def percent(x: float, digits: int = 1) -> str:
    """A share as per cent; never 100 % or 0 % for what is not quite."""
    if not math.isfinite(x):
        return UNKNOWN
    step = 10.0 ** -(digits + 2)
    shown = min(max(x, step), 1 - step) if 0 < x < 1 else x
    return f"{100 * shown:.{0 if shown in (0, 1) else digits}f} %"


def centimetres(x: float, digits: int = 1) -> str:
    """A length in m as cm."""
    return f"{100 * x:.{digits}f} cm" if math.isfinite(x) else UNKNOWN


def change(x: float) -> str:
    """A relative change with its sign."""
    if not math.isfinite(x):
        return UNKNOWN
    whole = round(100 * x)
    return f"{'+' if whole > 0 else '−' if whole else ''}{abs(whole)} %"


def pixels(x: float) -> str:
    """A length in px."""
    return f"{x + 0.0 if round(x, 1) else 0.0:.1f} px" if math.isfinite(x) else UNKNOWN


def signed_pixels(x: float) -> str:
    """A difference in px with its sign, none for what rounds to zero."""
    return pixels(x) if not math.isfinite(x) or round(x, 1) == 0 else f"{'+' if x > 0 else '−'}{abs(x):.1f} px"


def clock(seconds: float, digits: int = 0) -> str:
    """A time as m:ss, or h:mm:ss from an hour on."""
    if not math.isfinite(seconds):
        return UNKNOWN
    ticks = round(abs(seconds) * 10**digits)
    whole, rest = divmod(ticks, 10**digits)
    hours, minutes, left = whole // 3600, whole // 60 % 60, whole % 60
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    tail = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if seconds < 0 and ticks else ''}{head}:{left:02d}{tail}"


def duration(seconds: float) -> str:
    """A time span: seconds up to a minute, then m:ss."""
    if not math.isfinite(seconds):
        return UNKNOWN
    return f"{seconds:.{2 if seconds < 1 else 1}f} s" if seconds < 59.95 else clock(seconds)


def plain(name: str) -> str:
    """A joint's name without underscores."""
    return name.replace("_", " ")


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 frame`, `1,800 frames`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def cell(x: float, show: Callable[[float], str]) -> Cell:
    """A number in a table, sorted by its value."""
    return show(x), x
