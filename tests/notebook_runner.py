"""Runs a notebook's code cells without Jupyter, and can store what they show.

    python tests/notebook_runner.py notebooks/*.ipynb

writes printed text and figures into the notebooks. Line magics (%) are left out.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any


def cells(path: Path) -> list[dict[str, Any]]:
    """The notebook's cells."""
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def code(cell: dict[str, Any]) -> str:
    """The Python of a code cell."""
    return "".join(line for line in cell["source"] if not line.startswith("%"))


def run(path: Path) -> list[tuple[str, Any]]:
    """What each code cell printed, and the value of its last line; run in the notebook's folder."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        for cell in cells(path):
            if cell["cell_type"] == "code":
                shown.append(_run_cell(code(cell), names))
    finally:
        os.chdir(before)
    return shown


def _run_cell(text: str, names: dict[str, Any]) -> tuple[str, Any]:
    tree = ast.parse(text)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if isinstance(last, ast.Expr) else None
    return printed.getvalue(), value


def png(figure: Any) -> bytes:
    """A figure as PNG."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=64, metadata={"Software": None})
    return file.getvalue()


def store(path: Path) -> None:
    """Run the notebook and write what it shows into it."""
    book = json.loads(path.read_text(encoding="utf-8"))
    shown = iter(run(path))
    for n, cell in enumerate((c for c in book["cells"] if c["cell_type"] == "code"), 1):
        printed, value = next(shown)
        cell["outputs"] = _outputs(n, printed, value)
        cell["execution_count"] = n
    path.write_text(json.dumps(book, indent=1) + "\n", encoding="utf-8")


def _outputs(n: int, printed: str, value: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if printed:
        found.append({"name": "stdout", "output_type": "stream", "text": printed.splitlines(keepends=True)})
    if value is not None:
        data = {"text/plain": [repr(value)]}
        if hasattr(value, "savefig"):
            data = {"image/png": base64.b64encode(png(value)).decode("ascii"), "text/plain": ["<Figure>"]}
        found.append({"data": data, "execution_count": n, "metadata": {}, "output_type": "execute_result"})
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        store(Path(name).resolve())
