"""The weights in the box: what a detector uses that was given none.

They lie in the package, a small HRNet trained on rendered infants; `make weights` makes them.
"""

from __future__ import annotations

from pathlib import Path

DETECTOR = "darkpose"
FILE = Path(__file__).parent / "weights" / "infant_w16.safetensors"
NOTE = (
    "no --weights given: using those in the box, which were trained on rendered infants only; nothing is known of how "
    "well they do on real ones"
)


def bundled(detector: str) -> Path | None:
    """The file that a detector of that name uses without weights of its own; None where there is none."""
    return FILE if detector == DETECTOR and FILE.is_file() else None
