"""The page put together: one file that reaches for nothing outside itself."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from stereo3d.atomic import write_text
from stereo3d.evaluation.points import Points
from stereo3d.poses import Poses3D
from stereo3d.visual.page import joints, player, provenance, tracks, verdict, worst
from stereo3d.visual.page.findings import Findings, find
from stereo3d.visual.page.markup import Markup, join, tag

_TITLE = "Report on 3D joints"
_SECTIONS = (("verdict", "Verdict"), ("player", "Movement"), ("joints", "Joints"), ("errors", "Errors"),
             ("worst", "Worst moments"), ("trajectories", "Places"), ("rows", "Views"), ("limbs", "Limbs"),
             ("method", "Method"), ("provenance", "Origin"))  # fmt: skip


def write(
    poses: Poses3D, path: str | os.PathLike[str], *, truth: Points | Poses3D | None = None,
    run: Mapping[str, Any] | None = None, recording: Mapping[str, Any] | None = None,
    pictures: Mapping[int, bytes] | None = None, title: str = _TITLE,
) -> Path:
    """The path of an HTML page on a result; see `page`."""
    made = page(poses, truth=truth, run=run, recording=recording, pictures=pictures, title=title)
    return write_text(path, made)


def page(
    poses: Poses3D, *, truth: Points | Poses3D | None = None, run: Mapping[str, Any] | None = None,
    recording: Mapping[str, Any] | None = None, pictures: Mapping[int, bytes] | None = None, title: str = _TITLE,
) -> str:
    """A self-contained HTML page: can the result be trusted, and where not.

    With `truth` also how accurate it is. `run` is the provenance beside the poses' own origin, `recording` what
    recording.base.describe says of the recording. `pictures` are JPEG files by recording frame: they show the infant,
    so none is taken without being given. The page loads nothing, and its content security policy lets nothing be
    loaded or run but its own script and style. It tells neither file names nor serial numbers. Raises what `evaluate`
    does where the truth does not go with the poses.
    """
    findings = find(poses, truth, run, recording)
    return "<!DOCTYPE html>\n" + tag("html", _head(title), _body(findings, title, pictures or {}), lang="en") + "\n"


def _body(findings: Findings, title: str, pictures: Mapping[int, bytes]) -> Markup:
    at = {int(frame): i for i, frame in enumerate(findings.poses.frame.tolist())}
    shown = {at[frame]: jpeg for frame, jpeg in pictures.items() if frame in at}
    sections = [
        verdict.section(findings), player.section(findings), joints.section(findings), joints.errors(findings),
        worst.section(findings, shown), tracks.trajectories(findings), tracks.rows(findings),
        tracks.lengths(findings), provenance.section(findings),
    ]  # fmt: skip
    held = join(sections)
    links = [tag("a", say, href=f"#{name}") for name, say in _SECTIONS if f'id="{name}"' in held]
    return tag(
        "body", tag("header", tag("h1", title), tag("nav", *links, class_="screen", aria_label="Sections")),
        tag("main", held),
        tag("footer", "Research use only; not a medical device. Times run from the recording's start."),
        tag("script", Markup(player.data(findings)), type="application/json", id="data"),
        tag("script", Markup(_part("player.js"))),
    )


def _head(title: str) -> Markup:
    style, script = _part("style.css"), _part("player.js")
    policy = (
        f"default-src 'none'; style-src {_fingerprint(style)}; script-src {_fingerprint(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = (
        '<meta charset="utf-8">', f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">', '<meta name="referrer" content="no-referrer">',
    )  # fmt: skip
    return tag("head", Markup("".join(parts)), tag("title", title), tag("style", Markup(style)))


def _part(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _fingerprint(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return f"'sha256-{digest}'"
