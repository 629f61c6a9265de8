"""One tree; its exit codes are a promise to scripts."""

from __future__ import annotations

import pytest

from stereo3d import errors


@pytest.mark.parametrize("error, code, parents", [
    (errors.Stereo3DError, 1, (Exception,)),
    (errors.UsageError, 2, (errors.Stereo3DError,)),
    (errors.PartialResult, 3, (errors.Stereo3DError,)),
    (errors.InputError, 4, (errors.Stereo3DError,)),
    (errors.InvalidValue, 4, (errors.InputError, ValueError)),
    (errors.RecordingError, 4, (errors.InputError,)),
    (errors.CalibrationError, 4, (errors.InputError,)),
    (errors.CheckpointError, 4, (errors.InputError,)),
    (errors.MissingError, 5, (errors.Stereo3DError,)),
    (errors.MissingPackage, 5, (errors.MissingError,)),
    (errors.MissingWeights, 5, (errors.MissingError,)),
])  # fmt: skip
def test_the_tree_and_its_exit_codes(error, code, parents):
    assert error.exit_code == code and error.__bases__ == parents and error.__doc__


def test_the_tree_is_drawn_whole():
    names = {e.__name__ for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.Stereo3DError)}
    assert all(name in errors.__doc__ for name in names)


def test_a_missing_package_says_how_to_get_it():
    error = errors.MissingPackage("torch", "detect", "the detector darkpose")
    assert str(error) == (
        "the detector darkpose needs the package torch, which is not installed: pip install 'stereo3d[detect]'"
    )


@pytest.mark.parametrize("name, known, message", [
    ("darkpos", ["hrnet", "darkpose"],
     "unknown detector 'darkpos': did you mean 'darkpose'? there are darkpose, hrnet"),
    ("xyz", ["hrnet"], "unknown detector 'xyz': there are hrnet"),
    ("xyz", [], "unknown detector 'xyz': there are none"),
])  # fmt: skip
def test_an_unknown_name_gets_the_nearest_and_the_list(name, known, message):
    error = errors.unknown_name("detector", name, known)
    assert isinstance(error, errors.UsageError) and str(error) == message
