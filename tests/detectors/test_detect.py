"""From recorded pixels to joints in rectified pixels: true places, and nothing that depends on how the work is cut."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from dots import CROP, SIZE, Dots, Film, figure, rectifier

from stereo3d.calibration.rectify import Rectifier
from stereo3d.cameras import RectifiedCamera
from stereo3d.detectors import crops
from stereo3d.detectors.crops import Box, CropRule
from stereo3d.detectors.detect import detect, rectified, stream
from stereo3d.detectors.search import MARGIN, Survey, survey
from stereo3d.errors import UsageError
from stereo3d.poses import Detections, Poses2D, concatenate
from stereo3d.skeleton import BABYPOSE_12
from stereo3d.stereo import SIDES, Side, Stereo
from stereo3d.values import Floats

RECTIFIER = rectifier()


def placed(frame: int, side: str) -> Floats:
    """Where the dots are in rectified px."""
    return figure(330 - 30 * (side == "right") + 0.4 * frame, 250, turn=2.5, scale=1.1)


def filmed(frame: int, side: Side) -> Floats:
    return RECTIFIER.raw_points(placed(frame, side), side)


@pytest.fixture(scope="module")
def seen() -> Survey:
    return survey(Film(25, filmed), Dots())


@pytest.fixture(scope="module")
def found(seen: Survey) -> Stereo[Poses2D]:
    return detect(Film(25, filmed), RECTIFIER, Dots(), survey=seen)


def test_a_survey_is_made_where_none_is_given(found: Stereo[Poses2D]) -> None:
    assert detect(Film(25, filmed), RECTIFIER, Dots()) == found


def test_joints_come_out_where_they_are_in_rectified_px(found: Stereo[Poses2D]) -> None:
    for side in SIDES:
        wanted = np.stack([placed(i, side) for i in range(25)])
        error = np.linalg.norm(found[side].xy - wanted, axis=-1)
        assert np.median(error) < 0.1 and error.max() < 0.4, side
        np.testing.assert_array_equal(found[side].frame, np.arange(25))
        np.testing.assert_allclose(found[side].time, np.arange(25) / 10)
        assert found[side].skeleton is BABYPOSE_12 and (found[side].score > 0.8).all()


def test_sigma_is_in_rectified_px(found: Stereo[Poses2D]) -> None:
    """The dots' detector says 0.5 px of its input, whose 96 px show the figure's 120 * 1.1 px and two margins."""
    np.testing.assert_allclose(found.left.sigma, 0.5 * 120 * 1.1 * MARGIN * CROP.padding / 96, rtol=0.05)


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_the_batch_changes_nothing(seen: Survey, found: Stereo[Poses2D], batch: int) -> None:
    again = detect(Film(25, filmed), RECTIFIER, Dots(), survey=seen, batch=batch)
    np.testing.assert_allclose(again.left.xy, found.left.xy, atol=1e-3)
    np.testing.assert_allclose(again.right.xy, found.right.xy, atol=1e-3)


def test_segments_change_nothing(seen: Survey, found: Stereo[Poses2D]) -> None:
    film = Film(25, filmed)
    parts = [detect(film, RECTIFIER, Dots(), range(a, b), survey=seen) for a, b in ((0, 4), (4, 18), (18, 25))]
    whole = concatenate([p.left for p in parts])
    np.testing.assert_allclose(whole.xy, found.left.xy, atol=1e-3)
    np.testing.assert_array_equal(whole.frame, found.left.frame)


def test_streamed_parts_are_the_whole(seen: Survey, found: Stereo[Poses2D]) -> None:
    parts = list(stream(Film(25, filmed), RECTIFIER, Dots(), survey=seen, batch=10))
    assert [len(p.left) for p in parts] == [10, 10, 5]
    np.testing.assert_allclose(np.concatenate([p.right.xy for p in parts]), found.right.xy, atol=1e-3)


def test_streaming_reads_no_further_than_it_gives() -> None:
    film = Film(40, filmed)
    next(stream(film, RECTIFIER, Dots(), roi=(330, 240, 220), batch=4))
    assert film.read == [0, 1, 2, 3]


def test_every_third_frame(found: Stereo[Poses2D]) -> None:
    some = detect(Film(25, filmed), RECTIFIER, Dots(), range(1, 25, 3), roi=(320, 240, 300))
    np.testing.assert_array_equal(some.right.frame, np.arange(1, 25, 3))
    np.testing.assert_allclose(some.right.time, np.arange(1, 25, 3) / 10)
    np.testing.assert_allclose(some.left.xy, found.left.xy[1::3], atol=0.5)


class Shown(Dots):
    """Keeps the pictures it is shown."""

    def __call__(self, images: np.ndarray) -> object:
        self.images = images
        return super().__call__(images)


@pytest.mark.parametrize("rule", [CROP, CropRule((64, 64), 1.0, "letterbox"), CropRule((96, 64), 1.25, "udp")])
def test_a_given_square_is_shown_as_it_is_and_upright(rule: CropRule) -> None:
    """The square's edges fall on the crop's edges along its shorter side."""
    detector = Shown()
    detector.crop = rule
    flat = Rectifier(RectifiedCamera(SIZE, 500.0, Stereo(320.0, 320.0), 240.0, 0.12))
    edge = np.full((12, 2), np.nan)
    edge[:2] = [(200 - 50, 160), (200 + 50, 160)]
    film = Film(1, lambda i, side: np.where(np.isnan(edge), -1e3, edge))
    detect(film, flat, detector, roi=(200, 160, 100))
    bright = detector.images[0].max(-1)
    columns = np.flatnonzero(bright.max(0) > 60)
    w, side = rule.size[0], min(rule.size)
    assert abs(columns.min() - (w - side) / 2) < 4 and abs(columns.max() - (w + side) / 2) < 4
    assert abs(np.flatnonzero(bright.max(1) > 60).mean() - rule.size[1] / 2) < 1


@pytest.mark.parametrize(("options", "sentence"), [
    ({"roi": (700, 10, 50)}, "roi: expected centre x, y and side of a square in pictures of 640x480 px, got 700,10,50"),
    ({"roi": (10, -1, 50)}, "got 10,-1,50"),
    ({"roi": (10, 10, 0)}, "got 10,10,0"),
    ({"roi": (10, np.nan, 30)}, "got 10,nan,30"),
    ({"frames": range(0)}, r"frames: expected some of 0 to 24 in order, got range\(0, 0\)"),
    ({"frames": range(20, 26)}, r"got range\(20, 26\)"),
    ({"frames": range(-1, 5)}, r"got range\(-1, 5\)"),
    ({"frames": range(5, 1, -1)}, r"got range\(5, 1, -1\)"),
    ({"batch": 0}, "batch: expected 1 or more, got 0"),
])
def test_what_cannot_be_asked(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        detect(Film(25, filmed), RECTIFIER, Dots(), **options)


def test_a_replayer_is_asked_for_joints_and_no_picture_is_read(found: Stereo[Poses2D]) -> None:
    class Known:
        skeleton = BABYPOSE_12

        def joints_at(self, frames: range, rectifier: Rectifier) -> Stereo[Poses2D]:
            return found.map(lambda v: dataclasses.replace(v, time=np.full(25, np.nan)))

    film = Film(25, filmed)
    replayed = detect(film, RECTIFIER, Known())
    assert replayed == found and not film.read


@pytest.mark.parametrize("angle", [0.0, 0.8, -2.0])
@pytest.mark.parametrize("side", SIDES)
def test_a_rectified_box_shows_what_the_recorded_one_shows(angle: float, side: Side) -> None:
    """Its corners are the recorded box's corners after rectification, up to the lens' bend across the box."""
    box = np.array([[400.0, 180, 60, 90, angle], [150, 300, 20, 30, angle]])
    out = rectified(box, RECTIFIER, side)

    def corners(b: Box) -> Floats:
        unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
        c, s = np.cos(b.angle)[:, None], np.sin(b.angle)[:, None]
        x, y = unit[:, 0] * b.size[:, :1], unit[:, 1] * b.size[:, 1:]
        return b.center[:, None] + np.stack([c * x - s * y, s * x + c * y], -1)

    raw = corners(Box(box[:, :2], box[:, 2:4], box[:, 4]))
    np.testing.assert_allclose(corners(out), RECTIFIER.points(raw, side), atol=1.0)


def test_a_box_in_flat_pictures_stays_as_it_is() -> None:
    flat = Rectifier(RectifiedCamera(SIZE, 500.0, Stereo(320.0, 320.0), 240.0, 0.12))
    box = np.array([[400.0, 180, 60, 90, 0.7]])
    out = rectified(box, flat, "left")
    np.testing.assert_allclose(np.concatenate([out.center, out.size, out.angle[:, None]], 1), box, atol=1e-9)
    assert np.isfinite(crops.affine(out, CROP)).all()


def test_joints_guessed_beyond_the_picture_are_none() -> None:
    class Spread:
        """Finds joints all over any crop, whatever it shows."""

        skeleton, crop = BABYPOSE_12, CROP

        def __call__(self, images: Floats) -> Detections:
            xy = np.broadcast_to(figure(47.5, 59, scale=0.7), (len(images), 12, 2))
            return Detections(xy, np.ones(xy.shape[:2]), np.ones(xy.shape[:2]))

    found = detect(Film(2, filmed), RECTIFIER, Spread(), roi=(630.0, 240.0, 120.0))
    inner = detect(Film(2, filmed), RECTIFIER, Spread(), roi=(400.0, 240.0, 120.0))
    for side in SIDES:
        given = np.isfinite(found[side].xy).all(-1)
        assert 0 < given.sum() < given.size and np.isfinite(inner[side].xy).all()
        assert (RECTIFIER.raw_points(found[side].xy[given], side)[:, 0] <= SIZE[0] - 0.5).all()
        assert np.isnan(found[side].score[~given]).all() and (found[side].score[given] == 1).all()
