"""Faster networks for inference: batch normalisation worked into the convolutions before it."""

from __future__ import annotations

from collections import Counter

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batchnorm(net: nn.Module) -> nn.Module:
    """A network with the same outputs (to rounding) and without its normalisations; `net` itself stays as it is.

    For nets in evaluation mode whose forward has no branch on its input; the result is for inference only.
    Source: Jacob et al., "Quantization and Training of Neural Networks", CVPR 2018, section 3.2.
    """
    folded = fx.symbolic_trace(net)
    layers = dict(folded.named_modules())
    for before, after in _pairs(folded.graph):
        conv, norm = layers[str(before.target)], layers[str(after.target)]
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            folded.set_submodule(str(before.target), fuse_conv_bn_eval(conv, norm))
            after.replace_all_uses_with(before)
            folded.graph.erase_node(after)
    folded.delete_all_unused_submodules()
    folded.recompile()
    return folded


def _pairs(graph: fx.Graph) -> list[tuple[fx.Node, fx.Node]]:
    """Layers, each called once, and the layers that alone take what they give."""
    calls = [node for node in graph.nodes if node.op == "call_module"]
    n_calls = Counter(node.target for node in calls)
    once = [node for node in calls if n_calls[node.target] == 1 and len(node.users) == 1]
    followed = [(node, next(iter(node.users))) for node in once]
    return [(before, after) for before, after in followed if after.op == "call_module"]
