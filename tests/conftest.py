"""What several tests need: where the shared real data lies, and one torch thread a worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; STEREO3D_SHARED names another place."""
    folder = Path(os.environ.get("STEREO3D_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"the real test data is not here ({folder.name}/data)")
    return folder
