"""Some columns of batched rows: rays that still go, nodes near a surface."""

from __future__ import annotations

import torch
from torch import Tensor


def pick(mask: Tensor) -> tuple[Tensor, Tensor]:
    """(B, M) the columns where mask (B, N) is True, M the most of any row, and (B, M) which of them are real."""
    count = mask.sum(1)
    most = int(count.max())
    if len(mask) == 1:
        return mask[0].nonzero().T, torch.ones(1, most, dtype=torch.bool, device=mask.device)
    columns = torch.argsort(mask.to(torch.uint8), dim=1, descending=True, stable=True)[:, :most]
    return columns, torch.arange(most, device=mask.device) < count[:, None]


def rows(values: Tensor, columns: Tensor) -> Tensor:
    """values (B, N, ...) at columns (B, M)."""
    if values.dim() == 2:
        return values.gather(1, columns)
    return values.gather(1, columns[..., None].expand(-1, -1, values.shape[-1]))
