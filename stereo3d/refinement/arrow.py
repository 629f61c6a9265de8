"""Least squares over time with a few unknowns that hold throughout, in linear time: a block-tridiagonal matrix with a
border, eliminated block by block (G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., 4.5), for many windows
at once. The border is taken out by its Schur complement; diagonal blocks of the inverse come from a backward recursion.

N nodes of W windows have M unknowns each, coupled to the next node's one by one; P unknowns hold throughout a window,
the first M of them coupled to the nodes' one by one too.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri

from stereo3d.values import Floats


class Arrow(NamedTuple):
    """A symmetric positive definite system."""

    blocks: Floats
    """(N, W, M, M)."""
    coupling: Floats
    """(N - 1, W, M): minus the diagonal of the block between a node and the next."""
    lasting: Floats
    """(N, W, M): minus the diagonal of the block between a node and the first M unknowns that hold throughout."""
    border: Floats
    """(N, W, M, P - M): the block between a node and the others of these."""
    corner: Floats
    """(W, P, P)."""
    right: Floats
    """(N, W, M) right side of the nodes."""
    right_corner: Floats
    """(W, P)."""


class Solution(NamedTuple):
    nodes: Floats
    """(N, W, M)."""
    throughout: Floats
    """(W, P)."""
    covariance: Floats
    """(W, P, P) of the unknowns that hold throughout."""
    inverses: Floats
    """(N, W, M, M) of the blocks, all nodes before eliminated."""
    shares: Floats
    """(N, W, M, P): by how much a node, those before it eliminated, gives way to the unknowns that hold throughout."""


def solve(system: Arrow) -> Solution:
    """The solution of the system, and what `node_variances` needs."""
    (n, w, m), p = system.right.shape, system.corner.shape[-1]
    inverses, shares = np.empty((n, w, m, m)), np.empty((n, w, m, p + 1))
    taken = np.zeros((w, p + 1, p + 1))
    for i in range(w):
        side, block = np.zeros((m, p + 1)), np.zeros((m, m))
        for t in range(n):
            if t:
                e = system.coupling[t - 1, i]
                np.multiply(e[:, None], shares[t - 1, i], out=side)
                np.multiply(-e[:, None] * inverses[t - 1, i], e, out=block)
            block += system.blocks[t, i]
            side.reshape(-1)[:m * (p + 1):p + 2] -= system.lasting[t, i]
            side[:, m:p] += system.border[t, i]
            side[:, p] += system.right[t, i]
            inverses[t, i] = _inverse(block)
            share = np.matmul(inverses[t, i], side, out=shares[t, i])
            taken[i] += side.T @ share
    covariance: Floats = np.asarray(np.linalg.inv(system.corner - taken[:, :p, :p]), float)
    throughout = (covariance @ (system.right_corner - taken[:, :p, p])[..., None])[..., 0]
    shares, nodes = shares[..., :p], shares[..., p] - (shares[..., :p] @ throughout[..., None])[..., 0]
    _back(nodes[..., None], system, inverses)
    return Solution(nodes, throughout, covariance, inverses, shares)


def _inverse(block: Floats) -> Floats:
    """(M, M) the inverse of a positive definite block, by Cholesky's factors: half the work of Gauss's."""
    factor, _ = dpotrf(block.T, lower=1)
    lower, _ = dpotri(factor, lower=1, overwrite_c=1)
    out = np.asarray(lower + lower.T, float)
    out.reshape(-1)[::len(out) + 1] /= 2  # the diagonal was added to itself
    return out


def _back(x: Floats, system: Arrow, inverses: Floats) -> None:
    """From x (N, W, M, C), in place, what nodes are once those after them are known."""
    e = system.coupling[..., None]
    for t in reversed(range(len(x) - 1)):
        x[t] += inverses[t] @ (e[t] * x[t + 1])


def node_variances(system: Arrow, solution: Solution) -> Floats:
    """(N, W, M) variances of the nodes' unknowns."""
    n, out = len(system.blocks), np.empty(system.right.shape)
    block = solution.inverses[n - 1]
    for t in reversed(range(n)):
        if t + 1 < n:
            e, inverse = system.coupling[t], solution.inverses[t]
            block = inverse + inverse @ (e[..., None] * block * e[..., None, :]) @ inverse
        out[t] = np.diagonal(block, axis1=-2, axis2=-1)
    influence = solution.shares.copy()
    _back(influence, system, solution.inverses)
    return np.asarray(out + ((influence @ solution.covariance) * influence).sum(-1))
