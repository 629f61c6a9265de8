"""Weights under names: added once, found by name, checked, and still used as they were."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import sys
from pathlib import Path

import nameseed
import pytest
import torch
from torch import nn

from stereo3d.errors import CheckpointError, MissingPackage, MissingWeights, UsageError
from stereo3d.models import keep, registry, shelf
from stereo3d.models.registry import Entry, entry_named
from stereo3d.models.weights import build_network, read_checkpoint

pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "shelf"))
    return tmp_path / "shelf"


@pytest.fixture
def file(narrow: nn.Module, tmp_path: Path) -> Path:
    torch.save({"state_dict": narrow.state_dict()}, tmp_path / "Ward 3 w32_256x192.pth")
    return tmp_path / "Ward 3 w32_256x192.pth"


def test_what_is_added_is_the_same_network_used_the_same_way(file: Path, narrow: nn.Module, folder: Path) -> None:
    path = keep.add(file, "ward-3", family="darkpose")
    assert path == folder / "ward-3.safetensors" and shelf.located("ward-3") == path
    before, after = read_checkpoint(file, family="darkpose"), read_checkpoint(path)
    for name in ("architecture", "n_joints", "family", "convention", "flip_shift", "decoder", "skeleton", "input_size"):
        assert getattr(before, name) == getattr(after, name), name
    x = nameseed.images("keep", (1, 3, 64, 64))
    with torch.inference_mode():
        assert torch.equal(build_network(after)(x), narrow(x))


def test_the_card_says_what_it_was(file: Path) -> None:
    keep.add(file, "ward-3", family="fidip", input_size=(96, 128))
    (card,) = shelf.kept().values()
    assert (card.file, card.sha256) == (file.name, hashlib.sha256(file.read_bytes()).hexdigest())
    assert (card.family, card.architecture, card.n_joints) == ("fidip", "hrnet_w8", 17)
    assert (card.input_size, card.skeleton) == ((96, 128), "COCO-17")


def test_the_caller_overrules_the_card(file: Path) -> None:
    path = keep.add(file, "ward-3", family="darkpose")
    assert read_checkpoint(path, family="hrnet", input_size=(64, 64)).decoder == "quarter"
    assert read_checkpoint(path, input_size=(64, 64)).input_size == (64, 64)


def test_ways_of_use_that_stand_in_the_old_name_stay(narrow: nn.Module, tmp_path: Path) -> None:
    state = {k if k.startswith("final") else f"backbone.{k}": v for k, v in narrow.state_dict().items()}
    state = {f"head.{k}" if k.startswith("final") else k: v for k, v in state.items()}
    file = tmp_path / "td-hm_hrnet-w8_udp-8xb64-210e_coco-256x192.pth"
    torch.save(state, file)
    read = read_checkpoint(keep.add(file, "mine"))
    assert (read.family, read.convention, read.decoder, read.input_size) == ("mmpose", "udp", "dark", (192, 256))


def test_a_name_is_made_of_the_files(file: Path) -> None:
    assert keep.add(file).stem == "ward-3-w32_256x192"


def test_a_taken_name_is_kept_unless_asked(file: Path) -> None:
    keep.add(file, "mine")
    with pytest.raises(UsageError, match="weights 'mine' are here already"):
        keep.add(file, "mine")
    keep.add(file, "mine", family="darkpose", replace=True)
    assert shelf.kept()["mine"].family == "darkpose"


@pytest.mark.parametrize("name", ["", "../up", "a/b", "Large", ".hidden", "x" * 101, "a b"])
def test_names_that_are_none(file: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name of weights: expected"):
        keep.add(file, name)
    assert shelf.located(name) == name


def test_what_does_not_fit_is_not_kept(narrow: nn.Module, tmp_path: Path, folder: Path) -> None:
    state = {k: v for k, v in narrow.state_dict().items() if not k.startswith("transition3.")}
    torch.save(state, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match="5 missing"):
        keep.add(tmp_path / "odd.pth")
    assert not folder.exists()
    with pytest.raises(MissingWeights):
        keep.add(tmp_path / "gone.pth")


@pytest.fixture
def published(file: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """The file, as if it were published."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    entry = dataclasses.replace(
        entry_named("darkpose-w32-256x192"), name="published", file=file.name, sha256=digest[:8], input_size=(64, 96)
    )
    monkeypatch.setitem(registry.REGISTRY, "published", entry)
    return entry


@pytest.mark.usefixtures("published")
def test_a_published_file_is_known_by_its_name(file: Path) -> None:
    assert keep.add(file).stem == "published"
    assert shelf.kept()["published"].input_size == (64, 96)


def test_a_file_with_a_published_name_and_other_content_is_refused(file: Path, published: Entry) -> None:
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(CheckpointError, match="expected published, whose sha256 begins with"):
        keep.add(file)
    with pytest.raises(CheckpointError, match="expected published"):
        keep.add(file, "published")
    assert keep.add(file, "other").stem == "other"


@pytest.mark.usefixtures("published")
def test_a_published_name_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(MissingWeights) as caught:
        shelf.located("published")
    assert "stereo3d weights fetch published" in str(caught.value) and "curl -L -o" in str(caught.value)
    with pytest.raises(MissingWeights, match=r"see https://github.com/ostadabbas.*then: stereo3d weights add FiDIP.pth"):
        shelf.located("fidip-w48-384x288")


def test_what_training_begins_with_is_kept_as_it_is(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = dataclasses.replace(entry_named("imagenet-w32"), sha256=hashlib.sha256(b"trunk").hexdigest())
    monkeypatch.setitem(registry.REGISTRY, entry.name, entry)
    (tmp_path / entry.file).write_bytes(b"trunk")
    assert keep.add(tmp_path / entry.file, "imagenet-w32") == folder / entry.file == shelf.located("imagenet-w32")
    assert shelf.kept() == {}


def test_check_builds_the_network_and_compares_its_numbers(file: Path, folder: Path) -> None:
    path = keep.add(file, "mine")
    assert keep.check("mine").architecture == "hrnet_w8"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="its numbers are not those that were put there"):
        keep.check("mine")
    with pytest.raises(MissingWeights, match="no such file"):
        keep.check("gone")


def test_a_file_wins_over_a_name(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep.add(file, "mine")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_bytes(b"")
    assert shelf.located("mine") == "mine"
    assert shelf.located(Path("nowhere.pth")) == Path("nowhere.pth")


def test_without_the_package_the_extra_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    with pytest.raises(MissingPackage, match=r"keeping weights needs the package safetensors"):
        keep.add(file, "mine")


@pytest.mark.parametrize(("header", "told"), [
    ({"__metadata__": {"stereo3d": "{}"}}, "its header cannot be read"),
    ({"__metadata__": {"stereo3d": "["}}, "its header cannot be read"),
    ([], "its header cannot be read"),
])
def test_torn_cards_are_told_and_left_out(header: object, told: str, folder: Path) -> None:
    folder.mkdir()
    text = json.dumps(header).encode()
    (folder / "mine.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(CheckpointError, match=told):
        shelf.read_card(folder / "mine.safetensors")
    assert shelf.kept() == {}


def test_a_header_that_declares_too_much_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "mine.safetensors").write_bytes((1 << 60).to_bytes(8, "little") + b"{}")
    with pytest.raises(CheckpointError, match="a header of"):
        shelf.read_card(folder / "mine.safetensors")


def test_a_card_of_a_family_that_is_unknown(file: Path) -> None:
    path = keep.add(file, "mine", family="darkpose")
    content = path.read_bytes().replace(b"darkpose", b"darkpuse")
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="its card names a family 'darkpuse'"):
        read_checkpoint(path)


@pytest.mark.parametrize(("platform", "variables", "end"), [
    ("linux", {"XDG_DATA_HOME": "/data"}, "/data/stereo3d/weights"),
    ("linux", {}, "home/.local/share/stereo3d/weights"),
    ("darwin", {}, "home/Library/Application Support/stereo3d/weights"),
    ("win32", {"LOCALAPPDATA": "/local"}, "/local/stereo3d/weights"),
])
def test_each_system_has_its_folder(
    platform: str, variables: dict[str, str], end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (shelf.VARIABLE, "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", "/home")
    monkeypatch.setattr(sys, "platform", platform)
    assert str(shelf.folder()).endswith(end)
