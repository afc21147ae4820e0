"""What the system tells of the processes that user code has started."""

from __future__ import annotations

import os
from time import monotonic, sleep

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_POLL_SECONDS = 0.01
_OF_PYTHON = "multiprocessing.resource_tracker"


def children() -> set[int] | None:
    """Answer the pids of this process's children; None if it has some that cannot be listed."""
    if not hasattr(os, "waitid"):
        return None
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return set()
    return None if _no_proc() else _children_of(os.getpid())


def descendants() -> set[int]:
    """Answer the pids of all living processes below this one, as far as the system tells."""
    return _with_descendants(children() or set())


def family(pid: int) -> set[int]:
    """Answer `pid` and the pids of all living processes below it, as far as the system tells."""
    return _with_descendants({pid})


def ended_children_usage() -> tuple[float, int]:
    """Answer a number that grows whenever a child has been waited for."""
    if resource is None:
        return (0.0, 0)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime, usage.ru_minflt)


def survivors(seconds: float, known: set[int]) -> list[str]:
    """Give the processes below this one `seconds` to end; answer those still there, by name.

    Those in `known` do not count, nor do helpers that Python itself has started.
    """
    deadline = monotonic() + seconds
    while (left := _named(descendants() - known)) and monotonic() < deadline:
        sleep(_POLL_SECONDS)
    return [f"process {pid} ({command})" for pid, command in sorted(left.items())]


def _with_descendants(new: set[int]) -> set[int]:
    found: set[int] = set()
    while new:
        found |= new
        new = {pid for parent in new for pid in _children_of(parent)} - found
    return {pid for pid in found if _state(pid) != "Z"}


def _named(pids: set[int]) -> dict[int, str]:
    commands = {pid: _command(pid) for pid in pids}
    return {pid: command for pid, command in commands.items() if _OF_PYTHON not in command}


def _no_proc() -> bool:
    return not os.path.exists("/proc/self/task")


def _children_of(pid: int) -> set[int]:
    found: set[int] = set()
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found.update(map(int, file.read().split()))
    except OSError:
        pass  # it ended meanwhile, or this is not Linux
    return found


def _state(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def _command(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            command = file.read().replace(b"\0", b" ").decode("utf-8", "backslashreplace").strip()
    except OSError:
        command = ""
    return command[:120] or "?"
