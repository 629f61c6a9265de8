"""How a runtime is chosen: by joints that stay and by time, once."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stereo3d.detectors import single, tuning
from stereo3d.detectors.base import tuned
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.heatmaps import decode_dark
from stereo3d.detectors.single import top_down
from stereo3d.detectors.topdown import TopDown
from stereo3d.detectors.tuning import Trial, Tuning, fastest, shift
from stereo3d.errors import UsageError
from stereo3d.models import remembered
from stereo3d.models.network import Network
from stereo3d.models.weights import read_checkpoint
from stereo3d.poses import Detections
from stereo3d.skeleton import Skeleton

COLOURS = Skeleton("colours", ("left_hand", "right_hand", "nose"), (), None)
SIZE = (64, 96)
nan = float("nan")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("STEREO3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Moved(Network):
    """Maps that are the colours, a quarter as large, moved by some px of the input."""

    def __init__(self, px: float = 0.0) -> None:
        self.device, self.batches, self.px = torch.device("cpu"), (8,), px

    def maps(self, pictures: Tensor) -> Tensor:
        moved = np.roll(pictures.numpy().astype(np.float32) / 255, 4, axis=2) if self.px == 4 else pictures.numpy() / 255.0
        if 0 < self.px < 4:
            share = self.px / 4
            moved = (1 - share) * moved + share * np.roll(moved, 4, axis=2)
        return torch.from_numpy(np.moveaxis(moved[:, ::4, ::4], -1, 1).astype(np.float32).copy())


def spots(n: int, height: float = 200, seed: int = 0) -> np.ndarray:
    """(n, 96, 64, 3) a wide spot of each colour."""
    x, y = np.arange(SIZE[0]), np.arange(SIZE[1])[:, None]
    places = np.random.default_rng(seed).uniform((20, 20), (40, 70), (n, 3, 2))
    square = (x - places[..., 0, None, None]) ** 2 + (y - places[..., 1, None, None]) ** 2
    return np.moveaxis(height * np.exp(-square / (2 * 9.0**2)), 1, -1).round().astype(np.uint8)


class Shop:
    """A workshop whose runtimes move the joints by as much as they are told."""

    def __init__(self, px: dict[str, float]) -> None:
        self.px, self.shown = px, 0

    def network(self, name: str, model: bytes | None = None) -> Network:
        if name.endswith("int8"):
            assert model == b"eight bits"
        if name not in self.px:
            raise UsageError(f"runtime {name}: broken")
        return Moved(self.px[name])

    def in_bytes(self, pictures: np.ndarray) -> bytes:
        self.shown += len(pictures)
        return b"eight bits"


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tuning]:
    monkeypatch.setattr(tuning, "offered", lambda _: ["torch", "torch-bf16", "onnx", "onnx-int8"])
    monkeypatch.setattr(tuning, "machine", lambda _: {"cpu": "abacus"})

    def made(px: dict[str, float], wanted: str = "auto") -> Tuning:
        detector = TopDown(Moved(), COLOURS, crop=CropRule(SIZE), decode=lambda maps: decode_dark(maps, kernel=3))
        return Tuning(detector, Shop({"torch": 0, **px}), wanted, {"device": "cpu"})  # type: ignore[arg-type]

    return made


def clock(*seconds: float) -> Callable[[], float]:
    """For REPEATS measurements of each runtime, in their order, the seconds that a look takes."""
    ticks: Iterator[float] = itertools.chain.from_iterable(
        (0.0, s) for s in seconds for _ in range(tuning.REPEATS)
    )
    return lambda: next(ticks)


def test_the_fastest_that_leaves_the_joints_is_taken_and_remembered(make: Callable[..., Tuning]) -> None:
    tune = make({"torch-bf16": 0.05, "onnx": 0.0, "onnx-int8": 4})
    assert tune.recalled() is None
    chosen = tune.tuned(spots(24), clock(8, 4, 6, 1))
    assert chosen.runtime == "torch-bf16" and chosen.tune is None
    again = tune.recalled()
    assert again is not None and again.runtime == "torch-bf16"
    kept = remembered.recall(tune._name())
    assert kept is not None
    rows = {row["runtime"]: row for row in kept["trials"]}
    assert rows["onnx-int8"]["shift"] > 1 and rows["torch"]["seconds"] == 2.0


def test_eight_bits_are_taken_where_they_are_good_and_kept_with_their_numbers(make: Callable[..., Tuning]) -> None:
    tune = make({"torch-bf16": 0, "onnx": 0, "onnx-int8": 0.05})
    chosen = tune.tuned(spots(24), clock(8, 4, 6, 1))
    assert chosen.runtime.startswith("onnx-int8:") and len(chosen.runtime) == 26
    assert tune.workshop.shown == 12, "half of the pictures"  # type: ignore[attr-defined]
    again = tune.recalled()
    assert again is not None and again.runtime == chosen.runtime
    (remembered.folder() / f"{tune._name()}.onnx").write_bytes(b"other bits")
    assert tune.recalled() is None, "a changed file is made again"


def test_another_machine_measures_anew(make: Callable[..., Tuning], monkeypatch: pytest.MonkeyPatch) -> None:
    tune = make({"torch-bf16": 0, "onnx": 0, "onnx-int8": 4})
    tune.tuned(spots(24), clock(8, 4, 6, 1))
    monkeypatch.setattr(tuning, "machine", lambda _: {"cpu": "slide rule"})
    assert tune.recalled() is None


def test_a_runtime_that_breaks_is_passed_over_and_says_why(make: Callable[..., Tuning]) -> None:
    trials, _ = make({"onnx": 0, "onnx-int8": 0}).trials(spots(24), clock(8, 6, 9))
    broken = trials[1]
    assert broken.runtime == "torch-bf16" and np.isnan(broken.seconds) and "broken" in broken.why
    assert fastest(trials) == "onnx"


def test_without_sure_joints_nothing_is_said_and_nothing_remembered(make: Callable[..., Tuning]) -> None:
    tune = make({"torch-bf16": 0, "onnx": 0, "onnx-int8": 0})
    assert tune.tuned(spots(24, height=10), clock(8, 4, 6, 1)).runtime == "torch"
    assert tune.recalled() is None


@pytest.mark.parametrize(("px", "sentence"), [
    (4.0, r"runtime onnx-int8: expected joints within 0.25 px of float32 \(median\), got \d"),
    (None, "got runtime onnx-int8: broken"),
])
def test_eight_bits_that_move_the_joints_are_refused(
    make: Callable[..., Tuning], px: float | None, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        make({} if px is None else {"onnx-int8": px}, "onnx-int8").tuned(spots(24))


def test_eight_bits_are_refused_where_nothing_can_be_told(make: Callable[..., Tuning]) -> None:
    with pytest.raises(UsageError, match="got too few sure joints to tell"):
        make({"onnx-int8": 0}, "onnx-int8").tuned(spots(24, height=10))


def test_a_choice_that_is_not_known_any_more_is_made_anew(make: Callable[..., Tuning]) -> None:
    tune = make({})
    remembered.remember(tune._name(), {"runtime": "abacus"})
    assert tune.recalled() is None


@pytest.mark.parametrize(("trials", "name"), [
    ([Trial("torch", 2, 0), Trial("onnx", 1, 0.1)], "onnx"), ([Trial("torch", 2, 0), Trial("onnx", 1, 0.11)], "torch"),
    ([Trial("torch", 2, nan), Trial("onnx", 1, nan)], "torch"), ([Trial("torch", 2, 0), Trial("onnx", nan, 0)], "torch"),
])
def test_fastest(trials: list[Trial], name: str) -> None:
    assert fastest(trials) == name


def found(xy: np.ndarray, score: float | np.ndarray = 0.9) -> Detections:
    return Detections(xy, np.broadcast_to(score, xy.shape[:2]), np.ones(xy.shape[:2]))


def test_a_shift_is_the_median_over_sure_joints() -> None:
    xy = np.zeros((10, 5, 2))
    moved = xy.copy()
    moved[:, 0], moved[:, 1:] = (30, 40), (0.3, 0.4)
    assert shift(found(xy), found(moved)) == pytest.approx(0.5)
    score = np.full((10, 5), 0.9)
    score[:, 1:] = 0.3
    assert np.isnan(shift(found(xy, score), found(moved))), "ten joints are too few"
    assert np.isnan(shift(found(xy, 0.05), found(moved)))
    assert shift(found(xy), found(np.full_like(xy, nan))) == np.inf, "lost joints are far away"


def test_a_detector_without_wishes_stays_as_it_is() -> None:
    detector = TopDown(Moved(), COLOURS, crop=CropRule(SIZE), decode=decode_dark)
    assert tuned(detector, lambda _: pytest.fail("no pictures are needed")) is detector
    detector.tune = lambda pictures: detector.run_by(Moved(float(pictures.sum())))
    assert tuned(detector, lambda _: np.full(1, 4, np.uint8))._network.px == 4  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """EfficientPose RT as nobody trained it, with joints that it is sure of all the same."""
    from stereo3d.models.efficientpose import HEAD, EfficientPose

    torch.manual_seed(0)
    state = EfficientPose("RT").state_dict()
    state[HEAD.replace("weight", "bias")] = torch.ones(16)
    path = tmp_path_factory.mktemp("rt") / "efficientpose_rt.pth"
    torch.save(state, path)
    return read_checkpoint(path, input_size=(64, 64))


def test_a_checkpoint_runs_as_it_is_told(rt: Any) -> None:
    plain = top_down(rt, device="cpu", threads=1)
    assert plain.runtime == "torch" and plain.tune is None
    assert top_down(rt, device="cpu", threads=1, runtime="torch-bf16").runtime == "torch-bf16"
    with pytest.raises(UsageError, match="unknown runtime 'torsch'"):
        top_down(rt, device="cpu", runtime="torsch")


@pytest.mark.skipif(not importlib.util.find_spec("onnxruntime"), reason="onnxruntime is not installed")
def test_auto_waits_for_pictures_once(rt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "offered", lambda _: ["torch", "onnx"])
    first = top_down(rt, device="cpu", threads=1, runtime="auto", flip=False)
    assert first.runtime == "torch" and first.tune is not None
    images = np.random.default_rng(0).integers(0, 255, (6, 64, 64, 3), dtype=np.uint8)
    chosen = first.tune(images)
    second = top_down(rt, device="cpu", threads=1, runtime="auto", flip=False)
    assert second.tune is None and second.runtime == chosen.runtime in ("torch", "onnx")
    np.testing.assert_allclose(second(images).score, first(images).score, atol=1e-4)
    assert single.remembered.folder().is_dir()
