"""What is learned from: cut-out pictures with their joints, kept on the disk and read as they are asked for.

A folder holds parts of some hundred pictures each; a part is there whole or not at all, so that making them can be
interrupted and gone on with.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from stereo3d.atomic import replacing
from stereo3d.datasets.annotated import Annotated, one_crowd
from stereo3d.detectors.crops import Box, CropRule, affine, apply, warp
from stereo3d.detectors.search import body_angle
from stereo3d.synthetic.crops import PER_SCENE, crops_of
from stereo3d.training.augment import Batch
from stereo3d.values import Bytes, Floats, Ints

PART = 240
"""Pictures in a part."""
WIDER = 1.5
"""Annotated pictures are cut out wider than the network sees them, so that they can be turned and scaled."""
_PADDING = 1.25


@dataclass(frozen=True, slots=True)
class Samples:
    """N cut-out pictures with their joints."""

    parts: tuple[Path, ...]
    """Files without their endings: .npy holds the pictures (n, h, w, 3), .npz joints and weights."""
    xy: Floats
    """(N, K, 2) px."""
    weight: Floats
    """(N, K) 0 where a joint is not known."""
    start: Ints
    """(parts + 1,) the first sample of each part."""
    others: Floats
    """(N, P, K, 2) px, whoever else is annotated in the picture, NaN where unknown or nobody."""

    def __len__(self) -> int:
        return len(self.xy)

    def take(self, rows: Ints, device: str | torch.device = "cpu") -> Batch:
        """Those samples, in that order; smaller ones stand in the middle of black, so that all are of one size."""
        part = np.searchsorted(self.start, rows, side="right") - 1
        images = [_pictures(self.parts[p])[r - self.start[p]] for p, r in zip(part.tolist(), rows.tolist())]
        shapes = np.array([image.shape[:2] for image in images])
        before = (shapes.max(0) - shapes) // 2
        wide = np.zeros((len(images), *shapes.max(0), 3), np.uint8)
        for out, image, (top, left) in zip(wide, images, before.tolist()):
            out[top : top + image.shape[0], left : left + image.shape[1]] = image
        moved = before[:, None, ::-1]
        labels = (self.xy[rows] + moved, self.weight[rows], self.others[rows] + moved[:, None])
        xy, weight, others = (torch.tensor(a, dtype=torch.float32, device=device) for a in labels)
        return Batch(torch.from_numpy(wide).to(device), xy, weight, others)


@functools.lru_cache(maxsize=4096)
def _pictures(part: Path) -> Bytes:
    return np.asarray(np.load(part.with_suffix(".npy"), mmap_mode="r"))


def together(several: Sequence[Samples]) -> Samples:
    """The samples of several."""
    return read_samples([part for samples in several for part in samples.parts])


def read_samples(parts: Sequence[Path]) -> Samples:
    """The samples of these parts, one part after the other."""
    labels = [np.load(p.with_suffix(".npz")) for p in parts]
    xy, weight = (np.concatenate([a[name] for a in labels]).astype(float) for name in ("xy", "weight"))
    counts = [len(a["xy"]) for a in labels]
    others = one_crowd([a["others"] if "others" in a else a["xy"][:, None][:, :0] for a in labels])
    return Samples(tuple(parts), xy, weight, np.cumsum([0, *counts]), others.astype(float))


def rendered(
    folder: Path, seeds: Sequence[int], size: tuple[int, int], *, kind: str = "any", device: str = "cpu",
    workers: int | None = None, on_progress: Callable[[int], object] = lambda _: None,
) -> Samples:
    """Crops of (w, h) `size` px of the scenes of these seeds, PER_SCENE each; made where they are not in `folder` yet.

    On a CPU in `workers` processes (by default one a core), else all on the device. Every joint in the picture counts,
    hidden or not.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenes = PART // PER_SCENE
    jobs = [(folder / f"{kind}-{s[0]}-{len(s)}-{size[0]}x{size[1]}", s)
            for s in (list(seeds[i : i + scenes]) for i in range(0, len(seeds), scenes))]
    missing = [(path, part) for path, part in jobs if not path.with_suffix(".npz").is_file()]
    on_progress(sum(len(part) * PER_SCENE for path, part in jobs) - sum(len(part) * PER_SCENE for _, part in missing))
    make = functools.partial(_render, size=size, kind=kind, device=device)
    for count in _mapped(make, missing, workers if device == "cpu" else 1):
        on_progress(count)
    return read_samples([path for path, _ in jobs])


def _mapped(make: Callable[[tuple[Path, list[int]]], int], jobs: list[tuple[Path, list[int]]], workers: int | None
            ) -> Iterator[int]:
    workers = min(len(jobs), workers or os.cpu_count() or 1)
    if workers <= 1:
        yield from map(make, jobs)
        return
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(make, jobs)


def _render(job: tuple[Path, list[int]], *, size: tuple[int, int], kind: str, device: str) -> int:
    path, seeds = job
    made = crops_of(seeds, PER_SCENE * len(seeds), size=size, device=device, kind=kind)
    weight = made.inside.float().cpu().numpy()
    return _write(path, made.images.cpu().numpy(), made.joints.double().cpu().numpy(), weight)


def cut(
    folder: Path, annotated: Annotated, size: tuple[int, int], on_progress: Callable[[int], object] = lambda _: None
) -> Samples:
    """The annotated infants cut out head up and WIDER than (w, h) `size` px; made where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    ranges = [range(i, min(i + PART, len(annotated))) for i in range(0, len(annotated), PART)]
    parts = [folder / f"cut-{r.start}-{r.stop}-{size[0]}x{size[1]}" for r in ranges]
    for path, rows in zip(parts, ranges):
        if not path.with_suffix(".npz").is_file():
            made = [_cut(annotated, row, size) for row in rows]
            people = np.stack([m[1] for m in made])
            _write(path, np.stack([m[0] for m in made]), people[:, 0], annotated.weight[list(rows)], people[:, 1:])
        on_progress(len(rows))
    return read_samples(parts)


def _cut(annotated: Annotated, row: int, size: tuple[int, int]) -> tuple[Bytes, Floats]:
    """The picture about the infant, and everyone's joints (1 + P, K, 2) px in it."""
    wide = (round(size[0] * WIDER), round(size[1] * WIDER))
    xy = annotated.xy[row]
    box = Box.around(xy, angle=float(np.nan_to_num(body_angle(xy[None], annotated.skeleton)[0])))
    transform = affine(box, CropRule(wide, _PADDING * WIDER, "dark"))
    return warp(annotated.picture(row), transform, wide), apply(transform, annotated.people[row])


def _write(path: Path, images: Bytes, xy: Floats, weight: Floats, others: Floats | None = None) -> int:
    """The pictures first: a part is there when its labels are."""
    with replacing(path.with_suffix(".npy")) as temporary, temporary.open("wb") as file:
        np.save(file, images)
    with replacing(path.with_suffix(".npz")) as temporary, temporary.open("wb") as file:
        np.savez(file, xy=xy, weight=weight, others=xy[:, None][:, :0] if others is None else others)
    return len(images)
