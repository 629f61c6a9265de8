"""The least trustworthy frames, to look at first; with their pictures where somebody asked for them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import numpy as np

from stereo3d.visual.page import words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Cell, Markup, table, tag
from stereo3d.visual.page.trust import SHORT, Doubt

_NAMED = 4


def section(findings: Findings, pictures: Mapping[int, bytes]) -> Markup:
    """A table of frames; `pictures` holds JPEG files by place in the poses."""
    heading = tag("h2", "Worst moments")
    if not len(findings.worst):
        return tag("section", heading, tag("p", "No frame has a joint that is in doubt."), id="worst")
    truth = findings.evaluation is not None
    head = ["Time", "Frame", "Joints trusted", "What is wrong"] + (["Largest error"] if truth else [])
    rows = [_row(findings, at) for at in findings.worst.tolist()]
    shown = [_picture(findings, at, jpeg) for at, jpeg in pictures.items()]
    about = "At least a second apart. A time opens the player there."
    return tag("section", heading, tag("p", about, class_="screen"), table(head, rows), tag("div", *shown), id="worst")


def _row(findings: Findings, at: int) -> list[Cell]:
    doubt, frame = findings.trust.doubt[at], int(findings.poses.frame[at])
    good = int((doubt == Doubt.NONE).sum())
    moment = tag("button", findings.moment(at), type="button", class_="seek", data_time=f"{findings.clock[at]:.6f}")
    row: list[Cell] = [
        (moment, float(findings.clock[at])), (f"{frame:,}", float(frame)), (f"{good} of {len(doubt)}", float(good)),
        (_troubles(findings, at), str(len(doubt) - good)),
    ]  # fmt: skip
    if findings.evaluation is not None:
        error = findings.error[at]
        row.append(words.cell(float(np.fmax.reduce(error, initial=-1.0)), words.centimetres)
                   if np.isfinite(error).any() else (words.UNKNOWN, np.nan))  # fmt: skip
    return row


def _troubles(findings: Findings, at: int) -> str:
    doubt, joints = findings.trust.doubt[at], findings.poses.skeleton.joints
    parts = []
    for d in Doubt:
        names = [words.plain(joints[k]) for k in np.flatnonzero(doubt == d)]
        if d and names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            parts.append(f"{SHORT[d]}: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(parts) or "all joints plausible"


def _picture(findings: Findings, at: int, jpeg: bytes) -> Markup:
    source = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
    caption = f"Both views at {findings.moment(at)}, with the joints found"
    return tag("figure", tag("img", src=source, alt=caption, loading="lazy"), tag("figcaption", caption))
