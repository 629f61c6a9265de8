"""The `stereo3d` command itself: its sub-commands, and what becomes of errors.

Exit codes: 0 ok, 1 a bug, 2 usage, 3 partly done, 4 bad input, 5 missing package or weights, 130 interrupted.
Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import shlex
import sys

import typer

from stereo3d.cli import results, sources, stages
from stereo3d.errors import Stereo3DError

app = typer.Typer(
    name="stereo3d", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Stereo recordings of infants into 3D joint tracks. Research use only; not a medical device.",
)
app.command()(stages.reconstruct)
app.command()(stages.detect)
app.command()(stages.triangulate)
app.command()(results.evaluate)
app.command("export")(results.export_poses)
app.command()(results.view)
app.command()(sources.info)
app.command()(sources.convert)
app.command()(sources.simulate)


def main() -> None:
    """Run the command line and leave with its exit code; an error is one sentence, without a traceback."""
    try:
        code = app(standalone_mode=False)
    except Stereo3DError as error:
        _say(str(error))
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _interrupted()
        code = 130
    except typer.Exit as leave:
        code = leave.exit_code
    except typer.BadParameter as error:
        _say(error.format_message())
        code = 2
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _interrupted() -> None:
    words = sys.argv[1:]
    _say("interrupted")
    if words[:1] in (["reconstruct"], ["detect"]):
        again = [w for w in words if w not in ("--resume", "--restart")]
        _say(f"to go on: stereo3d {shlex.join([*again, '--resume'])}")


def _say(sentence: str) -> None:
    print(f"stereo3d: {sentence}", file=sys.stderr)
