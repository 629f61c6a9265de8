"""Light: what faces up is bright, what is hidden is dark."""

from __future__ import annotations

import numpy as np

from stereo3d.synthetic.light import PANEL, open_sky, shine
from stereo3d.synthetic.solids import Floats32, Solids


def flat(*normal: float) -> Floats32:
    return shine(
        np.full((1, 3), 0.5, np.float32), np.array([normal], np.float32), sky=np.ones(1, np.float32),
        toward=np.array([[0, 0, 1]], np.float32),
    )


def test_what_faces_the_panel_is_brighter() -> None:
    assert flat(*PANEL).mean() > flat(0, 0, 1).mean() > flat(1, 0, 0).mean() > flat(0, 0, -1).mean() >= 0


def test_less_sky_is_darker_and_reflectance_counts() -> None:
    up, view = np.array([[0, 0, 1.0]], np.float32), np.array([[0, 0, 1.0]], np.float32)
    lit = [shine(np.full((1, 3), r, np.float32), up, sky=np.array([s], np.float32), toward=view).mean()
           for r, s in ((0.5, 1.0), (0.5, 0.5), (0.25, 0.5), (0.25, 0.0))]
    assert lit[0] > lit[1] > lit[2] > lit[3] > 0


def test_a_ball_hides_the_sky_near_it_only() -> None:
    ball = Solids(np.eye(3)[None], np.array([[0, 0, 0.04]]), np.zeros(1), np.full((1, 2), 0.04), np.zeros(1))
    x = np.array([0.0, 0.03, 0.06, 0.3])
    points = np.stack([x, 0 * x, 0 * x], 1).astype(np.float32)
    sky = open_sky(points, np.tile(np.array([0, 0, 1], np.float32), (4, 1)), solids=ball)
    assert np.all(np.diff(sky) > 0) and sky[0] < 0.7 and sky[-1] == 1
    away = open_sky(points, np.tile(np.array([0, 0, -1], np.float32), (4, 1)), solids=ball)
    assert np.all(away == 1), "what lies behind a surface hides nothing"


def test_more_points_than_a_block_are_all_found() -> None:
    ball = Solids(np.eye(3)[None], np.array([[0, 0, 0.04]]), np.zeros(1), np.full((1, 2), 0.04), np.zeros(1))
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (20_000, 3)).astype(np.float32) * [1, 1, 0]
    up = np.tile(np.array([0, 0, 1], np.float32), (len(points), 1))
    whole = open_sky(points.astype(np.float32), up, solids=ball)
    assert np.allclose(whole[-50:], open_sky(points[-50:].astype(np.float32), up[-50:], solids=ball))
