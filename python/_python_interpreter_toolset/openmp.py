"""OpenMP's thread pools, which a fork does not survive.

GNU's libgomp does not know that its threads are gone after a fork: the copy's next parallel loop
waits for them for ever. `omp_pause_resource_all` (OpenMP 5.0, 3.7.3) ends them before, and the next
parallel loop starts new ones.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

_PAUSE_SOFT = 1  # omp_pause_soft: what the program has set stays


class OpenMp:
    """The libgomp libraries that are loaded: each wheel may bring its own."""

    def __init__(self) -> None:
        """Look for them when there is something to pause."""
        self._mapped = b""
        self._pauses: list[Any] = []

    def pause(self) -> None:
        """End the idle thread pools of the calling thread."""
        mapped = _size_of_libraries()
        if mapped != self._mapped:
            self._mapped = mapped
            self._pauses = [
                library.omp_pause_resource_all
                for library in map(ctypes.CDLL, _names())
                if hasattr(library, "omp_pause_resource_all")  # since GCC 9
            ]
        for pause in self._pauses:
            pause(_PAUSE_SOFT)


def _size_of_libraries() -> bytes:
    """Answer what is different when another library has been loaded."""
    with open("/proc/self/status", "rb") as file:
        return next((line for line in file if line.startswith(b"VmLib")), b"")


def _names() -> set[str]:
    # Not by dl_iterate_phdr(3), which holds a lock while it calls back: a thread that waits for
    # that and has the interpreter lock, which the callback needs, would hang this process.
    with open("/proc/self/maps", "rb") as file:
        paths = {os.fsdecode(line.rstrip(b"\n").split(b" ", 5)[-1].strip()) for line in file}
    return {path for path in paths if os.path.basename(path).startswith("libgomp")}
