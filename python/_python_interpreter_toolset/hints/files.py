"""A file that is not there."""

from __future__ import annotations

import errno
import os
from itertools import islice

from .near import listed, near

_MOST_ENTRIES = 5_000
_MOST_FOLDERS = 100


def hint(error: BaseException) -> str | None:
    """Answer which files with near names there are, in its folder or below the current one."""
    if type(error) is not FileNotFoundError or error.errno != errno.ENOENT:
        return None
    path = error.filename
    if not isinstance(path, str) or not path or os.path.lexists(path):
        return None
    folder, name = os.path.split(path)
    if not os.path.isdir(folder or "."):
        return f"There is no folder {folder!r}; the current directory is {os.getcwd()!r}." + (
            _elsewhere(name)
        )
    entries = _entries(folder or ".")
    alike = near(name, entries)
    if alike:
        return f"There is no file {path!r}. Near names there: {listed(alike)}."
    where = f"in {folder!r}" if folder else f"in the current directory, {os.getcwd()!r}"
    there = f"it has {listed(sorted(entries))}" if entries else "it is empty"
    return f"There is no file {name!r} {where}; {there}.{_elsewhere(name)}"


def _elsewhere(name: str) -> str:
    found: list[str] = []
    for folder, folders, files in islice(os.walk("."), _MOST_FOLDERS):
        folders[:] = [each for each in folders if not each.startswith(".")]
        if name in files:
            found.append(os.path.relpath(os.path.join(folder, name)))
    return f" There is {listed(found)}." if found else ""


def _entries(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, _MOST_ENTRIES)]
    return [name for name in names if not name.startswith(".")]
