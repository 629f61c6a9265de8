"""Detectors by name: what a plug-in may be, and a sentence for whatever is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from stereo3d import plugins
from stereo3d.detectors.base import PLAIN_CROP, Detector, Replayer, build, glance, missing_weights
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.published import darkpose, efficientpose, fidip, hrnet
from stereo3d.errors import MissingWeights, UsageError
from stereo3d.poses import Detections
from stereo3d.skeleton import BABYPOSE_12


class Plain:
    """A plug-in that knows its joints and nothing of crops."""

    skeleton = BABYPOSE_12

    def __call__(self, images: np.ndarray) -> Detections:
        n = len(images)
        return Detections(np.full((n, 12, 2), float(images.shape[1])), np.ones((n, 12)), np.ones((n, 12)))


class Cropped(Plain):
    crop = CropRule((64, 96))


class Known:
    skeleton = BABYPOSE_12

    def joints_at(self, frames: range, rectifier: object) -> None:
        return None


def make(weights: str | None = None, *, flip: bool = True, device: str = "cpu") -> Cropped:
    detector = Cropped()
    detector.given = (weights, flip, device)  # type: ignore[attr-defined]
    return detector


def needs(power: float) -> Cropped:
    return Cropped()


def open_ended(**options: Any) -> Cropped:
    return make(options.get("weights"))


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Puts a factory where plug-ins are found."""
    return lambda factory: monkeypatch.setattr(plugins, "factory", lambda group, name: factory)


def test_a_detector_gets_its_weights_and_options(found: Callable[[Any], None]) -> None:
    found(make)
    assert build("mine", "w.pth", flip=False).given == ("w.pth", False, "cpu")  # type: ignore[union-attr]
    assert build("mine").given == (None, True, "cpu")  # type: ignore[union-attr]


def test_a_detector_that_says_how_it_wants_its_pictures_comes_as_it_is(found: Callable[[Any], None]) -> None:
    found(make)
    assert isinstance(build("mine"), Cropped)
    assert isinstance(build("mine"), Detector) and not isinstance(build("mine"), Replayer)


def test_a_plain_detector_gets_a_square_of_its_own(found: Callable[[Any], None]) -> None:
    found(Plain)
    detector = build("mine")
    assert isinstance(detector, Detector) and detector.crop == PLAIN_CROP
    assert detector.skeleton is BABYPOSE_12
    assert (detector(np.zeros((3, 384, 384, 3), np.uint8)).xy == 384).all()


def test_a_glance_is_the_detectors_own_or_itself() -> None:
    plain, quick = Cropped(), Cropped()
    assert glance(plain) is plain
    plain.glance = quick  # type: ignore[attr-defined]
    assert glance(plain) is quick


def test_a_replayer_comes_as_it_is(found: Callable[[Any], None]) -> None:
    found(Known)
    assert isinstance(build("mine"), Replayer) and not isinstance(build("mine"), Detector)


def test_a_factory_that_takes_anything_is_given_anything(found: Callable[[Any], None]) -> None:
    found(open_ended)
    assert build("mine", "w", colour=3).given[0] == "w"  # type: ignore[union-attr]


@pytest.mark.parametrize(("factory", "weights", "options", "sentence"), [
    (
        make, None, {"flop": 1},
        "unknown option of detector 'mine' 'flop': did you mean 'flip'? there are device, flip, weights",
    ),
    (Plain, "w.pth", {}, "unknown option of detector 'mine' 'weights': there are none"),
    (needs, None, {}, "detector 'mine': expected its option 'power', got none"),
    (lambda: 3, None, {}, "detector 'mine': expected something to call that has a skeleton, got int"),
])
def test_what_a_detector_does_not_take(
    found: Callable[[Any], None], factory: Any, weights: str | None, options: dict[str, Any], sentence: str
) -> None:
    found(factory)
    with pytest.raises(UsageError) as caught:
        build("mine", weights, **options)
    assert str(caught.value) == sentence


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown detector 'darkpos': did you mean 'darkpose'"):
        build("darkpos")


@pytest.mark.parametrize("name", ["hrnet", "fidip", "efficientpose"])
def test_without_weights_the_sentence_says_what_and_where(name: str) -> None:
    sentence = f"detector '{name}' needs weights.*https://.*--weights FILE.*nothing"
    with pytest.raises(MissingWeights, match=sentence) as caught:
        build(name)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("factory", [darkpose, hrnet, fidip, efficientpose])
def test_the_built_in_detectors_name_their_options(factory: Any) -> None:
    with pytest.raises(UsageError, match="did you mean 'input_size'"):
        build(factory.family, "w.pth", inputsize="3x4")


def test_missing_weights_can_be_told_by_plug_ins() -> None:
    assert "fetch it yourself from there" in str(missing_weights("mine", "a file", "there"))
