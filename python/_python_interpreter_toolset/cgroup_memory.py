"""How much memory the control groups of this process leave it: those of a container, for one.

Version 2 is asked for, and version 1, as Docker still sets it up on older systems.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

_MOUNTS = "/sys/fs/cgroup"
_MEMBERSHIP = "/proc/self/cgroup"
# By version: the files of limit and use, and what of that use the system gives back when needed.
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_NO_LIMIT = 1 << 60  # version 1 has no word for it, but an enormous number


class CgroupMemory:
    """The groups with a limit that this process is in; found once, for few ever change."""

    def __init__(self, membership: str = _MEMBERSHIP, mounts: str = _MOUNTS) -> None:
        """`membership` is the file that lists the groups, `mounts` the folder that has them."""
        self._limited = [
            group for group in _groups(membership, mounts) if _left(*group) is not None
        ]

    def left(self) -> int | None:
        """Answer the bytes that the strictest group leaves; None where no group has a limit."""
        left = [bytes_left for group in self._limited if (bytes_left := _left(*group)) is not None]
        return max(0, min(left)) if left else None


def _groups(membership: str, mounts: str) -> Iterator[tuple[str, str, str, str]]:
    """Answer the folders of the groups that this process may be in, with those around them."""
    try:
        with open(membership) as file:
            lines = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return
    for fields in lines:
        if len(fields) != 3:
            continue
        number, controllers, path = fields
        if number == "0":
            folders, files = [mounts, os.path.join(mounts, "unified")], _V2
        elif "memory" in controllers.split(","):
            folders, files = [os.path.join(mounts, "memory")], _V1
        else:
            continue
        # In a container the path may be that of the host, where nothing is to be found here.
        parts = [part for part in path.split("/") if part]
        for folder in folders:
            for length in range(len(parts), -1, -1):
                yield (os.path.join(folder, *parts[:length]), *files)


def _left(folder: str, limit: str, usage: str, reclaimable: str) -> int | None:
    try:
        most = int(_read(folder, limit))  # version 2 says "max" where there is none
        if most > _NO_LIMIT:
            return None
        used = int(_read(folder, usage))
        lines = _read(folder, "memory.stat").splitlines()
        cached = next((int(line.split()[1]) for line in lines if line.startswith(reclaimable)), 0)
    except (OSError, ValueError):
        return None
    return most - used + cached


def _read(folder: str, name: str) -> str:
    with open(os.path.join(folder, name)) as file:
        return file.read()
