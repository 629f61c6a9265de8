"""The tally as tables for people: errors by cell, error bars by joint, movement, where a method made things worse."""

from __future__ import annotations

from collections.abc import Iterable

from stereo3d.benchmark.refinement import PLAIN, RECORDED
from stereo3d.benchmark.tally import Row, Tally
from stereo3d.evaluation.bootstrap import Interval

WORSE = 1.02
"""Times the plain error, beyond which a method is said to be worse."""
_NO_BARS = (PLAIN, "gates")
"""Methods whose error bars are not what is asked about."""
_WHOLE = ("13", "17")


def to_markdown(tally: Tally) -> str:
    """Tables of errors in cm with their 95 % intervals by infant, of error bars, and of movement over whole clips."""
    infants = {infant for of in tally.sums.values() for infant in of}
    by = "detectors are simulated where a noise is named; 95 % intervals by infant."
    lines = [f"Synthetic: {len(infants)} rendered infants; {by}", ""]
    lines += _errors(tally, [row for row in tally.sums if row.joints in _WHOLE])
    lines += ["", "Error bars: share of x, y, z within 1 and 1.96 standard deviations (68 and 95 % if true).", ""]
    lines += _bars(tally, [row for row in tally.sums if row.method not in _NO_BARS])
    lines += ["", "The same by condition and joint, all noises together, with the number of joints and intervals.", ""]
    lines += _bars_by_joint(tally)
    if tally.moves:
        lines += ["", "Movement: medians over joints and infants of the path's length over the truth's and of LDLJ "
                  "less the truth's, of joints that move 1 cm or more; the share of tracks within 5 % and 0.5.", ""]
        lines += _movements(tally)
    return "\n".join(lines) + "\n"


def _errors(tally: Tally, rows: Iterable[Row]) -> list[str]:
    out = ["| condition | noise | joints | seen | method | mean cm | of plain | 3DPCK@1 / 2.5 / 5 / 10 | given |",
           "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in rows:
        found = tally.figures(row)
        if found.mean.value != found.mean.value:
            continue
        pck = " / ".join(f"{100 * share:.1f}" for share in found.pck)
        ratio = "" if row.method == PLAIN else _ratio(tally.versus(row, PLAIN))
        out.append(f"| {' | '.join(row)} | {_cm(found.mean)} | {ratio} | {pck} | {100 * found.given:.1f} |")
    return out


def _bars(tally: Tally, rows: Iterable[Row]) -> list[str]:
    """Pooled over conditions and noises but for the usual one, which stands by itself."""
    out = ["| noise | joints | seen | method | 68 % | 95 % |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row.condition in ("usual", RECORDED):
            found = tally.figures(row)
            if found.one_sigma == found.one_sigma:
                what = " | ".join((row.noise, row.joints, row.seen, row.method))
                out.append(f"| {what} | {100 * found.one_sigma:.1f} | {100 * found.two_sigma:.1f} |")
    return out


def _bars_by_joint(tally: Tally) -> list[str]:
    out = ["| condition | joints | method | visible | 68 % | 95 % | hidden | 68 % | 95 % |",
           "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    noises = dict.fromkeys(row.noise for row in tally.sums)
    cells = dict.fromkeys((row.condition, row.joints, row.method) for row in tally.sums if row.method not in _NO_BARS)
    for condition, joints, method in cells:
        line = f"| {condition} | {joints} | {method} |"
        for seen in ("visible", "hidden"):
            found = tally.bars(Row(condition, noise, joints, seen, method) for noise in noises)
            shares = (_percent(x) if found.joints else "" for x in (found.one_sigma, found.two_sigma))
            line += f" {found.joints} | {' | '.join(shares)} |"
        out.append(line)
    return out


def _movements(tally: Tally) -> list[str]:
    out = ["| condition | noise | joints | method | path | LDLJ | path within 5 % | LDLJ within 0.5 | tracks |",
           "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in tally.moves:
        found = tally.movement(row)
        if found.tracks:
            what = " | ".join((row.condition, row.noise, row.joints, row.method))
            shares = f"{100 * found.path_within:.0f} | {100 * found.ldlj_within:.0f}"
            out.append(f"| {what} | {found.path:.3f} | {found.ldlj:+.2f} | {shares} | {found.tracks} |")
    return out


def _cm(x: Interval) -> str:
    return _figure(Interval(*(100 * value for value in x)))


def _percent(x: Interval) -> str:
    return f"{100 * x.value:.1f}" + (f" ({100 * x.low:.0f}-{100 * x.high:.0f})" if x.low == x.low else "")


def _ratio(x: Interval) -> str:
    return f"{_figure(x)}{' WORSE' if x.value > WORSE else ''}"


def _figure(x: Interval) -> str:
    """With its interval, where more than one infant gives it one."""
    return f"{x.value:.2f} ({x.low:.2f}-{x.high:.2f})" if x.low == x.low else f"{x.value:.2f}"
