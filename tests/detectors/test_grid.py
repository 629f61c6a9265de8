"""Several pictures as one: tiles laid, and people given back to theirs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from stereo3d.detectors.bottomup import BottomUp
from stereo3d.detectors.crops import CropRule
from stereo3d.detectors.grid import Grid, apart, laid
from stereo3d.detectors.people import People
from stereo3d.errors import InvalidValue, UsageError
from stereo3d.skeleton import BABYPOSE_12, Skeleton

BODY = np.array([(x, y) for x in (-12, -4, 4, 12) for y in (-20, 0, 20)], float)
"""(12, 2) px about its middle."""


class Squares(nn.Module):
    """A network of one bright pixel: lets the picture through."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def read_squares(net: nn.Module, images: Tensor, skeleton: Skeleton, mirror: object) -> list[People]:
    """A person at each pixel of full red, as sure as that pixel is green."""
    out = []
    for image in net(images).numpy():
        y, x = np.nonzero(image[0] == 255)
        score = np.repeat(image[1][y, x, None] / 255, 12, 1)
        out.append(People(BODY + np.stack((x, y), -1)[:, None], score, np.ones(score.shape)))
    return out


def detector(size: tuple[int, int] = (256, 256)) -> BottomUp:
    return BottomUp(Squares(), BABYPOSE_12, crop=CropRule(size, 1.3, "hrnet"), read=read_squares)


def pictures(*places: tuple[int, int], size: tuple[int, int] = (128, 128)) -> np.ndarray:
    images = np.zeros((len(places), size[1], size[0], 3), np.uint8)
    for image, (x, y) in zip(images, places, strict=True):
        image[y, x] = 255, 200, 0
    return images


@pytest.mark.parametrize(("rows", "columns", "n"), [(2, 2, 4), (2, 2, 1), (2, 2, 7), (1, 2, 3), (2, 1, 3)])
def test_each_infant_comes_back_in_its_own_picture(rows: int, columns: int, n: int) -> None:
    grid = Grid(detector((128 * columns, 128 * rows)), rows, columns)
    assert grid.crop == CropRule((128, 128), 1.3, "hrnet")
    places = [(40 + 7 * i, 60 + 3 * i) for i in range(n)]
    found = grid(pictures(*places))
    np.testing.assert_array_equal(found.xy, BODY + np.array(places)[:, None])
    np.testing.assert_allclose(found.score, 200 / 255)
    assert found.others.tolist() == [0] * n


def test_tiles_stand_row_by_row() -> None:
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] + np.zeros((5, 2, 3, 3), np.uint8) + 1
    whole = laid(images, 2, 2)
    assert whole.shape == (2, 4, 6, 3)
    assert whole[:, ::2, ::3, 0].tolist() == [[[1, 2], [3, 4]], [[5, 0], [0, 0]]]
    for i in range(4):
        row, column = divmod(i, 2)
        assert (whole[0, 2 * row:2 * row + 2, 3 * column:3 * column + 3] == i + 1).all()


def test_a_nurse_counts_in_the_tile_where_she_stands() -> None:
    images = pictures((60, 60), (60, 60))
    images[1, 20, 20] = 255, 150, 0
    found = Grid(detector((256, 128)), 1, 2)(images)
    assert found.others.tolist() == [0, 1]
    np.testing.assert_array_equal(found.xy[1], BODY + (60, 60))


def test_a_joint_in_the_next_tile_is_unknown() -> None:
    people = People(BODY[None] + (118, 60), np.full((1, 12), 0.9), np.ones((1, 12)))
    left, right = apart(people, 1, 2, (128, 128))
    assert len(right.xy) == 0
    outside = BODY[:, 0] + 118 > 127.5
    assert outside.any() and (np.isnan(left.xy[0]).all(-1) == outside).all()
    assert (left.score[0] == np.where(outside, 0, 0.9)).all()


def test_someone_without_a_joint_is_in_no_tile() -> None:
    people = People(np.full((1, 12, 2), np.nan), np.zeros((1, 12)), np.full((1, 12), np.nan))
    assert [len(p.xy) for p in apart(people, 2, 2, (64, 64))] == [0] * 4


def test_tiles_are_what_a_network_takes() -> None:
    grid = Grid(detector((512, 512)), 2, 3)
    assert grid.crop.size == (160, 256)
    found = grid(pictures((80, 128), size=(160, 256)))
    np.testing.assert_array_equal(found.xy[0], BODY + (80, 128))


@pytest.mark.parametrize(("rows", "columns"), [(0, 2), (2, 0), (8, 2)])
def test_grids_that_are_none(rows: int, columns: int) -> None:
    with pytest.raises(UsageError, match="grid: expected ROWSxCOLUMNS of tiles of 64 px or more within 256x256"):
        Grid(detector(), rows, columns)


def test_other_pictures_are_refused() -> None:
    with pytest.raises(InvalidValue, match=r"images: expected \(N, 128, 128, 3\) uint8"):
        Grid(detector(), 2, 2)(np.zeros((1, 64, 64, 3), np.uint8))


def test_the_glance_is_a_grid_too() -> None:
    whole = detector()
    whole.flip = True
    assert Grid(whole, 2, 2).glance.crop.size == (128, 128)
    assert torch.is_tensor(whole._net(torch.zeros(1)))
