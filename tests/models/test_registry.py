"""The list of published checkpoints holds together, and says what the files' own names say."""

from __future__ import annotations

import re

import pytest

from stereo3d import plugins
from stereo3d.errors import UsageError
from stereo3d.models import architectures
from stereo3d.models.families import family_named, size_named, use_of
from stereo3d.models.registry import ENTRIES, MEGABYTES, REGISTRY, Entry, entry_named, entry_of
from stereo3d.models.shelf import NAME
from stereo3d.skeleton import SKELETONS

FETCHABLE = [entry for entry in ENTRIES if entry.fetchable]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_an_entry_is_whole(entry: Entry) -> None:
    assert re.fullmatch(NAME, entry.name) and REGISTRY[entry.name] is entry and entry_of(entry.file) is entry
    assert entry.address.startswith("https://") and entry.licence and entry.data
    assert not entry.detector or (entry.detector in plugins.names(plugins.DETECTORS) and entry.skeleton in SKELETONS)
    assert re.fullmatch("[0-9a-f]*", entry.sha256)
    if entry.fetchable:
        assert len(entry.sha256) >= 8 and entry.address.endswith("/" + entry.file)


@pytest.mark.parametrize("entry", [e for e in FETCHABLE if "mmpose" in e.address and e.detector], ids=lambda e: e.name)
def test_size_and_digits_stand_in_the_name(entry: Entry) -> None:
    assert entry.input_size == size_named(entry.file)
    assert entry.sha256 in entry.file
    if entry.detector != "dekr":
        use = use_of("mmpose", entry.file)
        assert family_named(entry.file) == "mmpose" and entry.convention == use.convention
        assert ("udp" in entry.name) == (use.convention == "udp")
        assert use.decoder == ("quarter" if entry.detector == "hrnet" else "dark")


def test_names_of_files_are_told_apart() -> None:
    assert len({entry.file for entry in ENTRIES}) == len({entry.name for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize(("name", "crop"), [
    ("darkpose-w32-384x288", "hrnet"), ("udp-w48-256x192", "udp"), ("darkpose-w32-authors-384x288", "dark"),
    ("fidip-w48-384x288", "dark"), ("efficientpose-rt", "letterbox"), ("openpose-coco", "letterbox"),
    ("dekr-w32-coco", "hrnet"), ("imagenet-w32", ""),
])
def test_the_crop_belongs_to_the_checkpoint(name: str, crop: str) -> None:
    assert entry_named(name).convention == crop


@pytest.mark.parametrize("network", MEGABYTES)
def test_files_are_about_as_large_as_their_networks(network: str) -> None:
    import torch

    with torch.device("meta"):
        n = sum(t.numel() for t in architectures.build(network, 17).state_dict().values())
    assert 4e-6 * n < MEGABYTES[network] < 4.1e-6 * n


def test_a_wrong_name_gets_the_nearest_right_one() -> None:
    with pytest.raises(UsageError, match="unknown checkpoint 'dekr-w32-cocoa': did you mean 'dekr-w32-coco'"):
        entry_named("dekr-w32-cocoa")
