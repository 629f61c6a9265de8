"""Networks written as ONNX give what torch gives."""

from __future__ import annotations

import nameseed
import numpy as np
import pytest
import torch
from torch import fx, nn

from stereo3d.errors import UsageError
from stereo3d.models import architectures, hrnet
from stereo3d.models.folding import fold_batchnorm
from stereo3d.models.network import DEVIATION, MEAN
from stereo3d.models.onnx_graph import to_onnx

onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def run(model: bytes, pictures: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pictures})  # type: ignore[no-any-return]


def images(h: int, w: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, h, w, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "n_joints", "side"), [
    ("hrnet_w16", 17, 64), ("hrnet_w32", 17, 64), ("higherhrnet_w32", 17, 64), ("efficientpose_rt", 16, 64), ("efficientpose_i", 16, 64),
])
def test_every_kind_of_layer_has_its_counterpart(
    monkeypatch: pytest.MonkeyPatch, name: str, n_joints: int, side: int
) -> None:
    monkeypatch.setattr(hrnet, "MODULES", (1, 1, 1))
    monkeypatch.setattr(hrnet, "DEPTH", 1)
    net = fold_batchnorm(nameseed.fill(architectures.build(name, n_joints), bn_gain=0.4).eval())
    x = images(side, side)
    given = torch.from_numpy((x - np.array(MEAN)) / np.array(DEVIATION)).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        wanted = net(given)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    found = run(to_onnx(net, x.shape, MEAN, DEVIATION), x)  # type: ignore[arg-type]
    assert len(found) == len(wanted)
    for theirs, ours in zip(found, wanted, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), atol=1e-5 * float(ours.abs().max()))


def test_pooling_and_numbers() -> None:
    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool = nn.MaxPool2d(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.pool(x) * 2.5 + 1.0

    x = images(8, 12)
    net = fx.symbolic_trace(Small())
    found = run(to_onnx(net, x.shape, (0, 0, 0), (1, 1, 1)), x)[0]
    wanted = x.astype(float).reshape(2, 4, 2, 6, 2, 3).max((2, 4)).transpose(0, 3, 1, 2) * 2.5 + 1
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


@pytest.mark.parametrize(("layer", "sentence"), [
    (nn.Tanh(), "runtime: Tanh has no counterpart in ONNX here; use torch"),
    (nn.Upsample(scale_factor=2, mode="bilinear"), "enlarging by bilinear has no counterpart"),
])
def test_other_layers_are_refused(layer: nn.Module, sentence: str) -> None:
    net = fx.symbolic_trace(nn.Sequential(layer))
    with pytest.raises(UsageError, match=sentence):
        to_onnx(net, (1, 8, 8, 3), MEAN, DEVIATION)
