"""HTML from strings: whatever is not made here is escaped, so no name or number can become markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(x: object) -> Markup:
    """x as HTML: Markup as it is, anything else escaped."""
    return x if isinstance(x, Markup) else Markup(html.escape(str(x)))


def join(parts: Iterable[object]) -> Markup:
    """The parts one after the other."""
    return Markup("".join(text(part) for part in parts))


def tag(name: str, *inside: object, **attributes: object) -> Markup:
    """An element. `class_` is class, `data_x` is data-x; None and False leave an attribute out, True is a bare one."""
    written = [
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items() if value is not None and value is not False
    ]  # fmt: skip
    return Markup(f"<{name}{''.join(written)}>{join(inside)}</{name}>")


Cell = tuple[object, float | str]
"""What a cell shows and what it is sorted by."""


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, sortable: bool = True, caption: str = "") -> Markup:
    """A table whose first column names the rows; with `sortable` the player's script sorts it by a click."""
    buttons = [tag("button", name, type="button") if sortable else name for name in head]
    heads = join(tag("th", button, scope="col", aria_sort="none" if sortable else None) for button in buttons)
    body = join(tag("tr", _cell(row[0], "th"), *[_cell(cell, "td") for cell in row[1:]]) for row in rows)
    about = tag("caption", caption) if caption else ""
    kind = "sortable" if sortable else None
    made = tag("table", about, tag("thead", tag("tr", heads)), tag("tbody", body), class_=kind)
    return tag("div", made, class_="wide", tabindex="0", role="region", aria_label=caption or "table")


def _cell(cell: Cell, name: str) -> Markup:
    shown, key = cell
    scope = "row" if name == "th" else None
    return tag(name, shown, scope=scope, data_key=f"{key:.6g}" if isinstance(key, float) else key)
