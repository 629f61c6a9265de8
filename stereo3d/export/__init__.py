"""Poses in other people's formats: one file for each format, each an exporter (poses, path)."""

from stereo3d.export.base import export, export_all

__all__ = ["export", "export_all"]
