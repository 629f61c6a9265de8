"""What a comparison comes to, as tables beside the papers' own: Markdown, JSON, CSV."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.evaluation.comparison.published import Table
from stereo3d.evaluation.report import write_as
from stereo3d.values import Value

OF_FOUND = " of found"
"""The end of a column's name that stands in brackets behind the column without it."""


@dataclass(frozen=True, slots=True, eq=False)
class Account(Value):
    """Named tables, and what has to be read with them."""

    head: str
    """A line on what was compared."""
    counts: Mapping[str, Any]
    """The same for other programs."""
    tables: Mapping[str, Table]
    reading: str
    """How the numbers are meant."""
    papers: Mapping[str, Mapping[str, Table]] = field(default_factory=dict)
    """The papers' own tables to stand beneath ours, by the name of ours and then the paper's short name."""


def to_markdown(account: Account) -> str:
    """All tables, the papers' rows beneath ours, and the papers."""
    parts = [markdown(table, account.papers.get(name)) for name, table in account.tables.items()]
    sources = sorted({t.source for name in account.tables for t in account.papers.get(name, {}).values()})
    return "\n\n".join([account.head, *parts, account.reading, *(f"Source: {source}." for source in sources)]) + "\n"


def to_dict(account: Account) -> dict[str, Any]:
    """All tables as JSON can hold them, unknown is null; the papers' under `published` with their source."""
    made = {name: _plain(table) for name, table in account.tables.items()}
    papers = {
        name: {short: {"source": table.source, **_plain(table)} for short, table in tables.items()}
        for name, tables in account.papers.items()
    }
    return {**account.counts, **made, "published": papers}


def to_csv(account: Account) -> str:
    """A row for each number, unknown is empty: table, row, column, value, source (empty for our own)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("table", "row", "column", "value", "source"))
    papers = [(name, table) for name, tables in account.papers.items() for table in tables.values()]
    for name, table in [*account.tables.items(), *papers]:
        for row, numbers in _plain(table)["rows"].items():
            writer.writerows((name, row, column, x, table.source) for column, x in numbers.items())
    return text.getvalue()


def write(account: Account, path: str | os.PathLike[str]) -> Path:
    """The path of a new file in the format of its ending: .md, .json or .csv. Raises UsageError for another."""
    return write_as(path, lambda: to_markdown(account), lambda: to_dict(account), lambda: to_csv(account))


def markdown(table: Table, papers: Mapping[str, Table] | None = None) -> str:
    """A table as Markdown, the papers' rows beneath ours; a column `X of found` stands in brackets behind X."""
    columns = [c for c in table.columns if not c.endswith(OF_FOUND)]
    rows = [["", *columns], ["---", *("---:" for _ in columns)]]
    rows += _cells(table, columns, "")
    for short, paper in (papers or {}).items():
        rows += _cells(paper, columns, f"{short}: ")
    return f"**{table.title}**\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


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
        cells = (_cell(held.get(c), held.get(c + OF_FOUND), c) for c in columns)
        lines.append([prefix + name.replace("|", r"\|"), *cells])
    return lines


def _cell(x: float | None, of_found: float | None, column: str) -> str:
    if x is None or not np.isfinite(x):
        return "-"
    digits = "0" if column == "subjects" else "4" if column == "ME" or column.startswith(("LOS", "A")) else "2"
    text = f"{x:.3g}" if column.startswith("p ") else f"{x:.{digits}f}"
    return text if of_found is None else f"{text} ({_cell(of_found, None, column)})"
