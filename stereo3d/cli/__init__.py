"""The command line: parse, call one public function, print. `main` is the `stereo3d` command."""

from stereo3d.cli.app import main

__all__ = ["main"]
