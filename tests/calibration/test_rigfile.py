"""The toolkit's own rig file: read back, a rig equals the one written; anything else gets a sentence."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from stereo3d.calibration.rigfile import format_rig, parse_rig
from stereo3d.cameras import Intrinsics, RectifiedCamera, StereoRig
from stereo3d.errors import InputError
from stereo3d.stereo import Stereo

px = st.floats(-5000, 5000)
sizes = st.tuples(st.integers(1, 8000), st.integers(1, 8000))
lenses = st.builds(
    Intrinsics, sizes, st.floats(1, 5000), st.floats(1, 5000), px, px,
    st.sampled_from([0, 5, 8, 14]).flatmap(lambda n: st.lists(st.floats(-1, 1), min_size=n, max_size=n)).map(np.array),
)
turns = st.tuples(*[st.floats(-3, 3)] * 3).map(lambda v: Rotation.from_rotvec(v).as_matrix())
rigs = st.builds(
    StereoRig, st.builds(Stereo, lenses, lenses), turns,
    st.tuples(st.floats(0.01, 5), st.floats(-5, 5), st.floats(-5, 5)).map(np.array),
    st.none() | st.text(), st.none() | st.floats(0, 10),
)
flats = st.builds(
    RectifiedCamera, sizes, st.floats(1, 5000), st.builds(Stereo, px, px), px,
    st.floats(0.01, 9) | st.floats(-9, -0.01), turns,
)


@given(rigs | flats)
@settings(max_examples=80, deadline=None)
def test_reading_undoes_writing(rig: StereoRig | RectifiedCamera) -> None:
    assert parse_rig(json.loads(format_rig(rig))) == rig
    assert parse_rig(json.loads(format_rig(rig), parse_int=float)) == rig


def content(which: str = "rig", **changes: Any) -> dict[str, Any]:
    lens = Intrinsics((640, 480), 500, 500, 320, 240)
    rig = StereoRig(Stereo(lens, lens), np.eye(3), np.array([-0.1, 0, 0]))
    flat = RectifiedCamera((640, 480), 500.0, Stereo(320.0, 320.0), 240.0, 0.1)
    return dict(json.loads(format_rig(rig if which == "rig" else flat))) | changes


def test_it_says_what_it_is() -> None:
    assert {k: content()[k] for k in ("format", "version", "unit", "kind")} == {
        "format": "stereo3d rig", "version": 1, "unit": "m", "kind": "stereo rig",
    }
    assert content("flat")["kind"] == "rectified camera"
    assert parse_rig(content(note="left alone")) == parse_rig(content())


@pytest.mark.parametrize(("bad", "sentence"), [
    (content(version=2), "version: expected 1, got 2; a newer stereo3d"),
    (content(version=None), "version: expected 1, got None"),
    (content(unit="mm"), "unit: expected 'm', got 'mm'.*metres"),
    (content(kind="fisheye"), "kind: expected 'stereo rig' or 'rectified camera'"),
    (content(translation=[-120.0, 0, 0]), "expected metres.*divide by 1000"),
    (content("flat", baseline=120.0), "expected metres.*divide by 1000"),
    (content("flat", baseline=float("nan")), "baseline"),
    (content(translation=[-0.1, 0]), r"translation: expected shape \(3,\)"),
    (content(translation=None), "translation: expected list, got None"),
    (content(translation=[[1], 2, 3]), "translation"),
    (content(rotation=[[1, 0, 0]]), r"rotation: expected shape \(3, 3\)"),
    (content(left="x"), "left: expected dict, got 'x'"),
    (content(left=content()["left"] | {"fx": None}), "fx: expected a number"),
    (content(left=content()["left"] | {"size": [640]}), "size: expected .width, height."),
    (content(left=content()["left"] | {"size": [640, "b"]}), "size: expected .width, height. from 1"),
    (content(left=content()["left"] | {"distortion": [1, 2, 3]}), "distortion: expected 0, 4, 5, 8 or 14"),
    (content(rms="good"), "rms: expected a number"),
    (content("flat", cx=[1, 2]), "cx: expected dict"),
    (content("flat", left_from_rectified=[]), "left_from_rectified: expected shape"),
])
def test_a_bad_file_gets_a_sentence(bad: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        parse_rig(bad)
