"""Label Studio's JSON (and JSON-MIN): a list of tasks, joints as key points, each labelled by its name.

Source: https://labelstud.io/guide/task_format and https://labelstud.io/tags/keypointlabels. Places are in % of the
picture from its edge, so half a pixel is taken off. A point whose region also has the choice or label `occluded` was
guessed. Of several annotations of a task the first that was not cancelled counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from stereo3d.datasets.annotated import Annotated
from stereo3d.datasets.marks import HIDDEN, Mark, Marked, put_together
from stereo3d.datasets.pictures import subject_of, within
from stereo3d.errors import InputError

_PICTURE = re.compile(r"\.(jpe?g|png|bmp|tiff?|webp)(\?.*)?$", re.IGNORECASE)
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of a picture that was uploaded."""


def read(path: Path, pictures: Path | None, tasks: list[Any]) -> Annotated:
    """The pictures of the file's tasks that have key points, in `pictures` or beside the file.

    Whose picture it is: the task's `subject`, else the picture's folder, else its name without the number at the end.
    Raises InputError.
    """
    folder = pictures or path.parent
    try:
        told = [(task, dict(_marks(task, path))) for task in tasks]
        chosen = [_one(path, folder, task, marks) for task, marks in told if marks]
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{path}: expected Label Studio's tasks, got another list ({error!r})") from error
    return put_together(path, chosen)


def _one(path: Path, folder: Path, task: Mapping[str, Any], marks: Mapping[str, Mark]) -> Marked:
    data = task.get("data", task)
    names = [str(v) for v in data.values() if isinstance(v, str) and _PICTURE.search(v)]
    if not names:
        raise InputError(f"{path}: expected a picture in task {task.get('id', '?')}, got none")
    name = _name(names[0])
    found = within(folder, name, path)
    if not found.is_file():
        last = _UPLOADED.sub("", Path(name).name)
        found = next((f for f in (within(folder, n, path) for n in (Path(name).name, last)) if f.is_file()), found)
    return Marked(found, str(data.get("subject") or subject_of(_UPLOADED.sub("", name), path.stem)), marks)


def _name(address: str) -> str:
    """The picture's name in its folder: of a file of local storage the way there, of others the last part alone."""
    parts = urlsplit(address)
    local = parse_qs(parts.query).get("d")
    if local:
        return local[0].lstrip("/")
    whole = unquote(parts.path)
    return whole if not parts.scheme and not whole.startswith("/") else whole.rsplit("/", 1)[-1]


def _marks(task: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Mark]]:
    regions = list(_regions(task))
    hidden = {r.get("id") for r in regions if r.get("id") and _says_hidden(r.get("value", r))}
    seen: set[str] = set()
    for region in regions:
        value = region.get("value", region)
        labels = [str(x) for x in value.get("keypointlabels", ()) if str(x).lower() not in HIDDEN]
        if not labels:
            continue
        if labels[0] in seen:
            raise InputError(f"{path}: expected each joint once in task {task.get('id', '?')}, got {labels[0]} twice")
        seen.add(labels[0])
        turned = region.get("image_rotation", 0)
        if turned:
            raise InputError(f"{path}: expected pictures as they are, got one turned by {turned} degrees; turn it back")
        size = float(region["original_width"]), float(region["original_height"])
        x, y = (float(value[axis]) / 100 * length - 0.5 for axis, length in zip("xy", size))
        guessed = region.get("id") in hidden or _says_hidden(value)
        yield labels[0], Mark(x, y, not guessed)


def _regions(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """All marks of a task; JSON-MIN has them in lists of its own."""
    made = [a for a in task.get("annotations", task.get("completions", ())) if not a.get("was_cancelled")]
    if made:
        yield from made[0]["result"]
    elif "data" not in task:
        for held in task.values():
            if isinstance(held, list):
                yield from (r for r in held if isinstance(r, dict) and "keypointlabels" in r)


def _says_hidden(value: Mapping[str, Any]) -> bool:
    said = [*value.get("choices", ()), *value.get("labels", ()), *value.get("keypointlabels", ())]
    return any(str(s).strip().lower() in HIDDEN for s in said)
