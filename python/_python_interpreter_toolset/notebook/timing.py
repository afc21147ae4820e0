"""How long code takes: what `%time` and `%timeit` measure, and how they say it."""

from __future__ import annotations

import math
import re
import timeit
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_UNITS = (("s", 1.0), ("ms", 1e3), ("µs", 1e6), ("ns", 1e9))
_OPTION = re.compile(r"-([nr])\s*(\d+)")
_REPEAT = 7


class Clock(NamedTuple):
    """Points in time, in seconds: of the wall, and of the processor in user and system code."""

    wall: float
    user: float
    system: float

    @classmethod
    def now(cls) -> Clock:
        """Answer the present."""
        if resource is None:
            return cls(perf_counter(), 0.0, 0.0)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return cls(perf_counter(), usage.ru_utime, usage.ru_stime)

    def tell(self) -> None:
        """Print the times since then, as IPython does."""
        wall, user, system = (now - then for now, then in zip(Clock.now(), self))
        times = f"user {_seconds(user)}, sys: {_seconds(system)}, total: {_seconds(user + system)}"
        print(f"CPU times: {times}\nWall time: {_seconds(wall)}")


class Timing:
    """Tells the times of what is run in its context."""

    def __enter__(self) -> None:
        """Start."""
        self._start = Clock.now()

    def __exit__(self, *error: object) -> None:
        """Tell the times, also of what has failed."""
        self._start.tell()


def time_loop(loop: Callable[..., float], options: str) -> None:
    """Print the mean time of one pass of `loop`, an inner function of `timeit.Timer`.

    `options` are `-n` (passes of the loop) and `-r` (how often it is repeated).
    """
    given = {option: int(value) for option, value in _OPTION.findall(options)}
    timer = timeit.Timer()
    timer.inner = loop  # type: ignore[attr-defined]
    passes = given.get("n") or timer.autorange()[0]
    each = [seconds / passes for seconds in timer.repeat(given.get("r") or _REPEAT, passes)]
    runs = f"{len(each)} run{'s' * (len(each) > 1)}"
    loops = f"{passes:,} loop{'s' * (passes > 1)} each"
    mean = math.fsum(each) / len(each)
    deviation = math.sqrt(math.fsum((seconds - mean) ** 2 for seconds in each) / len(each))
    times = f"{_seconds(mean)} ± {_seconds(deviation)} per loop"
    print(f"{times} (mean ± std. dev. of {runs}, {loops})")


def _seconds(seconds: float) -> str:
    if seconds >= 60:
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return (f"{hours}h " if hours else "") + f"{minutes}min {rest}s"
    for unit, scale in _UNITS:
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
