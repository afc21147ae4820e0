"""A file that is not there."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from itertools import islice

from .near import listed, near

_MOST_ENTRIES = 5_000
_MOST_FOLDERS = 100
_SECONDS = 0.2  # time limits do not end what is done for a hint


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
    every = _entries(folder or ".")
    entries = [entry for entry in every if not entry.startswith(".")]
    alike = near(name, entries)
    if alike:
        return f"There is no file {path!r}. Near names there: {listed(alike)}."
    where = f"in {folder!r}" if folder else f"in the current directory, {os.getcwd()!r}"
    there = f"it has {listed(sorted(entries))}" if entries else "it has only hidden files"
    if not every:
        there = "it is empty"
    elif len(every) == _MOST_ENTRIES:
        there = f"it has {_MOST_ENTRIES} files or more"
    return f"There is no file {name!r} {where}; {there}.{_elsewhere(name)}"


def _elsewhere(name: str) -> str:
    found: list[str] = []
    folders = ["."]
    until = time.monotonic() + _SECONDS
    for folder in islice(folders, _MOST_FOLDERS):  # which grows meanwhile
        if time.monotonic() > until:
            break
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in islice(entries, _MOST_ENTRIES):
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith("."):
                        folders.append(entry.path)
                elif entry.name == name:
                    found.append(os.path.relpath(entry.path))
    return f" There is {listed(found)}." if found else ""


def _entries(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in islice(entries, _MOST_ENTRIES)]
