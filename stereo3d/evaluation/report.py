"""An evaluation for people and for other programs: Markdown, JSON, CSV. Here alone lengths are centimetres."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stereo3d.atomic import write_text
from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics
from stereo3d.evaluation.evaluate import Evaluation, Summary

CENTIMETRES = 100.0
_READING = (
    "Absolute 3D distances, unaligned. Mean, STD and median are of the joints found. 3DPCK counts a miss as wrong; in "
    "brackets it leaves misses out. Joints are pooled over frames, but for the row that says otherwise."
)


def write(evaluation: Evaluation, path: str | os.PathLike[str]) -> Path:
    """The path of a new file in the format of its ending: .md, .json or .csv. Raises UsageError for another."""
    return write_as(path, lambda: to_markdown(evaluation), lambda: to_dict(evaluation), lambda: to_csv(evaluation))


def write_as(
    path: str | os.PathLike[str], markdown: Callable[[], str], figures: Callable[[], Any], table: Callable[[], str]
) -> Path:
    """The path of a new .md, .json or .csv with what is made for it. Raises UsageError for another ending."""
    forms = {".md": markdown, ".json": lambda: json.dumps(figures(), indent=1) + "\n", ".csv": table}
    made = forms.get(Path(path).suffix.lower())
    if made is None:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(forms)}")
    return write_text(path, made())


def to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """All figures as JSON can hold them (unknown is null): lengths in cm, shares in %, units in the names."""
    frames, found = evaluation.frame.size, evaluation.detected
    by_frame = {
        "mean_cm": _cm(float(metrics.average(evaluation.error, found, "frames"))),
        "detection_rate_percent": _percent(metrics.detection_rate(evaluation.error, evaluation.labelled, "frames")),
        "pck_percent": _shares(evaluation, "wrong"),
        "pck_of_found_percent": _shares(evaluation, "left out"),
    }
    return {
        "frames": {
            "shared": frames,
            "poses": evaluation.frames_given[0],
            "truth": evaluation.frames_given[1],
            "paired_by": evaluation.paired_by,
            "apart_s": None if evaluation.apart is None else round(evaluation.apart, 6),
        },
        "joints": {"shared": list(evaluation.joints), "left_out": list(evaluation.left_out)},
        "all": _figures(evaluation, evaluation.summary()),
        "mean_over_frames": by_frame,
        "groups": {name: _figures(evaluation, part) for name, part in evaluation.per_group().items()},
        "per_joint": {name: _figures(evaluation, part) for name, part in evaluation.per_joint().items()},
    }


def to_markdown(evaluation: Evaluation) -> str:
    """A table: all joints, AGMA's groups (left and right together), then every joint; and how it was counted."""
    head = ["", "found %", "mean cm", "STD cm", "median cm"]
    head += [f"3DPCK@{_label(t)} %" for t in evaluation.thresholds]
    figures = to_dict(evaluation)
    parts = {"**all**": figures["all"], "all, mean over frames": figures["mean_over_frames"]}
    parts |= figures["groups"] | figures["per_joint"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    rows += [[name, *_cells(part)] for name, part in parts.items()]
    table = "".join("| " + " | ".join(row) + " |\n" for row in rows)
    return f"{_counted(evaluation)}\n\n{table}\n{_READING}\n"


def to_csv(evaluation: Evaluation) -> str:
    """The rows of the Markdown table under the names of `to_dict`: comma-separated, unknown is empty."""
    figures = to_dict(evaluation)
    rows = [("all", "all", figures["all"])]
    rows += [(kind, name, part) for kind in ("groups", "per_joint") for name, part in figures[kind].items()]
    flat = [{"part": kind, "name": name, **_flat(part)} for kind, name, part in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, flat[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _figures(evaluation: Evaluation, part: Summary) -> dict[str, Any]:
    labels = [_label(t) for t in evaluation.thresholds]
    return {
        "labelled": part.labelled,
        "found": part.found,
        "detection_rate_percent": _percent(part.detection_rate),
        "mean_cm": _cm(part.mean),
        "std_cm": _cm(part.std),
        "median_cm": _cm(part.median),
        "pck_percent": dict(zip(labels, map(_percent, part.pck))),
        "pck_of_found_percent": dict(zip(labels, map(_percent, part.pck_found))),
    }


def _flat(figures: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, x in figures.items():
        flat |= {f"{name}@{label}": share for label, share in x.items()} if isinstance(x, dict) else {name: x}
    return flat


def _shares(evaluation: Evaluation, misses: metrics.Misses) -> dict[str, float | None]:
    shares = metrics.pck3d(evaluation.error, evaluation.labelled, evaluation.thresholds, misses, "frames")
    return {_label(t): _percent(float(share)) for t, share in zip(evaluation.thresholds, shares)}


def _cells(figures: dict[str, Any]) -> list[str]:
    cells = [figures.get(name) for name in ("detection_rate_percent", "mean_cm", "std_cm", "median_cm")]
    shares = zip(figures["pck_percent"].values(), figures["pck_of_found_percent"].values())
    return [_cell(x) for x in cells] + [f"{_cell(wrong)} ({_cell(left_out)})" for wrong, left_out in shares]


def _cell(x: float | None) -> str:
    return "-" if x is None else f"{x:.2f}"


def _counted(evaluation: Evaluation) -> str:
    poses, truth = evaluation.frames_given
    others = f"; in one of the two alone: {', '.join(evaluation.left_out)}" if evaluation.left_out else ""
    paired: str = evaluation.paired_by
    if evaluation.apart is not None:
        paired += f", up to {1000 * evaluation.apart:.1f} ms apart"
    return (
        f"{evaluation.frame.size} frames shared (poses have {poses}, truth {truth}; paired by {paired}), "
        f"{len(evaluation.joints)} joints shared{others}."
    )


def _label(threshold: float) -> str:
    return f"{threshold * CENTIMETRES:g}cm"


def _cm(x: float) -> float | None:
    return round(x * CENTIMETRES, 4) if math.isfinite(x) else None


def _percent(x: float) -> float | None:
    return round(x * 100, 4) if math.isfinite(x) else None
