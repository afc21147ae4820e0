"""The threads of this process, of which a forked copy has only the one that forks."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Collection

# User code's ZeroMQ: in a copy its sockets are dead anyway.
# jemalloc has fork handlers of its own (background_thread_postfork_child).
_SAFE = ("ZMQbg/", "jemalloc_bg_thd")
# OpenBLAS yields while it waits for its pool: sched_yield().
_RUNNING = (b"running", {"x86_64": b"24 ", "aarch64": b"124 "}.get(os.uname().machine, b"running"))
_LOOKS = 4
_BETWEEN_LOOKS = 50  # µs
_MOST_LOOKS = 25

# Calls by PyDLL keep the interpreter lock: what waits for that stays where it is meanwhile.
_libc = ctypes.PyDLL(None)
_buffer = ctypes.create_string_buffer(256)


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
        that has just given it away is on its way to that. What computes may wait too, for a moment.
        """
        moving = [id for id in self._python if id is not None]
        looks = dict.fromkeys(moving, 0)
        states: dict[int, bytes] = {}
        for _ in range(_MOST_LOOKS):
            for id in moving:
                state = _state(id)
                is_still = state == states.get(id) and not state.startswith(_RUNNING)
                looks[id] = looks[id] + 1 if is_still else 0
                states[id] = state
            moving = [id for id in moving if looks[id] < _LOOKS]
            if not moving:
                break
            _libc.usleep(_BETWEEN_LOOKS)
        return [self._python[id] for id in moving]

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


def _state(thread: int) -> bytes:
    """Answer the system call that a thread waits in, with its arguments."""
    file = _libc.open(f"/proc/self/task/{thread}/syscall".encode(), os.O_RDONLY | os.O_CLOEXEC)
    length = _libc.read(file, _buffer, len(_buffer))
    _libc.close(file)
    if length <= 0 and os.path.exists(f"/proc/self/task/{thread}"):
        return _RUNNING[0]  # a kernel without it, whose word would be needed
    return _buffer.raw[: max(length, 0)]


def _fork_safe() -> int:
    """Answer how many unnamed threads those libraries may have that see to forks themselves."""
    arrow = sys.modules.get("pyarrow.lib")
    # Its pools start new threads in a copy: arrow/util/thread_pool.cc.
    return arrow.cpu_count() + arrow.io_thread_count() if arrow is not None else 0
