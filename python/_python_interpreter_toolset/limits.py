"""The limits that a worker sets for itself, and with itself for all that its code starts.

They are set before any code of the user's runs, and a forked copy has them too. Those that would
stand in the worker's own way are in force only while a run goes on: `begin` and `end`. What code
has gone over is told only where it is known; `docs/limits.md` says what each limit holds.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import sys
from opcode import opmap
from resource import getrlimit, setrlimit  # themselves: user code may change the module
from time import process_time
from types import FrameType
from typing import Any

from . import interrupts
from .own_group import await_group

_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIN_ROOM = 32 << 20  # bytes of address space without which nothing can be run
# What the worker itself has left between runs, be it to tell of their end or for a checkpoint.
_OWN_MEMORY = 64 << 20
_OWN_DESCRIPTORS = 64
_OWN_PROCESSES = 8
_MOST_CAUSES = 20

_CAP_SYS_RESOURCE = 24  # linux/capability.h
_CAPABILITY_VERSION = 0x20080522
_PR_CAPBSET_DROP = 24  # linux/prctl.h
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_LOWER = 47, 3

_RAISE = opmap["RAISE_VARARGS"]


class Limits:
    """The limits of this process, of which `asked` has those that are wanted."""

    def __init__(self, asked: dict[str, Any]) -> None:
        """Set them; ends the process where it could not run with them."""
        self._asked = asked
        self._cpu_seconds: float | None = asked.get("cpu_seconds")
        # By kind: what holds in a run, and what between runs.
        self._soft: dict[int, tuple[int, int]] = {}
        self._cpu_until = 0.0
        self._is_running = False
        self._has_used_cpu = False
        if "group" in asked:
            await_group(asked["group"])
        drop_capability(_CAP_SYS_RESOURCE)  # by which root could raise them again
        self._limit_cpus()
        self._limit_memory()
        self._limit_processes()
        if "file_size" in asked:
            _lower(resource.RLIMIT_FSIZE, asked["file_size"])
        if "open_files" in asked:
            self._lower(resource.RLIMIT_NOFILE, asked["open_files"], _OWN_DESCRIPTORS)

    def begin(self) -> None:
        """Put in force what holds for the code of a run only; to be called before each."""
        self._has_used_cpu = False
        self._is_running = True
        for kind, (limit, _) in self._soft.items():
            _set_soft(kind, limit)
        if self._cpu_seconds is not None:
            interrupts.on_cpu_limit(self._on_cpu_limit)
            self._cpu_until = process_time() + self._cpu_seconds
            _set_soft(resource.RLIMIT_CPU, int(self._cpu_until) + 1)

    def end(self) -> None:
        """Give the worker room for its own work."""
        self._is_running = False
        for kind, (_, limit) in self._soft.items():
            _set_soft(kind, limit)

    def exceeded(self, error: BaseException | None) -> str | None:
        """Answer the limit, by its name in JavaScript, that a run has gone over.

        `error` is what it ended with. What code has caught itself is not known here.
        """
        if self._has_used_cpu:
            return "cpuSeconds"
        seen: set[int] = set()
        try:
            while error is not None and id(error) not in seen and len(seen) < _MOST_CAUSES:
                seen.add(id(error))
                limit = self._limit_of(error)
                if limit is not None:
                    return limit
                error = error.__cause__ or error.__context__
        except BaseException:  # an exception can be made so that looking at it fails
            return None
        return None

    def _limit_of(self, error: BaseException) -> str | None:
        # By the type: an instance can pretend to be of another class.
        kind = type(error)
        if _is_raised_by_code(error):
            return None
        if issubclass(kind, MemoryError):
            return "memory" if "memory" in self._asked else None
        if issubclass(kind, OSError):
            limit = _BY_ERRNO.get(error.errno or 0)  # type: ignore[attr-defined]
            if limit is not None:
                return limit[0] if limit[1] in self._asked else None
        is_refused = issubclass(kind, BlockingIOError) or (
            issubclass(kind, RuntimeError) and str(error) == "can't start new thread"
        )
        # These have other causes too.
        if is_refused and resource.RLIMIT_NPROC in self._soft:
            return "processes" if _tasks_of_user() >= self._soft[resource.RLIMIT_NPROC][0] else None
        return None

    def _lower(self, kind: int, limit: int, own: int) -> None:
        _lower(kind, limit + own)
        self._soft[kind] = (limit, limit + own)

    def _limit_cpus(self) -> None:
        cpus = self._asked.get("cpus")
        allowed = sorted(os.sched_getaffinity(0))
        if cpus is None or cpus >= len(allowed):
            return
        # Not the same for all sessions.
        first = int.from_bytes(os.urandom(4), "little")
        os.sched_setaffinity(0, {allowed[(first + i) % len(allowed)] for i in range(cpus)})

    def _limit_memory(self) -> None:
        memory = self._asked.get("memory")
        if memory is None:
            return
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * _PAGE
        if mapped + _MIN_ROOM > memory:
            sys.stderr.write(
                f"limits.memory is {memory} bytes, but Python with what it has imported needs "
                f"{mapped} already, as address space. Ask for {mapped + _MIN_ROOM} or more.\n"
            )
            os._exit(1)
        self._lower(resource.RLIMIT_AS, memory, _OWN_MEMORY)

    def _limit_processes(self) -> None:
        processes = self._asked.get("processes")
        if processes is None:
            return
        # The system counts all of the user's, of which Node, templates and checkpoints are some.
        most = _tasks_of_user() + processes + _OWN_PROCESSES
        self._lower(resource.RLIMIT_NPROC, most, _OWN_PROCESSES)

    def _on_cpu_limit(self, number: int, frame: FrameType | None) -> None:
        # Somebody else may have sent it, or the system, which counts ticks for this, be early: it
        # sends it again each second.
        if not self._is_running or process_time() < self._cpu_until:
            return
        self._has_used_cpu = True
        raise TimeoutError(f"The run has used its {self._cpu_seconds} s of CPU time (cpuSeconds).")


_BY_ERRNO = {
    errno.ENOMEM: ("memory", "memory"),
    errno.EFBIG: ("fileSize", "file_size"),
    errno.EMFILE: ("openFiles", "open_files"),
}


def _lower(kind: int, limit: int) -> None:
    """Set a limit that cannot be raised again; where a lower one is in force, that stays."""
    _, hard = getrlimit(kind)
    lowered = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    setrlimit(kind, (lowered, lowered))


def _set_soft(kind: int, limit: int) -> None:
    _, hard = getrlimit(kind)
    setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _is_raised_by_code(error: BaseException) -> bool:
    """Answer whether it comes from a `raise` statement, which anybody can write."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == _RAISE


def _tasks_of_user() -> int:
    """Answer how many processes and threads there are of the user that this process runs as."""
    own = str(os.getuid())
    count = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/status") as file:
                fields = dict(line.split(":", 1) for line in file)
            if fields["Uid"].split()[0] == own:
                count += int(fields["Threads"])
        except (OSError, KeyError, ValueError):
            continue  # it has ended
    return count


def drop_capability(number: int) -> None:
    """Give up a capability, for this thread and what it starts, if it has that."""
    libc = ctypes.CDLL(None)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable; then those above bit 31
    if libc.capget(header, sets) != 0 or not sets[1] >> number & 1:
        return
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_LOWER, number, 0, 0)
    libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # or root would have it again after exec
    for i in range(3):
        sets[i] &= ~(1 << number) & 0xFFFFFFFF
    libc.capset(header, sets)
