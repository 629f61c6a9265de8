"""What the pictures show of the joints: which a camera sees, and the skin seen towards each."""

from __future__ import annotations

import torch
from torch import Tensor

from stereo3d.skeleton import COCO_17, Skeleton
from stereo3d.synthetic.flesh import GROUPS
from stereo3d.synthetic.picture.field import Field
from stereo3d.synthetic.picture.stage import Stage
from stereo3d.synthetic.picture.trace import trace

_OWN = {
    "nose": "head", "eye": "head", "ear": "head", "shoulder": "trunk arm shirt sleeve head", "elbow": "arm sleeve",
    "wrist": "arm hand", "hip": "trunk leg nappy shirt", "knee": "leg", "ankle": "leg foot",
    "top": "head hat", "forehead": "head hat", "neck": "head trunk shirt", "thorax": "trunk shirt head",
    "chest": "trunk shirt head", "pelvis": "trunk nappy shirt",
}
"""The groups whose surface counts as that of a joint, those of its own side; a nappy counts as the hip's skin."""
_BEFORE = 0.012
"""m, how much nearer than the joint's own skin what a ray meets may be and still be that skin."""
_DEEPEST = {"nose": 0.10, "eye": 0.10, "ear": 0.12, "hip": 0.42, "pelvis": 0.42}
"""Of the trunk's length: a joint deeper in the body than this is hidden by the body itself."""
_ELSE_DEEPEST = 0.30
_STEPS = 16


def own_groups(skeleton: Skeleton = COCO_17) -> Tensor:
    """(K, GROUPS) True where a group's surface is that of the joint."""
    out = torch.zeros(len(skeleton), len(GROUPS), dtype=torch.bool)
    for i, joint in enumerate(skeleton.joints):
        side, _, kind = joint.rpartition("_")
        for name in _OWN[kind].split():
            whole = f"{side}_{name}"
            out[i, GROUPS.index(whole if whole in GROUPS else name)] = True
    return out


def skin_towards(field: Field, joints: Tensor, origin: Tensor, skeleton: Skeleton = COCO_17) -> Tensor:
    """(B, K, 3) m, the skin of each joint (B, K, 3) on its line to `origin` (B, 1, 3), whatever else lies before it."""
    way = torch.nn.functional.normalize(origin - joints, dim=-1)
    allowed = own_groups(skeleton).to(joints.device)
    out = torch.zeros_like(joints[..., 0])
    for _ in range(_STEPS):
        out = out - field.own_distance(joints + out[..., None] * way, allowed)
    return joints + out[..., None] * way


def visible(stage: Stage, joints: Tensor, origin: Tensor, skeleton: Skeleton = COCO_17) -> Tensor:
    """(B, K) True where a camera at `origin` (B, 1, 3) sees the skin towards each joint (B, K, 3), and no more of
    the body than a limb lies between."""
    skin = skin_towards(stage.field, joints, origin, skeleton)
    depths = [_DEEPEST.get(joint.rpartition("_")[2], _ELSE_DEEPEST) for joint in skeleton.joints]
    trunk = 1 / stage.dress.trunk[:, :, 0].norm(dim=-1, keepdim=True)
    deep = (skin - joints).norm(dim=-1) > joints.new_tensor(depths) * trunk
    way = skin - origin
    far = way.norm(dim=-1)
    hits = trace(stage.field, stage.grid, origin=origin, ways=way / far[..., None])
    first = torch.full_like(far, torch.inf)
    first = first.scatter(1, hits.rays, torch.where(hits.real, hits.reach, torch.inf))
    if stage.sleeve is not None:
        first = torch.minimum(first, stage.sleeve.meet(origin, way / far[..., None], pixel=0.0)[1])
    bed = stage.beds.meet(origin, way / far[..., None])[0]
    out: Tensor = (torch.minimum(first, bed + 0.004) > far - _BEFORE) & ~deep
    return out
