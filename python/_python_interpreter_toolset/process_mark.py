"""The mark in a process's environment by which the keeper finds what belongs to a worker.

What exec() starts has it in its environment. A fork has that of its parent, and says whose it is
by writing over it in place: that is where `/proc/PID/environ` is read from.
"""

from __future__ import annotations

import ctypes
import os

from .keeper import WORKER_VARIABLE

_PREFIX = f"{WORKER_VARIABLE}=".encode()
# proc(5): the fields env_start and env_end of /proc/PID/stat, counted after the command's name.
_ENV_START = 47
_ENV_END = 48


def mark_process(worker_id: str) -> None:
    """Make this process, and what it starts, known as belonging to `worker_id`."""
    os.environ[WORKER_VARIABLE] = worker_id
    mark = worker_id.encode()
    address = _address
    if address is None or len(mark) != _length:
        return
    # Whoever writes process titles may have moved the environment and used the place.
    if ctypes.string_at(address - len(_PREFIX), len(_PREFIX)) == _PREFIX:
        ctypes.memmove(address, mark, len(mark))


def _find() -> tuple[int | None, int]:
    """Answer where this process's mark is in memory, and how long it is."""
    try:
        with open("/proc/self/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:  # not Linux
        return None, 0
    start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
    block = b"\0" + ctypes.string_at(start, end - start)
    at = block.find(b"\0" + _PREFIX)
    if at == -1:
        return None, 0
    first = at + len(_PREFIX)
    return start + first, block.index(b"\0", at + 1) - first - 1


_address, _length = _find()
