"""Charts as inline SVG that stretch with the page: lines in a stretched inner picture, words beside it unstretched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stereo3d.values import Bools, Floats, Value
from stereo3d.visual.page import words
from stereo3d.visual.page.markup import Markup, join, tag

UNITS = 1000
"""Of the inner picture, both ways."""
_INTERVALS = 6
"""At most, between the labels of a timeline."""
_TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""s between them."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis(Value):
    """What an axis spans, and its labels at places 0..1 along it."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, x: Floats) -> Floats:
        """0..1 along the axis, held within it."""
        return np.asarray(np.clip((x - self.low) / (self.high - self.low), 0.0, 1.0))


def scale(low: float, high: float, *, unit: str = "", steps: int = 4) -> Axis:
    """An axis with round numbers that spans at least low..high."""
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = 0.0, 1.0
    high = high if high > low else low + max(abs(low), 1.0)
    rough = (high - low) / steps
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    values = [i * step for i in range(first, last + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (step / power == 2.5))
    labels = [f"{v + 0.0:.{digits}f}".replace("-", "−") for v in values]
    labels[-1] += f" {unit}" if unit else ""
    return Axis(values[0], values[-1], tuple((i / (len(values) - 1), label) for i, label in enumerate(labels)))


def timeline(start: float, stop: float, *, seconds: bool = True) -> Axis:
    """The axis of a timeline, labelled at round times (m:ss) or frame numbers."""
    stop = stop if stop > start else start + 1.0
    step = _time_step(stop - start) if seconds else max(1.0, _round_step((stop - start) / _INTERVALS))
    at = np.arange(math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9) + 1) * step
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return Axis(start, stop, tuple(
        ((t - start) / (stop - start), words.clock(t, digits) if seconds else f"{t:.0f}") for t in at.tolist()
    ))  # fmt: skip


def _time_step(span: float) -> float:
    """s, round as clocks have it, so that `span` holds few of them."""
    if span / _INTERVALS <= 1:
        return _round_step(span / _INTERVALS)
    return next((s for s in _TIMES if s >= span / _INTERVALS), 3600 * math.ceil(span / _INTERVALS / 3600))


def _round_step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, not below `rough`."""
    power = 10.0 ** math.floor(math.log10(rough))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))


def plot(
    inside: Iterable[Markup], x: Axis, y: Axis, *, title: str, height: str = "", timed: bool = False,
    legend: Sequence[tuple[str, str]] = (),
) -> Markup:
    """A figure with both axes' labels; `timed` ones show the player's place and take it where they are clicked."""
    grid = join(_line(UNITS * (1 - p)) for p, _ in y.ticks)
    playhead = tag("line", x1=0, x2=0, y1=0, y2=UNITS, class_="playhead") if timed else ""
    inner = tag("svg", grid, *inside, playhead, viewBox=f"0 0 {UNITS} {UNITS}", preserveAspectRatio="none")
    below = join(tag("text", label, x=f"{100 * p:.4g}%", y="100%", dy="1.35em", class_="x") for p, label in x.ticks)
    beside = join(
        tag("text", label, x="0", dx="-6", y=f"{100 * (1 - p):.4g}%", dy=".32em", class_="y") for p, label in y.ticks
    )
    picture = tag(
        "svg", inner, below, beside, class_=f"plot {height}{' timed' if timed else ''}", role="img", aria_label=title
    )
    keys = join(tag("span", tag("i", class_=f"key {name}"), label) for name, label in legend)
    return tag("figure", tag("figcaption", tag("b", title), tag("span", keys, class_="keys")), picture)


def line(places: Floats, values: Floats, y: Axis, name: str, *, step: float = math.inf) -> Markup:
    """A line through (B,) values at (B,) places 0..1, broken where one is not known or two are over `step` apart."""
    known = np.isfinite(values)
    xs, ys = _units(places), _units(1 - y.place(values))
    near = np.diff(places) < 1.5 * step
    begins = known & ~np.concatenate([[False], known[:-1] & near])[:len(known)]
    parts = [
        f"{'M' if begin else 'L'}{a} {b}{'h0' if begin else ''}"
        for a, b, begin in zip(xs[known], ys[known], begins[known])
    ]  # fmt: skip
    return tag("path", d="".join(parts), class_=f"line {name}")


def band(places: Floats, width: float, low: Floats, high: Floats, y: Axis, name: str) -> Markup:
    """A band from low to high, in steps of `width` about each place; left out where they do not differ."""
    return bars(places - width / 2, width, y.place(low), y.place(high), f"band {name}")


def bars(left: Floats, width: float | Floats, low: Floats, high: Floats, name: str) -> Markup:
    """Upright bars, all in 0..1 of the picture; a hair wider than they are, so that no gap shows between two."""
    some: Bools = high > low
    widths = np.broadcast_to(np.asarray(width, float), left.shape)
    each = zip(
        _units(left[some]), _units(1 - high[some]), np.maximum(_units(widths[some]), 1) + 1,
        _units(high[some] - low[some]),
    )  # fmt: skip
    return tag("path", d="".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in each), class_=f"bar {name}")


def level(value: float, y: Axis, name: str) -> Markup:
    """A level line across the picture."""
    return _line(float(_units(1 - y.place(np.array([value])))[0]), name)


def meter(share: float, name: str) -> Markup:
    """A small bar for a share, to stand in a table's cell."""
    filled = 0.0 if not math.isfinite(share) else share
    return tag(
        "svg", tag("rect", width="100%", height="100%", class_="empty"),
        tag("rect", width=f"{100 * filled:.4g}%", height="100%", class_=f"bar {name}"),
        class_="meter", aria_hidden="true",
    )  # fmt: skip


def _line(y: float, name: str = "grid") -> Markup:
    return tag("line", x1=0, x2=UNITS, y1=f"{y:.4g}", y2=f"{y:.4g}", class_=name)


def _units(x: Floats) -> Floats:
    """As SVG has it: whole thousandths, which a screen cannot tell from finer ones."""
    filled = np.where(np.isfinite(x), x, 0.0)
    return np.asarray(np.round(filled * UNITS).astype(np.int64))
