"""Where the numbers come from and how they were judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import stereo3d
from stereo3d.cameras import RectifiedCamera
from stereo3d.visual.page import words
from stereo3d.visual.page.findings import Findings
from stereo3d.visual.page.markup import Markup, join, tag
from stereo3d.visual.page.verdict import explanation

_PATH = re.compile(
    r"^[~.]?[/\\]|^[A-Za-z]:[/\\]|[/\\][^/\\\s]*\.\w+$|^\S+\.(svo2?|h5|hdf5|mp4|mkv|avi|mov|conf)$", re.IGNORECASE
)
"""What looks like the place of a file."""
_LONGEST = 300
_MOST = 200


def section(findings: Findings) -> Markup:
    """Method and provenance, the latter as it was recorded with the result."""
    method = tag("section", tag("h2", "How this was judged"), explanation(), id="method")
    run = list(_flat(findings.run))[:_MOST]
    fold = tag("details", tag("summary", "Settings, versions and check sums"), _table(run)) if run else ""
    heading = tag("h2", "Where this comes from")
    return join([method, tag("section", heading, _table(_facts(findings)), fold, id="provenance")])


def _table(facts: Iterable[tuple[str, str]]) -> Markup:
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in facts]
    return tag("div", tag("table", tag("tbody", *rows), class_="facts"), class_="wide")


def _facts(findings: Findings) -> Iterator[tuple[str, str]]:
    poses = findings.poses
    rectified = isinstance(poses.camera, RectifiedCamera)
    yield "page made by", f"stereo3d {stereo3d.__version__}"
    yield "skeleton", f"{poses.skeleton.name}, {words.count(len(poses.skeleton), 'joint')}"
    yield "coordinates", f"{'rectified ' if rectified else ''}left camera: x right, y down, z away; 0 is the camera"
    yield "distance between the cameras", words.centimetres(abs(poses.camera.baseline), 2)
    if len(poses):
        yield "frames of the recording", f"{poses.frame.min():,} to {poses.frame.max():,}"
    recording = findings.recording
    if recording:
        yield "recording", (
            f"{words.count(recording['frames'], 'pair')} of {recording['size'][0]} x {recording['size'][1]} px in "
            f"{words.duration(recording['seconds'])}, {recording['fps']:g} a second; "
            f"{words.count(recording['invalid'], 'pair')} without pictures; the result has {len(poses):,}"
        )
    if findings.evaluation is not None:
        shared, (_, held) = findings.evaluation.frame.size, findings.evaluation.frames_given
        yield "truth", f"{words.count(shared, 'frame')} shared of {held:,}, paired by {findings.evaluation.paired_by}"


def _flat(x: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of nested mappings under its path, but what may name somebody or something."""
    if isinstance(x, Mapping):
        for key, inner in x.items():
            yield from _flat(inner, f"{name} › {key}" if name else str(key))
    elif not _names(name, x):
        shown = x if isinstance(x, str) else "none" if x is None else json.dumps(x)
        yield name.replace("_", " "), shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " …"


def _names(name: str, x: Any) -> bool:
    """Whether it is the place of a file or a serial number: they can name a person or a ward."""
    parts = x if isinstance(x, (list, tuple)) else [x]
    return "serial" in name.lower() or any(isinstance(part, str) and _PATH.search(part) for part in parts)
