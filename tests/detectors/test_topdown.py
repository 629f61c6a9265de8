"""The detector round a network: what goes in, what comes out, and that batches change nothing."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stereo3d.detectors import topdown
from stereo3d.detectors.crops import CropRule, heatmap_affine, invert
from stereo3d.detectors.heatmaps import decode_argmax, decode_dark, decode_quarter
from stereo3d.detectors.topdown import PADDING, TopDown
from stereo3d.detectors.single import top_down
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.models.efficientpose import EfficientPose
from stereo3d.models.hrnet import HRNet
from stereo3d.models.weights import Checkpoint
from stereo3d.skeleton import COCO_17, MPII_16, Skeleton

COLOURS = Skeleton("colours", ("left_hand", "right_hand", "nose"), (), None)
SIZE = (64, 96)


class Brightness(nn.Module):
    """A network whose maps are the colours themselves, a quarter as large: each joint is where its colour is."""

    stride = 4

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        deviation, mean = torch.tensor([0.229, 0.224, 0.225]), torch.tensor([0.485, 0.456, 0.406])
        colours = x * deviation[:, None, None] + mean[:, None, None]
        return colours[:, :, ::self.stride, ::self.stride]


def detector(convention: str = "hrnet", flip_shift: bool | None = None, decode: object = decode_argmax) -> TopDown:
    rule = CropRule(SIZE, 1.25, convention)  # type: ignore[arg-type]
    return TopDown(Brightness(), COLOURS, crop=rule, decode=decode, flip_shift=flip_shift)  # type: ignore[arg-type]


def spots(places: np.ndarray, sigma: float = 6.0) -> np.ndarray:
    """(N, 96, 64, 3) a Gaussian spot of each colour at places (N, 3, 2)."""
    x, y = np.arange(SIZE[0]), np.arange(SIZE[1])[:, None]
    square = (x - places[..., 0, None, None]) ** 2 + (y - places[..., 1, None, None]) ** 2
    return np.moveaxis(200 * np.exp(-square / (2 * sigma**2)), 1, -1).round().astype(np.uint8)


def on_grid(n: int, seed: int = 0) -> np.ndarray:
    """(n, 3, 2) places that fall on pixels of the maps."""
    return np.random.default_rng(seed).integers((3, 3), (13, 20), (n, 3, 2)) * 4.0


@pytest.mark.parametrize("convention", ["hrnet", "dark", "udp", "letterbox"])
def test_joints_are_where_the_map_says_in_the_conventions_own_terms(convention: str) -> None:
    places = on_grid(5)
    found = detector(convention)(spots(places))
    back = invert(heatmap_affine((SIZE[0] // 4, SIZE[1] // 4), CropRule(SIZE, 1.25, convention)))  # type: ignore[arg-type]
    np.testing.assert_allclose(found.xy @ back[:, :2].T + back[:, 2], places / 4, atol=1e-5)
    np.testing.assert_allclose(found.score, 200 / 255, atol=1e-5)


def test_hrnets_input_is_four_times_its_map() -> None:
    places = on_grid(4)
    np.testing.assert_allclose(detector("hrnet")(spots(places)).xy, places, atol=1e-5)


def test_a_spot_between_the_maps_pixels_is_found_and_its_width_told() -> None:
    places = on_grid(6) + np.random.default_rng(1).uniform(-2, 2, (6, 3, 2))
    found = detector(decode=lambda maps: decode_dark(maps, kernel=3))(spots(places))
    np.testing.assert_allclose(found.xy, places, atol=0.15)
    np.testing.assert_allclose(found.sigma, 6.0, rtol=0.1)


def test_pictures_are_normalised_as_imagenet() -> None:
    network = detector()
    network(np.full((1, 96, 64, 3), (255, 0, 124), np.uint8))
    seen = network._network._net.seen[0]  # type: ignore[operator,index]
    expected = (np.array([255, 0, 124]) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(seen[0, :, 7, 9].numpy(), expected, atol=1e-5)
    assert seen.is_contiguous(memory_format=torch.channels_last)


def test_a_mirrored_look_is_averaged_in_with_left_and_right_changed() -> None:
    """A joint on the picture's right side stays the right joint, whether the maps are moved or not."""
    places = on_grid(3)
    for shift in (False, True):
        found = detector(flip_shift=shift)(spots(places))
        mirrored = spots(places)[:, :, ::-1].astype(float)
        swapped = mirrored[..., [1, 0, 2]][:, ::4, ::4][:, :, ::-1]
        if shift:
            swapped = np.concatenate([swapped[:, :, :1], swapped[:, :, :-1]], 2)
        maps = 0.5 * (spots(places)[:, ::4, ::4] + swapped) / 255
        wanted = decode_argmax(np.moveaxis(maps, -1, 1))
        np.testing.assert_allclose(found.xy, 4 * np.asarray(wanted.xy), atol=1e-4)
        np.testing.assert_allclose(found.score, wanted.score, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 21])
def test_batches_have_few_shapes_and_change_nothing(n: int) -> None:
    network = detector()
    places = on_grid(21)
    found = network(spots(places[:n]))
    sizes = [len(x) for x in network._network._net.seen]  # type: ignore[union-attr,arg-type]
    assert set(sizes) <= {1, 2, 4, 8} and max(sizes) == min(8, 1 << (n - 1).bit_length())
    np.testing.assert_allclose(found.xy, detector()(spots(places)).xy[:n], atol=1e-6)


def test_a_glance_looks_once() -> None:
    whole = detector(flip_shift=True)
    whole.glance(spots(on_grid(1)))
    seen = whole._network._net.seen  # type: ignore[union-attr]
    assert [len(x) for x in seen] == [1] and whole.flip_shift is True
    whole(spots(on_grid(1)))
    assert [len(x) for x in seen] == [1, 2], "the mirrored picture goes through the network beside the other"


def test_no_pictures() -> None:
    found = detector()(np.zeros((0, 96, 64, 3), np.uint8))
    assert found.xy.shape == (0, 3, 2) and found.score.shape == (0, 3)


def test_black_pictures_give_missing_joints_and_no_warning() -> None:
    black = detector()(np.zeros((2, 96, 64, 3), np.uint8))
    assert np.isnan(black.xy).all() or (black.score < 1e-6).all()
    assert (black.score >= 0).all()


@pytest.mark.parametrize("images", [
    np.zeros((1, 64, 96, 3), np.uint8), np.zeros((96, 64, 3), np.uint8), np.zeros((1, 96, 64, 3), np.float32),
])
def test_pictures_of_another_kind_are_refused(images: np.ndarray) -> None:
    with pytest.raises(InvalidValue, match=r"images: expected \(N, 96, 64, 3\) uint8, got"):
        detector()(images)


def checkpoint(**changes: object) -> Checkpoint:
    """Of EfficientPose RT with weights nobody trained."""
    torch.manual_seed(0)
    net = EfficientPose("RT")
    made = Checkpoint(
        "rt.pt", "0" * 64, net.state_dict(), "efficientpose_rt", 16, "plain", "efficientpose", "letterbox", False,
        "argmax", MPII_16.name, (64, 64), (),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_a_checkpoint_says_how_its_network_is_used() -> None:
    made = top_down(checkpoint(), device="cpu")
    assert made.crop == CropRule((64, 64), PADDING, "letterbox")
    assert made.skeleton == MPII_16 and made.flip_shift is False
    assert top_down(checkpoint(), flip=False, device="cpu").flip_shift is None


def test_an_hrnet_checkpoint_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its four levels but one block where there are four, so that it takes no time."""
    from stereo3d.models import hrnet

    monkeypatch.setattr(hrnet, "MODULES", (1, 1, 1))
    monkeypatch.setattr(hrnet, "DEPTH", 1)
    net = HRNet(32)
    made = checkpoint(
        state=net.state_dict(), architecture="hrnet_w32", n_joints=17, family="darkpose", convention="dark",
        decoder="dark", skeleton=COCO_17.name, input_size=(64, 96),
    )
    detector = top_down(made, device="cpu")
    found = detector(np.random.default_rng(0).integers(0, 255, (3, 96, 64, 3), dtype=np.uint8))
    assert found.xy.shape == (3, 17, 2) and detector.skeleton == COCO_17 and detector._decode is decode_dark


@pytest.mark.parametrize(("architecture", "decoder", "chosen", "name"), [
    ("efficientpose_rt", None, "argmax", "decode_argmax"),
    ("hrnet_w32", None, "quarter", "decode_quarter"),
    ("hrnet_w48", "dark", "quarter", "decode_dark"),
])
def test_the_decoder_is_the_checkpoints_unless_told(
    architecture: str, decoder: str | None, chosen: str, name: str
) -> None:
    made = checkpoint(architecture=architecture)
    assert topdown.decoder_of(decoder or chosen, made).__name__ == name  # type: ignore[arg-type,attr-defined]


def test_efficientpose_from_i_on_smooths_its_maps() -> None:
    maps = torch.rand(1, 16, 12, 12, generator=torch.Generator().manual_seed(0))
    smooth = topdown.decoder_of("argmax", checkpoint(architecture="efficientpose_ii"))(maps)
    np.testing.assert_array_equal(smooth.score, decode_argmax(maps, blur=1.0).score)
    assert decode_quarter is topdown._DECODERS["quarter"]


@pytest.mark.parametrize(("changes", "options", "sentence"), [
    ({"input_size": None}, {}, "rt.pt: nothing tells the input size it was trained for; give it as WxH"),
    ({"skeleton": None}, {}, "rt.pt: nothing tells which 16 joints it gives; name them"),
    ({}, {"device": "tpu"}, "device: expected cpu.* or auto, got 'tpu'"),
    ({}, {"threads": 0}, "threads: expected 1 or more, got 0"),
])
def test_what_has_to_be_said(changes: dict[str, object], options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        top_down(checkpoint(**changes), **options)  # type: ignore[arg-type]


def test_cuda_is_refused_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert topdown.device_named("auto") == "cpu"
    with pytest.raises(UsageError, match="device: expected cpu or auto, got 'cuda'"):
        topdown.device_named("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [topdown.device_named(d) for d in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


def test_threads_are_set() -> None:
    before = torch.get_num_threads()
    try:
        top_down(checkpoint(), threads=1, device="cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_every_flip_and_decoder_goes_together() -> None:
    for flip, decoder in itertools.product((True, False), ("argmax", "quarter", "dark")):
        made = top_down(checkpoint(), flip=flip, decoder=decoder, device="cpu")  # type: ignore[arg-type]
        assert made(np.zeros((1, 64, 64, 3), np.uint8)).xy.shape == (1, 16, 2)
