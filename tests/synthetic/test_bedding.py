"""The bed's picture: towel, mattress, tray."""

from __future__ import annotations

import numpy as np

from stereo3d.synthetic.bedding import TEXEL, bedding
from stereo3d.synthetic.paint import palette

COLOURS = palette(3)


def test_bedding_is_textured_lies_in_the_middle_and_keeps_to_its_seed() -> None:
    cloth = bedding(COLOURS, seed=3)
    assert cloth.shape == (800, 800, 3) and cloth.dtype == np.float32
    assert 0 < cloth.min() and cloth.max() < 1.3
    assert np.array_equal(cloth, bedding(COLOURS, seed=3))
    towel = cloth[300:500, 320:480].mean(-1)
    assert towel.std() / towel.mean() > 0.04, "something to match"
    edge = np.concatenate([cloth[0], cloth[-1], cloth[:, 0], cloth[:, -1]])
    assert np.ptp(edge, axis=0).max() < 1e-3, "the tray goes on beyond"
    wide = int(0.24 / TEXEL)
    assert np.abs(cloth[400, 400 - wide].mean() - cloth[0, 0].mean()) > 0.02, "the mattress is 50 cm wide"
