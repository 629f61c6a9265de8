"""stereo3d weights, as a user types it."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from stereo3d.models import registry, shelf
from stereo3d.models.efficientpose import EfficientPose
from stereo3d.models.registry import Entry, entry_named

pytest.importorskip("safetensors")
SAMPLE = Path(__file__).parents[2] / "sample_data" / "infant.h5"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """run(words...) -> (exit code, standard output, standard error), in an empty folder with an empty shelf."""
    monkeypatch.setenv(shelf.VARIABLE, str(tmp_path / "shelf"))
    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Weights of EfficientPose RT that nobody trained."""
    torch.manual_seed(1)
    torch.save(EfficientPose("RT").state_dict(), tmp_path / "mine.pt")
    return tmp_path / "mine.pt"


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def published(file: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    entry = dataclasses.replace(
        entry_named("efficientpose-rt"), file=file.name, address=f"http://127.0.0.1:1/{file.name}",
        sha256=hashlib.sha256(file.read_bytes()).hexdigest()[:16],
    )
    monkeypatch.setitem(registry.REGISTRY, entry.name, entry)
    return entry


def test_the_list_needs_nothing_and_fetches_nothing(run: Run, tmp_path: Path) -> None:
    code, out, err = run("weights", "list")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and lines[0][:2] == ["NAME", "HERE"]
    assert {line[0] for line in lines[1:]} == set(registry.REGISTRY)
    assert str(tmp_path / "shelf") in err and not (tmp_path / "shelf").exists()
    listed = json.loads(run("weights", "list", "--json")[1])
    first = listed["published"][0]
    assert first["address"].startswith("https://") and first["licence"] and first["crop"] == "hrnet"
    assert listed["here"] == {}


def test_a_file_is_added_listed_checked_and_used_by_name(run: Run, file: Path) -> None:
    code, out, _ = run("weights", "add", file, "--name", "ward-3")
    assert code == 0 and "efficientpose_rt" in out and "224x224" in out
    _, out, _ = run("weights", "list")
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("ward-3")] == [
        ["ward-3", "yes", "efficientpose"]
    ]
    assert run("weights", "check") == (0, "ward-3: whole; efficientpose_rt, 16 joints, efficientpose\n", "")
    code, out, err = run("reconstruct", SAMPLE, "-o", "o.h5", "--detector", "efficientpose", "--weights", "ward-3",
                         "--dry-run", "--json")
    assert code == 0, err
    assert run("weights", "add", file, "--name", "ward-3")[0] == 2


def test_what_was_damaged_is_found(run: Run, file: Path) -> None:
    run("weights", "add", file, "--name", "whole")
    run("weights", "add", file, "--name", "torn")
    content = bytearray((shelf.folder() / "torn.safetensors").read_bytes())
    content[-1] ^= 1
    (shelf.folder() / "torn.safetensors").write_bytes(content)
    code, out, err = run("weights", "check")
    assert code == 3 and "whole: whole;" in out and "torn: torn.safetensors: its numbers are not those" in out
    assert "1 of the weights cannot be used" in err
    assert run("weights", "check", "whole")[0] == 0


def test_fetching_says_what_it_fetches_checks_it_and_keeps_it(
    run: Run, file: Path, published: Entry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as address:
        here = dataclasses.replace(published, address=f"{address}/{file.name}")
        monkeypatch.setitem(registry.REGISTRY, published.name, here)
        code, out, err = run("weights", "fetch", "efficientpose-rt")
        assert code == 0, err
        assert here.address in err and "about 2 MB; trained on MPII; licence Apache-2.0" in err
        assert (shelf.folder() / "efficientpose-rt.safetensors").is_file() and "efficientpose_rt" in out
        assert not list((shelf.folder() / "arriving").iterdir())
        assert run("weights", "fetch", "efficientpose-rt")[0] == 2
        assert run("weights", "fetch", "efficientpose-rt", "--replace")[0] == 0


@pytest.mark.usefixtures("published")
def test_without_network_two_lines_say_what_to_do(run: Run) -> None:
    code, _, err = run("weights", "fetch", "efficientpose-rt")
    assert code == 5 and "elsewhere: curl -L -o mine.pt" in err and "here:      stereo3d weights add mine.pt" in err


@pytest.mark.usefixtures("published")
def test_the_stick_works(run: Run, file: Path) -> None:
    assert run("weights", "add", file)[0] == 0
    assert shelf.kept().keys() == {"efficientpose-rt"}


def test_names_that_are_not_here(run: Run) -> None:
    code, _, err = run("weights", "fetch", "hrnet-w33-256x192")
    assert code == 2 and "did you mean 'hrnet-w32-256x192'" in err
    code, _, err = run("reconstruct", SAMPLE, "-o", "o.h5", "--weights", "darkpose-w32-384x288")
    assert code == 5 and "stereo3d weights fetch darkpose-w32-384x288" in err
    assert run("weights", "check", "nothing")[0] == 3


def test_a_file_of_nothing_known_is_described(run: Run, tmp_path: Path) -> None:
    state = {k: v for k, v in EfficientPose("RT").state_dict().items() if "confs" not in k}
    torch.save(state, tmp_path / "odd.pt")
    code, _, err = run("weights", "add", "odd.pt")
    assert code == 4 and "nearest is efficientpose_rt, with which 308 of 310 agree: 2 missing" in err


def test_a_size_that_is_none(run: Run, file: Path) -> None:
    assert "--input-size: expected WxH px" in run("weights", "add", file, "--input-size", "large")[2]
    assert run("weights", "add", file, "--input-size", "160x128", "--skeleton", "MPII-16")[0] == 0
    assert shelf.kept()["mine"].input_size == (160, 128)
