"""Tracks beside the truth's: paths and smoothness as the package's own features tell them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stereo3d.benchmark.movement import summed_up, tracks
from stereo3d.benchmark.table import to_markdown
from stereo3d.benchmark.tally import Row, Tally
from stereo3d.evaluation.smoothness import ldlj

TIME = np.arange(75) / 30
CLIP = Row("usual", "3 px", "13", "all", "clip")


def moving(n: int = 4) -> np.ndarray:
    phase = np.arange(n)[:, None] + np.array([0.0, 1.0, 2.0])
    return 0.05 * np.sin(2 * np.pi * 0.7 * TIME[:, None, None] + phase)


def test_the_truth_itself_is_true():
    found = summed_up(tracks(moving(), moving(), TIME))
    assert found == (1.0, 0.0, 1.0, 1.0, 4)


def test_a_larger_movement_is_as_smooth_and_longer():
    path, jerk = tracks(1.2 * moving(), moving(), TIME).T
    assert np.exp(path) == pytest.approx(np.full(4, 1.2)) and jerk == pytest.approx(np.zeros(4), abs=1e-9)
    assert summed_up(tracks(1.2 * moving(), moving(), TIME)).path_within == 0


def test_jitter_lengthens_and_roughens():
    rough = moving() + np.random.default_rng(3).normal(0, 0.002, moving().shape)
    found = summed_up(tracks(rough, moving(), TIME))
    speeds = [np.linalg.norm(np.diff(x[:, 0], axis=0), axis=-1) * 30 for x in (rough, moving())]
    assert tracks(rough[:, :1], moving()[:, :1], TIME)[0, 1] == pytest.approx(ldlj(speeds[0], 30) - ldlj(speeds[1], 30))
    assert found.path > 1.02 and found.ldlj < -1 and found.ldlj_within == 0


def test_tracks_with_holes_and_joints_at_rest_do_not_count():
    seen = moving()
    seen[5, 0], seen[:, 1] = np.nan, seen[:1, 1]
    still = moving()
    still[:, 1] = still[:1, 1]
    still[:, 2] = still[:1, 2] + 0.01 * (still[:, 2] - still[:1, 2])
    assert len(tracks(seen, still, TIME)) == 1
    assert len(tracks(seen[:5], still[:5], TIME[:5])) == 0
    assert np.isnan(summed_up(np.zeros((0, 2))).path)


def test_parts_add_up_and_the_table_tells():
    parts = []
    for infant, size in (("1", 1.02), ("2", 1.04)):
        tally = Tally()
        tally.moves[CLIP][infant] = tracks(size * moving(), moving(), TIME)
        parts.append(json.loads(json.dumps(tally.to_dict())))
    both = Tally.merged(parts)
    assert both.movement(CLIP).tracks == 8 and both.movement(CLIP).path == pytest.approx(np.sqrt(1.02 * 1.04))
    assert "| usual | 3 px | 13 | clip | 1.030 | " in to_markdown(both)
    del parts[0]["moves"]
    assert Tally.merged(parts).movement(CLIP).tracks == 4
