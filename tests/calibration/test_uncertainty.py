"""Stated errors are those that come about."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_boards import views

from stereo3d.calibration.bundle import NAMES
from stereo3d.calibration.compare import compare_rigs
from stereo3d.calibration.solve import rig_of, solve
from stereo3d.calibration.uncertainty import DEPTHS, covariance, covariance_of_halves, sigmas, spread
from stereo3d.values import Floats


@pytest.fixture(scope="module")
def solved():  # type: ignore[no-untyped-def]
    return solve(views(14, noise=0.2)[0])


@pytest.fixture(scope="module")
def cover(solved) -> Floats:  # type: ignore[no-untyped-def]
    return covariance(solved.fit, solved.corners)


def test_what_was_kept_has_no_error(solved, cover: Floats) -> None:  # type: ignore[no-untyped-def]
    kept = ~solved.fit.free
    assert (cover[kept] == 0).all() and (cover[:, kept] == 0).all()
    assert set(sigmas(cover)) == {n for n, free in zip(NAMES, solved.fit.free, strict=True) if free}
    assert np.linalg.eigvalsh(cover).min() > -1e-9


def test_errors_shrink_with_the_root_of_the_views(cover: Floats) -> None:
    more = solve(views(56, noise=0.2)[0])
    ratio = np.sqrt(np.diag(covariance(more.fit, more.corners)) / np.where(np.diag(cover) > 0, np.diag(cover), np.nan))
    assert np.nanmedian(ratio) == pytest.approx(0.5, abs=0.15)


def test_errors_in_space_are_those_of_rigs_drawn_at_random(solved, cover: Floats) -> None:  # type: ignore[no-untyped-def]
    depths = np.array([0.5, 1.0])
    stated = spread(solved.state, solved.rig, cover, depths)
    values, vectors = np.linalg.eigh(cover)
    rng, shifts, still = np.random.default_rng(0), [], np.zeros((len(solved.views), 6))
    for _ in range(80):
        step = vectors @ (np.sqrt(np.maximum(values, 0)) * rng.normal(size=len(values)))
        other = rig_of(solved.state.moved(step, still), solved.views.size)
        shifts.append(compare_rigs(solved.rig, other, depths).shift)
    found = np.sqrt((np.array(shifts) ** 2).sum(-1).mean(0))
    inside = stated.inside
    np.testing.assert_allclose(found[inside], stated.total[inside], rtol=0.35)
    assert np.median(found[inside] / stated.total[inside]) == pytest.approx(1, abs=0.15)


def test_errors_grow_with_distance_and_point_along_the_line_of_sight(solved, cover: Floats) -> None:  # type: ignore[no-untyped-def]
    stated = spread(solved.state, solved.rig, cover)
    middle = np.array([np.median(t[i]) for t, i in zip(stated.total, stated.inside, strict=True)])
    assert (np.diff(middle) > 0).all()
    assert (stated.away[stated.inside] <= stated.total[stated.inside] + 1e-12).all()
    assert stated.median < stated.p95 < 0.05 and (stated.depth == DEPTHS).all()
    assert np.isnan(stated.total[0]).any(), "near by one eye does not see what the other does"
    assert np.isfinite(stated.total[stated.inside]).all()


def test_views_that_pull_together_widen_the_errors() -> None:
    """Corners that are off together within a view count as fewer."""
    seen, _ = views(14, noise=0.2)
    rng = np.random.default_rng(3)
    alone = solve(seen)
    smeared = seen.xy + 0.15 * rng.normal(size=(14, 2, 1, 2)) * np.sin(seen.xy / 40)
    together = solve(replace(seen, xy=smeared))
    widths = [np.sqrt(np.diag(covariance(s.fit, s.corners))[:4]) / s.rms for s in (alone, together)]
    assert np.median(widths[1] / widths[0]) > 1.1


def test_two_halves_are_four_times_as_uncertain(solved, cover: Floats) -> None:  # type: ignore[no-untyped-def]
    odd = np.arange(len(solved.views)) % 2 == 1
    between = covariance_of_halves(solved.fit, solved.corners, odd)
    ratio = np.diag(between)[solved.fit.free] / np.diag(cover)[solved.fit.free]
    assert 3.5 < np.median(ratio) < 12
