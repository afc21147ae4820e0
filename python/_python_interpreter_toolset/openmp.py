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


class _LibraryInfo(ctypes.Structure):
    """The beginning of dl_phdr_info, dl_iterate_phdr(3)."""

    _fields_ = [
        ("address", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.c_void_p),
        ("header_count", ctypes.c_uint16),
        ("loaded", ctypes.c_ulonglong),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_LibraryInfo), ctypes.c_size_t, ctypes.c_void_p
)


class OpenMp:
    """The libgomp libraries that are loaded: each wheel may bring its own."""

    def __init__(self) -> None:
        """Find the C library's list of what is loaded."""
        self._libc = ctypes.CDLL(None)
        self._loaded = -1
        self._pauses: list[Any] = []

    def pause(self) -> None:
        """End the idle thread pools of the calling thread."""
        if self._count() != self._loaded:
            self._loaded = self._count()
            self._pauses = [
                library.omp_pause_resource_all
                for library in map(ctypes.CDLL, self._names())
                if hasattr(library, "omp_pause_resource_all")  # since GCC 9
            ]
        for pause in self._pauses:
            pause(_PAUSE_SOFT)

    def _count(self) -> int:
        """Answer how many libraries have been loaded so far."""
        counts: list[int] = []

        def first(info: Any, size: int, data: object) -> int:
            counts.append(info.contents.loaded)
            return 1

        self._libc.dl_iterate_phdr(_Callback(first), None)
        return counts[0]

    def _names(self) -> list[str]:
        names: list[str] = []

        def each(info: Any, size: int, data: object) -> int:
            name = os.fsdecode(info.contents.name or b"")
            if os.path.basename(name).startswith("libgomp"):
                names.append(name)
            return 0

        self._libc.dl_iterate_phdr(_Callback(each), None)
        return names
