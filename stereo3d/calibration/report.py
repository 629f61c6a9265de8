"""The report on a calibration as Markdown, JSON, or one HTML page with its pictures inside."""

from __future__ import annotations

import base64
import html
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d.atomic import write_text
from stereo3d.calibration import figures
from stereo3d.calibration.figures import left_out_in_words
from stereo3d.calibration.parameters import Row, lens_rows, pose_rows
from stereo3d.calibration.quality import LIMITS, Calibration
from stereo3d.calibration.rectification import rectification
from stereo3d.cameras import RectifiedCamera
from stereo3d.errors import UsageError
from stereo3d.stereo import Stereo
from stereo3d.values import Bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"good": "#2e7d4f", "usable": "#96610f", "film again": "#b03a2e"}
_STYLE = """
:root{color-scheme:light dark;--ink:#22303c;--quiet:#5b6770;--line:#e3e7ea;--page:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ed;--quiet:#a3afb8;--line:#36424c;--page:#161c21}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:920px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:2rem 0 .3rem}p{margin:.3rem 0}
.verdict{color:#fff;padding:.7rem 1rem;border-radius:6px}.quiet{color:var(--quiet)}
table{border-collapse:collapse;margin:.6rem 0;font-variant-numeric:tabular-nums}th{font-weight:600}
td,th{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
img{max-width:100%;height:auto;background:#fff;border-radius:6px}
.figures td:last-child{color:var(--quiet)}.scroll{overflow-x:auto}.scroll td{white-space:nowrap}
@media(max-width:560px){.figures th{display:none}.figures td{display:block;border:0;padding:0}
.figures td:first-child{font-weight:600;margin-top:.6rem}
.picture{overflow-x:auto}.picture img{max-width:none;width:720px}}
@media print{h2,.picture{break-after:avoid;break-inside:avoid}}
"""
_NUMBERS = "Every number, with one standard deviation"
_WORDS: tuple[tuple[str, str, Callable[[Calibration], Figure]], ...] = (
    (
        "How sure places are",
        "What the calibration alone adds to the error of a joint. It grows towards parts of the picture where no board "
        "was held.",
        lambda c: figures.uncertainty_figure(c.spread),
    ),
    (
        "Does half of the views say the same?",
        "Every other view makes a rig of its own. Where the two differ by much more than their stated errors allow, "
        "something changed while filming.",
        figures.depth_figure,
    ),
    (
        "Where the board was",
        "Corners in both pictures. Parts without any are extrapolated.",
        figures.coverage_figure,
    ),
    (
        "What is left over",
        "Seen less projected, enlarged. It should look like noise; a pattern tells of a lens or a board that is not "
        "what it is taken for.",
        figures.residual_figure,
    ),
    (
        "View by view",
        "Reprojection error; the mark is the error under the rig that the other views make.",
        figures.views_figure,
    ),
)


def write_report(
    calibration: Calibration, path: str | os.PathLike[str], pictures: Stereo[Bytes] | None = None
) -> Path:
    """Write the report in the form of the suffix, .md, .json or .html, whole or not at all; the path.

    `pictures`: a pair (H, W, 3) to show rectified on the page. Raises UsageError for another suffix.
    """
    form = form_of(path)
    if form == "json":
        return write_text(path, json.dumps(calibration.to_dict(), indent=1) + "\n")
    return write_text(path, to_markdown(calibration) if form == "md" else to_html(calibration, pictures))


def form_of(path: str | os.PathLike[str]) -> str:
    """The form of a report by its file's name: json, md or html. Raises UsageError for another."""
    suffix = Path(path).suffix.lower()
    forms = {".json": "json", ".md": "md", ".html": "html", ".htm": "html"}
    if suffix not in forms:
        raise UsageError(f"{path}: expected .html, .md or .json for a report, got {suffix or 'no suffix'}")
    return forms[suffix]


def table(calibration: Calibration) -> list[Row]:
    """The report's lines: what, how much, and what is good."""
    d, halves = calibration.to_dict(), calibration.halves
    one, rms, sure, edge, lens = (
        d[name] for name in ("leave_one_out", "rms", "uncertainty", "square_edge_error", "lens")
    )
    found = rectification(calibration.rig)
    whole = isinstance(found.camera, RectifiedCamera)
    rows_are, reason = ("rows after rectification", "") if whole else ("distance from the epipolar line", found.reason)
    chosen = "chosen by views held out" if len({t["coefficients"] for t in lens["tried"]}) > 1 else "as asked"
    low, high = (_mm(b, 2) for b in one["baseline"])
    bend = f"bent by {_mm(max(map(abs, lens['board_bend'])), 2)}" if lens["board_bent"] else "flat"
    rows: list[Row] = [
        ("pairs used", f"{d['pairs']['used']} of {d['pairs']['looked_at']}", f"{LIMITS['pairs'][0]} or more"),
        (
            "reprojection error, left / right / both",
            f"{rms['left']:.3f} / {rms['right']:.3f} / {rms['stereo']:.3f} px",
            f"under {LIMITS['reprojection'][0]:g} px; it says little by itself",
        ),
        (rows_are, f"{d['row_error']['rms']:.3f} px (most {d['row_error']['max']:.2f})", reason),
        (
            "rows of views held out",
            f"{one['row_error']:.3f} px (worst view {one['worst_view_row_error']:.2f})",
            f"under {LIMITS['row error'][0]:g} px, and near the line above",
        ),
        ("sides of squares", f"{_mm(edge['rms'], 3)} (mean {1000 * edge['mean']:+.3f})", "mean near zero"),
        (
            "3D error of the calibration itself, 0.4-1.2 m",
            f"median {_mm(sure['median'])}, 95 % {_mm(sure['p95'])}",
            f"95 % under {_mm(LIMITS['3D error'][0], 0)}",
        ),
        ("baseline", f"{_mm(d['baseline'], 2)} (views held out: {low} to {high})", _nominal(d["nominal_baseline"])),
        ("left and right", "exchanged" if d["exchanged"] else "the right way round", ""),
        ("lens", f"{lens['coefficients']} distortion coefficients, mode {lens['mode']}", chosen),
        ("board", f"{d['board']}, {bend}", ""),
    ]
    if halves:
        apart = f"{_mm(halves.difference.median)} apart ({_mm(halves.expected.median)} expected)"
        limit = f"under {LIMITS['halves'][0]:g} times what is expected"
        rows.insert(6, ("two halves of the views, solved apart", apart, limit))
    return rows


def to_markdown(calibration: Calibration) -> str:
    """The verdict, the figures and what was left out, as Markdown."""
    verdict = calibration.verdict
    lines = ["# Calibration report", "", f"**{verdict.level}**: {'; '.join(verdict.reasons)}", ""]
    lines += _markdown([("", "", "good"), *table(calibration)])
    lines += ["", f"## {_NUMBERS}", "", *_markdown(lens_rows(calibration)), "", *_markdown(pose_rows(calibration))]
    lines += ["", *_section("Film next", list(calibration.coverage.hints), "every place, distance and tilt is covered")]
    lines += ["", *_section("Left out", left_out_in_words(calibration.solution.views.left_out), "nothing")]
    return "\n".join(lines) + "\n"


def to_html(calibration: Calibration, pictures: Stereo[Bytes] | None = None) -> str:
    """The whole report with its pictures as one HTML page that needs nothing else."""
    verdict = calibration.verdict
    body = [
        "<h1>Calibration report</h1>",
        f'<p class="verdict" style="background:{_COLOURS[verdict.level]}"><b>{verdict.level}</b>: '
        f"{html.escape('; '.join(verdict.reasons))}</p>",
        _html([("figure", "found", "good"), *table(calibration)], "figures"),
    ]
    for title, words, figure in _pictures(calibration, pictures):
        image = f'<div class=picture><img alt="{title}" src="{_png(figure)}"></div>'
        body.append(f"<h2>{title}</h2><p class=quiet>{words}</p>{image}")
    body += [f"<h2>{_NUMBERS}</h2>", *(_html(rows(calibration), "scroll") for rows in (lens_rows, pose_rows))]
    for title, lines, none in (
        ("Film next", list(calibration.coverage.hints), "Every place, distance and tilt is covered."),
        ("Left out", left_out_in_words(calibration.solution.views.left_out), "Nothing."),
    ):
        items = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
        body.append(f"<h2>{title}</h2>" + (f"<ul>{items}</ul>" if lines else f"<p>{none}</p>"))
    head = '<!doctype html><html lang="en"><meta charset="utf-8">'
    head += '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Calibration report</title>'
    return f"{head}<style>{_STYLE}</style>" + "\n".join(body) + "</html>\n"


def _pictures(calibration: Calibration, pictures: Stereo[Bytes] | None) -> Iterator[tuple[str, str, Figure]]:
    if pictures is not None and isinstance(rectification(calibration.rig).camera, RectifiedCamera):
        words = "Each line must pass through the same things on both sides."
        yield "A pair, rectified", words, figures.rectified_figure(calibration, pictures)
    for title, words, draw in _WORDS:
        yield title, words, draw(calibration)


def _html(rows: list[Row], kind: str) -> str:
    """A table whose first row is its header."""
    lines = [
        f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in row)}</tr>"
        for tag, row in zip(("th", *["td"] * len(rows)), rows, strict=False)
    ]
    return f'<div class="{kind}"><table>{"".join(lines)}</table></div>'


def _markdown(rows: list[Row]) -> list[str]:
    """A table whose first row is its header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|" + "---|" * len(rows[0]), *lines[1:]]


def _mm(metres: float, digits: int = 1) -> str:
    return f"{1000 * metres:.{digits}f} mm"


def _section(title: str, lines: list[str], none: str) -> list[str]:
    return [f"## {title}", "", *([f"* {line}" for line in lines] or [none])]


def _nominal(baseline: float | None) -> str:
    return "" if baseline is None else f"nominal {_mm(abs(baseline), 2)}"


def _png(figure: Figure) -> str:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
