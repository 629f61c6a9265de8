"""A carer's arm comes from beyond the picture: met exactly, lit, hiding what lies under it."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from small_scenes import small  # noqa: E402

from stereo3d.synthetic.occluders import Visitors, sleeve, visitors  # noqa: E402
from stereo3d.synthetic.picture.pairs import Photographer  # noqa: E402
from stereo3d.synthetic.picture.sleeve import Sleeve  # noqa: E402
from stereo3d.synthetic.rig import project  # noqa: E402
from stereo3d.synthetic.scene import Setting, simulate_in  # noqa: E402

ALONG_X = Sleeve(torch.tensor([[[0.0, 0, 0]]]), torch.tensor([[[1.0, 0, 0]]]), torch.tensor([[0.05, 0.05]]))
ABOVE = torch.tensor([[[0.0, 0.0, 1.0]]])
SEEDS = (0, 1)
"""Whose scenes have a hand."""


def looked(goals: list[list[float]], of: Sleeve = ALONG_X) -> tuple[torch.Tensor, ...]:
    ways = torch.nn.functional.normalize(torch.tensor([goals]) - ABOVE, dim=-1)
    return of.meet(ABOVE, ways, pixel=0.001)


def test_rays_meet_the_cloth_where_it_is() -> None:
    """From 1 m above an arm of 5 cm: straight down 0.95 m; slanting, where x^2 + (z / .05)^2 says; past it, never."""
    cover, reach, normal = looked([[0.0, 0, 0], [0.5, 0, 0], [0.5, 0.2, 0], [-0.5, 0, 0]])
    assert cover[0].tolist() == [1, 1, 0, 0]
    assert reach[0, 0] == pytest.approx(0.95) and reach[0, 1] == pytest.approx(0.95 * 1.25**0.5, rel=1e-5)
    assert torch.isinf(reach[0, 2:]).all()
    assert normal[0, :2].flatten().tolist() == pytest.approx([0, 0, 1] * 2, abs=1e-5)


def test_its_outline_is_soft_by_a_pixel_and_its_width_grows() -> None:
    grazing = 0.05 / (1 - 0.05**2) ** 0.5  # where a ray from above touches the arm
    cover, _, _ = looked([[0.5, grazing + d, 0] for d in (-0.002, 0.0, 0.002)])
    assert cover[0].tolist() == pytest.approx([1, 0.5, 0], abs=0.05)
    wider = Sleeve(ALONG_X.start, ALONG_X.end, torch.tensor([[0.05, 0.15]]))
    assert looked([[0.5, 0.09, 0]], wider)[0][0, 0] == 1 and looked([[0.1, 0.09, 0]], wider)[0][0, 0] == 0
    assert not looked([[0.5, 0, 0]], Sleeve(ALONG_X.start, ALONG_X.end, torch.zeros(1, 2)))[0].any()


def test_it_begins_at_the_elbow_and_ends_out_of_sight() -> None:
    assert not sleeve(Visitors()).any()
    for seed in SEEDS:
        scene = simulate_in(Setting(occluders=True), seed=seed, seconds=0)
        these = visitors(scene.body, scene.posture, seed)
        ends = sleeve(these)
        assert np.array_equal(ends[0, :3], these.hand[2]) and ends[1, 3] > ends[0, 3] > 0
        far = project(scene.rig, scene.bed.to_camera(ends[None, 1:, :3])).left[0, 0]
        assert not ((far > 0) & (far < (1280, 720))).all(), "NaN or beyond the border"


def test_it_is_drawn_up_to_the_border_and_hides_what_it_covers() -> None:
    """Pixels of the border differ from the empty bed's."""
    scene = small(simulate_in(Setting(occluders=True), seed=SEEDS[0], seconds=0), 8)
    drawn = Photographer(scene)
    seen, empty = drawn.pair(0), drawn.empty()
    for image, bed in zip(seen, empty):
        differs = np.abs(image.astype(int) - bed).max(-1) > 25
        border = np.concatenate([differs[:2].any(0), differs[-2:].any(0), differs[:, :2].any(1), differs[:, -2:].any(1)])
        assert 3 <= border.sum() <= 60
