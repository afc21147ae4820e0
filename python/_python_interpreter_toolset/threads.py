"""The threads of this process, of which a forked copy has only the one that forks."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Collection
from time import monotonic

# User code's ZeroMQ: in a copy its sockets are dead anyway.
# jemalloc has fork handlers of its own (background_thread_postfork_child).
_SAFE = ("ZMQbg/", "jemalloc_bg_thd")
_SCHED_YIELD = {"x86_64": b"24", "aarch64": b"124"}.get(os.uname().machine)
_GIVE_WAY_SECONDS = 0.001

# Calls by PyDLL keep the interpreter lock: what waits for that stays where it is meanwhile.
_libc = ctypes.PyDLL(None)
_state = ctypes.create_string_buffer(64)


class Threads:
    """What threads there are, and what they mean for a fork."""

    def __init__(self, known: Collection[int] = ()) -> None:
        """Look at all of them but the one that calls, and those in `known`."""
        own = threading.get_native_id()
        self._python = {
            thread.native_id: thread.name
            for thread in threading.enumerate()
            if thread is not threading.current_thread() and thread.native_id is not None
        }
        foreign = thread_ids() - self._python.keys() - {own, *known}
        names = {id: _name(id) for id in foreign}
        self.foreign = {id: name for id, name in names.items() if not name.startswith(_SAFE)}

    @property
    def names(self) -> list[str]:
        """The names of Python's threads."""
        return sorted(self._python.values())

    def running(self) -> list[str]:
        """Answer the names of Python's threads that are in the middle of C code.

        A fork then can hang: OpenBLAS waits in it for the product that they compute. Threads that
        wait for the interpreter lock, which the caller has, stand between two lines of Python; one
        that has just given it away is on its way to that.
        """
        deadline = monotonic() + _GIVE_WAY_SECONDS
        running = [id for id in self._python if id is not None and _is_running(id)]
        while running and monotonic() < deadline:
            _libc.sched_yield()
            running = [id for id in running if _is_running(id)]
        return [self._python[id] for id in running]

    def unknown(self) -> dict[int, str]:
        """Answer native threads, by id, of which it is not known that their library forks well."""
        inherited = _name(os.getpid())
        unnamed = {id for id, name in self.foreign.items() if name == inherited}
        if len(unnamed) > _fork_safe():
            return self.foreign
        return {id: name for id, name in self.foreign.items() if id not in unnamed}


def thread_ids() -> set[int]:
    """Answer the ids of all threads of this process, where the system lists them."""
    try:
        return set(map(int, os.listdir("/proc/self/task")))
    except OSError:
        return set()


def _name(thread: int) -> str:
    try:
        with open(f"/proc/self/task/{thread}/comm") as file:
            return file.read().strip()
    except OSError:
        return _SAFE[0]  # it has ended


def _is_running(thread: int) -> bool:
    file = _libc.open(f"/proc/self/task/{thread}/syscall".encode(), os.O_RDONLY | os.O_CLOEXEC)
    length = _libc.read(file, _state, len(_state))
    _libc.close(file)
    if length <= 0:  # ended; or a kernel without it, whose word would be needed
        return os.path.exists(f"/proc/self/task/{thread}")
    # OpenBLAS yields while it waits for its pool.
    return _state.raw[:length].split()[0] in (b"running", _SCHED_YIELD)


def _fork_safe() -> int:
    """Answer how many unnamed threads those libraries may have that see to forks themselves."""
    arrow = sys.modules.get("pyarrow.lib")
    # Its pools start new threads in a copy: arrow/util/thread_pool.cc.
    return arrow.cpu_count() + arrow.io_thread_count() if arrow is not None else 0
