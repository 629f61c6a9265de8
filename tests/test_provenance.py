"""What is written beside a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d.errors import InputError
from stereo3d.provenance import provenance_path, read_provenance, write_provenance


def test_it_lies_beside_the_result_and_comes_back(tmp_path: Path) -> None:
    result, about = tmp_path / "bed.4.h5", {"config": {"detect": {"flip": True}}, "joints": {"all": 3}}
    assert read_provenance(result) is None
    write_provenance(result, about)
    assert read_provenance(result) == about
    assert [p.name for p in tmp_path.iterdir()] == ["bed.4.run.json"]
    assert provenance_path(tmp_path / "bed") == tmp_path / "bed.run.json"


@pytest.mark.parametrize(("text", "what"), [("{", "JSON, got"), ("[1]", "a JSON object, got list"), ('{"a": NaN', "JSON")])
def test_what_is_no_provenance_is_named(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "poses.run.json").write_text(text)
    with pytest.raises(InputError, match=rf"poses\.run\.json: expected the provenance as {what}"):
        read_provenance(tmp_path / "poses.h5")
