"""Checks of the whole recording: what no single frame shows, such as a wrong scale or a calibration that has moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stereo3d.evaluation import limbs, metrics
from stereo3d.visual.page import words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Markup, join, tag

_SHARES = {"upper arm": 0.155, "forearm": 0.130, "thigh": 0.175, "shank": 0.170}
"""Of the length from crown to heel, between the centres of joints: from Snyder et al. 1977 (UM-HSRI-77-17) and the
lengths of bones by ultrasound. They hardly change from 28 weeks to 6 months."""
_SHORTEST, _LONGEST = 0.25, 0.90
"""m from crown to heel: every infant from 24 weeks to a year, and a fifth more."""
_SIDES = 0.25
"""By which share both sides' medians may differ where it is more than an error bar of depth; an infant's differ by
less than 0.01, but noise in depth makes short segments longer."""
_ROWS = 1.0
"""px of mean row mismatch."""
_LOST = 0.01
"""Share of frames."""


class Check(NamedTuple):
    """One question to the whole recording."""

    passed: bool | None
    """None: it cannot be told."""
    name: str
    told: str


def check(findings: Findings) -> list[Check]:
    """Whether the scale, both sides, the calibration and the clock are as they can be; no truth is needed."""
    return [_scale(findings), _sides(findings), _rows(findings), _clock(findings)]


def section(checks: list[Check]) -> Markup:
    """The checks as a list."""
    marks = {True: ("✓", "passed", "passed: "), False: ("!", "failed", "failed: "), None: ("?", "open", "not told: ")}
    items = [
        tag("li", tag("i", mark, class_=f"mark {name}", aria_hidden="true"), tag("span", said, class_="unseen"),
            tag("b", one.name), " ", one.told)
        for one in checks for mark, name, said in [marks[one.passed]]
    ]  # fmt: skip
    return join([tag("h3", "Checks of the whole recording"), tag("ul", *items, class_="checks")])


def _medians(findings: Findings) -> dict[str, float]:
    """m by limb segment, of those that are known."""
    ends = limbs.segments(findings.poses.skeleton.joints)
    medians = metrics.length_statistics(metrics.bone_lengths(findings.poses.xyz, list(ends.values()))).median
    return {name: float(m) for name, m in zip(ends, medians) if np.isfinite(m)}


def _scale(findings: Findings) -> Check:
    medians = _medians(findings)
    name = "Size."
    if not medians:
        return Check(None, name, "No limb segment was measured.")
    length = float(np.median([m / _SHARES[segment.partition(" ")[2]] for segment, m in medians.items()]))
    fits = _SHORTEST <= length <= _LONGEST
    told = f"The limbs would fit an infant of about {100 * length:.0f} cm from crown to heel"
    return Check(fits, name, told + ("." if fits else ": no infant, or the wrong calibration."))


def _sides(findings: Findings) -> Check:
    medians = _medians(findings)
    pairs = {kind: (medians[f"left {kind}"], medians[f"right {kind}"]) for kind in _SHARES
             if f"left {kind}" in medians and f"right {kind}" in medians}  # fmt: skip
    name = "Both sides."
    if not pairs:
        return Check(None, name, "No limb segment was measured on both.")
    share = {kind: max(pair) / max(min(pair), 1e-9) - 1 for kind, pair in pairs.items()}
    worst = max(share, key=lambda kind: share[kind])
    left, right = (words.centimetres(x) for x in pairs[worst])
    noise = metrics.spread(findings.poses.sigma[..., 2])[2]
    alike = share[worst] <= _SIDES or abs(pairs[worst][0] - pairs[worst][1]) <= noise
    if alike:
        told = f"Left and right limbs are alike; the {worst} differs most, {left} and {right}."
    else:
        told = f"The left {worst} measures {left}, the right one {right}; both cannot be right, and depth is what "
        told += "errs most."
    return Check(alike, name, told)


def _rows(findings: Findings) -> Check:
    residual = findings.poses.residual[findings.poses.found]
    mean, deviation, _ = metrics.spread(residual)
    name = "Calibration."
    if not np.isfinite(mean):
        return Check(None, name, "No joint was seen in both views.")
    sure = abs(mean) > 3 * deviation / np.sqrt(np.isfinite(residual).sum())
    told = f"On average the views differ by {words.signed_pixels(mean)} across the rows"
    good = abs(mean) <= _ROWS or not sure
    return Check(good, name, told + (", as noise does." if good else ": the calibration may no longer fit."))


def _clock(findings: Findings) -> Check:
    name = "Frames."
    steps, usual = np.diff(findings.clock), findings.step
    if not usual > 0:
        return Check(None, name, "Too few, or without a clock, to see whether any is missing.")
    lost = float(np.maximum(np.rint(steps / usual) - 1, 0).sum())
    share = lost / (lost + len(findings.clock))
    if not lost:
        return Check(True, name, "None is missing.")
    longest = float(steps.max())
    gap = words.duration(longest) if findings.seconds else words.count(int(longest), "frame")
    return Check(share <= _LOST, name, f"{words.percent(share)} are missing; the longest gap is {gap}.")


def failures(checks: list[Check]) -> Iterator[Check]:
    """The checks that failed."""
    return (one for one in checks if one.passed is False)
