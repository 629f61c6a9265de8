"""The page says what the numbers say, escapes what it is given, and bears whatever a result may hold."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from results import changed, part, result

from stereo3d.errors import InputError
from stereo3d.poses import Poses3D
from stereo3d.skeleton import SKELETONS, Skeleton
from stereo3d.visual.page.build import page, write
from stereo3d.visual.page.findings import find
from stereo3d.visual.page.player import MOST

POSES, TRUTH = result(60)
VOID = {"meta", "input", "img"}


class Checker(HTMLParser):
    """Whether every element is closed in its turn; the words outside script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)


def checked(text: str) -> Checker:
    checker = Checker()
    checker.feed(text)
    assert not checker.open and len(set(checker.ids)) == len(checker.ids)
    return checker


def words(text: str) -> str:
    return re.sub(r"\s+", " ", "".join(checked(text).words))


def held(text: str) -> dict[str, Any]:
    found = re.search(r'type="application/json" id="data">(.*?)</script>', text)
    assert found
    return json.loads(found[1])


def test_it_is_whole_and_reaches_for_nothing() -> None:
    text = page(POSES, truth=TRUTH, pictures={3: b"jpeg"})
    sources = [a for tag, attrs in checked(text).tags for n, a in attrs.items() if n in ("src", "href", "srcset", "data")]
    assert all(a and a.startswith(("#", "data:image/jpeg;base64,")) for a in sources)
    assert not re.search(r"//[a-z]|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(", text.split("<body>")[0])
    assert not re.search(r"https?:|\bfetch\(|XMLHttp|WebSocket|sendBeacon|import\(|innerHTML|eval\(", text)
    assert "default-src 'none'" in text and "unsafe" not in text and " style=" not in text and " onclick" not in text


def test_the_verdict_comes_first_and_counts_right() -> None:
    lost = changed(POSES, np.s_[:15, :8], xyz=np.nan, status=2)
    text = words(page(lost))
    assert text.index("Parts of this recording can be trusted.") < text.index("The movement in space")
    assert re.search(r"7\d\.\d %of frames trusted", text)
    assert "The commonest reason in the others: joints were not seen in both views." in text


def test_what_was_mended_is_told_and_what_was_filled_in_is_not_trusted() -> None:
    assert "Mended" not in words(page(POSES))
    mended = changed(changed(POSES, np.s_[:, 0], xyz=0.5, status=512), np.s_[:, 1], xyz=0.5, status=1024 | 8)
    text = words(page(changed(mended, np.s_[:, 2], xyz=0.5, status=2048 | 1)))
    assert re.search(r"Mended, and judged like all others: in [56]\.\d\d % of joints left and right had", text)
    assert "its place is filled in from the frames before and after" in text.split("How this was judged")[0]
    assert "right eye0 %100 %filled in" in text


def test_with_a_truth_it_gives_the_error() -> None:
    error = np.linalg.norm(POSES.in_left_camera() - TRUTH.xyz, axis=-1)
    assert f"joints are {100 * np.nanmean(error):.1f} cm off on average" in words(page(POSES, truth=TRUTH))
    assert "Distance from the truth" not in words(page(POSES))


def test_its_numbers_for_the_player_are_the_poses() -> None:
    data = held(page(POSES))
    xyz = np.frombuffer(base64.b64decode(data["xyz"]), "<i2").reshape(60, 17, 3)
    there = xyz[..., 0] != -32768
    np.testing.assert_array_equal(there, POSES.found)
    np.testing.assert_allclose(xyz[there] * data["unit"], POSES.xyz[there], atol=data["unit"])
    assert there.sum() > 900 and data["unit"] < 5.1e-4
    np.testing.assert_allclose(np.frombuffer(base64.b64decode(data["time"]), "<f4"), POSES.time, atol=1e-6)


@pytest.mark.parametrize("nasty", ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--", "&amp;"])
def test_names_from_a_file_stay_text(nasty: str) -> None:
    skeleton = Skeleton(nasty, (nasty, *POSES.skeleton.joints[1:]), POSES.skeleton.bones, None)
    poses = dataclasses.replace(POSES, skeleton=skeleton)
    text = page(poses, run={nasty: {"a": nasty}}, title=nasty)
    assert not [tag for tag, attrs in checked(text).tags if tag == "img" or attrs.get("onerror")]
    assert text.count("<script") == 2 and html.escape(nasty) in text
    assert held(text)["joints"][0] == nasty.replace("_", " ")


def test_joints_that_the_truth_lacks_have_no_error() -> None:
    fewer = dataclasses.replace(part(TRUTH, slice(None)), skeleton=Skeleton("odd", ("tail", *TRUTH.skeleton.joints[1:]), (), None))
    assert re.search(r"nose(?:\S| )*? px–––––", words(page(POSES, truth=fewer)).split("Joint by joint")[1])


def test_provenance_is_told() -> None:
    text = words(page(POSES, run={"config": {"detect": {"weights": [1, 2]}}, "long": "x" * 5000}))
    assert "config › detect › weights[1, 2]" in text and "x" * 301 not in text
    assert "triangulate › score0.05" in words(page(POSES))


NAN = np.full_like(POSES.xyz, np.nan)
SHOWN = {
    "no frame": part(POSES, slice(0, 0)),
    "one frame": part(POSES, slice(4, 5)),
    "two frames": part(POSES, slice(4, 6)),
    "nothing found": changed(POSES, ..., xyz=np.nan, sigma=np.nan, status=1, residual=np.nan, score=np.nan),
    "one joint": changed(changed(POSES, ..., xyz=np.nan), np.s_[30, 3], xyz=0.5),
    "no time": changed(POSES, ..., time=np.nan),
    "times back and forth": changed(POSES, slice(0, 30), time=POSES.time[:30][::-1]),
    "all at once": changed(POSES, ..., time=1.0),
    "a long gap": changed(POSES, slice(30, 60), time=POSES.time[30:] + 7200),
    "no sigma": changed(POSES, ..., sigma=np.nan),
    "far": changed(POSES, np.s_[:, 0], xyz=1e30),
    "the same frame": changed(POSES, ..., frame=7),
}


@pytest.mark.parametrize("with_truth", [False, True])
@pytest.mark.parametrize("name", SHOWN)
def test_whatever_a_result_holds(name: str, with_truth: bool) -> None:
    text = page(SHOWN[name], truth=TRUTH if with_truth else None)
    assert "nan" not in words(text).lower().replace("provenance", "")
    assert not re.search(r' (?:[dxy][12]?|width|height)="[^"]*(?:nan|inf)', text)


@pytest.mark.parametrize("name", SKELETONS)
def test_every_skeleton(name: str) -> None:
    skeleton = SKELETONS[name]
    k = len(skeleton)
    fields: dict[str, Any] = {n: np.resize(getattr(POSES, n), (60, k, *getattr(POSES, n).shape[2:]))
                              for n in ("xyz", "sigma", "score", "residual", "status")}
    poses = Poses3D(**fields, time=POSES.time, frame=POSES.frame, skeleton=skeleton, camera=POSES.camera)
    assert f"{k} joints, {name}" in words(page(poses))


def test_an_infinite_place_is_no_place() -> None:
    assert "not seen" in words(page(changed(POSES, np.s_[:, 0], xyz=np.inf)))


def test_a_body_without_limbs() -> None:
    names = tuple(f"point_{i}" for i in range(17))
    text = words(page(dataclasses.replace(POSES, skeleton=Skeleton("points", names, (), None))))
    assert "no limb segment to measure" in text and "Point 16" in text and "The other" not in text


def test_nothing_to_trust_is_said() -> None:
    for name in ("no frame", "nothing found"):
        assert "There is nothing here to trust." in words(page(SHOWN[name]))
    assert "The result holds no frames." in words(page(SHOWN["no frame"]))


def test_a_truth_of_something_else_is_refused() -> None:
    other = dataclasses.replace(TRUTH, frame=TRUTH.frame + 500)
    with pytest.raises(InputError, match="expected frames that the poses share"):
        page(POSES, truth=other)


def test_a_hole_in_the_recording_is_no_trusted_stretch() -> None:
    holed = dataclasses.replace(TRUTH, time=TRUTH.time + 60 * (np.arange(60) >= 40))
    text = words(page(holed))
    assert "Longest trusted stretch1.3 s" in text and "Longest gap1:00not trusted, or without frames" in text
    assert "the longest gap is 1:00" in text
    lost = changed(TRUTH, np.s_[50:, :8], xyz=np.nan)
    assert "Longest trusted stretch1.7 s" in words(page(lost)) and "Longest gap0.33 s" in words(page(lost))
    assert "Longest gapnone" in words(page(TRUTH)) and "Longest trusted stretchnone" in words(page(SHOWN["nothing found"]))


def test_pictures_only_where_given() -> None:
    assert "<img" not in page(POSES)
    text = page(POSES, pictures={5: b"abc", 5000: b"of no frame"})
    assert text.count("<img") == 1 and base64.b64encode(b"abc").decode() in text


def test_an_hour_stays_small() -> None:
    many = np.resize(np.arange(60), 108_000)
    long = dataclasses.replace(part(POSES, many), time=np.arange(108_000) / 30, frame=np.arange(108_000))
    text = page(long)
    assert len(text) < 8_000_000 and "1:00:00" in text
    assert len(base64.b64decode(held(text)["time"])) // 4 <= MOST


def test_it_is_written_whole(tmp_path: Path) -> None:
    path = write(POSES, tmp_path / "page.html")
    assert path.read_text(encoding="utf-8") == page(POSES)
    with pytest.raises(InputError, match="cannot be written"):
        write(POSES, tmp_path / "nowhere" / "page.html")


@pytest.mark.parametrize("named", [
    {"recording": "/ward/Doe_Jane.svo2"}, {"rig": {"serial": 12345678}}, {"sources": ["C:\\ward\\Doe_Jane.mp4"]},
    {"recording": "Doe_Jane.h5"}, {"camera_serial": "SN123"}, {"from": "~/Doe_Jane"}, {"weights": "nets/Doe_Jane.pth"},
])
def test_provenance_names_nobody(named: dict[str, Any]) -> None:
    text = page(POSES, run={**named, "route": "rectified: 0.5 and 0.2 degrees, 100% of both", "numpy": "2.4.6"})
    assert not re.search("Doe|SN123|12345678", text) and "rectified: 0.5 and 0.2" in text and "2.4.6" in text


def test_the_time_of_day_is_not_told() -> None:
    late = dataclasses.replace(POSES, time=POSES.time + 1_700_000_000)
    assert held(page(late))["start"] == 0 and "0:01.0" in words(page(late))
    assert find(late, TRUTH).error.shape == (60, 17)


def test_the_run_stands_beside_the_poses_own_origin() -> None:
    refined = dataclasses.replace(POSES, origin={"refine": {"parts": "body"}, "stereo3d": "0.0.1"})
    text = words(page(refined, run={"stereo3d": "0.0.2"}))
    assert "refine › partsbody" in text and "0.0.2" in text and "0.0.1" not in text
