"""A file that takes everything in silence once the disk is full, and says so when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d.steady_file import SteadyFile

FULL = Path("/dev/full")


def test_all_bytes_are_written(tmp_path: Path) -> None:
    with SteadyFile(tmp_path / "a") as file:
        assert file.write(b"one") == 3 and file.write(memoryview(bytearray(b"two"))) == 3
        assert file.truncate(5) == 5
        file.check()
    assert (tmp_path / "a").read_bytes() == b"onetw"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
def test_a_full_disk_is_told_when_asked() -> None:
    with SteadyFile(FULL) as file:
        assert file.write(b"one") == 3
        assert file.write(b"three") == 5
        assert file.truncate(8) == 8
        with pytest.raises(OSError, match="No space left"):
            file.check()
