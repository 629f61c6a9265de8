"""Over time: where each joint is, how far the views' rows disagree, how steady the limbs are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.cameras import RectifiedCamera
from stereo3d.evaluation import limbs, metrics
from stereo3d.evaluation.pixels import row_noise
from stereo3d.values import Bools, Floats
from stereo3d.visual.page import svg, words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Markup, table, tag
from stereo3d.visual.page.trust import Doubt

_FIRST = ("wrist", "ankle")
"""What movement assessment looks at most is shown unfolded."""
_AXES = (("x", "to the right"), ("y", "down"), ("z", "away from the camera"))


def trajectories(findings: Findings) -> Markup:
    """Each joint's trusted places over time, about their median."""
    joints = findings.poses.skeleton.joints
    charts = _charts(findings)
    first = [c for joint, c in zip(joints, charts) if joint.endswith(_FIRST)]
    others = [c for joint, c in zip(joints, charts) if not joint.endswith(_FIRST)]
    if not first:
        first, others = charts, []
    folded = [tag("details", tag("summary", f"The other {len(others)} joints"), tag("div", *others, class_="two"))]
    about = "Centimetres from the joint's median place, as the left camera sees it. Only trusted joints are drawn; "
    about += "where a point holds several frames, the line is their mean and the band one standard deviation."
    heading = [tag("h2", "Where the joints are"), tag("p", about), tag("p", _legend())]
    return tag("section", *heading, tag("div", *first, class_="two"),
               *(folded if others else []), id="trajectories")  # fmt: skip


def _legend() -> Markup:
    return tag("span", *[tag("span", tag("i", class_=f"key axis{a}"), f"{a} {say}") for a, say in _AXES], class_="keys")


def _charts(findings: Findings) -> list[Markup]:
    poses, bins = findings.poses, findings.bins
    xyz = np.where((findings.trust.doubt == Doubt.NONE)[..., None], poses.xyz, np.nan)
    centre = np.array([[metrics.spread(xyz[:, k, i])[2] for i in range(3)] for k in range(xyz.shape[1])])
    offset = 100 * (xyz - centre.reshape(1, -1, 3))
    mean, deviation = bins.means(offset), bins.deviations(offset)
    return [
        _chart(findings, words.plain(joint).capitalize(), mean[:, k], deviation[:, k])
        for k, joint in enumerate(poses.skeleton.joints)
    ]


def _chart(findings: Findings, title: str, mean: Floats, deviation: Floats) -> Markup:
    low, high = mean - deviation, mean + deviation
    known = np.isfinite(mean)
    y = svg.scale(float(low[known].min()), float(high[known].max()), unit="cm") if known.any() else svg.scale(-1, 1)
    middle, width = findings.bins.middle, findings.bins.width
    drawn = [svg.band(middle, width, low[:, i], high[:, i], y, f"axis{a}") for i, (a, _) in enumerate(_AXES)]
    drawn += [svg.line(middle, mean[:, i], y, f"axis{a}", step=width) for i, (a, _) in enumerate(_AXES)]
    title = title if known.any() else f"{title}: never trusted"
    return svg.plot(drawn, findings.axis, y, title=title, timed=True, height="low")


def rows(findings: Findings) -> Markup:
    """How far both views' rows disagree, over time and in all."""
    residual, bins = findings.poses.residual, findings.bins
    placed = np.where(findings.poses.found, residual, np.nan)
    rectified = isinstance(findings.poses.camera, RectifiedCamera)
    what = "row of the picture" if rectified else "epipolar line"
    heading = tag("h2", "Do both views agree?")
    known = placed[np.isfinite(placed)]
    if not known.size:
        return tag("section", heading, tag("p", "No joint was seen in both views."), id="rows")
    mean, _, middle = metrics.spread(known)
    about = (
        f"Both views must put a joint on the same {what}. The mismatch of placed joints has a median of "
        f"{words.signed_pixels(middle)} and comes from noise of {words.pixels(row_noise(known))} in each view. "
    )
    about += (
        f"A mean of {words.signed_pixels(mean)}, away from zero, hints at a calibration that no longer fits."
        if abs(mean) > 1 else "Its mean is near zero, as it is when the calibration fits."
    )
    means, deviation = scatter(placed, findings)
    reach = float(np.quantile(np.abs(known), 0.995))
    y = svg.scale(-reach, reach, unit="px")
    over_time = svg.plot(
        [svg.band(bins.middle, bins.width, means - deviation, means + deviation, y, "one"),
         svg.line(bins.middle, means, y, "one", step=bins.width), svg.level(0.0, y, "zero")],
        findings.axis, y, title="Row mismatch over time: mean and one standard deviation", timed=True,
    )  # fmt: skip
    return tag("section", heading, tag("p", about), over_time, id="rows")


def scatter(x: Floats, findings: Findings) -> tuple[Floats, Floats]:
    """(B,) mean and standard deviation of all known numbers of x (T, K) in each bin."""
    known = np.isfinite(x)
    filled = np.where(known, x, 0.0)
    n, total, squares = (findings.bins.sums(part.sum(1)) for part in (known.astype(float), filled, filled * filled))
    mean, square = (np.divide(part, n, out=np.full(len(n), np.nan), where=n > 0) for part in (total, squares))
    return mean, np.sqrt(np.maximum(square - mean * mean, 0.0))


class _Lengths(NamedTuple):
    name: str
    all: Floats
    median: float
    deviation: float
    variation: float


def lengths(findings: Findings) -> Markup:
    """Limb segments over time: bones keep their length, so a change is an error."""
    poses = findings.poses
    segments = limbs.segments(poses.skeleton.joints)
    heading = tag("h2", "Do limbs keep their length?")
    if not segments:
        return tag("section", heading, tag("p", "This skeleton has no limb segment to measure."), id="limbs")
    measured = metrics.bone_lengths(poses.xyz, list(segments.values()))
    statistics = metrics.length_statistics(measured)
    parts = [_Lengths(name, measured[:, i], float(statistics.median[i]), float(statistics.std[i]),
                      float(statistics.variation[i])) for i, name in enumerate(segments)]  # fmt: skip
    about = "Bones keep their length, so what changes here is error, mostly of depth. All placed joints count; lines "
    about += "are means, bands one standard deviation, dashes the median."
    charts = [_length_chart(findings, part) for part in parts]
    return tag("section", heading, tag("p", about), _length_table(parts), tag("div", *charts, class_="two"), id="limbs")


def _length_table(parts: list[_Lengths]) -> Markup:
    by_name = {part.name: part for part in parts}
    other = {"left": "right", "right": "left"}
    rows_ = []
    for part in parts:
        side, _, kind = part.name.partition(" ")
        twin = by_name.get(f"{other[side]} {kind}")
        ratio = part.median / twin.median - 1 if twin and twin.median > 0 else np.nan
        rows_.append([
            (part.name, part.name), words.cell(part.median, words.centimetres),
            words.cell(part.deviation, words.centimetres), words.cell(part.variation, words.percent),
            words.cell(ratio, words.change),
            words.cell(float(np.isfinite(part.all).mean()) if part.all.size else np.nan, words.percent),
        ])  # fmt: skip
    head = ["Limb segment", "Median", "STD", "STD / mean", "Against other side", "Measured"]
    return table(head, rows_, caption="Lengths over the whole recording")


def _length_chart(findings: Findings, part: _Lengths) -> Markup:
    values = 100 * part.all
    mean, deviation = findings.bins.means(values), findings.bins.deviations(values)
    low, high = mean - deviation, mean + deviation
    known: Bools = np.isfinite(mean)
    y = svg.scale(0.0, 1.1 * float(np.quantile(high[known], 0.98)) if known.any() else 1.0, unit="cm")
    middle = findings.bins.middle
    width = findings.bins.width
    drawn = [svg.band(middle, width, low, high, y, "one"), svg.line(middle, mean, y, "one", step=width)]
    if known.any():
        drawn.append(svg.level(100 * part.median, y, "usual"))
    return svg.plot(drawn, findings.axis, y, title=part.name.capitalize(), timed=True, height="low")
