"""Networks that run in batches of fixed shapes: what stands beside a picture changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from stereo3d.models import network
from stereo3d.models.network import DEVIATION, MEAN, Graph, Network, TorchNetwork


class Sizes(Network):
    """Gives each picture's brightness, and notes how many came together."""

    def __init__(self, *batches: int) -> None:
        self.device, self.batches = torch.device("cpu"), batches
        self.seen: list[int] = []

    def maps(self, pictures: Tensor) -> Tensor:
        self.seen.append(len(pictures))
        return pictures.float().mean(-1)[:, None]


def pictures(n: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (n, 16, 24, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1)).eval()


@pytest.mark.parametrize(("batches", "n", "seen"), [
    ((1, 2, 4, 8), 21, [8, 8, 8]), ((1, 2, 4, 8), 3, [4]), ((2,), 5, [2, 2, 2]), ((32,), 1, [32]),
])
def test_batches_that_are_not_full_are_filled_up(batches: tuple[int, ...], n: int, seen: list[int]) -> None:
    made = Sizes(*batches)
    maps = made(pictures(n))
    assert made.seen == seen
    torch.testing.assert_close(maps, pictures(n).float().mean(-1)[:, None])


def test_pictures_are_normalised(net: nn.Module) -> None:
    x = pictures(3)
    wanted = net(((x.double() - torch.tensor(MEAN)) / torch.tensor(DEVIATION)).permute(0, 3, 1, 2).float())
    with torch.inference_mode():
        torch.testing.assert_close(TorchNetwork(net)(x), wanted.detach())


@pytest.mark.parametrize(("precision", "least", "most"), [("bf16", 1e-5, 2e-2), ("fp16", 1e-7, 5e-3)])
def test_shorter_numbers_are_nearly_as_good_and_leave_the_network_alone(
    net: nn.Module, precision: Any, least: float, most: float
) -> None:
    with torch.inference_mode():
        exact = TorchNetwork(net)(pictures(4))
        rough = TorchNetwork(net, precision=precision)(pictures(4))
    off = float((rough - exact).abs().max() / exact.abs().max())
    assert least < off < most and rough.dtype == torch.float32
    assert all(p.dtype == torch.float32 for p in net.parameters())


def test_a_picture_gives_the_same_numbers_wherever_it_stands(net: nn.Module) -> None:
    """Bit by bit, in bf16 too."""
    x = pictures(7)
    made = TorchNetwork(net, precision="bf16")
    with torch.inference_mode():
        whole = made(x)
        for i in range(7):
            assert torch.equal(made(x[i:i + 1])[0], whole[i])


class Recorded:
    """In place of torch.cuda: a graph that notes what it is made of and runs the function again."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.again: Any = None

    def __getattr__(self, name: str) -> Any:
        if name == "CUDAGraph":
            return lambda: self
        return lambda *_: _Context(self.log, name)

    def replay(self) -> None:
        self.log.append("replay")
        self.again()


class _Context:
    def __init__(self, log: list[str], name: str) -> None:
        self.log, self.name = log, name

    def __enter__(self) -> None:
        self.log.append(self.name)

    def __exit__(self, *_: object) -> None:
        self.log.append(f"end of {self.name}")

    def wait_stream(self, _: object) -> None:
        self.log.append("wait")


def test_a_graph_is_recorded_once_and_replayed_with_new_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU: the order of recording, and that inputs and results are copied."""
    fake = Recorded()
    monkeypatch.setattr(network.torch, "cuda", fake)
    calls: list[Tensor] = []
    out = torch.zeros(4)

    def double(x: Tensor) -> Tensor:
        calls.append(x)
        out.copy_(2 * x)
        return out

    graph = Graph(double, torch.arange(4.0))
    assert len(calls) == network.WARM_UP + 1 and "graph" in fake.log and "replay" not in fake.log
    assert fake.log.index("end of stream") < fake.log.index("graph"), "warmed up before it is recorded"
    fake.again = lambda: double(calls[0])
    first = graph(torch.ones(4))
    second = graph(torch.full((4,), 3.0))
    assert fake.log.count("graph") == 1 and fake.log.count("replay") == 2
    torch.testing.assert_close(first, torch.full((4,), 2.0))
    torch.testing.assert_close(second, torch.full((4,), 6.0))
