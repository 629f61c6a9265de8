"""Crops to measure with: the infant, in both views, spread over the recording."""

from __future__ import annotations

import numpy as np
from dots import Dots, Film, figure

from stereo3d.detectors.samples import FRAMES, samples


def film(n: int) -> Film:
    return Film(n, lambda frame, side: figure(300 + (side == "right") * 20, 240))


def test_the_infant_fills_each_crop_of_both_views() -> None:
    detector, recording = Dots(), film(40)
    cut = samples(recording, detector)
    assert cut.shape == (2 * FRAMES, 128, 96, 3) and cut.dtype == np.uint8
    found = detector(cut)
    assert np.isfinite(found.xy).all() and found.score.min() > 0.7
    assert len(set(recording.read)) >= FRAMES


def test_a_short_recording_gives_what_it_has() -> None:
    assert samples(film(3), Dots()).shape[0] == 6


def test_a_square_is_taken_as_it_is_and_nothing_is_searched() -> None:
    detector = Dots()
    cut = samples(film(2), detector, roi=(300.0, 240.0, 200.0))
    assert detector.shown == 0
    xy = detector(cut).xy
    middle = xy[0].mean(0)
    # The crop is 96 px wide and shows the square's 200 px in them.
    np.testing.assert_allclose(np.ptp(xy[0, :, 1]) * 200 / 96, np.ptp(figure(0, 0)[:, 1]), rtol=0.03)
    np.testing.assert_allclose(middle - (48, 64), (figure(300, 240).mean(0) - (300, 240)) * 96 / 200, atol=1.5)
