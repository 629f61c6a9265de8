"""Colours: sRGB, skins, a face with eyes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stereo3d.synthetic.paint import MONK, diaper, face, linear, palette, srgb, torso
from stereo3d.synthetic.solids import Floats32

COLOURS = palette(3)


@given(st.floats(0, 1))
def test_srgb_undoes_linear(value: float) -> None:
    assert float(srgb(np.float32(linear(np.array(value))))) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize(("encoded", "light"), [(0.0, 0.0), (0.04045, 0.0031308), (0.5, 0.2140411), (1.0, 1.0)])
def test_linear_is_iec_61966(encoded: float, light: float) -> None:
    assert float(linear(np.array(encoded))) == pytest.approx(light, abs=1e-6)


def test_the_monk_scale_falls_from_light_to_dark() -> None:
    assert MONK.shape == (10, 3)
    assert (255 * MONK[0]).round().tolist() == [0xF6, 0xED, 0xE4]
    assert np.all(np.diff(MONK.mean(1))[2:] < 0)


def test_palettes_cover_many_skins_and_keep_to_their_seed() -> None:
    assert palette(3) == COLOURS != palette(4)
    brightness = [palette(s).skin.mean() for s in range(60)]
    assert min(brightness) < 0.08 and max(brightness) > 0.6
    assert all(np.all(p.hair <= p.skin) for p in map(palette, range(20)))


def on_face(*places: tuple[float, float]) -> Floats32:
    return face(COLOURS, np.array([(x, y, 0.14) for x, y in places], np.float32))


def test_a_face_has_eyes_lips_and_brows() -> None:
    places = (0.03, -0.05), (0.079, -0.0175), (0.060, -0.017), (0, -0.104), (0, 0.05)
    cheek, white, pupil, lips, forehead = on_face(*places)
    assert pupil.max() < 0.1 < white.min()
    assert lips[0] / lips[2] > cheek[0] / cheek[2], "redder"
    assert np.allclose(forehead, COLOURS.skin, atol=0.02)


def test_a_face_is_symmetric() -> None:
    xy = np.random.default_rng(0).uniform(-0.12, 0.12, (500, 2))
    points = np.column_stack([xy, np.full(500, 0.12)]).astype(np.float32)
    mirrored = face(COLOURS, points * np.array([-1, 1, 1], np.float32))
    hairless = points[:, 1] < 0.03
    assert np.allclose(face(COLOURS, points)[hairless], mirrored[hairless], atol=1e-4)


def test_no_face_at_the_back_of_the_head() -> None:
    """Eyes and lips show only where z is forward; behind there is skin or hair, nothing white and nothing red."""
    places = np.array([(0.060, -0.017), (0.079, -0.0175), (0.0, -0.104)])
    back = face(COLOURS, np.column_stack([places, np.full(3, -0.02)]).astype(np.float32))
    low, high = np.minimum(COLOURS.skin, COLOURS.hair), np.maximum(COLOURS.skin, COLOURS.hair)
    assert np.all((back > low - 0.02) & (back < high + 0.02))


def test_navel_and_tapes() -> None:
    skin, navel = torso(COLOURS, np.array([(0.0, 0.6, 0.2), (0.0, 0.40, 0.2)], np.float32))
    assert np.allclose(skin, COLOURS.skin, atol=1e-3) and np.all(navel < 0.7 * skin)
    side, tape = diaper(COLOURS, np.array([(0.30, 0.12, 0.1), (0.20, 0.24, 0.1)], np.float32))
    assert np.allclose(side, 0.86, atol=1e-3) and np.abs(tape - COLOURS.print).max() < 0.12
