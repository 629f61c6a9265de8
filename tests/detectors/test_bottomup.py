"""Networks that find everyone, as detectors: the infant comes out, and how many others there were."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from dots import Dots, Film, figure, rectifier
from torch import Tensor, nn

from stereo3d import storage
from stereo3d.detectors import bottomup, replay, tuning
from stereo3d.detectors.base import Detector, build
from stereo3d.detectors.bottomup import BottomUp, first_of_each
from stereo3d.detectors.centres import SHIFT
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.detect import detect
from stereo3d.detectors.grid import Grid
from stereo3d.detectors.people import People
from stereo3d.detectors.scales import Scaled
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.models import architectures, hrnet, openpose, remembered
from stereo3d.models.dekr import DEKR, Regressed
from stereo3d.models.families import Decoder
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.higherhrnet import HigherHRNet, Tagged
from stereo3d.models.openpose import Fields, OpenPose
from stereo3d.models.runtimes import Port
from stereo3d.models.weights import Checkpoint
from stereo3d.poses import Detections, Poses2D
from stereo3d.skeleton import BABYPOSE_12, COCO_17, CROWDPOSE_14, OPENPOSE_18

INFANT = np.array([
    (0, -40), (-4, -44), (4, -44), (-9, -41), (9, -41), (14, -25), (-14, -25), (20, -8), (-20, -8), (22, 8), (-22, 8),
    (8, 8), (-8, 8), (10, 28), (-10, 28), (10, 46), (-10, 46),
], float)
"""(17, 2) px about its middle, in COCO's order; its left is the picture's right."""
NURSE = INFANT * 0.35 + (26, 24)
PERSONS = [INFANT + (70, 64), NURSE]
SIZE = 128


def bumps(persons: list[np.ndarray], stride: float, offset: float, size: int = SIZE) -> Tensor:
    """(K, h, w) heat maps of people with joints in px of the input, whose px `offset` is that of a map's first."""
    at = np.arange(int(size / stride)) * stride + offset
    maps = [
        np.exp(-((at - joints[:, :1])[:, None, :] ** 2 + (at - joints[:, 1:])[:, :, None] ** 2) / (2 * (1.2 * stride)**2))
        for joints in persons
    ]
    return torch.from_numpy(np.max(maps, 0)).float()


class TaggedStub(nn.Module):
    """What HigherHRNet would give for the people; for a mirrored picture, for mirrored people."""

    def __init__(self, persons: list[np.ndarray]) -> None:
        super().__init__()
        self.persons, self.asked = persons, 0

    def forward(self, x: Tensor) -> Tagged:
        self.asked += 1
        one = self.sides(self.persons)
        mirrored = self.sides([self.mirrored(p) for p in self.persons])
        each = [mirrored if float(image[0, :, -1].mean()) < float(image[0, :, 0].mean()) else one for image in x]
        return Tagged(*map(torch.stack, zip(*each, strict=True)))

    @staticmethod
    def mirrored(person: np.ndarray) -> np.ndarray:
        return (person * (-1, 1) + (SIZE - 1, 0))[COCO_17.mirror]

    @staticmethod
    def sides(persons: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        coarse, fine = bumps(persons, 4, 1.5), bumps(persons, 2, 0.5)
        owner = torch.stack([bumps([p], 4, 1.5) for p in persons]).argmax(0)
        return torch.cat([coarse, 3.0 * owner]), fine


class RegressedStub(nn.Module):
    """What DEKR would give for the people."""

    def __init__(self, persons: list[np.ndarray]) -> None:
        super().__init__()
        self.persons = persons

    def forward(self, x: Tensor) -> Regressed:
        return regressed(self.persons, len(x), SIZE)


def regressed(persons: list[np.ndarray], n: int, size: int) -> Regressed:
    """What DEKR would give for n pictures of that many px with the people."""
    heat = torch.cat([bumps(persons, 4, 0, size), bumps([p.mean(0, keepdims=True) for p in persons], 4, 0, size)])
    y, at = np.mgrid[:size // 4, :size // 4]
    pixels = np.stack((at, y), -1)[..., None, :]
    middles = np.stack([p.mean(0) / 4 for p in persons])
    nearest = np.linalg.norm(pixels - middles, axis=-1).argmin(-1)
    offset = pixels - np.stack(persons)[nearest] / 4
    flat = torch.from_numpy(offset.reshape(*offset.shape[:2], -1)).permute(2, 0, 1).float()
    return Regressed(*(part.expand(n, *part.shape) for part in (heat, flat)))


def detector(stub: nn.Module, decoder: str, *, flip: bool = False) -> BottomUp:
    return BottomUp(stub, COCO_17, crop=CropRule((SIZE, SIZE)), read=bottomup.READERS[decoder], flip=flip)


def pictures(n: int = 1) -> np.ndarray:
    """Brighter to the right, so that a mirrored one is known."""
    return np.broadcast_to(np.linspace(0, 255, SIZE).astype(np.uint8)[:, None], (n, SIZE, SIZE, 3)).copy()


@pytest.mark.parametrize("flip", [False, True])
def test_tagged_people_come_back_to_the_pixel(flip: bool) -> None:
    stub = TaggedStub(PERSONS)
    found = detector(stub, "tags", flip=flip)(pictures(3))
    assert stub.asked == (4 if flip else 2)
    assert np.abs(found.xy - PERSONS[0]).max() < 1.6 and np.abs((found.xy - PERSONS[0]).mean((0, 1))).max() < 0.8
    assert (found.score > 0.5).all() and found.others.tolist() == [1, 1, 1]
    assert np.nanmedian(found.sigma) == pytest.approx(4, abs=2)


@pytest.mark.parametrize("first", [0, 1])
def test_regressed_people_come_back_exactly_whoever_is_first(first: int) -> None:
    found = detector(RegressedStub(PERSONS[first:] + PERSONS[:first]), "centres")(pictures(2))
    np.testing.assert_allclose(found.xy, np.stack([PERSONS[0]] * 2), atol=1e-4)
    assert found.others.tolist() == [1, 1] and (found.score > 0.4).all()


def test_alone_the_infant_has_no_others() -> None:
    for stub, decoder in ((TaggedStub(PERSONS[:1]), "tags"), (RegressedStub(PERSONS[:1]), "centres")):
        assert detector(stub, decoder)(pictures()).others.tolist() == [0]


def test_a_joint_that_was_not_seen_is_found_by_its_tag() -> None:
    class Weak(TaggedStub):
        def forward(self, x: Tensor) -> Tagged:
            coarse, fine = super().forward(x)
            coarse[:, 9], fine[:, 9] = 0.06 * coarse[:, 9], 0.06 * fine[:, 9]
            return Tagged(coarse, fine)

    found = detector(Weak(PERSONS), "tags")(pictures())
    assert np.linalg.norm(found.xy[0, 9] - PERSONS[0][9]) < 2
    assert 0 < found.score[0, 9] < 0.1


class FieldsStub(nn.Module):
    """Looks at nothing and sees nobody; remembers what it was shown."""

    def forward(self, x: Tensor) -> Fields:
        self.shown = x
        n, _, h, w = x.shape
        return Fields(torch.zeros(n, 38, h // 8, w // 8), torch.zeros(n, 19, h // 8, w // 8))


def test_openpose_is_shown_blue_first() -> None:
    stub, images = FieldsStub(), np.zeros((1, 64, 64, 3), np.uint8)
    images[..., 0] = 64
    crop = CropRule((64, 64), 1.25, "letterbox")
    found = BottomUp(stub, OPENPOSE_18, crop=crop, read=bottomup.read_fields, step=8)(images)
    assert [round(float(c.mean()), 3) for c in stub.shown[0]] == [-0.5, -0.5, -0.25]
    assert np.isnan(found.xy).all() and not found.score.any() and found.others.tolist() == [0]


@pytest.mark.parametrize("images", [
    np.zeros((1, 100, SIZE, 3), np.uint8), np.zeros((1, SIZE, SIZE), np.uint8), np.zeros((1, SIZE, SIZE, 3)),
])
def test_wrong_pictures_are_told(images: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match="images: expected"):
        detector(RegressedStub(PERSONS), "centres").people(images)
    with pytest.raises(InvalidValue, match="images: expected"):
        detector(RegressedStub(PERSONS), "centres")(images)


def test_no_pictures_give_no_joints() -> None:
    found = detector(RegressedStub(PERSONS), "centres")(np.zeros((0, SIZE, SIZE, 3), np.uint8))
    assert found.xy.shape == (0, 17, 2) and found.others.shape == (0,)


def test_other_sizes_can_be_asked_for_everyone() -> None:
    people = detector(RegressedStub(PERSONS), "centres").people(pictures())
    assert [len(p.xy) for p in people] == [2]
    np.testing.assert_allclose(people[0].xy[1], NURSE, atol=1e-4)


def test_the_glance_leaves_the_mirrored_picture_out() -> None:
    whole = detector(TaggedStub(PERSONS), "tags", flip=True)
    assert whole.glance.flip is False and whole.flip is True and isinstance(whole, Detector)


def test_nobody_between_somebodies_is_unknown() -> None:
    somebody = People(np.ones((1, 17, 2)), np.full((1, 17), 1.5), np.ones((1, 17)))
    found = first_of_each([somebody, People.none(17), somebody], 17)
    assert np.isnan(found.xy[1]).all() and (found.score[:, 0] == [1, 0, 1]).all()


NETWORKS = {
    "higherhrnet": (lambda: HigherHRNet(8), 1810, COCO_17, "hrnet"),
    "dekr": (lambda: DEKR(8, 14), 2192, CROWDPOSE_14, "hrnet"),
    "openpose": (OpenPose, 184, OPENPOSE_18, "letterbox"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_detector_from_a_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, n_tensors, skeleton, convention = NETWORKS[name]
    monkeypatch.setattr(architectures, "WIDTHS", [8])
    torch.manual_seed(0)
    state = make().state_dict()
    assert len(state) == n_tensors
    torch.save(state, tmp_path / "w.pth")
    built = build(name, tmp_path / "w.pth", input_size="64x96", device="cpu", threads=1)
    assert isinstance(built, BottomUp) and built.skeleton == skeleton
    assert built.crop == CropRule((64, 96), 1.25, convention) and built.flip is (name != "openpose")
    found = built(np.full((3, 96, 64, 3), 90, np.uint8))
    assert found.xy.shape == (3, len(skeleton), 2) and np.isfinite(found.others).all()
    with pytest.raises(UsageError, match=f"use detector {name}"):
        build("hrnet", tmp_path / "w.pth")


def test_published_input_sizes(tmp_path: Path) -> None:
    torch.save(OpenPose().state_dict(), tmp_path / "w.pth")
    assert build("openpose", tmp_path / "w.pth").crop.size == (368, 368)  # type: ignore[union-attr]


class TwoFigures(BottomUp):
    """Dots that says there was somebody else in both views of every second pair."""

    def __init__(self) -> None:
        self.dots, self.skeleton, self.crop, self.shown = Dots(), Dots.skeleton, Dots.crop, 0

    @property
    def glance(self) -> BottomUp:
        return self

    def __call__(self, images: np.ndarray) -> Detections:
        return dataclasses.replace(self.dots(images), others=np.arange(len(images)) // 2 % 2.0)


def test_a_recordings_joints_say_in_which_frames_others_were() -> None:
    view = rectifier()
    film = Film(4, lambda i, side: view.raw_points(figure(330 - 30 * (side == "right"), 250), side))
    found = detect(film, view, TwoFigures(), roi=(330, 250, 260), batch=4)
    for poses in found:
        assert poses.others.tolist() == [0, 1, 0, 1]
    whole = replay.Replay(found, view.camera).joints_at(range(1, 6), view)
    np.testing.assert_array_equal(whole.left.others, [1, 0, 1, np.nan, np.nan])


def test_others_outlast_the_file(tmp_path: Path) -> None:
    xy = np.zeros((2, 12, 2))
    poses = Poses2D(xy, xy[..., 0], xy[..., 0], np.zeros(2), np.arange(2), BABYPOSE_12, np.array([1, np.nan]))
    storage.write(tmp_path / "p.h5", left=poses)
    assert storage.read(tmp_path / "p.h5", "left") == poses
    older = dataclasses.replace(poses, others=None)
    assert np.isnan(older.others).all()
    with pytest.raises(InvalidValue, match="others: expected shape"):
        dataclasses.replace(poses, others=np.zeros(3))


def test_scales_make_the_crop_as_large_as_the_largest(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path = tmp_path / "body_pose_model.pth"
    torch.save(OpenPose().state_dict(), path)
    made = build("openpose", path, input_size="48x64", device="cpu", threads=1, scales="0.5,1,1.5")
    assert isinstance(made, BottomUp) and made.crop.size == (72, 96)
    found = made(np.zeros((1, 96, 72, 3), np.uint8))
    assert found.xy.shape == (1, 18, 2)
    assert made.glance(np.zeros((1, 96, 72, 3), np.uint8)).xy.shape == (1, 18, 2)


@pytest.mark.parametrize("flip", [False, True])
def test_dekr_at_several_scales_finds_people_where_they_are(flip: bool) -> None:
    """Each copy shows people as many times smaller as it is, which the stub knows by its size."""

    class Copies(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[int] = []

        def forward(self, x: Tensor) -> Regressed:
            size = x.shape[3]
            self.asked.append(size)
            share = size / SIZE
            persons = [person * share + (share - 1) / 2 for person in PERSONS]
            mirrored = float(x[0, 0, :, -1].mean()) < float(x[0, 0, :, 0].mean())
            if mirrored:
                persons = [(p * (-1, 1) + (size - 1 - SHIFT, 0))[COCO_17.mirror] for p in persons]
            return regressed(persons, len(x), size)

    net = Copies()
    made = detector(Scaled(net, (0.5, 1.0), 32), "centres", flip=flip)
    found = made(pictures(2))
    assert sorted(net.asked) == [64] * (1 + flip) + [128] * (1 + flip)
    np.testing.assert_allclose(found.xy, np.stack([PERSONS[0]] * 2), atol=1e-3)
    assert found.others.tolist() == [1, 1] and (found.score > 0.4).all()
    one = detector(RegressedStub(PERSONS), "centres")(pictures())
    np.testing.assert_allclose(np.nanmedian(found.sigma), np.nanmedian(one.sigma), rtol=0.1)
    net.asked.clear()
    np.testing.assert_allclose(made.glance(pictures()).xy, PERSONS[0][None], atol=1e-3)
    assert net.asked == [128]


def test_numbers_of_16_bits_give_nearly_the_same_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architectures, "WIDTHS", [8])
    torch.manual_seed(0)
    torch.save(HigherHRNet(8).state_dict(), tmp_path / "w.pth")
    plain, short = (
        build("higherhrnet", tmp_path / "w.pth", input_size="64x64", device="cpu", threads=1, runtime=runtime)
        for runtime in ("torch", "torch-bf16")
    )
    assert isinstance(plain, BottomUp) and isinstance(short, BottomUp)
    assert (plain.runtime, short.runtime) == ("torch", "torch-bf16")
    assert {p.dtype for p in short._net.parameters()} == {torch.bfloat16}
    with torch.inference_mode():
        x = torch.randn(1, 3, 64, 64)
        for wanted, found in zip(plain._net(x), short._net(x), strict=True):
            assert found.dtype == torch.float32 and not torch.equal(found, wanted)
            assert (found - wanted).abs().max() < 0.05 * (wanted.max() - wanted.min())


@pytest.mark.parametrize(("runtime", "decoder", "sentence"), [
    ("openvino", "centres", "runtime openvino: dekr_w32's moving kernels run in torch only; take torch"),
    ("opnevino", "limbs", "unknown runtime 'opnevino': did you mean 'openvino'"),
    ("onnx-int8", "tags", "runtime onnx-int8: networks of several outputs are not made in 8 bits"),
    ("torch-bf16", "centres", "runtime torch-bf16: 16 bits round dekr_w32's offsets by pixels; take torch"),
    ("torch-fp16", "tags", "runtime torch-fp16: is for cuda, got device cpu"),
])
def test_runtimes_that_do_not_suit_are_refused(
    runtime: str, decoder: Decoder, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bottomup, "build_network", lambda _: nn.Identity())
    made = Checkpoint("d.pth", "0" * 64, {}, "dekr_w32", 17, "plain", "dekr", "hrnet", False, decoder, COCO_17.name, (64, 64), ())
    with pytest.raises(UsageError, match=sentence):
        bottomup.bottom_up(made, device="cpu", runtime=runtime)


def small(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Weights of a HigherHRNet that takes no time."""
    monkeypatch.setattr(architectures, "WIDTHS", [8])
    monkeypatch.setattr(hrnet, "MODULES", (1, 1, 1))
    monkeypatch.setattr(hrnet, "DEPTH", 1)
    monkeypatch.setattr(remembered, "folder", lambda: folder / "cache")
    torch.manual_seed(0)
    torch.save(HigherHRNet(8).state_dict(), folder / "w.pth")
    return folder / "w.pth"


@pytest.mark.parametrize("runtime", ["onnx", "openvino"])
def test_other_runtimes_give_the_same_maps_at_any_size(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip({"onnx": "onnxruntime"}.get(runtime, runtime))
    path = small(tmp_path, monkeypatch)
    plain, other = (
        build("higherhrnet", path, input_size="64x64", device="cpu", threads=1, runtime=r) for r in ("torch", runtime)
    )
    assert isinstance(plain, BottomUp) and isinstance(other, BottomUp) and other.runtime == runtime
    with torch.inference_mode():
        for n, h, w in ((1, 64, 64), (3, 64, 96)):
            x = torch.randn(n, 3, h, w)
            found, wanted = other._net(x), plain._net(x)
            assert type(found) is type(wanted)
            for ours, theirs in zip(found, wanted, strict=True):
                assert (ours - theirs).abs().max() <= 1e-3 * theirs.abs().max()
        alone = other._net(x[2:])
        assert all(torch.equal(one[0], all_of_them[2]) for one, all_of_them in zip(alone, found, strict=True))


def test_openpose_has_its_counterpart(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(openpose, "FEATURES", 4)
    monkeypatch.setattr(openpose, "_VGG", "1_1:4 pool 2_1:4 pool 3_1:4 pool 4_4_CPM:4")
    torch.manual_seed(0)
    net, x = fold_batchnorm(OpenPose(clip_maps=True).eval()), torch.randn(2, 3, 64, 72)
    with torch.inference_mode():
        found, wanted = Port(net, threads=1).network("onnx")(x), net(x)
    assert isinstance(found, Fields)
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-5)


class Shop:
    """Forms of a network, of which ONNX Runtime's moves everyone."""

    def network(self, name: str, quantised: bytes | None = None) -> nn.Module:
        return TaggedStub([person + 6 * (name == "onnx") for person in PERSONS])

    def in_bytes(self, pictures: np.ndarray) -> bytes:
        return Port(nn.Identity()).in_bytes(pictures)


def test_the_fastest_that_leaves_everyone_in_place_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "folder", lambda: tmp_path)
    monkeypatch.setattr(tuning, "offered", lambda device: ["torch", "onnx", "onnx-int8", "openvino"])
    seconds = {"torch": 3.0, "onnx": 1.0, "openvino": 2.0}
    clock = iter(np.cumsum([[0, took] for took in seconds.values() for _ in range(tuning.REPEATS)]))
    made = tuning.Tuning(detector(TaggedStub(PERSONS), "tags"), Shop(), "auto", {"device": "cpu"})
    chosen = made.tuned(pictures(4), lambda: float(next(clock)))
    assert chosen.runtime == "openvino" and np.abs(chosen(pictures()).xy - PERSONS[0]).max() < 1.6
    again = made.recalled()
    assert again is not None and again.runtime == "openvino" and again.tune is None


@pytest.mark.parametrize("grid", ["1x1", "1x2"])
def test_auto_wants_pictures_the_first_time(grid: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = small(tmp_path, monkeypatch)
    monkeypatch.setattr(tuning, "offered", lambda device: ["torch"])
    made = build("higherhrnet", path, input_size="128x128", device="cpu", threads=1, runtime="auto", grid=grid, scales="0.5,1")
    assert isinstance(made, (BottomUp, Grid)) and made.runtime == "torch" and made.tune is not None
    w, h = made.crop.size
    done = made.tune(np.zeros((4, h, w, 3), np.uint8))
    assert type(done) is type(made) and done.tune is None and done.crop == made.crop
    whole = done._detector if isinstance(done, Grid) else done
    assert isinstance(whole, BottomUp) and isinstance(whole._net, Scaled)
