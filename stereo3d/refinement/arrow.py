"""Least squares over time with a few unknowns that hold throughout, in linear time: a block-tridiagonal matrix with a
border, eliminated block by block (G. H. Golub and C. F. Van Loan, Matrix Computations, 4th ed., 4.5), for many windows
at once. The border is taken out by its Schur complement; diagonal blocks of the inverse come from a backward recursion.

N nodes of W windows have M unknowns each, coupled to the next node's one by one; P unknowns hold throughout a window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stereo3d.values import Floats


class Arrow(NamedTuple):
    """A symmetric positive definite system."""

    blocks: Floats
    """(N, W, M, M)."""
    coupling: Floats
    """(N - 1, W, M): minus the diagonal of the block between a node and the next."""
    border: Floats
    """(N, W, M, P)."""
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
    influence: Floats
    """(N, W, M, P): by how much the nodes give way to the unknowns that hold throughout."""


def solve(system: Arrow) -> Solution:
    """The solution of the system, and what `node_covariances` needs."""
    n, e = len(system.blocks), system.coupling[..., None]
    both = e * system.coupling[..., None, :]
    inverses, reduced = system.blocks.copy(), np.concatenate([system.border, system.right[..., None]], -1)
    for t in range(n):
        if t:
            inverses[t] -= both[t - 1] * inverses[t - 1]
            reduced[t] += e[t - 1] * reduced[t - 1]
        inverses[t] = np.linalg.inv(inverses[t])
        reduced[t] = inverses[t] @ reduced[t]
    for t in reversed(range(n - 1)):
        reduced[t] += inverses[t] @ (e[t] * reduced[t + 1])
    influence, own = reduced[..., :-1], reduced[..., -1]
    flat = system.border.transpose(1, 3, 0, 2).reshape(*system.right_corner.shape, -1)
    complement = system.corner - flat @ influence.transpose(1, 0, 2, 3).reshape(len(flat), -1, flat.shape[1])
    covariance: Floats = np.asarray(np.linalg.inv(complement), float)
    left = system.right_corner - (flat @ own.transpose(1, 0, 2).reshape(len(flat), -1, 1))[..., 0]
    throughout = (covariance @ left[..., None])[..., 0]
    nodes = own - (influence @ throughout[..., None])[..., 0]
    return Solution(nodes, throughout, covariance, inverses, influence)


def node_variances(system: Arrow, solution: Solution) -> tuple[Floats, Floats]:
    """(N, W, M) variances of the nodes' unknowns and (N, W, M, P) their covariances with those that hold throughout."""
    n = len(system.blocks)
    out = np.empty(system.right.shape)
    block = solution.inverses[n - 1]
    for t in reversed(range(n)):
        if t + 1 < n:
            e, inverse = system.coupling[t], solution.inverses[t]
            block = inverse + inverse @ (e[..., None] * block * e[..., None, :]) @ inverse
        out[t] = np.diagonal(block, axis1=-2, axis2=-1)
    shared = -(solution.influence @ solution.covariance)
    return out - (shared * solution.influence).sum(-1), shared
