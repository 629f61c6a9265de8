"""The block-tridiagonal system with a border against one dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.refinement import arrow


def drawn(n: int, w: int = 2, m: int = 3, p: int = 5, *, seed: int = 0) -> arrow.Arrow:
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((n, w, 5, m))
    coupling = rng.uniform(0.2, 1, (max(n - 1, 0), w, m))
    blocks = root.swapaxes(-1, -2) @ root + 3 * np.eye(m)
    lasting, border = 0.3 * rng.standard_normal((n, w, m)), 0.3 * rng.standard_normal((n, w, m, p - m))
    corner = np.repeat(20.0 * n * np.eye(p)[None], w, 0)
    right, right_corner = rng.standard_normal((n, w, m)), rng.standard_normal((w, p))
    return arrow.Arrow(blocks, coupling, lasting, border, corner, right, right_corner)


def dense(system: arrow.Arrow, w: int) -> tuple[np.ndarray, np.ndarray]:
    (n, _, m), p = system.right.shape, system.corner.shape[-1]
    whole, right = np.zeros((n * m + p, n * m + p)), np.zeros(n * m + p)
    for t in range(n):
        here = slice(t * m, (t + 1) * m)
        whole[here, here], right[here] = system.blocks[t, w], system.right[t, w]
        border = np.hstack([-np.diag(system.lasting[t, w]), system.border[t, w]])
        whole[here, n * m:], whole[n * m:, here] = border, border.T
        if t + 1 < n:
            after = slice((t + 1) * m, (t + 2) * m)
            whole[here, after] = whole[after, here] = -np.diag(system.coupling[t, w])
    whole[n * m:, n * m:], right[n * m:] = system.corner[w], system.right_corner[w]
    assert np.linalg.eigvalsh(whole)[0] > 0
    return whole, right


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_solution_is_the_dense_one(n: int) -> None:
    system = drawn(n)
    found = arrow.solve(system)
    for w in range(2):
        whole, right = dense(system, w)
        wanted = np.linalg.solve(whole, right)
        np.testing.assert_allclose(found.nodes[:, w].ravel(), wanted[:n * 3], atol=1e-10)
        np.testing.assert_allclose(found.throughout[w], wanted[n * 3:], atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 7])
def test_variances_are_the_inverses_diagonal(n: int) -> None:
    system = drawn(n, seed=1)
    found = arrow.solve(system)
    variances = arrow.node_variances(system, found)
    for w in range(2):
        inverse = np.linalg.inv(dense(system, w)[0])
        np.testing.assert_allclose(variances[:, w].ravel(), np.diagonal(inverse)[:n * 3], atol=1e-10)
        np.testing.assert_allclose(found.covariance[w], inverse[n * 3:, n * 3:], atol=1e-10)


def test_work_grows_with_the_nodes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks are inverted, one for each node of a window and one for the border: no matrix grows with the number
    of nodes."""
    inverted: list[tuple[int, ...]] = []
    for where, name in ((np.linalg, "inv"), (arrow, "_inverse")):
        inverse = getattr(where, name)
        monkeypatch.setattr(where, name, lambda x, inverse=inverse: inverted.append(x.shape) or inverse(x))
    for n in (10, 20):
        inverted.clear()
        arrow.solve(drawn(n))
        assert inverted == [(3, 3)] * 2 * n + [(2, 5, 5)]
