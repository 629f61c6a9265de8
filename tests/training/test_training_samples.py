"""Samples: cut out head up, rendered once, made on after an interruption, of any sizes together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from dotted import annotated  # noqa: E402

from stereo3d.skeleton import COCO_17  # noqa: E402
from stereo3d.training import samples as room  # noqa: E402
from stereo3d.training.samples import cut, rendered, together  # noqa: E402


def test_infants_are_cut_out_head_up_whole_and_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "PART", 4)
    told = annotated(6, (200, 120))
    made = cut(tmp_path, told, (96, 128))
    assert len(made) == 6 and len(made.parts) == 2
    images = made.take(np.arange(6)).images
    assert images.shape == (6, 192, 144, 3)
    hips, shoulders = (made.xy[:, [i, i + 1]].mean(1) for i in (COCO_17.index("left_hip"), COCO_17.index("left_shoulder")))
    across, up = (hips - shoulders).T
    assert (np.abs(across) < 0.15 * up).all() and (up > 0).all()
    inner = np.abs(made.xy - [71.5, 95.5])
    assert (inner < [48, 64]).all(), "the infant lies within what the network sees"
    stamps = [p.with_suffix(".npy").stat().st_mtime_ns for p in made.parts]
    made.parts[1].with_suffix(".npz").unlink()
    again = cut(tmp_path, told, (96, 128))
    assert np.array_equal(again.xy, made.xy)
    assert again.parts[0].with_suffix(".npy").stat().st_mtime_ns == stamps[0], "what was there is not made again"


def test_rendered_crops_are_the_same_however_they_are_made(tmp_path: Path) -> None:
    told: list[int] = []
    one = rendered(tmp_path / "a", [5, 6], (64, 64), workers=1, on_progress=told.append)
    assert len(one) == 6 and sum(told) == 6 and one.xy.shape == (6, 17, 2)
    assert set(np.unique(one.weight)) <= {0.0, 1.0} and one.weight.mean() > 0.7
    again = rendered(tmp_path / "a", [5, 6], (64, 64), workers=1)
    assert np.array_equal(again.xy, one.xy)


def test_samples_of_two_sizes_go_together(tmp_path: Path) -> None:
    small, large = cut(tmp_path / "s", annotated(2), (32, 32)), cut(tmp_path / "l", annotated(3, seed=1), (64, 64))
    both = together([small, large])
    out = both.take(np.array([4, 0]))
    assert len(both) == 5 and out.images.shape == (2, 96, 96, 3)
    assert np.allclose(out.xy[1], small.xy[0] + 24, atol=1e-3) and np.allclose(out.xy[0], large.xy[2], atol=1e-3)
    assert out.images[1, :24].max() == 0 and out.images[1, 24:72, 24:72].float().mean() > 5
