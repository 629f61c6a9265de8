"""A figure of coloured dots, recordings of it, and a detector that finds the dots: everything but a network.

Each joint has a colour of its own, so the detector knows it wherever it lies, to a fraction of a pixel. Like a
network it is sure of a figure only where that is upright and fills the crop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import Intrinsics, StereoRig
from stereo3d.detectors.crops import CropRule
from stereo3d.poses import Detections
from stereo3d.recording.base import FramePair
from stereo3d.skeleton import BABYPOSE_12
from stereo3d.stereo import SIDES, Stereo

SIZE = (640, 480)
JOINTS = {
    "right_wrist": (-60, -20), "right_elbow": (-48, -45), "right_shoulder": (-24, -60), "left_shoulder": (24, -60),
    "left_elbow": (48, -45), "left_wrist": (60, -20), "right_ankle": (-30, 75), "right_knee": (-34, 40),
    "right_hip": (-16, 8), "left_hip": (16, 8), "left_knee": (34, 40), "left_ankle": (30, 75),
}
FIGURE = np.array([JOINTS[j] for j in BABYPOSE_12.joints], float)
"""(12, 2) px from the figure's middle, head up."""
COLOURS = np.array([
    (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1), (1, 1, 1), (2, 1, 0), (0, 2, 1), (1, 0, 2),
    (2, 1, 1), (1, 1, 2),
]) / 2
HUES = COLOURS / np.linalg.norm(COLOURS, axis=1, keepdims=True)
RADIUS = 3.5
CROP = CropRule((96, 128), 1.25, "hrnet")


def figure(x: float, y: float, *, turn: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """(12, 2) px of the figure about that place, turned clockwise."""
    c, s = np.cos(turn), np.sin(turn)
    return FIGURE * scale @ np.array([[c, s], [-s, c]]) + (x, y)


def picture(joints: np.ndarray, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(h, w, 3) uint8 the dots at these places; joints (N, 12, 2) are several figures."""
    across, down = (
        np.exp(-(np.arange(n) - joints.reshape(-1, 2)[:, [i]]) ** 2 / (2 * RADIUS**2)) for i, n in enumerate(size)
    )
    colours = np.tile(COLOURS, (joints.size // 24, 1))
    image = np.stack([(down * colour[:, None]).T @ across for colour in colours.T], -1)
    return (255 * np.clip(image, 0, 1)).round().astype(np.uint8)


class Dots:
    """The detector; it counts the pictures it was shown."""

    skeleton = BABYPOSE_12
    crop = CROP

    def __init__(self) -> None:
        self.shown = 0

    def __call__(self, images: np.ndarray) -> Detections:
        self.shown += len(images)
        found = [_find(image.astype(float)) for image in images]
        xy = np.array(found).reshape(-1, 12, 2)
        return Detections(xy, np.array([_score(x) for x in xy]).reshape(-1, 12), np.full(xy.shape[:2], 0.5))


def _find(image: np.ndarray) -> np.ndarray:
    """(12, 2) the middle of each colour's pixels."""
    bright = np.linalg.norm(image, axis=2)
    y, x = np.nonzero(bright > 25)
    pixels, weight = image[y, x], bright[y, x]
    hue = pixels / weight[:, None] @ HUES.T
    own = (hue == hue.max(1, keepdims=True)) & (hue > 0.985)
    out = np.full((12, 2), np.nan)
    for joint in np.flatnonzero(own.any(0)):
        px, w = np.stack([x, y], 1)[own[:, joint]], weight[own[:, joint]]
        blob = _blob_nearest_to_the_middle(px, image.shape)
        out[joint] = w[blob] @ px[blob] / w[blob].sum()
    return out


def _blob_nearest_to_the_middle(px: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(P,) which of these pixels belong to it: with two figures in its picture, a network gives one of them."""
    mask = np.zeros(shape[:2], np.uint8)
    mask[px[:, 1], px[:, 0]] = 1
    n, labels = cv2.connectedComponents(mask)
    label = labels[px[:, 1], px[:, 0]]
    middles = [px[label == i].mean(0) for i in range(1, n)]
    return label == 1 + np.argmin(np.linalg.norm(np.array(middles) - (shape[1] / 2, shape[0] / 2), axis=1))


def _score(xy: np.ndarray) -> np.ndarray:
    """(12,) of one figure: 1 where it is upright and fills the crop, less where it is turned, small or a mixture."""
    known = np.isfinite(xy).all(-1)
    if known.sum() < 3:
        return np.where(known, 0.1, 0.0)
    drawn, seen = (p[known] @ (1, 1j) for p in (FIGURE, xy))
    drawn, seen = drawn - drawn.mean(), seen - seen.mean()
    turn = np.vdot(drawn, seen) / np.vdot(drawn, drawn).real
    fit = np.exp(-10 * (np.abs(seen - turn * drawn) ** 2).sum() / (np.abs(seen) ** 2).sum())
    upright, fills = np.clip(turn.real / abs(turn), 0.2, 1), np.clip(np.ptp(seen.imag) / (0.5 * CROP.size[1]), 0.1, 1)
    return np.where(known, upright * fills * fit, 0)


class Film:
    """A recording of pictures made when asked for; joints(frame, side) says where the dots are."""

    size, fps, rectified, rig, truth, joints, joints_camera = SIZE, 10.0, None, None, None, None, None

    def __init__(self, n_frames: int, joints: Callable[[int, str], np.ndarray]) -> None:
        self.time = np.arange(n_frames) / self.fps
        self._joints = joints
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, index: int) -> FramePair:
        self.read.append(index)
        return FramePair(index, self.time[index], Stereo(*(picture(self._joints(index, side)) for side in SIDES)))

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[FramePair]:
        return map(self.__getitem__, range(len(self))[start:stop:step])


def rectifier(angle: float = 0.02) -> Rectifier:
    """Of a pair with lens distortion, a little turned to each other."""
    lens = Intrinsics(SIZE, 500, 505, 322, 236, [-0.12, 0.03, 1e-3, -5e-4, 0])
    other = Intrinsics(SIZE, 497, 500, 318, 243, [-0.10, 0.02, 0, 1e-3, 0])
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return Rectifier(StereoRig(Stereo(lens, other), turn, [-0.12, 0.002, 0.001]))
