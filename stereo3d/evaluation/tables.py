"""A comparison as AGMA's tables 3, 4 and 5 beside the paper's own, and the tests: Markdown, JSON, CSV.

For people: shares in %, lengths in cm, as the papers print them. All joints are pooled over frames but for rows that
say otherwise; mean and STD are of joints found; PCK counts a miss as wrong, `of found` leaves misses out.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.atomic import write_text
from stereo3d.errors import UsageError
from stereo3d.evaluation import metrics, published
from stereo3d.evaluation.compare import Comparison
from stereo3d.evaluation.compared import Compared, paired_tests
from stereo3d.evaluation.pixels import picture_error
from stereo3d.evaluation.published import Table
from stereo3d.evaluation.report import CENTIMETRES

_ENDINGS = (".md", ".json", ".csv")
_OF_FOUND = " of found"
_READING = (
    "Mean and STD are of the joints found, PCK counts a miss as wrong and, in brackets, leaves misses out. Joints are "
    "pooled over frames, but for rows that say otherwise. Intervals are 95 %, by subject. The papers' figures are of "
    "their own infants, as printed: beside these, not against them."
)
_BESIDE = {
    "pictures": published.beside(published.AGMA_TABLE_3, published.AGMA_FIGURE_6),
    "space": published.AGMA_TABLE_4,
    "joints": published.AGMA_TABLE_5,
}


def tables(comparison: Comparison) -> dict[str, Table]:
    """`pictures` (AGMA's table 3, where there are any), `space` (4), `joints` (5), `steadiness`, `tests`."""
    space, pictures = comparison.space, comparison.pictures
    made = {} if pictures is None else {"pictures": in_pictures(pictures)}
    made |= {"space": in_space(space), "joints": by_joint(space), "steadiness": steadiness(comparison)}
    return made | {"tests": against_first(space)}


def in_pictures(compared: Compared) -> Table:
    """AGMA's table 3 and its figure 6 in numbers: PCK of the torso height, mean and STD of the pictures' errors."""
    rows = {name: (*_shares(compared, i), *_spread(compared, i, 1.0)) for i, name in enumerate(compared.names)}
    rows |= _over_frames(compared, 1.0)
    columns = _columns([f"PCK@{t:g}" for t in compared.thresholds], "px")
    return Table("In pictures: PCK of the torso height, %, and error", columns, rows)


def in_space(compared: Compared) -> Table:
    """AGMA's table 4: 3DPCK, mean and STD."""
    rows = _space_rows(compared, "") | _over_frames(compared, CENTIMETRES)
    return Table("In space: 3DPCK, %, and error", _space_columns(compared), rows)


def by_joint(compared: Compared) -> Table:
    """AGMA's table 5 for each prediction: its joints, left and right together."""
    rows: dict[str, tuple[float, ...]] = {}
    for group, which in metrics.joint_groups(compared.joints).items():
        rows |= _space_rows(compared.of_joints(which), f"{group}, ")
    return Table("In space, by joint", _space_columns(compared), rows)


def steadiness(comparison: Comparison) -> Table:
    """How much tracks shake: acceleration error, limb segments' coefficient of variation, the detector's row noise."""
    rows = {name: (s[0], 100 * s[1], s[2]) for name, s in comparison.steadiness.items()}
    return Table("Steadiness", ("acceleration error m/s^2", "limb length variation %", "row noise px"), rows)


def against_first(compared: Compared) -> Table:
    """Mean 3D errors with their intervals, and each prediction's difference from the first with its paired tests."""
    columns = ("mean cm", "low", "high", "difference cm", "difference low", "difference high", "subjects",
               "p t test", "p Wilcoxon")  # fmt: skip
    held = {test.name: test for test in paired_tests(compared)}
    rows = {}
    for i, name in enumerate(compared.names):
        test, mean = held.get(name), compared.mean(i)
        against = (np.nan,) * 3 if test is None else test.difference
        rest = (len(compared.subjects), np.nan, np.nan) if test is None else (test.subjects, test.p_t, test.p_wilcoxon)
        rows[name] = (*(CENTIMETRES * x for x in (*mean, *against)), *map(float, rest))
    return Table(f"Against {compared.names[0]}, by subject", columns, rows)


def to_markdown(comparison: Comparison) -> str:
    """All tables, the paper's rows beneath ours."""
    space = comparison.space
    n_frames, n_joints = space.labelled.shape
    head = f"{n_frames} frames and {n_joints} joints that all share; subjects: {len(space.subjects)}."
    parts = [markdown(table, _BESIDE.get(name)) for name, table in tables(comparison).items()]
    return "\n\n".join([head, *parts, _READING]) + f"\n\nSource: {published.AGMA}.\n"


def to_dict(comparison: Comparison) -> dict[str, Any]:
    """All tables as JSON can hold them, unknown is null; the papers' under `published` with their source."""
    made = {name: _plain(table) for name, table in tables(comparison).items()}
    papers = {name: {"source": table.source, **_plain(table)} for name, table in _BESIDE.items()}
    space = comparison.space
    counts = {"frames": len(space.subject), "joints": list(space.joints), "subjects": list(space.subjects)}
    return {**counts, **made, "published": papers}


def to_csv(comparison: Comparison) -> str:
    """A row for each number, unknown is empty: table, row, column, value, source (empty for our own)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "row", "column", "value", "source"))
    for name, table in [*tables(comparison).items(), *_BESIDE.items()]:
        for row, numbers in _plain(table)["rows"].items():
            writer.writerows((name, row, column, x, table.source) for column, x in numbers.items())
    return text.getvalue()


def write(comparison: Comparison, path: str | os.PathLike[str]) -> Path:
    """The path of a new file in the format of its ending: .md, .json or .csv. Raises UsageError for another."""
    kind = Path(path).suffix.lower()
    if kind not in _ENDINGS:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(_ENDINGS)}")
    if kind == ".md":
        return write_text(path, to_markdown(comparison))
    if kind == ".csv":
        return write_text(path, to_csv(comparison))
    return write_text(path, json.dumps(to_dict(comparison), indent=1) + "\n")


def markdown(table: Table, paper: Table | None = None) -> str:
    """A table as Markdown, AGMA's rows beneath ours; a column `X of found` stands in brackets behind X."""
    columns = [c for c in table.columns if not c.endswith(_OF_FOUND)]
    rows = [["", *columns], ["---", *("---:" for _ in columns)]]
    rows += _cells(table, columns, "")
    rows += _cells(paper, columns, "AGMA: ") if paper else []
    return f"**{table.title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _space_columns(compared: Compared) -> tuple[str, ...]:
    return _columns([f"3DPCK@{t * CENTIMETRES:g}cm" for t in compared.thresholds], "cm")


def _columns(shares: list[str], unit: str) -> tuple[str, ...]:
    return (*shares, *(share + _OF_FOUND for share in shares), f"mean {unit}", f"STD {unit}", "found %")


def _space_rows(compared: Compared, prefix: str) -> dict[str, tuple[float, ...]]:
    return {
        prefix + name: (*_shares(compared, i), *_spread(compared, i, CENTIMETRES))
        for i, name in enumerate(compared.names)
    }


def _shares(compared: Compared, i: int, over: metrics.Over = "joints") -> Iterable[float]:
    both = [compared.pck(i, "wrong", over), compared.pck(i, "left out", over)]
    return (100 * np.concatenate(both)).tolist()  # type: ignore[no-any-return]


def _spread(compared: Compared, i: int, unit: float) -> tuple[float, ...]:
    mean, std, _ = metrics.spread(compared.error[i])
    return unit * mean, unit * std, 100 * metrics.detection_rate(compared.error[i], compared.labelled)


def _over_frames(compared: Compared, unit: float) -> dict[str, tuple[float, ...]]:
    """Each prediction's mean over frames of every frame's figures; the STD is that of the frames' means."""
    rows = {}
    for i, name in enumerate(compared.names):
        mean, std, _ = metrics.spread(picture_error(compared.error[i], compared.labelled))
        found = metrics.detection_rate(compared.error[i], compared.labelled, "frames")
        rows[f"{name}, mean over frames"] = (*_shares(compared, i, "frames"), unit * mean, unit * std, 100 * found)
    return rows


def _plain(table: Table) -> dict[str, Any]:
    rows = {
        name: {column: round(x, 6) if np.isfinite(x) else None for column, x in zip(table.columns, row)}
        for name, row in table.rows.items()
    }
    return {"title": table.title, "rows": rows}


def _cells(table: Table, columns: list[str], prefix: str) -> list[list[str]]:
    lines = []
    for name, row in table.rows.items():
        held = dict(zip(table.columns, row))
        cells = (_cell(held.get(c), held.get(c + _OF_FOUND), c) for c in columns)
        lines.append([prefix + name.replace("|", r"\|"), *cells])
    return lines


def _cell(x: float | None, of_found: float | None, column: str) -> str:
    if x is None or not np.isfinite(x):
        return "-"
    text = f"{x:.0f}" if column == "subjects" else f"{x:.3g}" if column.startswith("p ") else f"{x:.2f}"
    return text if of_found is None else f"{text} ({_cell(of_found, None, column)})"
