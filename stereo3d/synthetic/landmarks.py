"""Where the joints of any skeleton are in an infant's body."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stereo3d.skeleton import COCO_17, Skeleton
from stereo3d.stereo import SIDES
from stereo3d.synthetic.body import InfantBody
from stereo3d.synthetic.kinematics import Posture
from stereo3d.values import Floats

_FOREHEAD = np.array([0.0, 0.05, 0.166])
"""On the skin above the eyes, over the head's circumference."""
_NECK = np.array([0.0, -0.10, -0.02])
"""Where the neck meets the skull, over the head's circumference."""
_SPINE = np.array([0.14, 0.30, 0.22])
"""The front upper iliac spine outward, up and forward of the hip's centre, over the distance of both spines (Bell,
Pedersen and Brand, J. Biomech. 23 (1990) 617)."""


def landmarks(body: InfantBody, posture: Posture, skeleton: Skeleton = COCO_17) -> Floats:
    """(T, K, 3) m in the bed's frame, the skeleton's joints in its order.

    Those of COCO-17 are the posture's own. `head_top` is the vertex, `upper_neck` where the neck meets the skull;
    `neck`, `thorax` and `upper_chest` lie between the shoulders, `pelvis` between the hips; In-Motion's `pelvis` joints
    are the front upper iliac spines.
    """
    known = {**_others(body, posture), **dict(zip(COCO_17.joints, np.swapaxes(posture.joints, 0, 1)))}
    return np.stack([known[joint] for joint in skeleton.joints], 1)


def _others(body: InfantBody, posture: Posture) -> Mapping[str, Floats]:
    """(T, 3) m each of the joints that COCO-17 lacks."""
    centre, head, trunk = posture.head_centre, posture.head, posture.trunk
    shoulders, hips = posture.joints[:, 5:7], posture.joints[:, 11:13]
    between = shoulders.mean(1)
    width = body.hips / (1 - 2 * _SPINE[0])
    spines = [hips[:, i] + width * trunk @ (_SPINE * [sign, 1, 1]) for i, sign in enumerate((1.0, -1.0))]
    return {
        "head_top": centre + body.head_axes[1] * head[..., 1], "forehead": centre + body.head * head @ _FOREHEAD,
        "upper_neck": centre + body.head * head @ _NECK, "neck": between, "thorax": between, "upper_chest": between,
        "pelvis": hips.mean(1), "mid_pelvis": (spines[0] + spines[1]) / 2,
        **{f"{side}_pelvis": spine for side, spine in zip(SIDES, spines)},
    }
