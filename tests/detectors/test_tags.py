"""Grouping by tags: against HigherHRNet's own, and on people made for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from stereo3d.detectors import tags
from stereo3d.detectors.bottomup import whole_picture
from stereo3d.detectors.crops import Box, CropRule, affine, apply, invert
from stereo3d.models.higherhrnet import Tagged
from stereo3d.skeleton import BABYPOSE_12, COCO_17, CROWDPOSE_14

CASES = ("two_clean", "two_noisy_fliptags", "two_missing_joints", "one_person")
ORDER = [0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16]


@pytest.fixture(scope="module")
def golden(shared: Path) -> Iterator[Any]:
    with np.load(shared / "parity/golden/decode_higherhrnet.npz") as file:
        yield file


def maps_of(golden: Any, case: str) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(golden[f"{case}_det"]), torch.from_numpy(golden[f"{case}_tag"])


@pytest.mark.parametrize("case", CASES)
def test_the_published_decoder_step_by_step(golden: Any, case: str) -> None:
    maps, tagged = maps_of(golden, case)
    (found,) = tags.peaks(maps[None], tagged[None])
    np.testing.assert_allclose(found.score[:, :4], golden[f"{case}_topk_val"], atol=1e-6)
    np.testing.assert_array_equal(found.xy[:, :4], golden[f"{case}_topk_loc"])
    people = tags.group(found, tags.joint_order(COCO_17))
    grouped = np.concatenate([people.xy, people.score[..., None], people.tag], -1)
    np.testing.assert_allclose(grouped, golden[f"{case}_grouped"], atol=1e-6)
    np.testing.assert_allclose(people.score.mean(1), golden[f"{case}_scores"], atol=1e-6)
    people = people._replace(xy=tags.adjusted(people, maps.numpy()))
    np.testing.assert_allclose(people.xy, golden[f"{case}_adjusted"][..., :2], atol=1e-6)
    for i, kept in enumerate(golden[f"{case}_refined"]):
        whole = tags.refined(tags.Grouped(*(x[i:i + 1] for x in people)), maps, tagged)
        np.testing.assert_allclose(whole.xy[0], kept[:, :2], atol=1e-6)
        np.testing.assert_allclose(whole.score[0], kept[:, 2], atol=1e-6)


def test_the_published_way_back_to_the_picture(golden: Any) -> None:
    """The golden's maps show 1536 px of the picture across, about (640, 360)."""
    back = invert(affine(Box(np.array([640, 360]), np.array([1536, 864])), CropRule((96, 80), 1.0, "hrnet")))
    found = apply(back, golden["two_clean_refined"][..., :2])
    np.testing.assert_allclose(found, golden["two_clean_final"][..., :2], atol=1e-3)


@pytest.mark.parametrize(("h", "w", "short"), [(720, 1280, 512), (1080, 1920, 640), (480, 640, 512), (600, 400, 512)])
def test_the_published_sizes_of_whole_pictures(golden: Any, h: int, w: int, short: int) -> None:
    rule, box = whole_picture((w, h), short)
    found = [*rule.size, *box.center, *box.size / 200]
    np.testing.assert_allclose(found, golden[f"resize_{h}x{w}_{short}"], rtol=1e-12)
    back = invert(affine(box, rule))
    np.testing.assert_allclose(apply(back, [[rule.size[0] / 2, rule.size[1] / 2]]), [box.center])


def test_an_empty_picture_has_nobody(golden: Any) -> None:
    maps, tagged = maps_of(golden, "empty")
    (found,) = tags.peaks(maps[None], tagged[None])
    assert tags.group(found, ORDER).xy.shape == (0, 17, 2)


def test_head_then_trunk_then_limbs() -> None:
    assert tags.joint_order(COCO_17) == ORDER
    assert [CROWDPOSE_14.joints[i] for i in tags.joint_order(CROWDPOSE_14)][:4] == [
        "head_top", "upper_neck", "left_shoulder", "right_shoulder"
    ]
    assert sorted(tags.joint_order(BABYPOSE_12)) == list(range(12))


def scene(places: list[list[tuple[int, int]]], marks: list[float], size: int = 40) -> tuple[Tensor, Tensor]:
    """Maps and tags of people at these places, one a person and joint, a tag each."""
    maps, tagged = torch.zeros(len(places[0]), size, size), torch.zeros(len(places[0]), size, size, 1)
    for person, mark in zip(places, marks, strict=True):
        for joint, (x, y) in enumerate(person):
            maps[joint, y, x] = 0.9
            tagged[joint, y - 1:y + 2, x - 1:x + 2] = mark
    return maps, tagged


def grouped(maps: Tensor, tagged: Tensor) -> tags.Grouped:
    return tags.group(tags.peaks(maps[None], tagged[None])[0], range(len(maps)))


def test_tags_tell_people_apart_where_places_cannot() -> None:
    """The second person's joints lie among the first's."""
    first, second = [(10, 10), (12, 20), (14, 30)], [(20, 10), (11, 25), (30, 30)]
    people = grouped(*scene([first, second], [1.0, 5.0]))
    assert sorted(people.xy.tolist()) == sorted([[list(map(float, xy)) for xy in person] for person in (first, second)])


def test_a_joint_with_a_foreign_tag_makes_a_person_of_its_own() -> None:
    maps, tagged = scene([[(10, 10), (12, 20)]], [1.0])
    tagged[1] = 2.5
    people = grouped(maps, tagged)
    assert (people.score > 0).tolist() == [[True, False], [False, True]]


def test_more_joints_than_people_leaves_the_rest_to_newcomers() -> None:
    maps, tagged = scene([[(10, 10), (12, 20)]], [1.0])
    maps[1, 30, 30], tagged[1, 29:32, 29:32] = 0.8, 1.2
    people = grouped(maps, tagged)
    assert people.xy[0, 1].tolist() == [12, 20] and people.xy[1, 1].tolist() == [30, 30]


def test_a_flat_peak_is_one_person() -> None:
    maps, tagged = torch.zeros(2, 20, 20), torch.full((2, 20, 20, 1), 3.0)
    maps[0, 5, 5:7], maps[1, 10, 10] = 0.9, 0.9
    assert len(grouped(maps, tagged).xy) == 1


def test_a_missing_joint_is_found_by_its_tag_and_not_by_its_height() -> None:
    maps, tagged = scene([[(10, 10), (12, 20), (14, 30)], [(20, 10), (21, 20), (30, 30)]], [1.0, 5.0])
    maps[2, 30, 14], maps[2, 30, 30] = 0.08, 0.9
    (first,) = (i for i, person in enumerate(grouped(maps, tagged).xy) if person[0, 0] == 10)
    person = tags.Grouped(*(x[first:first + 1] for x in grouped(maps, tagged)))
    assert person.score[0, 2] == 0
    whole = tags.refined(person, maps, tagged)
    np.testing.assert_allclose(whole.xy[0, 2], [14.25, 30.25])
    assert whole.score[0, 2] == pytest.approx(0.08)
    np.testing.assert_array_equal(whole.xy[0, :2], person.xy[0, :2])


def test_both_resolutions_and_both_pictures_are_averaged() -> None:
    torch.manual_seed(0)
    mirror = [1, 0, 2]
    coarse, fine = torch.rand(2, 6, 4, 5), torch.rand(2, 3, 8, 10)
    maps, tagged = tags.maps_and_tags(Tagged(coarse, fine), None, mirror, (16, 20))
    assert maps.shape == (2, 3, 16, 20) and tagged.shape == (2, 3, 16, 20, 1)
    swapped = [1, 0, 2, 4, 3, 5]
    flipped = Tagged(coarse[:, swapped].flip(-1), fine[:, mirror].flip(-1))
    both, two = tags.maps_and_tags(Tagged(coarse, fine), flipped, mirror, (16, 20))
    torch.testing.assert_close(both, maps)
    torch.testing.assert_close(two, tagged.expand(-1, -1, -1, -1, 2))
    constant = Tagged(torch.full((1, 6, 4, 5), 1.0), torch.full((1, 3, 8, 10), 3.0))
    assert torch.equal(tags.maps_and_tags(constant, None, mirror, (8, 10))[0], torch.full((1, 3, 8, 10), 2.0))
