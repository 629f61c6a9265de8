"""What several tests need: where the shared real data lies, and one torch thread a worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile("any machine", deadline=None)  # machines are shared: no test depends on its time
settings.load_profile("any machine")
if "MUTANT_UNDER_TEST" in os.environ:  # `make mutate`: the tests are run again and again in one process
    settings.register_profile(
        "mutants", suppress_health_check=list(HealthCheck), deadline=None, max_examples=25, database=None, derandomize=True
    )
    settings.load_profile("mutants")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the checkout; STEREO3D_SHARED names another place."""
    folder = Path(os.environ.get("STEREO3D_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"the real test data is not here ({folder.name}/data)")
    return folder


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """run(words...) -> (exit code, standard output, standard error) of `stereo3d`, in an empty folder."""
    from stereo3d.cli.app import main

    monkeypatch.chdir(tmp_path)

    def go(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["stereo3d", *map(str, words)])
        with pytest.raises(SystemExit) as leave:
            main()
        out, err = capsys.readouterr()
        return int(leave.value.code or 0), out, err

    return go
