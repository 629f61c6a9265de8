"""One recording in every layout, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from made import N_FRAMES, both, jpeg, picture, write_ours, write_plain, write_png, write_video


@pytest.fixture(scope="session")
def one_of_each(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, ...]]:
    """A recording of the same N_FRAMES pairs in every layout, by name: the paths to open."""
    root = tmp_path_factory.mktemp("recordings")
    places: dict[str, tuple[Path, ...]] = {
        "ours, jpeg": (write_ours(root / "jpeg.h5"),),
        "ours, raw": (write_ours(root / "raw.h5", quality=None),),
        "plain, rgb": (write_plain(root / "rgb.h5", lambda x: x),),
        "plain, planes": (write_plain(root / "planes.h5", lambda x: x.transpose(2, 0, 1)),),
        "plain, jpeg rows": (write_plain(root / "rows.h5", jpeg),),
        "side by side": (write_video(root / "both.mp4", map(both, range(N_FRAMES))),),
    }
    for side in ("left", "right"):
        numbered = [(i, picture(i, side)) for i in range(N_FRAMES)]
        write_video(root / f"{side}.mkv", (image for _, image in numbered))
        kitti = f"image_{int(side == 'right')}"
        for i, image in numbered:
            write_png(root / "folders" / side / f"{i}.png", image)
            write_png(root / "kitti" / kitti / f"{i:06d}.png", image)
            write_png(root / "mixed" / f"{side}{i:06d}.png", image)
    (root / "kitti" / "times.txt").write_text("".join(f"{i / 30:.6e}\n" for i in range(N_FRAMES)))
    places |= {
        "two videos": (root / "left.mkv", root / "right.mkv"),
        "two folders": (root / "folders" / "left", root / "folders" / "right"),
        "one folder": (root / "folders",),
        "KITTI": (root / "kitti",),
        "files left and right": (root / "mixed",),
    }
    return places
