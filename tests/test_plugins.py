"""Plug-ins are found by entry point; a wrong name and a missing package get a sentence."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from stereo3d import plugins
from stereo3d.errors import MissingPackage, UsageError


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """What an environment might have installed."""
    points = [
        EntryPoint("upper", "builtins:str", plugins.DETECTORS),
        EntryPoint("lower", "json:loads", plugins.DETECTORS),
        EntryPoint("lower", "json:loads", plugins.DETECTORS),
        EntryPoint("needy", "no_such_package_here.detector:build", plugins.DETECTORS),
        EntryPoint("csv", "csv:writer", plugins.EXPORTERS),
    ]
    monkeypatch.setattr(plugins, "_found", lambda group, _: [p for p in points if p.group == group])


def test_names_are_sorted_and_once():
    assert plugins.names(plugins.DETECTORS) == ["lower", "needy", "upper"]
    assert plugins.names(plugins.EXPORTERS) == ["csv"] and plugins.names(plugins.RECORDINGS) == []


def test_a_name_stands_for_its_factory():
    assert plugins.factory(plugins.DETECTORS, "upper") is str
    assert plugins.factory(plugins.DETECTORS, "lower")("[1]") == [1]


def test_a_wrong_name_gets_the_nearest_and_the_list():
    with pytest.raises(UsageError, match="unknown detector 'lowr': did you mean 'lower'. there are lower, needy"):
        plugins.factory(plugins.DETECTORS, "lowr")
    with pytest.raises(UsageError, match="unknown recording 'svo': there are none"):
        plugins.factory(plugins.RECORDINGS, "svo")


def test_a_missing_package_is_named():
    with pytest.raises(MissingPackage, match="'needy' needs the package no_such_package_here.*pip install"):
        plugins.factory(plugins.DETECTORS, "needy")


def test_metadata_is_read_once_until_python_looks_elsewhere(monkeypatch):
    monkeypatch.undo()
    asked = []
    point = EntryPoint("upper", "builtins:str", plugins.DETECTORS)
    monkeypatch.setattr(plugins, "entry_points", lambda group: asked.append(group) or [point])
    monkeypatch.syspath_prepend("/a/folder/of/its/own")
    assert [plugins.names("a.group") for _ in range(3)] == [["upper"]] * 3
    assert plugins.factory("a.group", "upper") is str and asked == ["a.group"]
    monkeypatch.syspath_prepend("/another/folder")
    assert plugins.names("a.group") == ["upper"] and asked == ["a.group"] * 2
