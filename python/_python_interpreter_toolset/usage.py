"""What a run has used of the machine: time, processor and memory."""

from __future__ import annotations

import sys
from time import perf_counter, process_time

try:
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resource import struct_rusage

    from .protocol import Message

_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024
_DIGITS = 3  # of milliseconds


class Meter:
    """Measures one run at a time."""

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._wall = 0.0
        self._cpu = 0.0
        self.own: struct_rusage | None = None
        """What this process has used by the end of the last run; None where that is not known."""

    def start(self) -> None:
        """Begin to measure a run."""
        if getrusage is None:
            self._cpu = process_time()
        else:
            self._cpu = _seconds(getrusage(RUSAGE_SELF)) + _seconds(getrusage(RUSAGE_CHILDREN))
        self._wall = perf_counter()

    def stop(self) -> Message:
        """Answer what has been used since `start`.

        `cpu_ms` is the processor time of all threads of this process, and of its children that
        were waited for meanwhile. `process_peak_memory_bytes` is the most resident memory that this
        process has ever had: to have the system forget that before each run would change what user
        code is told when it asks for its own.
        """
        wall = perf_counter() - self._wall
        if getrusage is None:
            cpu = process_time() - self._cpu
            return {"wall_ms": _milliseconds(wall), "cpu_ms": _milliseconds(cpu)}
        own = self.own = getrusage(RUSAGE_SELF)
        cpu = _seconds(own) + _seconds(getrusage(RUSAGE_CHILDREN)) - self._cpu
        return {
            "wall_ms": _milliseconds(wall),
            "cpu_ms": _milliseconds(cpu),
            "process_peak_memory_bytes": own.ru_maxrss * _BYTES_OF_MAXRSS,
        }


def _seconds(usage: struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def _milliseconds(seconds: float) -> float:
    return round(max(seconds, 0) * 1000, _DIGITS)
