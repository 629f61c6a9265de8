"""The built-in exporters under their names, whatever is installed."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from stereo3d import plugins

PLACES = {
    "csv": "tables:write_csv", "parquet": "tables:write_parquet", "trc": "trc:write_trc", "c3d": "c3d:write_c3d",
    "nc": "movement:write_netcdf", "coco": "coco:write_coco", "bids": "bids:write_bids", "nwb": "nwb:write_nwb",
}  # fmt: skip


@pytest.fixture(autouse=True)
def exporters(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """kind -> where its exporter lies in stereo3d.export."""
    points = [EntryPoint(kind, f"stereo3d.export.{place}", plugins.EXPORTERS) for kind, place in PLACES.items()]
    monkeypatch.setattr(plugins, "_found", lambda group, _: [p for p in points if p.group == group])
    return PLACES
