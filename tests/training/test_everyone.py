"""What networks are taught that find everyone: losses worked out by hand, and targets that their detectors read back."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from dotted import annotated, dotted  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from stereo3d.datasets.annotated import joined  # noqa: E402
from stereo3d.detectors.base import build  # noqa: E402
from stereo3d.detectors.bottomup import first_of_each, read_regressed, read_tagged  # noqa: E402
from stereo3d.models import architectures  # noqa: E402
from stereo3d.models.dekr import DEKR, Regressed  # noqa: E402
from stereo3d.models.higherhrnet import HigherHRNet, Tagged  # noqa: E402
from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.training.augment import Batch, placed  # noqa: E402
from stereo3d.training.everyone import crowd, heat  # noqa: E402
from stereo3d.training.lessons import lesson_of, may_be_halved  # noqa: E402
from stereo3d.training.loop import train  # noqa: E402
from stereo3d.training.measure import normalised, score  # noqa: E402
from stereo3d.training.recipe import Network, Recipe, Training  # noqa: E402
from stereo3d.training.regressed import diagonal, offset_loss, offsets, regressed_loss  # noqa: E402
from stereo3d.training.samples import cut  # noqa: E402
from stereo3d.training.state import keep  # noqa: E402
from stereo3d.training.tagged import grouping, on_tagged, tagged_loss  # noqa: E402
from stereo3d.training.targets import gaussians, loss, map_size, on_maps  # noqa: E402

NAN = float("nan")


def batch(xy: Tensor, size: tuple[int, int] = (64, 64), *, others: Tensor | None = None) -> Batch:
    """Black pictures with those joints (N, K, 2)."""
    images = torch.zeros(len(xy), size[1], size[0], 3, dtype=torch.uint8)
    return Batch(images, xy, torch.isfinite(xy).all(-1).float(), others)


def bodies(n: int = 3, side: int = 128) -> Batch:
    images, xy = dotted(n, (side, side))
    return Batch(torch.from_numpy(images), torch.tensor(xy, dtype=torch.float32), torch.ones(n, 17))


class Gives(nn.Module):
    def __init__(self, seen: Tagged | Regressed) -> None:
        super().__init__()
        self.seen = seen

    def forward(self, x: Tensor) -> Tagged | Regressed:
        return self.seen


def test_a_crowd_is_those_joints_that_are_known_and_in_the_picture() -> None:
    """Of an unknown place nothing is taught; of one beyond the border, that there is nothing; of nobody, nothing."""
    infant = torch.tensor([[[10.0, 10.0], [NAN, NAN], [70.0, 5.0], [20.0, 20.0]]])
    other = torch.tensor([[[[30.0, 30.0], [31.0, 31.0], [32.0, 32.0], [NAN, NAN]], [[NAN, NAN]] * 4]])
    there = crowd(batch(infant, others=other))
    assert there.known.tolist() == [[1, 0, 1, 0]]
    assert torch.isfinite(there.xy).all(-1).tolist() == [[[True, False, False, True], [True, True, True, False], [False] * 4]]
    uncounted = Batch(batch(infant).images, infant, torch.tensor([[0.0, 0.0, 0.0, 1.0]]))
    assert crowd(uncounted).known.tolist() == [[0, 0, 1, 1]]


def test_of_two_gaussians_the_higher_is_seen() -> None:
    maps = heat(torch.tensor([[[[4.0, 4.0]], [[9.0, 4.0]]]]), (16, 8), sigma=2.0)
    assert maps.shape == (1, 1, 8, 16)
    assert [float(maps[0, 0, 4, x]) for x in (4, 9, 6)] == pytest.approx([1, 1, math.exp(-0.5)])


def test_tags_are_pulled_together_and_pushed_apart() -> None:
    """Two people of two joints, tags 1, 2 and 4, 4: pull (0.25 + 0) / 2, push half of 2 exp(-2.5^2) over 2 pairs."""
    tags = torch.zeros(1, 2, 4, 4)
    tags[0, 0, 0, 0], tags[0, 1, 1, 2], tags[0, 0, 3, 3], tags[0, 1, 2, 3] = 1, 2, 4, 4
    places = torch.tensor([[[[0.2, 0.4], [2.1, 0.9]], [[3.0, 3.4], [3.0, 2.0]], [[NAN, NAN], [NAN, NAN]]]])
    pull, push = grouping(tags, places)
    assert float(pull) == pytest.approx(0.125)
    assert float(push) == pytest.approx(0.5 * 2 * math.exp(-(2.5**2)) / 2)
    alone = grouping(tags, places[:, :1])
    assert (float(alone[0]), float(alone[1])) == (pytest.approx(0.25), 0)
    nobody = grouping(tags, places[:, 2:])
    assert (float(nobody[0]), float(nobody[1])) == (0, 0)


def test_higherhrnets_loss_is_that_of_both_resolutions() -> None:
    """Blank maps: the Gaussians' mean square, 4 pi px at sigma 2, over 32 x 32 and 64 x 64 px; a joint that is not
    known counts nothing, one beyond the border is an empty map."""
    infant = torch.tensor([[[64.5, 64.5], [NAN, NAN], [200.0, 5.0]]])
    seen = Tagged(torch.zeros(1, 6, 32, 32), torch.zeros(1, 3, 64, 64))
    blank = 4 * math.pi * (1 / 32**2 + 1 / 64**2) / 3
    assert float(tagged_loss(seen, batch(infant, (128, 128)), torch.ones(3))) == pytest.approx(blank, rel=1e-3)
    assert float(tagged_loss(seen, batch(infant, (128, 128)), torch.tensor([1.5, 1, 1]))) == pytest.approx(1.5 * blank, rel=1e-3)
    wrong = seen._replace(fine=torch.full((1, 3, 64, 64), 0.1))
    more = (2 * 0.1**2 - 2 * 0.1 * 8 * math.pi / 64**2) / 3  # (g - .1)^2 - g^2 over the two maps that count
    assert float(tagged_loss(wrong, batch(infant, (128, 128)), torch.ones(3))) == pytest.approx(blank + more, rel=1e-3)


def test_offsets_lead_from_near_the_centre_to_every_joint() -> None:
    """Joints 8 px apart: the centre between, a disc of radius 4 holds 49 px, each counting one over the diagonal."""
    places = torch.tensor([[[[10.0, 10.0], [18.0, 10.0], [NAN, NAN]]]])
    way, share = offsets(places, (32, 32))
    assert (share[0, 0] > 0).sum() == 49 and share[0, 0, 10, 14] == share[0, 3, 10, 18] == pytest.approx(1 / 8)
    assert share[0, 4:].abs().sum() == 0 and share[0, 0, 10, 19] == 0
    assert way[0, :4, 11, 14].tolist() == [4, 1, -4, 1]
    assert float(diagonal(places)[0, 0]) == 8 and math.isnan(float(diagonal(places * NAN)[0, 0]))


def test_the_smaller_of_two_people_has_the_pixel() -> None:
    wide, small = [[0.0, 10.0], [20.0, 10.0]], [[9.0, 10.0], [15.0, 10.0]]
    for order in ([wide, small], [small, wide]):
        way, share = offsets(torch.tensor([order]), (32, 32))
        assert share[0, 0, 10, 10] == pytest.approx(1 / 6) and way[0, 0, 10, 10] == 1
        assert share[0, 0, 10, 7] == pytest.approx(1 / 20) and way[0, 0, 10, 7] == 7


def test_dekrs_losses_by_hand() -> None:
    """An offset wrong by 1 px all over: (1 - 1/18) / 8 for each that counts; a blank map: foreground 1, far away 0.1."""
    places = torch.tensor([[[[10.0, 10.0], [18.0, 10.0]]]])
    right = offsets(places, (32, 32))[0].nan_to_num()
    assert float(offset_loss(right, places, torch.ones(2))) == 0
    assert float(offset_loss(right + 1, places, torch.ones(2))) == pytest.approx((1 - 1 / 18) / 8, rel=1e-4)
    assert float(offset_loss(right + 0.06, places, torch.ones(2))) == pytest.approx(4.5 * 0.06**2 / 8, rel=1e-3)
    assert float(offset_loss(right + 1, places, torch.tensor([2.0, 0.0]))) == pytest.approx((1 - 1 / 18) / 8, rel=1e-4)
    assert float(offset_loss(right, places * NAN, torch.ones(2))) == 0
    one = batch(torch.tensor([[[40.0, 40.0], [72.0, 40.0]]]), (128, 128))
    seen = Regressed(torch.zeros(1, 3, 32, 32), right)
    blank = math.pi * (2 * 4 + 16) / (3 * 32**2)
    assert float(regressed_loss(seen, one, torch.ones(2))) == pytest.approx(blank, rel=2e-2)
    far = seen.heat.clone()
    far[0, 0, 28:, 28:] = 0.5
    assert float(regressed_loss(seen._replace(heat=far), one, torch.ones(2))) == pytest.approx(
        float(regressed_loss(seen, one, torch.ones(2))) + 0.1 * 16 * 0.25 / (3 * 32**2), rel=1e-4)


def test_higherhrnets_detector_reads_back_what_is_taught() -> None:
    told = bodies()
    places = [on_tagged(told.people, stride) for stride in (4, 2)]
    coarse, fine = (heat(p, (128 // s, 128 // s)) for p, s in zip(places, (4, 2)))
    net = Gives(Tagged(torch.cat([coarse, torch.zeros_like(coarse)], 1), fine))
    found = first_of_each(read_tagged(net, told.images.permute(0, 3, 1, 2).float(), COCO_17, None), 17).xy
    off = found - told.xy.numpy()
    assert np.abs(off).max() < 1.6 and np.abs(off.mean((0, 1))).max() < 0.2


def test_dekrs_detector_reads_back_what_is_taught() -> None:
    told = bodies()
    places = told.people / 4
    maps = torch.cat([heat(places, (32, 32)), heat(places.nanmean(2, keepdim=True), (32, 32), sigma=4.0)], 1)
    net = Gives(Regressed(maps, offsets(places, (32, 32))[0].nan_to_num()))
    found = first_of_each(read_regressed(net, told.images.permute(0, 3, 1, 2).float(), COCO_17, None), 17)
    assert np.abs(found.xy - told.xy.numpy()).max() < 1e-3 and found.score.min() > 0.85


def test_others_in_the_picture_move_with_it() -> None:
    told = bodies(2)
    with_others = Batch(told.images, told.xy, told.weight, told.xy[:, None] + 5)
    n = len(told.xy)
    out = placed(with_others, (112, 112), scale=np.full(n, 0.8), angle=np.full(n, 0.6), mirrored=np.array([True, False]),
                 skeleton=COCO_17)
    alone = placed(Batch(told.images, told.xy + 5, told.weight), (112, 112), scale=np.full(n, 0.8),
                   angle=np.full(n, 0.6), mirrored=np.array([True, False]), skeleton=COCO_17)
    assert out.others is not None and torch.allclose(out.others[:, 0], alone.xy, atol=1e-4)
    assert torch.equal(out.people[:, 0], out.xy) and out.people.shape == (2, 2, 17, 2)


def test_what_is_not_found_is_not_within_any_limit() -> None:
    truth = bodies(1).xy.numpy().astype(float)
    found = truth.copy()
    found[0, 3:] = NAN
    told = score(found, truth, COCO_17)
    assert told.mean == 0 and told.pck == pytest.approx((3 / 17,) * 3)
    nothing = score(truth * NAN, truth, COCO_17)
    assert math.isnan(nothing.mean) and nothing.pck == (0, 0, 0)


@pytest.mark.parametrize("name, net", [
    ("higherhrnet_w32", lambda: HigherHRNet(8)), ("dekr_w32", lambda: DEKR(8))])
def test_the_loss_falls_and_the_infant_is_found(name: str, net) -> None:  # type: ignore[no-untyped-def]
    """A few steps on two pictures with a quarter of the channels."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    made, told = net(), bodies(2, 64)
    optimizer, losses = torch.optim.Adam(made.parameters(), 4e-3), []
    for _ in range(10):
        value = lesson_of(name)(made(normalised(told.images)), told, torch.ones(17))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(float(value.detach()))
    assert losses[-1] < 0.5 * losses[0] and may_be_halved(name) is (name != "dekr_w32")


def test_networks_of_one_person_are_taught_as_before() -> None:
    told, maps = bodies(2, 64), torch.zeros(2, 17, 16, 16)
    target = gaussians(on_maps(told.xy, (64, 64)), map_size((64, 64)), sigma=2.0)
    assert float(lesson_of("hrnet_w32")(maps, told, torch.ones(17))) == float(loss(maps, target, told.weight))
    assert float(lesson_of("hrnet_w16")(maps, told, torch.ones(17))) == pytest.approx(math.log(256))


def test_those_beside_the_infant_come_with_its_samples(tmp_path: Path) -> None:
    """Cut out with it, and where the batch's largest picture is larger, moved with it; a part may have none."""
    alone = annotated(2)
    crowded = replace(annotated(3), others=np.stack([annotated(3).xy + 2, np.full((3, 17, 2), np.nan)], 1))
    both = joined([alone, crowded])
    assert both.people.shape == (5, 3, 17, 2) and np.isnan(both.people[:2, 1:]).all()
    assert np.array_equal(both.rows([4, 0]).people[0, 1], crowded.xy[2] + 2)
    samples = cut(tmp_path, crowded, (64, 64))
    taken = samples.take(np.array([2, 0]))
    assert taken.others is not None and taken.others.shape == (2, 2, 17, 2)
    apart = (taken.others[:, 0] - taken.xy).norm(dim=-1)
    assert apart.std(dim=1).max() < 1e-4 and apart.min() > 1 and torch.isnan(taken.others[:, 1]).all()


def test_a_trained_higherhrnet_is_a_detector(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = Recipe(Network("higherhrnet_w32", (64, 64)), training=Training(
        epochs=1, batch=2, precision="fp32", device="cpu", average=0.0))
    told: list[float] = []
    best = train(recipe, cut(tmp_path / "a", annotated(2), (64, 64)), cut(tmp_path / "b", annotated(1, seed=4), (64, 64)),
                 tmp_path / "run", on_epoch=lambda r: told.append(r.loss))
    detector = build("higherhrnet", str(best), device="cpu", flip=False)
    assert detector.crop.size == (64, 64) and 0 < told[0] < 100
    assert detector(bodies(1, 64).images.numpy()).xy.shape == (1, 17, 2)


def test_a_trained_dekr_is_a_detector(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = Recipe(Network("dekr_w32", (64, 64), skeleton="CrowdPose-14"))
    path = keep(architectures.build("dekr_w32", 14), tmp_path / "best.safetensors", recipe)
    detector = build("dekr", str(path), device="cpu", flip=False)
    assert detector.crop.size == (64, 64) and detector.skeleton.name == "CrowdPose-14"
    assert detector(bodies(1, 64).images.numpy()).xy.shape == (1, 14, 2)
