"""What a run has used of the machine: time, processor and memory."""

from __future__ import annotations

import sys
from time import perf_counter_ns, process_time_ns

try:
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from resource import struct_rusage

    from .protocol import Message

_BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


class Meter:
    """Measures one run at a time."""

    def __init__(self) -> None:
        """Measure nothing yet."""
        self._wall = 0
        self._cpu = 0
        self._children = _children_ns()
        self.own: struct_rusage | None = None
        """What this process has used by the end of the last run; None where that is not known."""

    def start(self) -> None:
        """Begin to measure a run."""
        self._cpu = process_time_ns()
        self._wall = perf_counter_ns()

    def stop(self) -> Message:
        """Answer what has been used since `start`.

        `cpu_ms` is the processor time of all threads of this process, and of its children that
        were waited for since the run before. `process_peak_memory_bytes` is the most resident
        memory that this process has ever had: to have the system forget that before each run would
        change what user code is told when it asks for its own.
        """
        wall = perf_counter_ns() - self._wall
        children = _children_ns()
        cpu = process_time_ns() - self._cpu + max(children - self._children, 0)
        self._children = children
        usage: Message = {"wall_ms": _milliseconds(wall), "cpu_ms": _milliseconds(cpu)}
        if getrusage is not None:
            self.own = getrusage(RUSAGE_SELF)
            usage["process_peak_memory_bytes"] = self.own.ru_maxrss * _BYTES_OF_MAXRSS
        return usage


def _children_ns() -> int:
    if getrusage is None:
        return 0
    usage = getrusage(RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def _milliseconds(nanoseconds: int) -> float:
    return nanoseconds // 1000 / 1000  # to the microsecond; round() takes longer
