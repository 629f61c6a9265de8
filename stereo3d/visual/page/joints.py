"""Joint by joint: how often each is there, how sure, and how far from the truth; and how errors are spread."""

from __future__ import annotations

import numpy as np

from stereo3d.evaluation import metrics
from stereo3d.evaluation.evaluate import Evaluation
from stereo3d.values import Floats
from stereo3d.visual.page import svg, words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Cell, Markup, join, table, tag
from stereo3d.visual.page.tracks import scatter
from stereo3d.visual.page.trust import SHORT, Doubt
from stereo3d.visual.page.verdict import CLASSES, joint_shares

_BARS = 60
_HEADROOM = 3.0
"""Over the usual mean error, what the chart over time spans."""
_SHOWN = 0.98
"""Of the errors, what a histogram spans; the rest is counted in words."""


def section(findings: Findings) -> Markup:
    """The table of joints."""
    hint = tag("p", "Click a heading to sort.", class_="hint screen")
    return tag("section", tag("h2", "Joint by joint"), hint, _table(findings), id="joints")


def _table(findings: Findings) -> Markup:
    poses, truth = findings.poses, findings.evaluation is not None
    head = ["Joint", "Trusted", "Placed", "Main trouble", "Error bar", "of it depth", "Row mismatch"]
    head += ["Mean error", "STD", "Median", "Within 2.5 cm", "Within 5 cm"] if truth else []
    shares = joint_shares(findings)
    rows = [_row(findings, k, float(shares[k])) for k in range(len(poses.skeleton))]
    return table(head, rows, caption="Error bars: median length of one standard deviation. Row mismatch: median."
                 + (" Errors: of joints found; shares count a miss as wrong." if truth else ""))  # fmt: skip


def _row(findings: Findings, k: int, share: float) -> list[Cell]:
    poses = findings.poses
    found = poses.found[:, k]
    troubles = np.bincount(findings.trust.doubt[:, k], minlength=len(Doubt))[1:]
    worst = Doubt(int(troubles.argmax()) + 1) if troubles.any() else Doubt.NONE
    sigma = poses.sigma[:, k]
    row: list[Cell] = [
        (words.plain(poses.skeleton.joints[k]), words.plain(poses.skeleton.joints[k])),
        (join([svg.meter(share, CLASSES[Doubt.NONE]), tag("span", words.percent(share))]), share),
        words.cell(float(found.mean()) if found.size else np.nan, words.percent),
        (SHORT[worst] if worst else words.UNKNOWN, SHORT[worst] if worst else ""),
        words.cell(median(np.sqrt((sigma * sigma).sum(-1))), words.centimetres),
        words.cell(median(sigma[:, 2]), words.centimetres),
        words.cell(median(np.abs(poses.residual[:, k])), words.pixels),
    ]
    return row + (_error_cells(findings, poses.skeleton.joints[k]) if findings.evaluation else [])


def _error_cells(findings: Findings, joint: str) -> list[Cell]:
    evaluation = findings.evaluation
    if evaluation is None or joint not in evaluation.joints:
        return [(words.UNKNOWN, np.nan)] * 5
    column = evaluation.joints.index(joint)
    error, labelled = evaluation.error[:, [column]], evaluation.labelled[:, [column]]
    shares = metrics.pck3d(error, labelled, (0.025, 0.05))
    return [words.cell(x, words.centimetres) for x in metrics.spread(error)] + [
        words.cell(float(x), words.percent) for x in shares
    ]


def median(x: Floats) -> float:
    """Of the known numbers, NaN where there is none."""
    return metrics.spread(x)[2]


def errors(findings: Findings) -> Markup:
    """How the errors are spread: as a histogram, and joint by joint. Empty without a truth."""
    known = findings.error[np.isfinite(findings.error)]
    if findings.evaluation is None:
        return Markup("")
    title = tag("h2", "Distance from the truth")
    if not known.size:
        return tag("section", title, tag("p", "No joint has both a place and a truth."), id="errors")
    return tag("section", title, tag("div", _histogram(known), _cumulative(findings.evaluation), class_="two"),
               _over_time(findings), _boxes(findings), id="errors")  # fmt: skip


def _histogram(known: Floats) -> Markup:
    x = svg.scale(0.0, 100 * float(np.quantile(known, _SHOWN)), unit="cm")
    counts, edges = np.histogram(100 * known, bins=_BARS, range=(x.low, x.high))
    y = svg.scale(0.0, 100 * counts.max() / known.size, unit="%")
    heights = y.place(100 * counts / known.size)
    beyond = 1 - counts.sum() / known.size
    title = "Errors of all joints" + (f"; {words.percent(beyond)} lie beyond the right edge" if beyond > 0 else "")
    return svg.plot([svg.bars(x.place(edges[:-1]), 1 / _BARS, np.zeros(_BARS), heights, "one")], x, y, title=title)


def _cumulative(evaluation: Evaluation) -> Markup:
    limits = np.linspace(0.0, 0.10, 101)
    known = np.sort(evaluation.error[np.isfinite(evaluation.error)])
    share = np.searchsorted(known, limits, side="right") / max(int(evaluation.labelled.sum()), 1)
    x = svg.scale(0.0, 10.0, unit="cm", steps=5)
    y = svg.Axis(0.0, 1.0, tuple((p, f"{100 * p:g}" + (" %" if p == 1 else "")) for p in (0, 0.25, 0.5, 0.75, 1.0)))
    return svg.plot([svg.line(limits / 0.10, share, y, "one")], x, y,
                    title="Share of joints within a distance; misses count as wrong")  # fmt: skip


def _over_time(findings: Findings) -> Markup:
    mean, deviation = (100 * x for x in scatter(findings.error, findings))
    y = svg.scale(0.0, _HEADROOM * float(np.quantile(mean[np.isfinite(mean)], 0.9)), unit="cm")
    middle, width = findings.bins.middle, findings.bins.width
    return svg.plot(
        [svg.band(middle, width, mean - deviation, mean + deviation, y, "one"),
         svg.line(middle, mean, y, "one", step=width)], findings.axis, y,
        title="Error over time: mean of all joints and one standard deviation (peaks are cut off)", timed=True,
    )  # fmt: skip


def _boxes(findings: Findings) -> Markup:
    """A row for each joint: 5 to 95 % as a thin line, the middle half as a box, the median as a stroke."""
    joints = findings.poses.skeleton.joints
    columns = [findings.error[:, k][np.isfinite(findings.error[:, k])] for k in range(len(joints))]
    quantiles = np.array([100 * np.quantile(c, (0.05, 0.25, 0.5, 0.75, 0.95)) if c.size else [np.nan] * 5
                          for c in columns]).reshape(-1, 5)  # fmt: skip
    x = svg.scale(0.0, float(np.nanmax(quantiles[:, 4])), unit="cm")
    rows = [
        tag("tr", tag("th", words.plain(joint), scope="row"), tag("td", _box(q, x)),
            tag("td", f"{q[2]:.1f} cm" if np.isfinite(q[2]) else words.UNKNOWN))
        for joint, q in zip(joints, quantiles)
    ]  # fmt: skip
    scale = tag("tr", tag("td"), tag("td", _scale(x)), tag("td", "median"))
    caption = "Each joint's errors: box the middle half, line 5 to 95 %, stroke the median"
    return tag("table", tag("caption", caption), tag("tbody", *rows, scale), class_="boxes")


def _box(q: Floats, x: svg.Axis) -> Markup:
    if not np.isfinite(q).all():
        return Markup("")
    p = [f"{100 * v:.4g}%" for v in x.place(q)]
    width = f"{100 * float(x.place(q[3:4])[0] - x.place(q[1:2])[0]):.4g}%"
    return tag(
        "svg", tag("line", x1=p[0], x2=p[4], y1="50%", y2="50%", class_="whisker"),
        tag("rect", x=p[1], width=width, y="15%", height="70%", class_="box"),
        tag("line", x1=p[2], x2=p[2], y1="5%", y2="95%", class_="median"), class_="row", aria_hidden="true",
    )  # fmt: skip


def _scale(x: svg.Axis) -> Markup:
    labels = [tag("text", label, x=f"{100 * p:.4g}%", y="1em", class_="x") for p, label in x.ticks]
    return tag("svg", *labels, class_="row scale")
