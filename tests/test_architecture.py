"""The house keeps its shape: layers, light imports, one front door, and every plug-in named in setup.cfg is there."""

from __future__ import annotations

import ast
import configparser
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import stereo3d

ROOT = Path(stereo3d.__file__).parent
LAYERS = """
cli
pipeline describe training
config segments refining visual export rigs sharing benchmark
refinement
triangulation evaluation detectors synthetic datasets
models recording
calibration storage
poses plugins
cameras skeleton
stereo hdf5_heap
values hdf5_gate provenance
journal limits
atomic steady_file
errors
""".split("\n")[1:-1]
HEIGHT = {room: -i for i, row in enumerate(LAYERS) for room in row.split()}


def room(module: str) -> str:
    return module.split(".")[1]


def imports(path: Path) -> set[str]:
    """The rooms that a file imports at its top, except for type checking alone."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stereo3d"):
            whole = [node.module] if "." in node.module else [f"{node.module}.{a.name}" for a in node.names]
            found.update(room(m) for m in whole)
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_imports_upwards(path: Path) -> None:
    here = path.relative_to(ROOT).parts[0].removesuffix(".py")
    if here != "__init__":
        above = {r for r in imports(path) - {here, "__version__"} if HEIGHT[r] >= HEIGHT[here]}
        assert not above, f"{path.name} ({here}) imports {above}, which do not lie below it"


def loaded_by(code: str) -> set[str]:
    out = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint('modules', *sys.modules)"], capture_output=True, text=True
    )
    assert out.returncode == 0, out.stderr
    return {m.partition(".")[0] for m in out.stdout.rpartition("modules ")[2].split()}


@pytest.mark.parametrize("code", [
    "import stereo3d",
    "sys.argv = ['stereo3d', '--help']\nfrom stereo3d.cli.app import main\ntry: main()\nexcept SystemExit: pass",
])
def test_the_front_door_is_light(code: str) -> None:
    heavy = {"numpy", "scipy", "pandas", "cv2", "torch", "open3d", "h5py", "av", "matplotlib"}
    assert not loaded_by(code) & heavy


def test_replay_needs_no_torch() -> None:
    assert "torch" not in loaded_by("import stereo3d.pipeline, stereo3d.detectors.replay, stereo3d.visual.overlay")


@pytest.mark.parametrize("name", stereo3d.__all__)
def test_every_public_name_is_there_and_explains_itself(name: str) -> None:
    value = getattr(stereo3d, name)
    assert name == "__version__" or value.__doc__


def test_an_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        stereo3d.nothing
    assert set(stereo3d.__all__) <= set(dir(stereo3d))


def test_every_entry_point_can_be_loaded() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT.parent / "setup.cfg")
    lines = [line for group in setup["options.entry_points"].values() for line in group.split("\n") if line]
    assert len(lines) > 5
    for line in lines:
        module, _, name = line.partition("=")[2].strip().partition(":")
        assert callable(getattr(importlib.import_module(module), name)), line
