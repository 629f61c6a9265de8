"""The skeleton player: its controls, and the joints as numbers for its script."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stereo3d.visual.page import words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Markup, tag
from stereo3d.visual.page.trust import SHORT, Doubt
from stereo3d.visual.page.verdict import strip

MOST = 36_000
"""Frames: ten a second of an hour, in 6 MB."""
_FARTHEST = 16.0
"""m, which a step of half a millimetre reaches; what is farther is drawn there."""
_LARGEST = 32_000
_UNKNOWN = -32_768
_SPEEDS = ("0.1", "0.25", "0.5", "1", "2", "4", "10")
_VIEWS = (("front", "As the camera sees it"), ("side", "From the side"), ("below", "From below"))


def section(findings: Findings) -> Markup:
    """The player; it needs the page's script and the data of `data`."""
    heading = tag("h2", "The movement in space")
    if not findings.poses.found.any():
        return tag("section", heading, tag("p", "No joint has a place, so there is nothing to play."), id="player")
    canvas = tag("canvas", "A drawing of the skeleton in space.", tabindex="0", aria_describedby="keys",
                 aria_label="Skeleton in space")  # fmt: skip
    return tag(
        "section", heading,
        tag("div", canvas, tag("p", "", class_="state", aria_live="off"), class_="stage"),
        tag("div", strip(findings), tag("input", type="range", min="0", value="0", step="1", aria_label="Time"),
            class_="time screen"),
        tag("div", tag("button", "Play", type="button", class_="play"), _speeds(),
            *[tag("button", say, type="button", class_="view", data_view=name) for name, say in _VIEWS],
            class_="controls screen"),
        tag("p", _legend(), class_="legend"),
        tag("p", "Drag to turn, wheel or pinch to come nearer. Keys: space plays, arrows step, with shift a second, "
            "Home and End. A click in a chart over time comes here.", id="keys", class_="hint screen"),
        id="player",
    )  # fmt: skip


def _speeds() -> Markup:
    options = [tag("option", f"{s} ×", value=s, selected=s == "1") for s in _SPEEDS]
    return tag("label", "Speed ", tag("select", *options, class_="speed"))


def _legend() -> Markup:
    keys = (("left", "the infant's left"), ("right", "its right"), ("middle", "middle"), ("hollow", "not trusted"))
    return tag("span", *[tag("span", tag("i", class_=f"key {name}"), say) for name, say in keys], class_="keys")


def data(findings: Findings) -> str:
    """JSON for the script: joints as 16-bit whole numbers, time, doubts, all of them base64; every n-th frame."""
    poses = findings.poses
    step = max(1, -(-len(poses) // MOST))
    xyz, doubt = poses.xyz[::step], findings.trust.doubt[::step]
    known = np.abs(xyz[np.isfinite(xyz)])
    unit = float(np.clip(known.max(initial=0.0), 1e-6, _FARTHEST)) / _LARGEST
    whole = np.clip(np.where(np.isfinite(xyz), xyz / unit, 0.0).round(), -_LARGEST, _LARGEST)
    whole[~np.isfinite(xyz).all(-1)] = _UNKNOWN
    clock = findings.clock[::step]
    held: dict[str, Any] = {
        "unit": unit, "step": step, "seconds": findings.seconds, "bones": poses.skeleton.bones,
        "joints": [words.plain(joint) for joint in poses.skeleton.joints], "doubts": [SHORT[d] for d in Doubt],
        "xyz": _base64(whole.astype("<i2")), "doubt": _base64(doubt.astype(np.uint8)),
        "time": _base64((clock - clock[:1]).astype("<f4")), "frame": _base64(poses.frame[::step].astype("<i4")),
        "start": float(clock[0]) if len(clock) else 0.0,
    }  # fmt: skip
    return json.dumps(held, separators=(",", ":")).replace("<", "\\u003c")


def _base64(x: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(x).tobytes()).decode("ascii")
