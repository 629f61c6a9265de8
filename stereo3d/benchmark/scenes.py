"""Infants before a stereo camera with all known of them: joints, pictures, and which joints a picture shows.

This is all that the benchmarks need of a renderer; another one has to make the same `Scene`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.calibration.rectify import Rectifier
from stereo3d.calibration.sizes import inside
from stereo3d.cameras import RectifiedCamera, StereoRig
from stereo3d.errors import CalibrationError, InputError, unknown_name
from stereo3d.poses import Poses2D, Poses3D
from stereo3d.recording.base import FramePair, Recording
from stereo3d.skeleton import Skeleton
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.synthetic import figure as flesh
from stereo3d.synthetic.noise import DetectorNoise, detections
from stereo3d.synthetic.render import Renderer
from stereo3d.synthetic.rig import pose_of
from stereo3d.synthetic.scene import Simulation, simulate
from stereo3d.synthetic.solids import Solids, meet
from stereo3d.synthetic.write import photographer, read_labels
from stereo3d.values import Bools, Bytes, Floats

FPS, FRAMES = 30.0, 75
QUALITY = 90
"""Of the JPEGs between renderer and matcher: a recording's pictures have been through a codec."""
_OWN = 0.006
"""m from a solid's surface within which a joint belongs to it."""
_BEFORE = 0.010
"""m by which what a camera sees lies before a joint's own skin, from which on the joint is hidden."""
_FASTER = 6.0
"""How much faster than writhing a startle is."""
_FAT = {"thick": 1.6, "thin": 0.62}
"""Of the mass: limbs 26 % thicker and 21 % thinner than infants' are."""
Edit = Callable[[int, Stereo[Bytes]], Stereo[Bytes]]
Shot = Callable[[int], Stereo[Bytes]]
"""The raw pictures of a frame."""
Shown = tuple[Stereo[Bytes], Bools]
"""A frame's pictures, and (K,) which joints they hide."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One infant, T frames of K joints, N of them with pictures."""

    rectifier: Rectifier
    camera: RectifiedCamera
    xyz: Floats
    """(T, K, 3) m in the rectified left camera."""
    seen: Stereo[Poses2D]
    """The same in both rectified views, without error."""
    frames: list[int]
    """(N,) those with pictures."""
    shot: Shot
    hidden: Bools
    """(N, K) that something else lies before the joint in a view."""
    edit: Edit | None = None
    """What becomes of the raw pictures of a frame."""
    row_offset: float = 0.0
    """px by which the right view's rows are off."""

    @property
    def skeleton(self) -> Skeleton:
        return self.seen.left.skeleton

    def pairs(self) -> Iterator[FramePair]:
        """The N pairs, made as they are asked for."""
        for index in self.frames:
            images, time = self.shot(index), float(self.seen.left.time[index])
            yield FramePair(index, time, self.edit(index, images) if self.edit else images)

    def detected(self, noise: DetectorNoise, *, seed: int) -> Stereo[Poses2D]:
        """The joints as a detector with that noise finds them in both rectified views; it says nothing of its sigma."""
        left, right = detections(self.seen, noise, seed=seed)
        right = dataclasses.replace(right, xy=right.xy + (0.0, self.row_offset))
        return Stereo(left, right).map(lambda view: dataclasses.replace(view, sigma=np.full(view.score.shape, np.nan)))


def synthetic_scene(seed: int, kind: str = "usual", *, every: int = 8, renderer: str = "quick") -> Scene:
    """The infant of that seed for 75 frames at 30 a second, with the pictures of every so many of them.

    kind: `usual` (writhing, 32 to 46 weeks, at 0.7 m), `still`, `startle` (six times as fast, without motion blur),
    `thick` or `thin` (limbs of other girths, the joints the same). renderer: `quick`, limbs of round cones; `traced`,
    that of `stereo3d simulate`: blended flesh and clothes, motion blur, rolling shutter, noise, which takes 4 s a pair.
    """
    simulation = _simulation(seed, kind)
    shoot = {"quick": _quick, "traced": _traced}.get(renderer)
    if shoot is None:
        raise unknown_name("renderer", renderer, ("quick", "traced"))
    frames = list(range(0, len(simulation), every))
    shots, hidden = zip(*shoot(simulation, frames))
    film = {i: images.map(_coded) for i, images in zip(frames, shots)}
    return _scene(simulation.rig, simulation.truth, frames, lambda i: film[i].map(_decoded), np.stack(hidden))


def _quick(simulation: Simulation, frames: list[int]) -> Iterator[Shown]:
    renderer = Renderer(simulation)
    for i in frames:
        yield renderer.pair(i), hidden_joints(simulation, i)


def _traced(simulation: Simulation, frames: list[int]) -> Iterator[Shown]:
    drawn = photographer(simulation)
    for i in frames:
        sight = drawn.sight(i)
        yield sight.images, ~(sight.visible.left & sight.visible.right)


def recorded_scene(recording: Recording, *, every: int = 1) -> Scene:
    """The infant of a recording that `stereo3d simulate` wrote, which stays open while its pictures are wanted.

    Joints out of a picture are NaN. Raises InputError for a recording without labels, CalibrationError for views that
    cannot be rectified.
    """
    views = read_labels(recording.sources[0]).views
    if recording.truth is None or not isinstance(recording.rig, StereoRig):
        raise InputError(f"{recording.sources[0]}: expected a simulated recording, got one without its rig or truth")
    shown = np.logical_and(*(inside(view.xy, recording.size) for view in views))
    truth = dataclasses.replace(recording.truth, xyz=np.where(shown[..., None], recording.truth.xyz, np.nan))
    frames = list(range(0, len(truth), every))
    hidden = np.any([view.score[frames] == 0 for view in views], axis=0)
    return _scene(recording.rig, truth, frames, lambda i: recording[i].images, hidden)


def _scene(rig: StereoRig, truth: Poses3D, frames: list[int], shot: Shot, hidden: Bools) -> Scene:
    """The scene of a truth (T, K) m in the left camera as it is mounted."""
    rectifier = Rectifier(rig)
    camera = rectifier.camera
    if not isinstance(camera, RectifiedCamera):
        raise CalibrationError(f"rig: expected one that can be rectified: {rectifier.reason}")
    xyz = truth.xyz @ camera.left_from_rectified
    known, none = np.isfinite(xyz[..., 0]), np.zeros(xyz.shape[:2])
    seen = camera.project(xyz).map(
        lambda xy: Poses2D(xy, known.astype(float), none, truth.time, truth.frame, truth.skeleton))
    return Scene(rectifier, camera, xyz, seen, frames, shot, hidden)


def _simulation(seed: int, kind: str) -> Simulation:
    seconds = FRAMES / FPS
    if kind == "startle":
        fast = simulate(seed, seconds * _FASTER, fps=FPS / _FASTER)
        time = fast.truth.time / _FASTER
        pixels = fast.pixels.map(lambda view: dataclasses.replace(view, time=time))
        return dataclasses.replace(fast, truth=dataclasses.replace(fast.truth, time=time), pixels=pixels)
    made = simulate(seed, seconds, fps=FPS)
    if kind == "still":
        return _stopped(made)
    if kind in _FAT:
        return dataclasses.replace(made, body=dataclasses.replace(made.body, mass=made.body.mass * _FAT[kind]))
    return made


def _stopped(made: Simulation) -> Simulation:
    """The same with every frame as the first."""
    first = np.zeros(len(made), int)
    truth = dataclasses.replace(made.truth, xyz=made.truth.xyz[first])
    pixels = made.pixels.map(lambda view: dataclasses.replace(view, xy=view.xy[first], score=view.score[first]))
    of_time = {n: getattr(made.posture, n)[first] for n in made.posture.__slots__ if n != "angles"}
    angles = type(made.posture.angles).split(made.posture.angles.joined()[first])
    posture = dataclasses.replace(made.posture, **of_time, angles=angles)
    return dataclasses.replace(made, truth=truth, pixels=pixels, posture=posture)


def _coded(image: Bytes) -> Bytes:
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return np.asarray(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1], np.uint8)


def _decoded(code: Bytes) -> Bytes:
    return np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR_RGB), np.uint8)


def hidden_joints(simulation: Simulation, index: int) -> Bools:
    """(K,) the joints that something lies before in either view of that frame, by the body's solids: no picture is
    drawn."""
    return np.asarray(np.any([_hidden(simulation, side, index) for side in SIDES], axis=0))


def _hidden(scene: Simulation, side: Side, index: int) -> Bools:
    """(K,) where the ray from that camera first meets a solid that the joint does not lie in, well before its own."""
    solids, joints = flesh.figure(scene.body, scene.posture, index=index), scene.posture.joints[index]
    rotation, translation = pose_of(scene.rig, side)
    turned = rotation @ scene.bed.rotation
    centre = -turned.T @ (rotation @ scene.bed.translation + translation)
    ways = joints - centre
    reach = np.array([meet(solids, i, start=centre, ways=ways.astype(np.float32)) for i in range(len(solids))])
    own = np.minimum(np.where(_inside(solids, joints), reach, np.inf).min(0), 1.0)
    return np.asarray((own - reach.min(0)) * np.linalg.norm(ways, axis=1) > _BEFORE)


def _inside(solids: Solids, points: Floats) -> Bools:
    """(S, K) points (K, 3) that lie in a solid, or all but do."""
    local = np.einsum("sij,skj->ski", np.linalg.inv(solids.frame), points - solids.origin[:, None])
    along = np.clip(-local[..., 1], 0.0, solids.length[:, None])
    local[..., 1] += along
    part = np.divide(along, solids.length[:, None], out=np.zeros_like(along), where=solids.length[:, None] > 0)
    radius = solids.radius[:, :1] + part * np.diff(solids.radius, axis=1)
    size = np.cbrt(np.abs(np.linalg.det(solids.frame)))[:, None]
    return np.asarray((np.linalg.norm(local, axis=-1) - radius) * size < _OWN)
