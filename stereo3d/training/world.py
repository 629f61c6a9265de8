"""The processes of a run: one, or as many as torchrun started."""

from __future__ import annotations

import contextlib
import datetime
import gc
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from stereo3d.detectors.topdown import device_named

_PATIENCE = datetime.timedelta(days=2)
"""So long the others wait for the first, which may have an hour of pictures to draw."""


class World(contextlib.AbstractContextManager["World"]):
    """This process among the others of its run; within the context, which may be entered again, they can hear each
    other."""

    def __init__(self) -> None:
        self.size, self.rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        self._began = False

    @property
    def first(self) -> bool:
        """Whether this process measures, saves and speaks."""
        return self.rank == 0

    def __enter__(self) -> World:
        if self.size > 1 and not torch.distributed.is_initialized():
            torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
            self._began = True
        return self

    def __exit__(self, *error: object) -> None:
        if self._began:
            # A network still about keeps the group, whose threads abort the process if they outlive Python.
            gc.collect()
            torch.distributed.destroy_process_group()

    def device(self, name: str) -> str:
        """`cpu`, or `cuda`, whose current device is this process's own, for what a recipe names."""
        found = device_named(name)
        if found == "cuda" and self.size > 1:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        return found

    @contextlib.contextmanager
    def in_turn(self) -> Iterator[None]:
        """Lets the first process do what is within, and then the others: what it leaves on the disk is there for them.
        """
        if self.size > 1 and not self.first:
            torch.distributed.barrier()
        yield
        if self.size > 1 and self.first:
            torch.distributed.barrier()

    def shared(self, net: nn.Module, device: str) -> nn.Module:
        """The network, whose gradients are averaged over all processes."""
        if self.size == 1:
            return net
        return nn.parallel.DistributedDataParallel(net, [torch.cuda.current_device()] if device == "cuda" else None)

    def told(self, value: Any) -> Any:
        """The first process's value, in all of them."""
        held = [value]
        if self.size > 1:
            torch.distributed.broadcast_object_list(held)
        return held[0]
